#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "megaweave/fabric/fair_shares.hpp"

namespace mw::fabric {

/*!
 * Max-min fair shares under strict priorities, kept up to date as `FairShares` keeps one class.
 *
 * Layer 0 shares the links as if it were alone; each layer after it shares what the ones above leave:
 *
 *     capacity(l, k + 1) = capacity(l, k) - sum over the flows of layer k of units x rate
 *
 * An update goes through the layers in order, and a layer hears only of links whose remainder changed. One layer is `FairShares`, with
 * the same handles and at the same cost.
 *
 * Source: strict priority queueing (IEEE 802.1Q, 8.6.8.1) as a fluid; weights within a layer as in weighted max-min.
 * Leaves out: what is in the switches' buffers already; starvation, which strict priority means.
 * Worked: on a link of 12, A (layer 0) wants 5; B (weight 1) and C (weight 2) of layer 1 want all they can get: 7 are left, level 2: A 5,
 * B 2, C 4, and the last unit is less than a step of both.
 *
 * Not thread-safe; one object per thread.
 */
class PriorityShares {
  public:
    explicit PriorityShares(std::size_t layers = 1);

    std::uint32_t add_link(std::int64_t capacity);
    void reserve_links(std::size_t links) {
        for (FairShares& layer : layers_) layer.reserve_links(links);
    }
    void set_capacity(std::uint32_t link, std::int64_t capacity);
    std::uint32_t add_flow(std::int64_t demand, std::span<LinkUse const> uses, std::int64_t weight = 1,
                           std::size_t layer = 0);
    void remove_flow(std::uint32_t flow);
    void set_demand(std::uint32_t flow, std::int64_t demand) {
        shares_of(flow).set_demand(place_of(flow), demand);
    }

    //! As `FairShares::update`.
    std::vector<std::uint32_t> const& update();
    [[nodiscard]] std::vector<std::uint32_t> const& news() const { return one() ? layers_[0].news() : news_; }
    [[nodiscard]] std::int64_t rate(std::uint32_t flow) const {
        return layers_[layer_of(flow)].rate(place_of(flow));
    }
    //! Units of a link in use once the layers above are done, and every flow of this one has come to a level.
    [[nodiscard]] std::int64_t load_at(std::uint32_t link, std::int64_t level, std::size_t layer = 0) const;
    //! Appends what flows of all layers take of a link.
    void claims(std::uint32_t link, std::vector<Claim>& out) const;
    [[nodiscard]] std::size_t link_count() const { return layers_[0].link_count(); }

  private:
    //! What the layers below must know of a layer; empty for the last.
    struct Above {
        std::vector<std::vector<LinkUse>> uses;  // by flow
        std::vector<std::int64_t> told;          // rate, by flow
        std::vector<std::int64_t> used;          // by link
        std::vector<bool> changed;               // by link
        std::vector<std::uint32_t> changed_links;
    };

    [[nodiscard]] bool one() const { return count_ == 1; }
    [[nodiscard]] std::size_t layer_of(std::uint32_t flow) const { return one() ? 0 : flow % count_; }
    [[nodiscard]] std::uint32_t place_of(std::uint32_t flow) const { return one() ? flow : flow / count_; }
    [[nodiscard]] std::uint32_t handle_of(std::uint32_t place, std::size_t layer) const {
        return place * count_ + static_cast<std::uint32_t>(layer);
    }
    [[nodiscard]] FairShares& shares_of(std::uint32_t flow) { return layers_[layer_of(flow)]; }
    void tell(Above& above, std::uint32_t flow, std::int64_t rate);
    static void mark(Above& above, std::uint32_t link);
    void hand_down(std::size_t layer);

    std::uint32_t count_;  // of layers
    std::vector<FairShares> layers_;
    std::vector<Above> above_;                         // by layer
    std::vector<std::vector<std::int64_t>> capacity_;  // by layer and link; none where there is one layer
    std::vector<std::uint32_t> news_;
};

}  // namespace mw::fabric
