#include <fmt/format.h>

#include <vector>

#include "agree.hpp"
#include "commands.hpp"
#include "megaweave/config/deck.hpp"
#include "megaweave/fabric/explicit.hpp"

namespace mw::app {

namespace {

struct FlowProblem {
    fabric::FlowTable table;
    std::vector<std::int64_t> capacities;
    std::vector<fabric::FlowSpec> flows;
};

FlowProblem read_problem(Options const& options) {
    config::FlowsDeck const deck = config::read_flows_deck(options.deck, options.overrides);
    FlowProblem problem;
    if (deck.explicit_topology) {
        fabric::ExplicitNetwork const network = fabric::read_network(deck.links_file, deck.routes_file);
        problem.table = fabric::read_flows(options.flows_in);
        problem.capacities = network.capacity_bytes_per_s;
        problem.flows = fabric::on_network(problem.table, network);
    } else {
        fabric::Clos const clos{deck.clos};
        problem.table = fabric::read_flows(options.flows_in);
        problem.capacities = fabric::capacities(clos);
        problem.flows = fabric::on_clos(problem.table, clos, deck.seed);
    }
    return problem;
}

}  // namespace

// One core solves what a flows file holds; the other ranks only agree that the input is sound.
int flows_command(Options const& options, parallel::Comm& comm) {
    FlowProblem const problem = on_all_ranks(comm, [&] { return read_problem(options); });
    if (!comm.root()) return exit_done;
    fabric::write_finish_times(options.flows_out, problem.table,
                               fabric::finish_times(problem.capacities, problem.flows));
    fmt::print("{} flows over {} links\noutput: {}\n", problem.flows.size(), problem.capacities.size(),
               options.flows_out);
    return exit_done;
}

}  // namespace mw::app
