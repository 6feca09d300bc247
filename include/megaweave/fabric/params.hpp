#pragma once

#include <cstdint>
#include <string>

#include "megaweave/core/time.hpp"

namespace mw::fabric {

enum class Topology : std::uint8_t { clos };
enum class Routing : std::uint8_t { adaptive, ecmp };  //!< adaptive: packets sprayed over all shortest paths

//! A folded Clos of identical switches below every accelerator's NIC.
struct ClosParams {
    std::int64_t endpoints{0};  //!< NICs, one per accelerator
    std::int64_t nics_per_node{1};
    std::int64_t tiers{3};             //!< 2 or 3
    std::int64_t radix{64};            //!< ports of a switch at the link rate
    double oversubscription{1};        //!< ports down over ports up, at the leaf
    std::int64_t link_bytes_per_s{0};  //!< one port, one direction
    Routing routing{Routing::adaptive};
    core::TimeNs switch_latency_ns{300};  //!< per switch
    core::TimeNs cable_latency_ns{50};    //!< per cable, about 10 m
    core::TimeNs host_latency_ns{1'000};  //!< both network adapters together
};

//! What a link's two ends draw. Optics draw it whatever the load.
struct OpticsParams {
    std::string name;
    double port_w_per_800g{0};  //!< of one end at 800 Gb/s; scales with the rate
    bool at_host{true};         //!< false: the host's own cable is copper (no optical end)
    std::string source;
    bool estimate{false};
};

//! A scale-out switch without its optics.
struct SwitchParams {
    std::string name;
    double bytes_per_s{0};  //!< switching capacity, one direction
    double idle_w{0};
    double active_w{0};  //!< at full load
    std::string source;
};

}  // namespace mw::fabric
