#pragma once

#include <cstdint>
#include <string>

#include "megaweave/core/error.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/fabric/topology.hpp"

namespace mw::test {

inline constexpr std::int64_t link_rate = 50'000'000'000;  // 400 Gb/s

//! A network of nodes with one NIC of 400 Gb/s each, unless a test says otherwise.
inline fabric::NetworkParams network_of(fabric::Kind kind, std::int64_t endpoints,
                                        std::int64_t nics_per_node = 1) {
    fabric::NetworkParams params;
    params.kind = kind;
    params.endpoints = endpoints;
    params.nics_per_node = nics_per_node;
    params.link_bytes_per_s = link_rate;
    return params;
}

inline fabric::NetworkParams lattice_of(fabric::Kind kind, std::vector<std::int64_t> const& sides,
                                        std::int64_t nodes_per_switch = 1) {
    std::int64_t nodes = nodes_per_switch;
    for (std::int64_t const side : sides) nodes *= side;
    fabric::NetworkParams params = network_of(kind, nodes);
    params.lattice.sides = sides;
    params.lattice.nics_per_switch = nodes_per_switch;
    return params;
}

//! p = h, a = 2h, and as many groups as asked for, all filled.
inline fabric::NetworkParams dragonfly_of(std::int64_t h, std::int64_t groups, bool plus = false) {
    fabric::NetworkParams params =
        network_of(plus ? fabric::Kind::dragonfly_plus : fabric::Kind::dragonfly, groups * 2 * h * h);
    params.dragonfly = {2 * h, 0, h, h, groups};
    return params;
}

inline fabric::Route route_of(std::int64_t src, std::int64_t dst, std::uint64_t hash = 0,
                              std::int64_t rail = 0) {
    return {static_cast<std::int32_t>(src), static_cast<std::int32_t>(dst), static_cast<std::int32_t>(rail),
            fabric::Route::undecided, hash};
}

//! A route between two random nodes, which may be the same one.
inline fabric::Route random_route(fabric::Topology const& network, std::uint64_t key) {
    auto const nodes = static_cast<std::uint64_t>(network.nodes());
    return route_of(static_cast<std::int64_t>(core::mix(3 * key) % nodes),
                    static_cast<std::int64_t>(core::mix(3 * key + 1) % nodes), core::mix(3 * key + 2));
}

//! Why it cannot be built; "" if it can.
inline std::string why_not(fabric::NetworkParams const& params) {
    try {
        static_cast<void>(fabric::make_topology(params));
    } catch (core::InputError const& error) {
        return error.what();
    }
    return {};
}

}  // namespace mw::test
