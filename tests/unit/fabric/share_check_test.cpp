#include "megaweave/fabric/share_check.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "megaweave/core/random.hpp"

using namespace mw::fabric;

namespace {

struct Network {
    std::vector<std::int64_t> capacities;
    std::vector<std::vector<LinkUse>> paths;
    std::vector<ShareCheck::Flow> flows;
};

struct Finding {
    std::int64_t overloaded{0};
    std::int64_t unexplained{0};
};

Finding check(Network const& network, std::size_t priorities = 1) {
    ShareCheck shares{network.capacities, priorities};
    for (ShareCheck::Flow const& flow : network.flows) shares.add(flow);
    Finding found{shares.overloaded(), 0};
    for (ShareCheck::Flow const& flow : network.flows) found.unexplained += shares.explains(flow) ? 0 : 1;
    return found;
}

//! Random paths, weights and demands, with the shares of the solver.
Network solved(std::uint64_t trial) {
    mw::core::KeyedRandom const random{trial};
    auto const draw = [&](std::uint32_t what, std::uint64_t of, std::uint64_t below) {
        return static_cast<std::int64_t>(random.bits(mw::core::Draw::test, what, of) % below);
    };
    Network network;
    for (std::uint64_t l = 0; l < 6; ++l) network.capacities.push_back(1'000 + draw(0, l, 100'000));
    MaxMinSolver solver;
    for (std::int64_t const capacity : network.capacities) solver.add_link(capacity);
    for (std::uint64_t f = 0; f < 12; ++f) {
        std::vector<LinkUse>& path = network.paths.emplace_back();
        for (std::uint32_t l = 0; l < 6; ++l)
            if (draw(1, 6 * f + l, 3) == 0) path.push_back({l, 1 + draw(2, 6 * f + l, 3)});
        if (path.empty()) path.push_back({0, 1});
    }
    for (std::uint64_t f = 0; f < 12; ++f) {
        ShareCheck::Flow& flow = network.flows.emplace_back();
        flow.demand = 1 + draw(3, f, 60'000);
        flow.weight = 1 + draw(4, f, 16);
        flow.uses = network.paths[f];
        solver.add_flow(flow.demand, flow.uses, false, flow.weight);
    }
    solver.solve();
    for (std::uint32_t f = 0; f < 12; ++f) network.flows[f].rate = solver.rate(f);
    return network;
}

}  // namespace

TEST_CASE("6 and 4 of a link of 10 are not fair, 5 and 5 are, and 6 and 5 are more than it carries") {
    std::vector<LinkUse> const path{{0, 1}};
    auto const shares = [&](std::int64_t a, std::int64_t b) {
        return check({{10}, {}, {{a, 20, 1, path, 0}, {b, 20, 1, path, 0}}});
    };
    CHECK(shares(5, 5).unexplained == 0);
    CHECK(shares(6, 4).unexplained == 1);
    CHECK(shares(4, 4).unexplained == 2);  // room for one step more for both
    CHECK(shares(6, 5).overloaded == 1);
    // A content flow may stand lower, none higher than the stopped one.
    CHECK(check({{10}, {}, {{2, 2, 1, path, 0}, {8, 20, 1, path, 0}}}).unexplained == 0);
    CHECK(check({{10}, {}, {{6, 6, 1, path, 0}, {4, 20, 1, path, 0}}}).unexplained == 1);
}

TEST_CASE("a flow of the first priority is not excused by what the second carries") {
    std::vector<LinkUse> const path{{0, 1}};
    auto const shares = [&](std::int64_t first, std::int64_t second) {
        return check({{10}, {}, {{first, 20, 1, path, 0}, {second, 20, 1, path, 1}}}, 2);
    };
    CHECK(shares(10, 0).unexplained == 0);
    CHECK(shares(5, 5).unexplained == 1);
}

TEST_CASE(
    "the solver's shares pass on thousands of random networks; a share moved from one flow to another does "
    "not") {
    std::int64_t moved = 0;
    std::int64_t seen = 0;
    for (std::uint64_t trial = 0; trial < 2'000; ++trial) {
        Network network = solved(trial);
        Finding const fair = check(network);
        REQUIRE(fair.overloaded == 0);
        REQUIRE(fair.unexplained == 0);
        // Take a tenth from a flow that is below its demand: its links have room for a step now, or others stand higher.
        for (ShareCheck::Flow& flow : network.flows)
            if (flow.rate < flow.demand && flow.rate >= 10 * flow.weight) {
                flow.rate -= flow.rate / 10 / flow.weight * flow.weight;
                ++moved;
                seen += check(network).unexplained > 0 ? 1 : 0;
                break;
            }
    }
    CHECK(moved > 1'000);
    CHECK(seen == moved);
}
