#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "megaweave/core/time.hpp"
#include "megaweave/fabric/exact_flows.hpp"
#include "megaweave/fabric/topology.hpp"

namespace mw::fabric {

/*!
 * Any network, written out: `topology: explicit`.
 *
 * links file: `link,capacity_bytes_per_s,latency_ns`; routes file: `src,dst,links`, links separated by
 * spaces. Links are directed; ends are names, known only from the routes. A path's latency is the sum of its
 * links'.
 */
struct ExplicitNetwork {
    std::vector<std::string> link_names;
    std::vector<std::int64_t> capacity_bytes_per_s;
    std::vector<double> latency_ns;                                                    //!< may have decimals
    std::map<std::pair<std::string, std::string>, std::vector<std::uint32_t>> routes;  //!< by (src, dst)
};

//! The transfers of `megaweave flows`: `flow,src,dst,bytes,start_s`, and if they are there `class` (a name of `traffic_names`; else kv)
//! and `weight` (a whole number, times its class'; else 1). More columns are kept for the output and otherwise ignored.
struct FlowTable {
    struct Row {
        std::size_t line{0};  //!< in the file, from 1
        std::string text;     //!< as it stands there
        std::string flow;
        std::string src;
        std::string dst;
        std::int64_t bytes{0};
        double start_s{0};
        TrafficClass traffic{TrafficClass::kv};
        std::int64_t weight{1};
    };
    std::string path;
    std::string header;
    std::vector<Row> rows;
};

//! All below throw `core::InputError` with every mistake as `file:line: what is wrong. How to mend it`, the
//! first 20 of them in full.
[[nodiscard]] ExplicitNetwork read_network(std::string const& links_file, std::string const& routes_file);
[[nodiscard]] FlowTable read_flows(std::string const& path);

//! The flows over the network's routes, ready for `finish_times(network.capacity_bytes_per_s, …)`.
[[nodiscard]] std::vector<FlowSpec> on_network(FlowTable const& flows, ExplicitNetwork const& network,
                                               ClassTable const& classes = {});
//! The flows over a network, whose ends are node numbers from 0; each takes the node's first NIC, and `seed`
//! chooses ports under ecmp. Where detours are chosen by load, these are the shortest ways.
[[nodiscard]] std::vector<FlowSpec> on_topology(FlowTable const& flows, Topology const& network,
                                                std::uint64_t seed);
//! Chooses these flows' detours by load; none where the network has it otherwise. Both must outlive it.
[[nodiscard]] std::unique_ptr<FlowRouter const> router_of(FlowTable const& flows, Topology const& network,
                                                          std::uint64_t seed);
//! Capacities of all links of a network, for `finish_times`.
[[nodiscard]] std::vector<std::int64_t> capacities(Topology const& network);

//! The flows file with a column `finish_s` added, to 17 digits. Throws `core::WorldError` if it cannot be
//! written.
void write_finish_times(std::string const& path, FlowTable const& flows, std::vector<double> const& finish_s);

}  // namespace mw::fabric
