// The network in the room: every topology has a place on the floor, and cables have lengths.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "megaweave/core/error.hpp"
#include "plans.hpp"

using namespace mw;
using fabric::Kind;
using site::Plan;

namespace {

fabric::NetworkParams network_of(Kind kind) {
    fabric::NetworkParams network = test::clos_of_400g();
    network.kind = kind;
    network.dragonfly.global_links = 8;
    return network;
}

site::PlanParams plan_of(fabric::NetworkParams const& network, std::int64_t accelerators = 1024) {
    return {accelerators, test::hgx_rack(), network, {{accelerators, 8, 0.5, 128}}};
}

constexpr std::array kinds{Kind::clos,           Kind::rail,  Kind::dragonfly,
                           Kind::dragonfly_plus, Kind::torus, Kind::hyperx};

}  // namespace

TEST_CASE("In every topology racks own all bundles, and each has two ends on the floor") {
    for (Kind const kind : kinds)
        for (std::int64_t const accelerators : {1024, 200}) {
            Plan const plan{plan_of(network_of(kind), accelerators)};
            CHECK(plan.network().nodes() == plan.nodes());
            std::vector<fabric::BundleIndex> bundles;
            for (core::RackId const rack : test::racks_of(plan))
                for (fabric::BundleIndex const b : plan.bundles_of(rack)) {
                    bundles.push_back(b);
                    CHECK(plan.rack_of_node(plan.network().owner_of_bundle(b)) == rack);
                    fabric::Bundle const bundle = plan.network().bundle(b);
                    auto const ends = plan.ends_m(bundle);
                    for (auto const& end : ends)
                        for (double const x : end) REQUIRE((std::isfinite(x) && x >= 0 && x < 200));
                    double const length = plan.cable_m(bundle);
                    CHECK(length >= 2);
                    CHECK(length < 200);
                }
            std::ranges::sort(bundles);
            CHECK(std::ssize(bundles) == plan.network().bundle_count());
            CHECK(std::ranges::adjacent_find(bundles) == bundles.end());
        }
}

TEST_CASE("A cable to a rack three places on is 1.8 m and 5 m of risers long; within a rack 2 m") {
    Plan const plan{plan_of(network_of(Kind::torus))};
    fabric::Bundle bundle;
    bundle.tier = 1;
    bundle.from = {0, 0, 1};
    bundle.to = {12, 12, 1};  // 4 nodes of 0.6 m racks
    CHECK(plan.cable_m(bundle) == doctest::Approx(6.8));
    bundle.to = {3, 3, 1};
    CHECK(plan.cable_m(bundle) == 2);
    bundle.from = {0, 3, 2};  // switches of an upper tier do not stand in the nodes' rack
    CHECK(plan.cable_m(bundle) == 5);
}

TEST_CASE("Tiers count what the topology counts; copper needs no optics") {
    for (Kind const kind : kinds) {
        Plan const plan{plan_of(network_of(kind))};
        auto const tiers = plan.network_tiers(true);
        std::int64_t switches = 0;
        std::int64_t cables = 0;
        for (site::NetworkTier const& tier : tiers) {
            switches += tier.switches;
            cables += tier.cables;
            CHECK(tier.optical_ends == 2 * tier.cables);  // no reach, no copper
            CHECK(tier.copper_share == 0);
        }
        CHECK(switches == plan.network().switches());
        CHECK(cables == plan.network().cables());
        CHECK(plan.optical_ends(true) == 2 * cables);
        CHECK(plan.optical_ends(false) == 2 * (cables - 1024));
    }
}

TEST_CASE("Copper reaches as far as the deck says") {
    fabric::NetworkParams network = network_of(Kind::clos);
    network.copper_reach_m = 2.5;  // a leaf of 32 ports serves one rack: its hosts' cables are 2 m
    Plan const near{plan_of(network)};
    CHECK(near.network_tiers(true)[0].copper_share == 1);
    CHECK(near.network_tiers(true)[0].median_m == 2);
    CHECK(near.network_tiers(true)[1].copper_share == 0);
    network.copper_reach_m = 1000;
    CHECK(Plan{plan_of(network)}.optical_ends(true) == 0);
}

TEST_CASE("Where the deck asks for it, latency counts 5 ns a metre of the cables on the path") {
    fabric::NetworkParams network = network_of(Kind::clos);
    fabric::Path path;
    fabric::Route const route{0, 100, 0, fabric::Route::undecided, 1};
    Plan const fixed{plan_of(network)};
    CHECK(fixed.latency_ns(route, path) == 1'000 + 3 * 300 + 4 * 50);
    network.cable_latency_ns = -1;
    Plan const laid{plan_of(network)};
    std::int64_t expected = 1'000 + 3 * 300;
    for (fabric::Hop const& hop : laid.network().path(route).hops())
        expected += std::llround(5 * laid.cable_m(laid.network().bundle(hop.link)));
    CHECK(laid.latency_ns(route, path) == expected);
    CHECK(path.size() == 4);
    CHECK(laid.latency_ns({5, 5, 0, fabric::Route::undecided, 1}, path) == 0);
}

TEST_CASE("What keeps a network from being built comes as a list") {
    CHECK(site::network_mistakes(plan_of(network_of(Kind::clos)).scale_out).size() == 1);  // no endpoints yet
    fabric::NetworkParams network = network_of(Kind::hyperx);
    network.endpoints = 1024;
    network.nics_per_node = 8;
    CHECK(site::network_mistakes(network).empty());
    network.lattice.sides = {3, 3};
    CHECK(site::network_mistakes(network).size() == 1);
}
