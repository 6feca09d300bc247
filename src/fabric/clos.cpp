#include "megaweave/fabric/clos.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/hash.hpp"

namespace mw::fabric {

namespace {

enum Stage : std::size_t { host_up, host_down, leaf_up, leaf_down, pod_up, pod_down };

constexpr std::int64_t largest_radix = 4096;

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
    return (a + b - 1) / b;
}

//! Smallest non-negative x with x = a (mod m).
constexpr std::int64_t residue(std::int64_t a, std::int64_t m) {
    return ((a % m) + m) % m;
}

std::int64_t ports_down(std::int64_t radix, double oversubscription) {
    auto const k = static_cast<double>(radix);
    return std::clamp<std::int64_t>(std::llround(k * oversubscription / (1 + oversubscription)), 1,
                                    radix - 1);
}

std::int64_t most_endpoints(ClosParams const& p, std::int64_t tiers, std::int64_t radix) {
    std::int64_t const per_leaf = ports_down(radix, p.oversubscription) / p.nics_per_node * p.nics_per_node;
    return per_leaf * (tiers == 2 ? radix : radix * (radix / 2));
}

std::string what_would_do(ClosParams const& p) {
    if (p.tiers == 2 && most_endpoints(p, 3, p.radix) >= p.endpoints) return "Use 3 tiers.";
    for (std::int64_t radix = 2; radix <= largest_radix; radix += 2)
        if (most_endpoints(p, p.tiers, radix) >= p.endpoints)
            return "Use a radix of at least " + std::to_string(radix) + ".";
    return "Use fewer accelerators.";
}

void check(ClosParams const& p) {
    std::vector<std::string> wrong;
    auto const expect = [&wrong](bool right, std::string message) {
        if (!right) wrong.push_back("scale_out: " + std::move(message));
    };
    expect(p.endpoints >= 1, "no endpoints: a Clos needs at least one accelerator");
    expect(p.nics_per_node >= 1, "a node needs at least one NIC");
    expect(p.tiers == 2 || p.tiers == 3,
           "a Clos of " + std::to_string(p.tiers) + " tiers is not modelled. Use 2 or 3.");
    expect(p.radix >= 2 && p.radix <= largest_radix,
           "a radix of " + std::to_string(p.radix) + " is outside 2 to " + std::to_string(largest_radix));
    expect(std::isfinite(p.oversubscription) && p.oversubscription > 0, "oversubscription must be positive");
    expect(p.link_bytes_per_s > 0, "the link rate must be positive");
    if (!wrong.empty()) throw core::InputError(wrong);

    expect(p.endpoints % p.nics_per_node == 0, std::to_string(p.endpoints) +
                                                   " accelerators do not fill nodes of " +
                                                   std::to_string(p.nics_per_node) + ". Use a multiple.");
    std::int64_t const most = most_endpoints(p, p.tiers, p.radix);
    expect(most >= p.endpoints, std::to_string(p.tiers) + " tiers of radix " + std::to_string(p.radix) +
                                    " hold " + std::to_string(most) + " accelerators (in nodes of " +
                                    std::to_string(p.nics_per_node) + "), not " +
                                    std::to_string(p.endpoints) + ". " + what_would_do(p));
    if (!wrong.empty()) throw core::InputError(wrong);
}

ClosParams const& checked(ClosParams const& params) {
    check(params);
    return params;
}

}  // namespace

Clos::Clos(ClosParams const& params)
    : adaptive_{checked(params).routing == Routing::adaptive},
      tiers_{static_cast<int>(params.tiers)},
      radix_{params.radix},
      link_bytes_per_s_{params.link_bytes_per_s},
      nodes_{params.endpoints / params.nics_per_node},
      nodes_per_leaf_{ports_down(radix_, params.oversubscription) / params.nics_per_node},
      leaves_{ceil_div(nodes_, nodes_per_leaf_)},
      switch_ns_{params.switch_latency_ns},
      cable_ns_{params.cable_latency_ns},
      host_ns_{params.host_latency_ns} {
    std::int64_t const up = radix_ - ports_down(radix_, params.oversubscription);
    std::int64_t const half = radix_ / 2;
    if (tiers_ == 2) {
        pods_ = 1;
        leaves_per_pod_ = leaves_;
        seconds_per_pod_ = ceil_div(leaves_ * up, radix_);
        ports_ = {params.nics_per_node, up, 0};
    } else {
        pods_ = ceil_div(leaves_, half);
        leaves_per_pod_ = ceil_div(leaves_, pods_);
        seconds_per_pod_ = ceil_div(leaves_per_pod_ * up, half);
        ports_ = {params.nics_per_node, up, seconds_per_pod_ * half};
        cores_ = ceil_div(pods_ * ports_[2], radix_);
    }
    std::array<std::int64_t, 3> const places{nodes_, leaves_, tiers_ == 2 ? 0 : pods_};
    for (std::size_t s = 0; s < stages; ++s) {
        bundle_base_[s + 1] = bundle_base_[s] + places[s / 2];
        link_base_[s + 1] = link_base_[s] + places[s / 2] * (adaptive_ ? 1 : ports(s));
    }
}

std::int64_t Clos::switches() const {
    return switches(1) + switches(2) + switches(3);
}

std::int64_t Clos::switches(int tier) const {
    MW_EXPECT(tier >= 1 && tier <= 3, "tiers count from 1");
    return tier == 1 ? leaves_ : tier == 2 ? pods_ * seconds_per_pod_ : cores_;
}

std::int64_t Clos::cables(Tier tier) const {
    auto const stage = 2 * static_cast<std::size_t>(tier);
    return (bundle_base_[stage + 1] - bundle_base_[stage]) * ports(stage);
}

std::int64_t Clos::optical_ends(bool at_host) const {
    return 2 * (cables(Tier::leaf) + cables(Tier::pod) + (at_host ? cables(Tier::host) : 0));
}

LinkIndex Clos::link(std::size_t stage, std::int64_t index, std::int64_t port) const {
    return link_base_[stage] + (adaptive_ ? index : index * ports(stage) + port);
}

Clos::Place Clos::place_of(BundleIndex bundle) const {
    MW_EXPECT(bundle >= 0 && bundle < bundle_count(), "no such bundle");
    std::size_t stage = 0;
    while (bundle >= bundle_base_[stage + 1]) ++stage;
    return {stage, bundle - bundle_base_[stage]};
}

std::int64_t Clos::first_node(Place place) const {
    if (place.stage <= host_down) return place.index;
    return place.index * nodes_per_leaf_ * (place.stage <= leaf_down ? 1 : leaves_per_pod_);
}

std::int64_t Clos::capacity(LinkIndex link) const {
    if (adaptive_) return bundle(link).capacity_bytes_per_s;
    MW_EXPECT(link >= 0 && link < link_count(), "no such link");
    return link_bytes_per_s_;
}

std::int64_t Clos::owner_node(LinkIndex link) const {
    return first_node(place_of(bundle_of(link)));
}

Bundle Clos::bundle(BundleIndex index) const {
    Place const place = place_of(index);
    return {static_cast<Tier>(place.stage / 2), place.stage % 2 == 0, place.index,
            ports(place.stage) * link_bytes_per_s_};
}

BundleIndex Clos::bundle_of(LinkIndex link) const {
    MW_EXPECT(link >= 0 && link < link_count(), "no such link");
    if (adaptive_) return link;
    std::size_t stage = 0;
    while (link >= link_base_[stage + 1]) ++stage;
    return bundle_base_[stage] + (link - link_base_[stage]) / ports(stage);
}

void Clos::bundles_owned_by(std::int64_t node, std::vector<BundleIndex>& out) const {
    MW_EXPECT(node >= 0 && node < nodes_, "no such node");
    auto const both = [&](std::size_t stage, std::int64_t index) {
        out.push_back(bundle_base_[stage] + index);
        out.push_back(bundle_base_[stage + 1] + index);
    };
    both(host_up, node);
    if (node % nodes_per_leaf_ != 0) return;
    both(leaf_up, leaf_of(node));
    if (tiers_ == 3 && leaf_of(node) % leaves_per_pod_ == 0) both(pod_up, pod_of(node));
}

void Clos::append_hashed_core(Path& path, std::int64_t src_leaf, std::int64_t dst_leaf,
                              std::uint64_t hash) const {
    auto const pick = [&hash](std::int64_t choices) {
        hash = core::mix(hash);
        return static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(choices));
    };
    // Cable c of a stage ends at switch c mod `switches` above: one of the cables of `below` that lead to
    // `above`.
    auto const cable_to = [&pick](std::int64_t above, std::int64_t first_cable, std::int64_t cables,
                                  std::int64_t switches) {
        std::int64_t const first = residue(above - first_cable, switches);
        return first + switches * pick((cables - 1 - first) / switches + 1);
    };
    std::int64_t const up = ports_[1];
    std::int64_t const src_cables = src_leaf % leaves_per_pod_ * up;
    std::int64_t const dst_cables = dst_leaf % leaves_per_pod_ * up;
    std::int64_t const src_pod = src_leaf / leaves_per_pod_;
    std::int64_t const dst_pod = dst_leaf / leaves_per_pod_;

    std::int64_t const port = pick(up);
    path.push(link(leaf_up, src_leaf, port));
    std::int64_t second = (src_cables + port) % seconds_per_pod_;
    if (src_pod != dst_pod) {
        // Port x of a pod belongs to its second-tier switch x mod s.
        std::int64_t const pod_ports = ports_[2];
        std::int64_t const up_port = second + seconds_per_pod_ * pick(pod_ports / seconds_per_pod_);
        std::int64_t const core = (src_pod * pod_ports + up_port) % cores_;
        std::int64_t const down_port = cable_to(core, dst_pod * pod_ports, pod_ports, cores_);
        path.push(link(pod_up, src_pod, up_port));
        path.push(link(pod_down, dst_pod, down_port));
        second = down_port % seconds_per_pod_;
    }
    path.push(link(leaf_down, dst_leaf, cable_to(second, dst_cables, up, seconds_per_pod_)));
}

Path Clos::path(std::int64_t src_node, std::int64_t dst_node, std::int64_t rail, std::uint64_t hash) const {
    MW_EXPECT(src_node >= 0 && src_node < nodes_ && dst_node >= 0 && dst_node < nodes_, "no such node");
    MW_EXPECT(rail >= 0 && rail < ports_[0], "no such NIC in a node");
    Path path;
    if (src_node == dst_node) return path;
    std::int64_t const src_leaf = leaf_of(src_node);
    std::int64_t const dst_leaf = leaf_of(dst_node);
    path.push(link(host_up, src_node, rail));
    if (src_leaf != dst_leaf && adaptive_) {
        bool const turns_at_core = pod_of(src_node) != pod_of(dst_node);
        path.push(link(leaf_up, src_leaf, 0));
        if (turns_at_core) path.push(link(pod_up, pod_of(src_node), 0));
        if (turns_at_core) path.push(link(pod_down, pod_of(dst_node), 0));
        path.push(link(leaf_down, dst_leaf, 0));
    } else if (src_leaf != dst_leaf) {
        std::uint64_t const ends = core::mix(static_cast<std::uint64_t>(src_node * nodes_ + dst_node));
        append_hashed_core(path, src_leaf, dst_leaf,
                           core::mix(hash ^ ends) ^ core::mix(static_cast<std::uint64_t>(rail)));
    }
    path.push(link(host_down, dst_node, rail));
    return path;
}

core::TimeNs Clos::latency_ns(std::int64_t src_node, std::int64_t dst_node) const {
    if (src_node == dst_node) return 0;
    std::int64_t const turn = leaf_of(src_node) == leaf_of(dst_node) ? 1
                              : pod_of(src_node) == pod_of(dst_node) ? 2
                                                                     : 3;
    return host_ns_ + (2 * turn - 1) * switch_ns_ + 2 * turn * cable_ns_;
}

}  // namespace mw::fabric
