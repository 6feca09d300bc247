#include "megaweave/fabric/failures.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>

#include "megaweave/fabric/clos.hpp"
#include "megaweave/fabric/direct.hpp"
#include "networks.hpp"

using namespace mw::fabric;
using mw::test::dragonfly_of;
using mw::test::lattice_of;
using mw::test::link_rate;
using mw::test::network_of;
using mw::test::random_route;
using mw::test::route_of;
using mw::test::why_not;

namespace {

//! A chain of switches with two cables from each to the next; nodes at both ends.
SwitchGraph chain(std::int64_t switches) {
    return {switches,
            2 * (switches - 1),
            [](std::int64_t cable) {
                return CableEnds{cable / 2, cable / 2 + 1};
            },
            [](std::int64_t s) { return "s" + std::to_string(s); },
            [](std::int64_t c) { return "c" + std::to_string(c); },
            [switches](std::int64_t s) { return s == 0 || s == switches - 1; }};
}

std::string mistake(FailureParams const& params, SwitchGraph const& graph) {
    try {
        Failures const failures{params, graph};
    } catch (mw::core::InputError const& error) {
        return error.what();
    }
    return {};
}

NetworkParams small_clos(Routing routing, std::int64_t tiers = 3) {
    NetworkParams params = network_of(Kind::clos, 256, 2);
    params.tiers = tiers;
    params.radix = tiers == 2 ? 32 : 16;
    params.routing = routing;
    return params;
}

}  // namespace

TEST_CASE("of 1,000 cables a rate of 0.0101 breaks 10, the same for the same seed and others for another") {
    SwitchGraph graph{1'000,
                      1'000,
                      [](std::int64_t c) {
                          return CableEnds{c, (c + 1) % 1'000};
                      },
                      [](std::int64_t) { return ""; },
                      [](std::int64_t) { return ""; },
                      [](std::int64_t s) { return s == 0; }};
    FailureParams params;
    params.link_rate = 0.0101;
    Failures const some{params, graph};
    CHECK(some.cables().size() == 10);
    CHECK(Failures{params, graph}.cables() == some.cables());
    params.seed = 2;
    CHECK(Failures{params, graph}.cables() != some.cables());
    params.link_rate = 0;
    params.switch_rate = 0.5;
    Failures const switches{params, graph};
    CHECK(switches.switches().size() == 500);
    CHECK_FALSE(switches.switch_broken(0));  // it carries nodes
    CHECK(switches.cables().empty());
}

TEST_CASE("a network that falls apart is refused, with the switches that cannot reach each other") {
    FailureParams params;
    params.links = {"c2"};
    CHECK(mistake(params, chain(4)).empty());
    params.links = {"c2", "c3"};
    CHECK(mistake(params, chain(4)).find("no way is left from switch 's0' to 's3'") != std::string::npos);
    params = {};
    params.switches = {"s2"};
    CHECK(mistake(params, chain(4)).find("falls apart") != std::string::npos);
}

TEST_CASE("unknown names and switches that carry nodes are mistakes, all at once") {
    FailureParams params;
    params.switches = {"s3", "s9"};
    params.links = {"c4", "d4"};
    std::string const all = mistake(params, chain(4));
    CHECK(all.find("without switch 's3' the nodes below it are cut off") != std::string::npos);
    CHECK(all.find("there is no switch 's9'") != std::string::npos);
    CHECK(all.find("there is no link 'd4'. Did you mean 'c4'?") != std::string::npos);
}

TEST_CASE("hashed paths of a Clos avoid what is broken; sprayed bundles lose its capacity") {
    FailureParams failures;
    failures.switches = {"core 3", "pod 2 switch 5"};
    failures.links = {"leaf 1 port 2", "pod 1 switch 1 port 4"};
    auto params = small_clos(Routing::ecmp);
    params.failures = failures;
    Clos const hashed{params};
    std::int64_t broken = 0;
    for (LinkIndex l = 0; l < hashed.link_count(); ++l) broken += hashed.capacity(l) == 0 ? 1 : 0;
    // Core 3 has 16 cables, the second-tier switch 8 up and 8 down, and two cables more, with both directions each.
    CHECK(broken == 2 * (16 + 16 + 2));
    Path path;
    for (std::uint64_t key = 0; key < 5'000; ++key) {
        hashed.path(random_route(hashed, key), path);
        for (Hop const& hop : path.hops()) REQUIRE(hashed.capacity(hop.link) > 0);
    }

    params.routing = Routing::adaptive;
    Clos const sprayed{params};
    std::int64_t lost = 0;
    for (BundleIndex b = 0; b < sprayed.bundle_count(); ++b) {
        Bundle const bundle = sprayed.bundle(b);
        if (bundle.tier > 0) lost += (bundle.tier == 1 ? 8 : 64) - bundle.cables;
        CHECK(bundle.capacity_bytes_per_s == bundle.cables * link_rate);
    }
    CHECK(lost == broken);
}

TEST_CASE("random failures of any topology are avoided by every path, and bytes still arrive") {
    std::vector<NetworkParams> all{
        small_clos(Routing::ecmp),        small_clos(Routing::ecmp, 2), lattice_of(Kind::torus, {4, 4, 4}),
        lattice_of(Kind::hyperx, {6, 6}), dragonfly_of(3, 10),          dragonfly_of(3, 10, true)};
    for (auto params : all)
        for (Routing const routing : {Routing::ecmp, Routing::adaptive, Routing::valiant}) {
            if (params.kind == Kind::clos && routing != Routing::ecmp) continue;
            params.routing = routing;
            params.failures.link_rate = 0.15;
            params.failures.seed = 5;
            auto const network = make_topology(params);
            std::int64_t broken = 0;
            for (LinkIndex l = 0; l < network->link_count(); ++l) broken += network->capacity(l) == 0 ? 1 : 0;
            CHECK(broken > 10);
            Path path;
            for (std::uint64_t key = 0; key < 2'000; ++key) {
                Route const route = random_route(*network, key);
                network->path(route, path);
                REQUIRE(path.empty() == (route.src == route.dst));
                for (Hop const& hop : path.hops()) REQUIRE(network->capacity(hop.link) > 0);
                if (path.empty()) continue;
                REQUIRE(path.hops().front().weight == full_weight);
                REQUIRE(network->bundle(network->bundle_of(path.hops().back().link)).index == route.dst);
                REQUIRE(path.length() >= 2 * full_weight);
            }
        }
}

TEST_CASE("where all shortest ways and detours are broken, the way that is left is found") {
    // A ring of 40 with one broken edge: from 0 to 1 the other way round, 39 hops.
    auto params = lattice_of(Kind::torus, {40});
    params.routing = Routing::ecmp;
    params.failures.links = {"switch 0 to switch 1"};
    auto const ring = make_topology(params);
    CHECK(ring->path(route_of(0, 1)).size() == 39 + 2);
    params.failures.links.push_back("switch 20 to switch 21");
    CHECK(why_not(params).find("falls apart") != std::string::npos);
}

TEST_CASE("an edge of several cables lives on with those that work") {
    auto params = lattice_of(Kind::hyperx, {4});
    params.lattice.width = 3;
    params.failures.links = {"switch 0 to switch 1 cable 2"};
    auto const sprayed = make_topology(params);
    std::int64_t weaker = 0;
    for (BundleIndex b = 0; b < sprayed->bundle_count(); ++b)
        weaker += sprayed->bundle(b).cables == 2 ? 1 : 0;
    CHECK(weaker == 2);
    params.routing = Routing::ecmp;
    auto const hashed = make_topology(params);
    std::set<LinkIndex> used;
    for (std::uint64_t hash = 0; hash < 100; ++hash)
        used.insert(hashed->path(route_of(0, 1, hash)).hops()[1].link);
    CHECK(used.size() == 2);
    for (LinkIndex const link : used) CHECK(hashed->capacity(link) == link_rate);
}
