// What torus, HyperX and dragonfly must all do.
#include "megaweave/fabric/direct.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <set>

#include "networks.hpp"

using namespace mw::fabric;
using mw::test::dragonfly_of;
using mw::test::lattice_of;
using mw::test::network_of;
using mw::test::random_route;

namespace {

//! Full and part-filled networks of every kind, small enough to look at all links.
std::vector<NetworkParams> small_networks() {
    std::vector<NetworkParams> all{lattice_of(Kind::torus, {5}),
                                   lattice_of(Kind::torus, {4, 2}),
                                   lattice_of(Kind::torus, {4, 3, 5}, 2),
                                   lattice_of(Kind::hyperx, {7}),
                                   lattice_of(Kind::hyperx, {4, 3}, 3),
                                   lattice_of(Kind::hyperx, {2, 3, 4}),
                                   dragonfly_of(2, 9),
                                   dragonfly_of(2, 4),
                                   dragonfly_of(3, 1),
                                   dragonfly_of(2, 9, true),
                                   dragonfly_of(3, 5, true)};
    NetworkParams part = lattice_of(Kind::torus, {4, 4}, 4);
    part.endpoints = 44;
    part.nics_per_node = 4;
    part.lattice.width = 3;
    all.push_back(part);
    NetworkParams spare = dragonfly_of(2, 6, true);
    spare.endpoints = 21;  // the last groups are empty
    all.push_back(spare);
    return all;
}

std::unique_ptr<DirectNetwork const> build(NetworkParams params, Routing routing) {
    params.routing = routing;
    params.detour_sixteenths = 5;
    auto* const direct = dynamic_cast<DirectNetwork const*>(make_topology(params).release());
    REQUIRE(direct != nullptr);
    return std::unique_ptr<DirectNetwork const>{direct};
}

constexpr std::array routings{Routing::adaptive, Routing::ecmp, Routing::valiant, Routing::ugal};

//! What a path brings into each switch less what it takes out, in weights.
std::map<std::int64_t, std::int64_t> surplus(DirectNetwork const& network, Path const& path) {
    std::map<std::int64_t, std::int64_t> sums;
    for (Hop const& hop : path.hops()) {
        EdgeIndex const edge = network.edge_of(network.bundle_of(hop.link));
        if (edge < 0) continue;
        sums[network.edge(edge).from] -= hop.weight;
        sums[network.edge(edge).to] += hop.weight;
    }
    std::erase_if(sums, [](auto const& sum) { return sum.second == 0; });
    return sums;
}

}  // namespace

TEST_CASE("every edge has a reverse over the same cables, and leaves and enters different switches") {
    for (auto const& params : small_networks()) {
        auto const network = build(params, Routing::adaptive);
        for (EdgeIndex e = 0; e < network->edge_count(); ++e) {
            Edge const edge = network->edge(e);
            EdgeIndex const back = network->reverse(e);
            REQUIRE(edge.from != edge.to);
            REQUIRE(back != e);
            REQUIRE(network->reverse(back) == e);
            REQUIRE(network->edge(back).from == edge.to);
            REQUIRE(network->edge(back).to == edge.from);
            REQUIRE(network->edge(back).tier == edge.tier);
        }
    }
}

TEST_CASE("bytes flow from the source's switch to the destination's, and none get lost on the way") {
    for (auto const& params : small_networks())
        for (Routing const routing : routings) {
            auto const network = build(params, routing);
            Path path;
            for (std::uint64_t key = 0; key < 300; ++key) {
                Route const route = random_route(*network, key);
                network->path(route, path);
                if (route.src == route.dst) {
                    REQUIRE(path.empty());
                    continue;
                }
                std::int64_t const from = network->switch_of(route.src);
                std::int64_t const to = network->switch_of(route.dst);
                std::map<std::int64_t, std::int64_t> expected;
                if (from != to) expected = {{from, -full_weight}, {to, full_weight}};
                REQUIRE(surplus(*network, path) == expected);
                // The nodes' own cables carry all of it; no link more than that, and each is listed once.
                REQUIRE(network->bundle(network->bundle_of(path.hops().front().link)).index == route.src);
                REQUIRE(network->bundle(network->bundle_of(path.hops().back().link)).index == route.dst);
                REQUIRE(path.hops().front().weight == full_weight);
                REQUIRE(path.hops().back().weight == full_weight);
                std::set<LinkIndex> links;
                for (Hop const& hop : path.hops()) {
                    REQUIRE(hop.weight > 0);
                    REQUIRE(hop.weight <= full_weight);
                    REQUIRE(hop.weight % (full_weight / network->weight_unit()) == 0);
                    REQUIRE(links.insert(hop.link).second);
                }
            }
        }
}

TEST_CASE("a hashed path visits no switch twice, and another path with the same route is the same") {
    for (auto const& params : small_networks()) {
        auto const network = build(params, Routing::ecmp);
        for (std::uint64_t key = 0; key < 300; ++key) {
            Path const path = network->path(random_route(*network, key));
            std::set<std::int64_t> seen;
            for (Hop const& hop : path.hops()) {
                EdgeIndex const edge = network->edge_of(network->bundle_of(hop.link));
                if (edge >= 0) REQUIRE(seen.insert(network->edge(edge).from).second);
                REQUIRE(hop.weight == full_weight);
            }
            Path const again = network->path(random_route(*network, key));
            REQUIRE(std::ranges::equal(path.hops(), again.hops()));
        }
    }
}

TEST_CASE("every bundle is owned by one node, which owns its links too; capacities agree") {
    for (auto const& params : small_networks())
        for (Routing const routing : {Routing::adaptive, Routing::ecmp}) {
            auto const network = build(params, routing);
            std::vector<int> owned(static_cast<std::size_t>(network->bundle_count()), 0);
            std::vector<BundleIndex> bundles;
            for (std::int64_t node = 0; node < network->nodes(); ++node) {
                bundles.clear();
                network->bundles_owned_by(node, bundles);
                for (BundleIndex const b : bundles) {
                    ++owned[static_cast<std::size_t>(b)];
                    REQUIRE(network->owner_of_bundle(b) == node);
                }
            }
            REQUIRE(std::ranges::all_of(owned, [](int n) { return n == 1; }));
            std::vector<std::int64_t> capacity(owned.size(), 0);
            for (LinkIndex l = 0; l < network->link_count(); ++l)
                capacity[static_cast<std::size_t>(network->bundle_of(l))] += network->capacity(l);
            for (BundleIndex b = 0; b < network->bundle_count(); ++b) {
                Bundle const bundle = network->bundle(b);
                REQUIRE(capacity[static_cast<std::size_t>(b)] == bundle.capacity_bytes_per_s);
                REQUIRE(bundle.from.first_node <= bundle.from.last_node);
                REQUIRE(bundle.to.last_node < network->nodes());
            }
            std::int64_t cables = 0;
            for (BundleIndex b = 0; b < network->bundle_count(); ++b)
                if (network->bundle(b).up) cables += network->bundle(b).cables;
            CHECK(cables == network->cables());
        }
}

TEST_CASE("detours take bytes off the shortest way in the share that the route says") {
    // HyperX of 8: the direct edge is the shortest way; a detour takes two others.
    auto const network = build(lattice_of(Kind::hyperx, {8}), Routing::ugal);
    for (std::int32_t detour = 0; detour <= 16; ++detour) {
        Route route = mw::test::route_of(1, 6, 77);
        route.detour = detour;
        Path const path = network->path(route);
        std::int64_t direct = 0;
        for (Hop const& hop : path.hops()) {
            EdgeIndex const e = network->edge_of(network->bundle_of(hop.link));
            if (e >= 0 && network->edge(e).from == 1 && network->edge(e).to == 6) direct = hop.weight;
        }
        CHECK(direct == (16 - detour) * (full_weight / 16));
        // 2 node cables, (16 - d)/16 x 1 + d/16 x 2 between.
        CHECK(path.length() == 2 * full_weight + (16 + detour) * (full_weight / 16));
    }
    // Without load the deck's share counts: 5 of 16 here.
    CHECK(network->path(mw::test::route_of(1, 6)).length() == 2 * full_weight + 21 * (full_weight / 16));
}

TEST_CASE("latency counts adapters, switches and cables, as a mean over the branches") {
    // Ring of 5: from 0 to 2 two hops: 4 cables and 3 switches: 1,000 + 3 x 300 + 4 x 50.
    auto const ring = build(lattice_of(Kind::torus, {5}), Routing::adaptive);
    CHECK(ring->latency_ns(ring->path(mw::test::route_of(0, 2))) == 2'100);
    CHECK(ring->latency_ns(ring->path(mw::test::route_of(3, 3))) == 0);
    auto const half = build(lattice_of(Kind::hyperx, {8}), Routing::ugal);
    Route route = mw::test::route_of(0, 1);
    route.detour = 8;  // half over 1 hop (2 switches, 3 cables), half over 2 (3 and 4)
    CHECK(half->latency_ns(half->path(route)) == 1'000 + 750 + 175);
}
