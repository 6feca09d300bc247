#pragma once

#include "megaweave/core/time.hpp"
#include "megaweave/site/plan.hpp"

inline constexpr mw::core::TimeNs window_ns = mw::core::ns_per_ms;
inline constexpr std::int64_t line_rate = 50'000'000'000;  // 400 Gb/s

//! 24 racks of 2 nodes of 4; leaves of 16 NICs down and 16 / `taper` up, so that some networks are narrow above.
inline mw::site::Plan small_plan(mw::fabric::Routing routing, double taper) {
    mw::hardware::RackParams rack;
    rack.nodes = 2;
    rack.node.accelerators = 4;
    rack.scale_up_domain = 4;
    mw::fabric::NetworkParams clos;
    clos.tiers = 3;
    clos.radix = 16;
    clos.oversubscription = taper;
    clos.link_bytes_per_s = line_rate;
    clos.routing = routing;
    return mw::site::Plan{{192, rack, clos, {{192, 4, 0.5, 128}}}};
}
