// The network in the room: where bundles end, how long their cables are, what that means for optics and latency.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "megaweave/core/error.hpp"
#include "megaweave/site/plan.hpp"

namespace mw::site {

namespace {

constexpr std::array level_height_m{0.0, 1.0, 3.0, 6.0, 10.0};  // of the drawn network above the racks
constexpr double riser_m = 2.5;
constexpr double in_rack_m = 2.0;
constexpr double near_m = 0.1;
constexpr double ns_per_m = 5.0;  // light in glass or copper: 0.68 c

//! (length, cables) of the tier's cables, one direction.
using Lengths = std::vector<std::pair<double, std::int64_t>>;

double median(Lengths& lengths) {
    std::ranges::sort(lengths);
    std::int64_t all = 0;
    for (auto const& [length, cables] : lengths) all += cables;
    std::int64_t before = 0;
    for (auto const& [length, cables] : lengths)
        if (before += cables; 2 * before >= all) return length;
    return 0;
}

}  // namespace

std::vector<std::string> network_mistakes(fabric::NetworkParams const& params) {
    try {
        static_cast<void>(fabric::make_topology(params));
    } catch (core::InputError const& error) {
        return error.messages();
    }
    return {};
}

std::array<double, 3> Plan::above(std::int64_t first, std::int64_t last, double height_m) const {
    auto const from = place(rack_of_node(first)).position_m;
    auto const to =
        place(rack_of_node(std::clamp<std::int64_t>(last, first, network_->nodes() - 1))).position_m;
    return {0.5 * (from[0] + to[0]), 0.5 * (from[1] + to[1]), params_.rack.height_m + height_m};
}

std::array<double, 3> Plan::end_m(fabric::Place const& where) const {
    if (where.level > 0)
        return above(where.first_node, where.last_node,
                     level_height_m[static_cast<std::size_t>(where.level)]);
    auto in_rack = place(rack_of_node(where.first_node)).position_m;
    in_rack[2] = params_.rack.height_m * static_cast<double>(where.first_node % params_.rack.nodes + 1) /
                 static_cast<double>(params_.rack.nodes);
    return in_rack;
}

std::array<std::array<double, 3>, 2> Plan::ends_m(fabric::Bundle const& bundle) const {
    // Switches of one rack are drawn side by side, so that the cables between them show.
    auto const drawn = [this](fabric::Place const& where) {
        auto end = end_m(where);
        auto const slot = [this](std::int64_t node) {
            return (static_cast<double>(node % params_.rack.nodes) + 0.5) /
                       static_cast<double>(params_.rack.nodes) -
                   0.5;
        };
        if (where.level > 0)
            end[0] += 0.5 * params_.rack.width_m * (slot(where.first_node) + slot(where.last_node));
        return end;
    };
    return {drawn(bundle.from), drawn(bundle.to)};
}

double Plan::cable_m(fabric::Bundle const& bundle) const {
    auto const from = end_m(bundle.from);
    auto const to = end_m(bundle.to);
    double const across = std::abs(from[0] - to[0]) + std::abs(from[1] - to[1]);
    bool const both_in_racks = bundle.from.level <= 1 && bundle.to.level <= 1;
    return both_in_racks && across < near_m ? in_rack_m : across + 2 * riser_m;
}

bool Plan::is_copper(fabric::Bundle const& bundle, bool copper_at_host) const {
    if (bundle.tier == 0 && copper_at_host) return true;
    return params_.scale_out.copper_reach_m > 0 && cable_m(bundle) <= params_.scale_out.copper_reach_m;
}

std::vector<NetworkTier> Plan::network_tiers(bool at_host) const {
    std::vector<NetworkTier> tiers;
    for (fabric::TierCount const& tier : network_->tiers())
        tiers.push_back({tier.name, tier.switches, 0, 0, 0, 0});
    std::vector<Lengths> lengths(tiers.size());
    for (fabric::BundleIndex b = 0; b < network_->bundle_count(); ++b) {
        fabric::Bundle const bundle = network_->bundle(b);
        if (!bundle.up) continue;  // a cable serves both directions
        auto const t = static_cast<std::size_t>(bundle.tier);
        tiers[t].cables += bundle.cables;
        tiers[t].optical_ends += is_copper(bundle, !at_host) ? 0 : 2 * bundle.cables;
        lengths[t].emplace_back(cable_m(bundle), bundle.cables);
    }
    for (std::size_t t = 0; t < tiers.size(); ++t) {
        tiers[t].median_m = median(lengths[t]);
        if (tiers[t].cables > 0)
            tiers[t].copper_share =
                1.0 - 0.5 * static_cast<double>(tiers[t].optical_ends) / static_cast<double>(tiers[t].cables);
    }
    return tiers;
}

std::int64_t Plan::optical_ends(bool at_host) const {
    std::int64_t ends = 0;
    for (NetworkTier const& tier : network_tiers(at_host)) ends += tier.optical_ends;
    return ends;
}

core::TimeNs Plan::latency_ns(fabric::Route const& route, fabric::Path& path) const {
    network_->path(route, path);
    if (params_.scale_out.cable_latency_ns >= 0 || params_.scale_out.kind == fabric::Kind::explicit_files)
        return network_->latency_ns(path);
    std::int64_t cables_ns = 0;
    for (fabric::Hop const& hop : path.hops())
        cables_ns +=
            hop.weight * std::llround(ns_per_m * cable_m(network_->bundle(network_->bundle_of(hop.link))));
    return network_->box_latency_ns(path) + cables_ns / fabric::full_weight;
}

}  // namespace mw::site
