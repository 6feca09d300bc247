#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "megaweave/core/time.hpp"
#include "megaweave/fabric/traffic.hpp"

namespace mw::fabric {

//! How the switches are joined.
enum class Kind : std::uint8_t { clos, rail, dragonfly, dragonfly_plus, torus, hyperx, explicit_files };

//! Which way packets go.
enum class Routing : std::uint8_t {
    adaptive,  //!< packets sprayed over all shortest paths
    ecmp,      //!< one shortest path, chosen by a hash
    valiant,   //!< sprayed over paths by way of another switch (dragonfly, torus, HyperX)
    ugal  //!< as adaptive, but part of the bytes takes detours: where the shortest paths are loaded, or always
};

//! What is broken. Names are those of `Topology::switch_name` and `cable_name`.
struct FailureParams {
    std::vector<std::string> switches;
    std::vector<std::string> links;  //!< cables between switches, both directions
    double switch_rate{0};           //!< share of all switches that nodes do not hang on, chosen at random
    double link_rate{0};             //!< share of all cables between switches, chosen at random
    std::uint64_t seed{1};

    [[nodiscard]] bool none() const {
        return switches.empty() && links.empty() && switch_rate == 0 && link_rate == 0;
    }
};

//! Routers in fully joined groups, groups joined with one another.
struct DragonflyParams {
    std::int64_t routers{0};          //!< of a group; dragonfly+: leaves. 0: 2 x global links, as balanced
    std::int64_t spines{0};           //!< dragonfly+ only. 0: as many as leaves
    std::int64_t nics_per_router{0};  //!< 0: as many as global links of a router
    std::int64_t global_links{4};     //!< of a router (dragonfly+: of a spine) to other groups
    std::int64_t groups{0};           //!< 0: as many as the endpoints need, at least 2
};

//! A lattice: torus (rings along each side) or HyperX (all pairs along each side).
struct LatticeParams {
    std::vector<std::int64_t> sides;  //!< switches along each; none: chosen to hold the endpoints
    std::int64_t dimensions{3};       //!< where the sides are chosen
    std::int64_t nics_per_switch{0};  //!< 0: those of one node
    std::int64_t width{1};            //!< parallel cables between two neighbours
};

//! The network below every accelerator's NIC. Which fields count depends on `kind`.
struct NetworkParams {
    Kind kind{Kind::clos};
    std::int64_t endpoints{0};  //!< NICs, one per accelerator
    std::int64_t nics_per_node{1};
    std::int64_t memory_nodes{0};      //!< the last of the nodes: memory on as many NICs, no accelerators
    std::int64_t link_bytes_per_s{0};  //!< one port, one direction
    Routing routing{Routing::adaptive};
    std::int64_t planes{1};  //!< equal networks side by side; a node's NICs are dealt to them round robin

    std::int64_t tiers{3};       //!< clos, rail: 2 to 4
    std::int64_t radix{64};      //!< clos, rail: ports of a switch at the link rate
    double oversubscription{1};  //!< clos, rail: ports down over ports up, at the leaf

    DragonflyParams dragonfly;
    LatticeParams lattice;
    std::string links_file;   //!< explicit: CSV `link,capacity_bytes_per_s,latency_ns`
    std::string routes_file;  //!< explicit: CSV `src,dst,links`, ends being node numbers

    //! ugal: share of the bytes that take detours, of 16 parts; `by_load`: chosen for each transfer.
    static constexpr std::int64_t by_load = -1;
    std::int64_t detour_sixteenths{by_load};
    ClassTable classes;
    core::TimeNs switch_latency_ns{300};  //!< per switch
    core::TimeNs cable_latency_ns{50};    //!< per cable, about 10 m; < 0: from the layout, 5 ns/m
    core::TimeNs host_latency_ns{1'000};  //!< both network adapters together
    double copper_reach_m{0};             //!< shorter cables need no optics
    FailureParams failures;
};

//! How bytes get across beyond their fair share; see `Transport`.
struct TransportParams {
    //! ideal: bytes flow as a fluid. sprayed: receiver-driven, packets sprayed over all paths (EQDS, NDP).
    enum class Kind : std::uint8_t { ideal, sprayed };
    Kind kind{Kind::ideal};
    std::int64_t payload_bytes{4096};  //!< of a packet
    std::int64_t header_bytes{64};     //!< around it, on the wire
    double spraying_loss{0.08};        //!< of a flow's rate, in a fabric whose hosts all send at line rate
    double queueing_s{5e-6};           //!< on the way of a message, at that load
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
