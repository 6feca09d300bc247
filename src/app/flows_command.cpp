#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <vector>

#include "agree.hpp"
#include "commands.hpp"
#include "deck_source.hpp"
#include "megaweave/config/deck.hpp"
#include "megaweave/fabric/explicit.hpp"
#include "megaweave/fabric/transport.hpp"
#include "megaweave/parallel/team.hpp"

namespace mw::app {

namespace {

struct FlowProblem {
    std::unique_ptr<fabric::Topology const> topology;  //!< none: from files
    fabric::FlowTable table;
    fabric::FlowNetwork network;
    std::vector<fabric::FlowSpec> flows;
    fabric::TransportParams transport;
    std::unique_ptr<fabric::FlowRouter const> router;  //!< none: the flows' own links hold
};

//! Flows and routers point into one another: it stays where it was made.
std::unique_ptr<FlowProblem> read_problem(Options const& options, std::optional<std::string> const& piped) {
    config::FlowsDeck const deck = config::read_flows_deck(options.deck, options.overrides, piped);
    auto made = std::make_unique<FlowProblem>();
    FlowProblem& problem = *made;
    problem.transport = deck.transport;
    if (deck.explicit_topology) {
        fabric::ExplicitNetwork const network =
            fabric::read_network(deck.network.links_file, deck.network.routes_file);
        problem.table = fabric::read_flows(options.flows_in);
        problem.network = {network.capacity_bytes_per_s};
        problem.flows = fabric::on_network(problem.table, network, deck.network.classes);
    } else {
        problem.topology = fabric::make_topology(deck.network);
        fabric::Topology const& network = *problem.topology;
        problem.table = fabric::read_flows(options.flows_in);
        problem.network = {fabric::capacities(network), network.weight_unit()};
        problem.flows = fabric::on_topology(problem.table, network, deck.seed);
        problem.router = fabric::router_of(problem.table, network, deck.seed);
    }
    return made;
}

//! The groups of one rank: largest first, each to the rank with the least work so far.
std::vector<std::size_t> dealt_to(int rank, int ranks, std::vector<fabric::ExactFlows::Group> const& groups) {
    std::vector<std::size_t> order(groups.size());
    for (std::size_t g = 0; g < order.size(); ++g) order[g] = g;
    std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t g) { return groups[g].size(); });
    std::vector<std::size_t> work(static_cast<std::size_t>(ranks), 0);
    std::vector<std::size_t> mine;
    for (std::size_t const g : order) {
        auto const least = std::ranges::min_element(work);
        *least += groups[g].size();
        if (least - work.begin() == rank) mine.push_back(g);
    }
    return mine;
}

//! Groups by ranks and threads; all ranks have all results.
std::vector<double> solve(fabric::ExactFlows const& exact, std::size_t flows, parallel::Comm& comm,
                          parallel::Team& team) {
    auto const& groups = exact.groups();
    std::vector<std::size_t> const mine = dealt_to(comm.rank(), comm.size(), groups);
    // A flow's bits come from one rank; the others add 0.
    std::vector<std::uint64_t> bits(flows, 0);
    team.for_ranges(mine.size(), 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            fabric::ExactFlows::Group const& group = groups[mine[i]];
            std::vector<double> const finish_s = exact.solve(group);
            for (std::size_t k = 0; k < group.size(); ++k)
                bits[group[k]] = std::bit_cast<std::uint64_t>(finish_s[k]);
        }
    });
    comm.sum(std::span{bits});
    std::vector<double> finish_s;
    for (std::uint64_t const b : bits) finish_s.push_back(std::bit_cast<double>(b));
    return finish_s;
}

}  // namespace

int flows_command(Options const& options, parallel::Comm& comm) {
    std::optional<std::string> const piped = piped_deck(comm, options.deck);
    auto const made = on_all_ranks(comm, [&] { return read_problem(options, piped); });
    FlowProblem const& problem = *made;
    parallel::Team team{options.threads};
    fabric::ExactFlows const exact{problem.network, problem.flows, problem.router.get()};
    std::vector<double> const finish_s = solve(exact, problem.flows.size(), comm, team);
    if (!comm.root()) return exit_done;
    fabric::Transport const transport{problem.transport};
    fabric::write_finish_times(options.flows_out, problem.table,
                               transport(problem.network, problem.flows, finish_s));
    fmt::print("{} flows over {} links, {} independent groups\noutput: {}\n", problem.flows.size(),
               problem.network.capacity_bytes_per_s.size(), exact.groups().size(), options.flows_out);
    return exit_done;
}

}  // namespace mw::app
