#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "megaweave/fabric/exact_flows.hpp"

namespace mw::bench {

//! Flows on a network, for two solvers alike: the same links, the same path for each flow.
struct FlowCase {
    std::string name;
    fabric::FlowNetwork network;
    std::vector<fabric::FlowSpec> flows;
    std::int64_t hosts{0};
    std::vector<std::pair<std::uint32_t, std::uint32_t>> ends;  //!< of each flow; a pair has one path
};

//! Every host of a 3-tier fat tree of 8,192 (radix 32, full bisection, ECMP) sends 100 MB to another; all start at once.
[[nodiscard]] FlowCase permutation(std::int64_t hosts);
//! On the same tree: flows between random hosts, 10 to 150 MB, at Poisson times that offer `load` of the hosts' links.
[[nodiscard]] FlowCase open_arrivals(std::int64_t hosts, std::int64_t flows, double load);

//! SimGrid's finish times, and the wall time of its simulation, building the platform not counted.
struct SimgridResult {
    std::vector<double> finish_s;
    double wall_s{0};
};
[[nodiscard]] SimgridResult run_simgrid(FlowCase const& flow_case);

}  // namespace mw::bench
