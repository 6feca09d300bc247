#include "megaweave/fabric/clos.hpp"

#include <algorithm>

#include "clos_checks.hpp"
#include "megaweave/core/check.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::fabric {

using core::ceil_div;

Clos::Clos(NetworkParams const& params)
    : Topology{checked_clos(params), params.endpoints / params.nics_per_node},
      tiers_{static_cast<int>(params.tiers)},
      radix_{params.radix},
      rails_{params.kind == Kind::rail ? params.nics_per_node : 1} {
    lay_out(params);
    break_things(params.failures);
}

void Clos::lay_out(NetworkParams const& params) {
    std::int64_t const down = ports_down(radix_, params.oversubscription);
    std::int64_t const half = radix_ / 2;
    std::size_t const top = levels();
    blocks_[0] = nodes_;
    nodes_below_[0] = 1;
    ports_[0] = nics_per_node_;
    children_[1] = rails_ > 1 ? down : down / nics_per_node_;
    blocks_[1] = ceil_div(nodes_, children_[1]);
    switches_in_[1] = rails_;
    ports_[1] = rails_ * (radix_ - down);
    for (std::size_t t = 2; t < top; ++t) {
        // As few blocks as half the ports of their switches reach, equal in size.
        blocks_[t] = ceil_div(blocks_[t - 1], t == 2 ? half / rails_ : half);
        children_[t] = ceil_div(blocks_[t - 1], blocks_[t]);
        switches_in_[t] = ceil_div(children_[t] * ports_[t - 1], half);
        ports_[t] = switches_in_[t] * half;
    }
    blocks_[top] = 1;
    children_[top] = blocks_[top - 1];
    switches_in_[top] = ceil_div(blocks_[top - 1] * ports_[top - 1], radix_);
    for (std::size_t t = 1; t <= top; ++t) nodes_below_[t] = nodes_below_[t - 1] * children_[t];

    for (std::size_t s = 0; s < 2 * top; ++s) {
        bundle_base_[s + 1] = bundle_base_[s] + blocks_[s / 2];
        link_base_[s + 1] = link_base_[s] + blocks_[s / 2] * (sprays() ? 1 : ports_[s / 2]);
    }
    for (std::size_t t = 1; t <= top; ++t) {
        switch_base_[t + 1] = switch_base_[t] + blocks_[t] * switches_in_[t];
        if (t < top) cable_base_[t + 1] = cable_base_[t] + blocks_[t] * ports_[t];
    }
}

std::int64_t Clos::switches(int tier) const {
    MW_EXPECT(tier >= 1, "tiers count from 1");
    auto const t = static_cast<std::size_t>(tier);
    return tier > tiers_ ? 0 : blocks_[t] * switches_in_[t];
}

std::int64_t Clos::cables(int tier) const {
    auto const t = static_cast<std::size_t>(tier);
    return tier >= tiers_ ? 0 : blocks_[t] * ports_[t];
}

std::int64_t Clos::optical_ends(bool at_host) const {
    std::int64_t all = at_host ? cables(host) : 0;
    for (int t = 1; t < tiers_; ++t) all += cables(t);
    return 2 * all;
}

std::vector<TierCount> Clos::tiers() const {
    static constexpr std::array names{"host", "leaf", "pod", "superpod"};
    std::vector<TierCount> all;
    for (int t = 0; t < tiers_; ++t)
        all.push_back({names[static_cast<std::size_t>(t)], switches(t + 1), cables(t)});
    return all;
}

LinkIndex Clos::link(std::size_t stage, std::int64_t block, std::int64_t port) const {
    return link_base_[stage] + (sprays() ? block : block * ports_[stage / 2] + port);
}

Clos::Spot Clos::spot_of(BundleIndex bundle) const {
    MW_EXPECT(bundle >= 0 && bundle < bundle_count(), "no such bundle");
    std::size_t stage = 0;
    while (bundle >= bundle_base_[stage + 1]) ++stage;
    return {stage, bundle - bundle_base_[stage]};
}

Place Clos::place(std::size_t tier, std::int64_t block) const {
    std::int64_t const first = std::min(block * nodes_below_[tier], nodes_ - 1);
    return {first, std::min(first + nodes_below_[tier], nodes_) - 1, static_cast<int>(tier)};
}

std::int64_t Clos::capacity(LinkIndex link) const {
    if (sprays()) return bundle(link).capacity_bytes_per_s;
    MW_EXPECT(link >= 0 && link < link_count(), "no such link");
    if (failures_.none()) return link_bytes_per_s_;
    Spot const spot = spot_of(bundle_of(link));
    std::int64_t const port = link - link_base_[spot.stage] - spot.block * ports_[spot.stage / 2];
    return works(spot.stage / 2, spot.block, port) ? link_bytes_per_s_ : 0;
}

std::int64_t Clos::owner_of_bundle(BundleIndex index) const {
    return first_node(spot_of(index));
}

Bundle Clos::bundle(BundleIndex index) const {
    Spot const spot = spot_of(index);
    std::size_t const tier = spot.stage / 2;
    Bundle bundle;
    bundle.tier = static_cast<int>(tier);
    bundle.up = spot.stage % 2 == 0;
    bundle.index = spot.block;
    bundle.cables = ports_[tier];
    if (tier > 0 && !cables_lost_.empty())
        bundle.cables -= cables_lost_[static_cast<std::size_t>(lost_base_[tier] + spot.block)];
    bundle.capacity_bytes_per_s = bundle.cables * link_bytes_per_s_;
    bundle.from = place(tier, spot.block);
    bundle.to = place(tier + 1, spot.block / children_[tier + 1]);
    if (!bundle.up) std::swap(bundle.from, bundle.to);
    return bundle;
}

std::string Clos::bundle_name(BundleIndex index) const {
    static constexpr std::array names{"node ", "leaf ", "pod ", "superpod "};
    Spot const spot = spot_of(index);
    std::string const name = spot.stage / 2 == 1 && rails_ > 1 ? "rail block " : names[spot.stage / 2];
    return name + std::to_string(spot.block + 1) + (spot.stage % 2 == 0 ? " up" : " down");
}

BundleIndex Clos::bundle_of(LinkIndex link) const {
    MW_EXPECT(link >= 0 && link < link_count(), "no such link");
    if (sprays()) return link;
    std::size_t stage = 0;
    while (link >= link_base_[stage + 1]) ++stage;
    return bundle_base_[stage] + (link - link_base_[stage]) / ports_[stage / 2];
}

void Clos::bundles_owned_by(std::int64_t node, std::vector<BundleIndex>& out) const {
    MW_EXPECT(node >= 0 && node < nodes_, "no such node");
    for (std::size_t t = 0; t < levels() && node % nodes_below_[t] == 0; ++t) {
        std::int64_t const block = node / nodes_below_[t];
        out.push_back(bundle_base_[2 * t] + block);
        out.push_back(bundle_base_[2 * t + 1] + block);
    }
}

//! The tier at which the ways of two nodes meet.
std::size_t Clos::turn(std::int64_t src, std::int64_t dst) const {
    std::size_t tier = 1;
    while (tier < levels() && src / nodes_below_[tier] != dst / nodes_below_[tier]) ++tier;
    return tier;
}

void Clos::path(Route const& route, Path& path) const {
    MW_EXPECT(route.src >= 0 && route.src < nodes_ && route.dst >= 0 && route.dst < nodes_, "no such node");
    MW_EXPECT(route.rail >= 0 && route.rail < nics_per_node_, "no such NIC in a node");
    path.clear();
    if (route.src == route.dst) return;
    if (!sprays()) {
        hashed_path(route, path);
        return;
    }
    std::size_t const top = turn(route.src, route.dst);
    for (std::size_t t = 0; t < top; ++t) path.add(link(2 * t, route.src / nodes_below_[t], 0));
    for (std::size_t t = top; t-- > 0;) path.add(link(2 * t + 1, route.dst / nodes_below_[t], 0));
}

}  // namespace mw::fabric
