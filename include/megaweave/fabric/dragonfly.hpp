#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "megaweave/fabric/direct.hpp"

namespace mw::fabric {

/*!
 * Dragonfly: groups of routers, all joined within a group, all groups joined with one another.
 *
 *     a routers in a group, each with p NICs, a - 1 local cables and h global ones; at most a h + 1 groups
 *     g groups: m = floor(a h / (g - 1)) cables between any two; what is left over stays dark
 *     switches g a; local cables g a (a-1) / 2; global cables m g (g-1) / 2; diameter 3 (local, global, local)
 *     bisection between halves of the groups, g even: m (g/2)^2 cables
 *
 * Global port q of a group (q / h is its router) leads to the group q mod (g-1) + 1 places on, for q < m (g-1).
 *
 * Dragonfly+: a group is a leaf-spine network of a leaves with p NICs each and s spines with h global cables each, one cable from
 * every leaf to every spine: m = floor(s h / (g-1)), local cables g a s, diameter 3 (up, global, down).
 *
 * Routing. Shortest: local to a router with a cable to the other group, across, local. adaptive spreads over the cables between the two
 * groups (at most 16, evenly among them), in dragonfly+ within a group over its spines. valiant goes by a router of a third group.
 *
 * Source: Kim et al., Technology-Driven, Highly-Scalable Dragonfly Topology, ISCA 2008; Shpiner et al., Dragonfly+, HiPINEB 2017.
 * Leaves out: see `DirectNetwork`; trunked local links.
 * Worked: p = h = 4, a = 8, g = a h + 1 = 33: 1,056 endpoints, 264 routers of radix 15, 924 local and 528 global cables (m = 1).
 */
class Dragonfly final : public DirectNetwork {
  public:
    explicit Dragonfly(NetworkParams const& params);

    [[nodiscard]] std::int64_t groups() const { return groups_; }
    [[nodiscard]] std::int64_t cables_between_groups() const { return copies_; }
    [[nodiscard]] std::int64_t group_of_switch(std::int64_t number) const { return number / per_group_; }
    [[nodiscard]] std::int64_t switch_of(std::int64_t node) const override;
    [[nodiscard]] std::vector<TierCount> tiers() const override;
    [[nodiscard]] std::int64_t radix() const override;
    [[nodiscard]] Edge edge(EdgeIndex index) const override;
    [[nodiscard]] EdgeIndex reverse(EdgeIndex index) const override;

  private:
    struct Sizes;
    Dragonfly(NetworkParams const& params, Sizes const& sizes);

    [[nodiscard]] Place nodes_below(std::int64_t number) const override;
    [[nodiscard]] std::string switch_name(std::int64_t number) const override;
    [[nodiscard]] std::int64_t by_way_of(std::int64_t from, std::int64_t to,
                                         std::uint64_t hash) const override;
    void edges_from(std::int64_t number, std::vector<EdgeIndex>& out) const override;
    void shortest(std::int64_t from, std::int64_t to, std::uint64_t hash, std::size_t most,
                  Branches& out) const override;

    [[nodiscard]] bool plus() const { return spines_ > 0; }
    [[nodiscard]] bool is_spine(std::int64_t number) const { return number % per_group_ >= leaves_; }
    //! Edge between two switches of a group that are joined.
    [[nodiscard]] EdgeIndex local(std::int64_t from, std::int64_t to) const;
    [[nodiscard]] Edge local_edge(EdgeIndex index) const;
    [[nodiscard]] EdgeIndex global(std::int64_t group, std::int64_t port) const;
    //! The switch of a group that has this global port.
    [[nodiscard]] std::int64_t owner_of_port(std::int64_t group, std::int64_t port) const;
    //! The other end's port, in the other end's group.
    [[nodiscard]] std::int64_t far_port(std::int64_t port) const;
    void within_group(std::int64_t from, std::int64_t to, std::uint64_t hash, std::size_t most,
                      Branches& out) const;

    std::int64_t leaves_;  // routers that nodes hang on, of a group
    std::int64_t spines_;  // dragonfly+ only
    std::int64_t per_group_;
    std::int64_t nodes_per_router_;
    std::int64_t global_links_;  // of a router or spine
    std::int64_t groups_;
    std::int64_t copies_;        // cables between two groups
    std::int64_t ports_;         // global ports of a group that are in use
    EdgeIndex local_per_group_;  // directed
};

}  // namespace mw::fabric
