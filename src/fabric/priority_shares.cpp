#include "megaweave/fabric/priority_shares.hpp"

#include "megaweave/core/check.hpp"

namespace mw::fabric {

PriorityShares::PriorityShares(std::size_t layers)
    : count_{static_cast<std::uint32_t>(layers)},
      layers_(layers),
      above_(layers - 1),
      capacity_(layers > 1 ? layers : 0) {
    MW_EXPECT(layers >= 1, "shares have a layer");
}

std::uint32_t PriorityShares::add_link(std::int64_t capacity) {
    for (auto& of_layer : capacity_) of_layer.push_back(capacity);
    for (Above& above : above_) {
        above.used.push_back(0);
        above.changed.push_back(false);
    }
    std::uint32_t link = 0;
    for (FairShares& layer : layers_) link = layer.add_link(capacity);
    return link;
}

void PriorityShares::set_capacity(std::uint32_t link, std::int64_t capacity) {
    layers_[0].set_capacity(link, capacity);
    if (one()) return;
    capacity_[0][link] = capacity;
    mark(above_[0], link);
}

std::uint32_t PriorityShares::add_flow(std::int64_t demand, std::span<LinkUse const> uses,
                                       std::int64_t weight, std::size_t layer) {
    MW_EXPECT(layer < layers_.size(), "a flow is of a layer that exists");
    std::uint32_t const place = layers_[layer].add_flow(demand, uses, weight);
    if (layer < above_.size()) {
        Above& above = above_[layer];
        if (place >= above.uses.size()) {
            above.uses.resize(place + 1);
            above.told.resize(place + 1, 0);
        }
        above.uses[place].assign(uses.begin(), uses.end());
    }
    return handle_of(place, layer);
}

void PriorityShares::remove_flow(std::uint32_t flow) {
    std::size_t const layer = layer_of(flow);
    if (layer < above_.size()) tell(above_[layer], place_of(flow), 0);
    layers_[layer].remove_flow(place_of(flow));
}

//! A flow's rate is another one now.
void PriorityShares::tell(Above& above, std::uint32_t flow, std::int64_t rate) {
    std::int64_t const more = rate - above.told[flow];
    if (more == 0) return;
    above.told[flow] = rate;
    for (LinkUse const use : above.uses[flow]) {
        above.used[use.link] += use.weight * more;
        mark(above, use.link);
    }
}

void PriorityShares::mark(Above& above, std::uint32_t link) {
    if (above.changed[link]) return;
    above.changed[link] = true;
    above.changed_links.push_back(link);
}

//! What a layer leaves, to the one below it.
void PriorityShares::hand_down(std::size_t layer) {
    Above& above = above_[layer];
    for (std::uint32_t const link : above.changed_links) {
        above.changed[link] = false;
        std::int64_t const left = capacity_[layer][link] - above.used[link];
        if (left == capacity_[layer + 1][link]) continue;
        capacity_[layer + 1][link] = left;
        layers_[layer + 1].set_capacity(link, left);
        if (layer + 1 < above_.size()) mark(above_[layer + 1], link);
    }
    above.changed_links.clear();
}

std::vector<std::uint32_t> const& PriorityShares::update() {
    if (one()) return layers_[0].update();
    news_.clear();
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
        for (std::uint32_t const place : layers_[layer].update()) {
            if (layer < above_.size()) tell(above_[layer], place, layers_[layer].rate(place));
            news_.push_back(handle_of(place, layer));
        }
        if (layer < above_.size()) hand_down(layer);
    }
    return news_;
}

std::int64_t PriorityShares::load_at(std::uint32_t link, std::int64_t level, std::size_t layer) const {
    std::int64_t load = layers_[layer].load_at(link, level);
    for (std::size_t above = 0; above < layer; ++above) load += above_[above].used[link];
    return load;
}

void PriorityShares::claims(std::uint32_t link, std::vector<Claim>& out) const {
    for (FairShares const& layer : layers_) layer.claims(link, out);
}

}  // namespace mw::fabric
