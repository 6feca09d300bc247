#include "megaweave/fabric/topology.hpp"

#include <algorithm>
#include <numeric>

namespace mw::fabric {

void Path::add(LinkIndex link, std::int32_t weight) {
    auto const known = std::ranges::find(hops_, link, &Hop::link);
    if (known == hops_.end())
        hops_.push_back({link, weight});
    else
        known->weight += weight;
}

std::int64_t Path::length() const {
    return std::accumulate(hops_.begin(), hops_.end(), std::int64_t{0},
                           [](std::int64_t sum, Hop const& hop) { return sum + hop.weight; });
}

Topology::Topology(NetworkParams const& params, std::int64_t nodes)
    : nodes_{nodes},
      nics_per_node_{params.nics_per_node},
      link_bytes_per_s_{params.link_bytes_per_s},
      routing_{params.routing},
      detours_by_load_{params.routing == Routing::ugal && params.detour_sixteenths == NetworkParams::by_load},
      classes_{params.classes},
      switch_ns_{params.switch_latency_ns},
      cable_ns_{params.cable_latency_ns < 0 ? 50 : params.cable_latency_ns},
      host_ns_{params.host_latency_ns} {}

std::int64_t Topology::switches() const {
    auto const all = tiers();
    return std::accumulate(all.begin(), all.end(), std::int64_t{0},
                           [](std::int64_t sum, TierCount const& tier) { return sum + tier.switches; });
}

std::int64_t Topology::cables() const {
    auto const all = tiers();
    return std::accumulate(all.begin(), all.end(), std::int64_t{0},
                           [](std::int64_t sum, TierCount const& tier) { return sum + tier.cables; });
}

Path Topology::path(Route const& route) const {
    Path found;
    path(route, found);
    return found;
}

core::TimeNs Topology::box_latency_ns(Path const& path) const {
    if (path.empty()) return 0;
    return host_ns_ + (path.length() - full_weight) * switch_ns_ / full_weight;
}

core::TimeNs Topology::cable_latency_ns(LinkIndex /*link*/) const {
    return cable_ns_;
}

core::TimeNs Topology::latency_ns(Path const& path) const {
    std::int64_t cables_ns = 0;
    for (Hop const& hop : path.hops()) cables_ns += hop.weight * cable_latency_ns(hop.link);
    return box_latency_ns(path) + cables_ns / full_weight;
}

}  // namespace mw::fabric
