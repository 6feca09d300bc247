#include <benchmark/benchmark.h>

#include <vector>

#include "cases.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/core/integer.hpp"
#include "megaweave/fabric/clos.hpp"
#include "megaweave/fabric/max_min.hpp"
#include "megaweave/parallel/team.hpp"

namespace mw::bench {

namespace {

constexpr std::uint32_t absent = ~std::uint32_t{0};

//! Sprayed flows between random nodes, each up to its NICs' rate for a window: only links in use are given to the solver.
struct Problem {
    Problem(fabric::Clos const& clos, std::int64_t flows, std::int64_t line_bytes) : demand{line_bytes} {
        std::vector<std::uint32_t> number(static_cast<std::size_t>(clos.link_count()), absent);
        auto const nodes = static_cast<std::uint64_t>(clos.nodes());
        for (std::int64_t f = 0; f < flows; ++f) {
            auto const key = static_cast<std::uint64_t>(f);
            auto const source = static_cast<std::int32_t>(core::mix(2 * key) % nodes);
            auto const sink = static_cast<std::int32_t>(core::mix(2 * key + 1) % nodes);
            paths.emplace_back();
            fabric::Path const path =
                clos.path(fabric::Route{source, sink, 0, fabric::Route::undecided, key});
            for (fabric::Hop const& hop : path.hops()) {
                fabric::LinkIndex const link = hop.link;
                std::uint32_t& at = number[static_cast<std::size_t>(link)];
                if (at == absent) {
                    at = static_cast<std::uint32_t>(capacities.size());
                    capacities.push_back(core::mul_div(clos.capacity(link), core::ns_per_ms, core::ns_per_s));
                }
                paths.back().push_back(at);
            }
        }
    }

    void pose(fabric::MaxMinSolver& solver) const {
        solver.clear();
        for (std::int64_t const capacity : capacities) solver.add_link(capacity);
        for (auto const& path : paths) solver.add_flow(demand, path, false);
    }

    std::int64_t demand;
    std::vector<std::int64_t> capacities;
    std::vector<std::vector<std::uint32_t>> paths;
};

void max_min(benchmark::State& state) {
    config::Deck deck = reference_deck();
    fabric::NetworkParams& params = deck.cluster.scale_out;
    params.oversubscription = static_cast<double>(state.range(1));
    fabric::Clos const clos{params};
    std::int64_t const line_bytes =
        core::mul_div(params.link_bytes_per_s * params.nics_per_node, core::ns_per_ms, core::ns_per_s);
    Problem const problem{clos, state.range(0), line_bytes};
    fabric::MaxMinSolver solver;
    parallel::Team team{static_cast<int>(state.range(2))};
    if (team.threads() > 1)
        solver.share_work([&team](std::size_t count, auto const& body) {
            team.for_ranges(count, fabric::MaxMinSolver::worth_sharing / 4, body);
        });
    int rounds = 0;
    for (auto _ : state) {
        problem.pose(solver);
        rounds = solver.solve();
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));  // flows
    state.counters["rounds"] = rounds;
    state.counters["links"] = static_cast<double>(solver.link_count());
}

}  // namespace

void register_max_min() {
    benchmark::RegisterBenchmark("max_min", max_min)
        ->ArgNames({"flows", "taper", "threads"})
        ->ArgsProduct({{1'000, 10'000, 50'000}, {1, 2}, {1, 2}})
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
}

}  // namespace mw::bench
