#pragma once

#include "megaweave/site/plan.hpp"

namespace mw::test {

//! Four nodes of eight accelerators in a rack 0.6 m wide, scale-up inside a node: as hgx-h100.
inline hardware::RackParams hgx_rack() {
    hardware::RackParams rack;
    rack.name = "hgx";
    rack.nodes = 4;
    rack.node.accelerators = 8;
    rack.scale_up_domain = 8;
    return rack;
}

inline fabric::NetworkParams clos_of_400g(fabric::Routing routing = fabric::Routing::adaptive) {
    fabric::NetworkParams clos;
    clos.tiers = 3;
    clos.radix = 64;
    clos.link_bytes_per_s = 50'000'000'000;
    clos.routing = routing;
    return clos;
}

//! The quickstart: 1,024 accelerators, instances of 8, half of them for prompts.
inline site::PlanParams quickstart() {
    return {1024, hgx_rack(), clos_of_400g(), {{1024, 8, 0.5, 128}}};
}

inline std::vector<core::RackId> racks_of(site::Plan const& plan) {
    std::vector<core::RackId> ids;
    for (std::int64_t r = 0; r < plan.racks(); ++r)
        ids.push_back(core::RackId::of(static_cast<std::size_t>(r)));
    return ids;
}

}  // namespace mw::test
