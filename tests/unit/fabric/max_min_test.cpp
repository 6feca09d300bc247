#include "megaweave/fabric/max_min.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "megaweave/core/hash.hpp"
#include "megaweave/fabric/clos.hpp"
#include "random_network.hpp"

using namespace mw::fabric;

namespace {

std::vector<std::int64_t> rates_of(MaxMinSolver const& solver) {
    std::vector<std::int64_t> rates;
    for (std::uint32_t f = 0; f < solver.flow_count(); ++f) rates.push_back(solver.rate(f));
    return rates;
}

//! Textbook progressive filling with real numbers: raise all open flows together until a link is full or a
//! demand is met.
std::vector<long double> filled(RandomNetwork const& network) {
    std::size_t const flows = network.flows.size();
    std::size_t const links = network.capacity.size();
    std::vector<long double> rate(flows, 0.0L);
    std::vector<bool> open(flows, true);
    while (std::ranges::count(open, true) > 0) {
        std::vector<long double> share(links, std::numeric_limits<long double>::infinity());
        for (std::size_t l = 0; l < links; ++l) {
            auto room = static_cast<long double>(network.capacity[l]);
            int users = 0;
            for (std::size_t f = 0; f < flows; ++f) {
                if (!network.uses(f, l)) continue;
                if (open[f]) ++users;
                if (!open[f]) room -= rate[f];
            }
            if (users > 0) share[l] = room / users;
        }
        long double level = std::ranges::min(share);
        for (std::size_t f = 0; f < flows; ++f)
            if (open[f]) level = std::min(level, static_cast<long double>(network.flows[f].demand));
        for (std::size_t f = 0; f < flows; ++f) {
            if (!open[f]) continue;
            rate[f] = level;
            bool stops = static_cast<long double>(network.flows[f].demand) <= level;
            for (std::uint32_t const l : network.flows[f].links) stops = stops || share[l] <= level;
            open[f] = !stops;
        }
    }
    return rate;
}

std::int64_t carried(RandomNetwork const& network, std::vector<std::int64_t> const& rate, std::size_t link) {
    std::int64_t sum = 0;
    for (std::size_t f = 0; f < rate.size(); ++f) sum += network.uses(f, link) ? rate[f] : 0;
    return sum;
}

}  // namespace

TEST_CASE("the worked example of the header comes out") {
    // Links of 10 and 7; A on both, B on the first, C on the second with demand 2. C = 2; then 10/2 = 5 = 7 -
    // 2.
    MaxMinSolver solver;
    auto const first = solver.add_link(10);
    auto const second = solver.add_link(7);
    auto const a = solver.add_flow(unlimited, std::vector{first, second}, false);
    auto const b = solver.add_flow(unlimited, std::vector{first}, false);
    auto const c = solver.add_flow(2, std::vector{second}, false);
    CHECK(solver.solve() == 2);
    CHECK(solver.rate(a) == 5);
    CHECK(solver.rate(b) == 5);
    CHECK(solver.rate(c) == 2);
}

TEST_CASE("a flow takes what a slower one leaves on its link") {
    // 100 and 30: both on the first; one also on the second, shared with a third flow: 15, 15, and 100 - 15 =
    // 85.
    MaxMinSolver solver;
    auto const wide = solver.add_link(100);
    auto const narrow = solver.add_link(30);
    auto const both = solver.add_flow(unlimited, std::vector{wide, narrow}, false);
    auto const free = solver.add_flow(unlimited, std::vector{wide}, false);
    auto const third = solver.add_flow(unlimited, std::vector{narrow}, false);
    solver.solve();
    CHECK(solver.rate(both) == 15);
    CHECK(solver.rate(third) == 15);
    CHECK(solver.rate(free) == 85);
}

TEST_CASE("a flow without links or on links with room for all gets its demand") {
    MaxMinSolver solver;
    auto const link = solver.add_link(10);
    solver.add_flow(4, std::vector{link}, false);
    solver.add_flow(6, std::vector{link}, false);
    solver.add_flow(123, {}, false);
    solver.add_flow(0, std::vector{link}, false);
    CHECK(solver.solve() == 1);
    CHECK(rates_of(solver) == std::vector<std::int64_t>{4, 6, 123, 0});
}

TEST_CASE("flows on a dead link stand still") {
    MaxMinSolver solver;
    auto const dead = solver.add_link(0);
    auto const alive = solver.add_link(9);
    solver.add_flow(5, std::vector{dead, alive}, false);
    solver.add_flow(50, std::vector{alive}, false);
    solver.solve();
    CHECK(rates_of(solver) == std::vector<std::int64_t>{0, 9});
}

TEST_CASE("integer rates agree with progressive filling in real numbers on 6,000 random networks") {
    std::int64_t worst_units = 0;
    double worst_in_rounds = 0;
    for (std::uint32_t number = 0; number < 6'000; ++number) {
        RandomNetwork const network{number, 10, 16};
        MaxMinSolver solver;
        network.add_to(solver);
        int const rounds = solver.solve();
        auto const exact = filled(network);
        for (std::uint32_t f = 0; f < exact.size(); ++f) {
            if (network.flows[f].demand == unlimited && network.flows[f].links.empty()) continue;
            auto const error = std::abs(static_cast<long double>(solver.rate(f)) - exact[f]);
            worst_units = std::max(worst_units, static_cast<std::int64_t>(std::ceil(error)));
            worst_in_rounds = std::max(worst_in_rounds, static_cast<double>(error) / rounds);
            // Rounding down leaves less than a unit per flow, which others may pick up.
            CHECK(error < static_cast<long double>(exact.size()));
        }
    }
    MESSAGE("largest error of a rate: " << worst_units << " units; " << worst_in_rounds
                                        << " units per round");
}

TEST_CASE(
    "no link carries more than its capacity and no flow could grow but at the cost of one that is no "
    "faster") {
    for (std::uint32_t number = 10'000; number < 13'000; ++number) {
        RandomNetwork const network{number, 12, 24};
        MaxMinSolver solver;
        network.add_to(solver);
        solver.solve();
        auto const rate = rates_of(solver);
        for (std::size_t l = 0; l < network.capacity.size(); ++l)
            CHECK(carried(network, rate, l) <= network.capacity[l]);
        for (std::size_t f = 0; f < rate.size(); ++f) {
            CHECK(rate[f] <= network.flows[f].demand);
            bool content = rate[f] == network.flows[f].demand;
            for (std::uint32_t const l : network.flows[f].links) {
                std::int64_t fastest = 0;
                std::int64_t users = 0;
                for (std::size_t g = 0; g < rate.size(); ++g) {
                    if (!network.uses(g, l)) continue;
                    fastest = std::max(fastest, rate[g]);
                    ++users;
                }
                bool const full =
                    carried(network, rate, l) > network.capacity[l] - users;  // what rounding down may leave
                content = content || (full && rate[f] >= fastest - users);
            }
            CHECK_MESSAGE(content, "network " << number << ", flow " << f);
        }
    }
}

TEST_CASE("the order of flows and links does not matter") {
    for (std::uint32_t number = 20'000; number < 21'000; ++number) {
        RandomNetwork network{number, 12, 24};
        MaxMinSolver straight;
        network.add_to(straight);
        int const rounds = straight.solve();

        std::vector<std::size_t> order(network.flows.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        for (std::size_t i = order.size(); i > 1; --i)
            std::swap(order[i - 1],
                      order[static_cast<std::size_t>(network.below(static_cast<std::int64_t>(i)))]);
        auto const links = static_cast<std::uint32_t>(network.capacity.size());
        MaxMinSolver shuffled;
        for (std::uint32_t l = links; l-- > 0;) shuffled.add_link(network.capacity[l]);
        for (std::size_t const f : order) {
            auto path = network.flows[f].links;
            for (auto& l : path) l = links - 1 - l;
            std::ranges::reverse(path);
            shuffled.add_flow(network.flows[f].demand, path, false);
        }
        CHECK(shuffled.solve() == rounds);
        for (std::uint32_t i = 0; i < order.size(); ++i)
            CHECK(shuffled.rate(i) == straight.rate(static_cast<std::uint32_t>(order[i])));
    }
}

TEST_CASE("a solver used again gives what a new one gives") {
    MaxMinSolver used;
    for (std::uint32_t number = 30'000; number < 30'500; ++number) {
        RandomNetwork const network{number, 12, 24};
        MaxMinSolver fresh;
        network.add_to(fresh);
        used.clear();
        network.add_to(used);
        CHECK(used.solve() == fresh.solve());
        CHECK(rates_of(used) == rates_of(fresh));
    }
}

TEST_CASE("12,500 random flows on a three-tier Clos with 2:1 taper") {
    NetworkParams params;
    params.endpoints = 100'000;
    params.nics_per_node = 8;
    params.radix = 128;
    params.oversubscription = 2;
    params.link_bytes_per_s = 50'000'000;  // bytes of a window of 1 ms
    Clos const clos{params};
    MaxMinSolver solver;
    for (LinkIndex l = 0; l < clos.link_count(); ++l) solver.add_link(clos.capacity(l));
    auto const nodes = static_cast<std::uint64_t>(clos.nodes());
    std::vector<std::int64_t> load(static_cast<std::size_t>(clos.link_count()), 0);
    std::vector<std::vector<std::uint32_t>> paths;
    for (std::uint64_t f = 0; f < 12'500; ++f) {
        auto const src = static_cast<std::int32_t>(mw::core::mix(2 * f) % nodes);
        auto const dst = static_cast<std::int32_t>(mw::core::mix(2 * f + 1) % nodes);
        paths.emplace_back();
        Path const path = clos.path(Route{src, dst, 0, Route::undecided, f});
        for (Hop const& hop : path.hops()) paths.back().push_back(static_cast<std::uint32_t>(hop.link));
        solver.add_flow(1'000'000 + static_cast<std::int64_t>(mw::core::mix(f) % 800'000'000), paths.back(),
                        false);
    }
    auto const begin = std::chrono::steady_clock::now();
    int const rounds = solver.solve();
    std::chrono::duration<double, std::milli> const took = std::chrono::steady_clock::now() - begin;
    MESSAGE(rounds << " rounds, " << took.count() << " ms on one core");
    CHECK(rounds < 100);
    for (std::uint32_t f = 0; f < paths.size(); ++f)
        for (std::uint32_t const l : paths[f]) load[l] += solver.rate(f);
    for (LinkIndex l = 0; l < clos.link_count(); ++l)
        CHECK(load[static_cast<std::size_t>(l)] <= clos.capacity(l));
}
