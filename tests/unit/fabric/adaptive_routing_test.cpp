#include "megaweave/fabric/adaptive_routing.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "megaweave/fabric/dragonfly.hpp"
#include "megaweave/fabric/explicit.hpp"
#include "megaweave/fabric/lattice.hpp"
#include "networks.hpp"

using namespace mw::fabric;
using mw::test::dragonfly_of;
using mw::test::lattice_of;
using mw::test::link_rate;
using mw::test::network_of;
using mw::test::route_of;

namespace {

NetworkParams routed(NetworkParams params, Routing routing) {
    params.routing = routing;
    return params;
}

//! All nodes send to one other each, all at once.
struct Pattern {
    NetworkParams network;
    std::vector<std::pair<std::int64_t, std::int64_t>> pairs;

    struct Rates {
        double mean;  //!< of the flows' bytes over time, over the line rate
        double slowest;
    };
    [[nodiscard]] Rates under(Routing routing) const {
        auto const topology = make_topology(routed(network, routing));
        constexpr std::int64_t bytes = 50'000'000;  // 1 ms at line rate
        FlowTable table{"", "", {}};
        for (auto const& [src, dst] : pairs)
            table.rows.push_back({1, "", std::to_string(table.rows.size()), std::to_string(src),
                                  std::to_string(dst), bytes, 0});
        FlowNetwork const links{capacities(*topology), topology->weight_unit()};
        auto const flows = on_topology(table, *topology, 1);
        auto const router = router_of(table, *topology, 1);
        CHECK((router != nullptr) == (routing == Routing::ugal));
        Rates rates{0, 1};
        for (double const finish_s : finish_times(links, flows, router.get())) {
            double const rate = 1e-3 / finish_s;
            rates.mean += rate / static_cast<double>(flows.size());
            rates.slowest = std::min(rates.slowest, rate);
        }
        return rates;
    }
};

//! Without latencies, so that rates are what links give.
NetworkParams at_once(NetworkParams params) {
    params.switch_latency_ns = params.cable_latency_ns = params.host_latency_ns = 0;
    return params;
}

//! Of a dragonfly: each group to the next.
Pattern next_group(std::int64_t h, std::int64_t groups) {
    Pattern pattern{at_once(dragonfly_of(h, groups)), {}};
    std::int64_t const in_group = 2 * h * h;
    for (std::int64_t node = 0; node < groups * in_group; ++node)
        pattern.pairs.emplace_back(node, (node + in_group) % (groups * in_group));
    return pattern;
}

//! Of a torus: almost half-way round the first side.
Pattern tornado(std::vector<std::int64_t> const& sides) {
    Pattern pattern{at_once(lattice_of(Kind::torus, sides)), {}};
    std::int64_t const k = sides[0];
    for (std::int64_t node = 0; node < pattern.network.endpoints; ++node)
        pattern.pairs.emplace_back(node, node / k * k + (node % k + (k - 1) / 2) % k);
    return pattern;
}

Pattern all_to_all(NetworkParams const& network) {
    Pattern pattern{at_once(network), {}};
    for (std::int64_t shift = 1; shift < network.endpoints; ++shift)
        for (std::int64_t node = 0; node < network.endpoints; ++node)
            pattern.pairs.emplace_back(node, (node + shift) % network.endpoints);
    return pattern;
}

}  // namespace

TEST_CASE("a link tells what one more flow would meet: the worked example") {
    std::vector<Claim> const claims{{2, 1, 1}, {5, 1, 1}, {5, 1, 1}};
    LinkLoad const load = link_load(12, claims, {0, 1, 1});
    CHECK(load.held == LinkLoad::whole / 6);
    CHECK(load.crowd == 2 * LinkLoad::one_flow);
    CHECK(link_load(12, {}, {0, 1, 1}).idle());
    // Weights: of 12, one with weight 2 on half of its bytes has 6; a newcomer of weight 1: level 12 / (1 + 2 x 1/2).
    std::vector<Claim> const weighted{{6'000, 2, 2 * 8}};
    CHECK(link_load(48'000, weighted, {0, 1, 16}).crowd == LinkLoad::one_flow);
}

TEST_CASE("half of the bytes leave a link that is half full, and all leave one that another flow fills") {
    Dragonfly const dragonfly{routed(dragonfly_of(2, 9), Routing::ugal)};
    AdaptiveRouting choose{dragonfly};
    Route route = route_of(0, 70, 3);
    route.detour = 0;
    LinkIndex across = -1;
    for (Hop const& hop : dragonfly.path(route).hops())
        if (dragonfly.bundle(dragonfly.bundle_of(hop.link)).tier == 2) across = hop.link;
    REQUIRE(across >= 0);
    auto const with = [&](LinkLoad load) {
        return choose(route, link_rate, [&](LinkIndex link) { return link == across ? load : LinkLoad{}; });
    };
    CHECK(with({}) == 0);
    CHECK(with({LinkLoad::whole / 2, 0}) == 8);
    CHECK(with({0, LinkLoad::one_flow}) == 16);
    CHECK(with({LinkLoad::whole / 4, 0}) == 4);
    // Its own host is as crowded: a detour would not make it faster.
    LinkIndex const host = dragonfly.path(route).hops().front().link;
    CHECK(choose(route, link_rate, [&](LinkIndex link) {
              return link == across || link == host ? LinkLoad{0, LinkLoad::one_flow} : LinkLoad{};
          }) == 0);
}

TEST_CASE("a dragonfly whose groups all send to the next: detours by load do better than always or never") {
    // Shortest ways: a p = 2 h^2 nodes share one cable. Valiant: every byte takes two global cables, so 1/2 at most.
    for (std::int64_t const h : {2, 4}) {
        Pattern const pattern = next_group(h, 2 * h * h + 1);
        auto const never = pattern.under(Routing::adaptive);
        auto const always = pattern.under(Routing::valiant);
        auto const by_load = pattern.under(Routing::ugal);
        MESSAGE("h = " << h << ": mean rate " << never.mean << " never, " << always.mean << " always, "
                       << by_load.mean << " by load");
        double const bound = 1.0 / static_cast<double>(2 * h * h);
        CHECK(never.mean == doctest::Approx(bound).epsilon(1e-9));
        CHECK(always.mean > 0.35);
        CHECK(always.slowest < 0.5);
        CHECK(by_load.mean > always.mean);
        CHECK(by_load.mean < 0.5 + bound);  // what detours can carry, and the direct cable
        CHECK(by_load.slowest > always.slowest);
    }
}

TEST_CASE("tornado traffic on a torus: detours by load use the other way round") {
    // Shortest ways: (k - 1)/2 hops, all one way round: 1 / 3 for k = 8 and 1 / 7 for 16. On one ring, at best both ways are loaded alike:
    // x 7 = (1 - x) 9 hops, 63/16 flows a link.
    Pattern const ring = tornado({16});
    CHECK(ring.under(Routing::adaptive).mean == doctest::Approx(1.0 / 7).epsilon(1e-9));
    auto const by_load = ring.under(Routing::ugal);
    CHECK(by_load.mean > ring.under(Routing::valiant).mean);
    CHECK(by_load.mean < 16.0 / 63);
    CHECK(by_load.mean > 0.85 * 16.0 / 63);

    Pattern const square = tornado({8, 8});
    CHECK(square.under(Routing::adaptive).mean == doctest::Approx(1.0 / 3).epsilon(1e-9));
    CHECK(square.under(Routing::ugal).mean > 0.97 * square.under(Routing::valiant).mean);
    CHECK(square.under(Routing::valiant).mean > 1.15 / 3);
}

TEST_CASE("HyperX rows that all send to their neighbours: detours by load are worth two shortest ways") {
    // 4 nodes of a switch share one cable: 1/4.
    Pattern pattern{at_once(lattice_of(Kind::hyperx, {8, 8}, 4)), {}};
    for (std::int64_t node = 0; node < 256; ++node) {
        std::int64_t const number = node / 4;
        pattern.pairs.emplace_back(node, (number / 8 * 8 + (number % 8 + 1) % 8) * 4 + node % 4);
    }
    CHECK(pattern.under(Routing::adaptive).mean == doctest::Approx(0.25).epsilon(1e-9));
    CHECK(pattern.under(Routing::ugal).mean > 0.5);
}

TEST_CASE("all-to-all traffic stays on the shortest ways, within 5 % of their rates") {
    for (NetworkParams const& network :
         {dragonfly_of(2, 5), lattice_of(Kind::torus, {5, 5}), lattice_of(Kind::hyperx, {4, 4})}) {
        Pattern const pattern = all_to_all(network);
        auto const never = pattern.under(Routing::adaptive);
        auto const by_load = pattern.under(Routing::ugal);
        MESSAGE("mean rate " << never.mean << " never, " << by_load.mean << " by load, "
                             << pattern.under(Routing::valiant).mean << " always");
        CHECK(by_load.mean > 0.95 * never.mean);
    }
}
