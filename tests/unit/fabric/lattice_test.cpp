#include "megaweave/fabric/lattice.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "networks.hpp"

using namespace mw::fabric;
using mw::test::lattice_of;
using mw::test::network_of;
using mw::test::route_of;
using mw::test::why_not;

namespace {

//! Cables between the lower and the upper half along the last side.
std::int64_t cut(Lattice const& lattice) {
    std::int64_t edges = 0;
    std::int64_t const half = lattice.switch_count() / 2;
    for (EdgeIndex e = 0; e < lattice.edge_count(); ++e)
        edges += lattice.edge(e).from < half && lattice.edge(e).to >= half ? 1 : 0;
    return edges * lattice.width();
}

std::int64_t coordinate(std::int64_t number, std::vector<std::int64_t> const& sides, std::size_t side) {
    for (std::size_t i = 0; i < side; ++i) number /= sides[i];
    return number % sides[side];
}

//! Hops between switches, written out from the coordinates.
std::int64_t distance(std::int64_t a, std::int64_t b, std::vector<std::int64_t> const& sides, bool ring) {
    std::int64_t sum = 0;
    for (std::size_t side = 0; side < sides.size(); ++side) {
        std::int64_t const apart = std::abs(coordinate(a, sides, side) - coordinate(b, sides, side));
        sum += ring ? std::min(apart, sides[side] - apart) : (apart == 0 ? 0 : 1);
    }
    return sum;
}

}  // namespace

TEST_CASE("a 4 x 4 x 4 torus has 64 switches, 192 cables, a diameter of 6 and a bisection of 32 cables") {
    Torus const torus{lattice_of(Kind::torus, {4, 4, 4})};
    CHECK(torus.switch_count() == 64);
    CHECK(torus.tiers()[1].cables == 192);
    CHECK(cut(torus) == 32);  // 2 x 64 / 4
    CHECK(torus.radix() == 1 + 6);
    std::int64_t longest = 0;
    for (std::int64_t dst = 1; dst < 64; ++dst)
        longest = std::max(longest, torus.path(route_of(0, dst)).length() / full_weight - 2);
    CHECK(longest == 6);
}

TEST_CASE("sides of 2 have one edge between their switches, and sides of 1 none") {
    Torus const torus{lattice_of(Kind::torus, {2, 1, 3})};
    CHECK(torus.tiers()[1].cables == 3 + 6);  // 6/2 along the side of 2, 6 in rings of 3
    HyperX const cube{lattice_of(Kind::hyperx, {2, 2, 2})};
    CHECK(cube.tiers()[1].cables == 12);
}

TEST_CASE("an 8 x 8 HyperX has 448 cables, a diameter of 2 and a bisection of 128 cables") {
    HyperX const hyperx{lattice_of(Kind::hyperx, {8, 8})};
    CHECK(hyperx.switch_count() == 64);
    CHECK(hyperx.tiers()[1].cables == 448);
    CHECK(cut(hyperx) == 128);  // (8/2)^2 x 64 / 8
    CHECK(hyperx.radix() == 1 + 14);
}

TEST_CASE("bisections are the closed forms, for any even last side and width") {
    for (std::int64_t const side : {4, 6, 8})
        for (std::int64_t const width : {1, 3}) {
            auto params = lattice_of(Kind::torus, {3, 2, side});
            params.lattice.width = width;
            CHECK(cut(Torus{params}) == 2 * width * 6);  // switches / side = 6
            params.kind = Kind::hyperx;
            CHECK(cut(HyperX{params}) == width * (side / 2) * (side / 2) * 6);
        }
}

TEST_CASE("every path, sprayed or hashed, is as short as the coordinates allow") {
    std::vector<std::int64_t> const sides{4, 5, 3};
    for (Kind const kind : {Kind::torus, Kind::hyperx})
        for (Routing const routing : {Routing::adaptive, Routing::ecmp}) {
            auto params = lattice_of(kind, sides);
            params.routing = routing;
            auto const network = make_topology(params);
            for (std::uint64_t hash = 0; hash < 3; ++hash)
                for (std::int64_t dst = 0; dst < 60; ++dst)
                    if (dst != 17)
                        REQUIRE(network->path(route_of(17, dst, hash)).length() ==
                                (2 + distance(17, dst, sides, kind == Kind::torus)) * full_weight);
        }
}

TEST_CASE("spraying takes every order of the sides alike") {
    // Two sides differ: two orders, the first and last hops of each at 1/2.
    HyperX const two{lattice_of(Kind::hyperx, {4, 4})};
    Path const square = two.path(route_of(0, 5));
    REQUIRE(square.size() == 2 + 4);
    for (std::size_t i = 1; i <= 4; ++i) CHECK(square.hops()[i].weight == full_weight / 2);
    // Three sides: six orders over the 12 edges of a cube: 3 edges leave at 1/3, 6 follow at 1/6, 3 arrive at 1/3.
    HyperX const three{lattice_of(Kind::hyperx, {3, 3, 3})};
    Path const cube = three.path(route_of(0, 13));
    REQUIRE(cube.size() == 2 + 12);
    CHECK(std::ranges::count(cube.hops(), full_weight / 3, &Hop::weight) == 6);
    CHECK(std::ranges::count(cube.hops(), full_weight / 6, &Hop::weight) == 6);
}

TEST_CASE("half-way round a ring, half of the bytes go each way") {
    Torus const ring{lattice_of(Kind::torus, {6})};
    Path const path = ring.path(route_of(1, 4));
    REQUIRE(path.size() == 2 + 6);
    for (std::size_t i = 1; i <= 6; ++i) CHECK(path.hops()[i].weight == full_weight / 2);
}

TEST_CASE("hashed orders and directions are drawn evenly") {
    auto params = lattice_of(Kind::torus, {6, 6, 6});
    params.routing = Routing::ecmp;
    Torus const torus{params};
    std::map<LinkIndex, int> first;
    int const draws = 12'000;
    for (std::uint64_t hash = 0; hash < draws; ++hash)
        ++first[torus.path(route_of(0, 129, hash)).hops()[1].link];  // (3, 3, 3): every direction is as short
    REQUIRE(first.size() == 6);
    // Mean 2,000, standard deviation sqrt(2000 * 5/6) = 41: five of them.
    for (auto const& [link, count] : first) CHECK(std::abs(count - 2'000) < 205);
}

TEST_CASE("sides that the deck leaves out are nearly equal and hold all endpoints") {
    auto params = network_of(Kind::torus, 800, 8);  // 100 nodes
    CHECK(Torus{params}.sides() == std::vector<std::int64_t>{5, 5, 4});
    params.lattice.dimensions = 2;
    CHECK(Torus{params}.sides() == std::vector<std::int64_t>{10, 10});
    params.lattice.nics_per_switch = 32;
    CHECK(HyperX{params}.sides() == std::vector<std::int64_t>{5, 5});
    params.endpoints = 8;
    CHECK(HyperX{params}.sides() == std::vector<std::int64_t>{1, 1});
}

TEST_CASE("a lattice that cannot be built says what would do") {
    auto params = lattice_of(Kind::torus, {4, 4});
    params.endpoints = 20;
    CHECK(why_not(params).find("a torus of 16 switches with 1 NICs each holds 16 accelerators, not 20") !=
          std::string::npos);
    params.endpoints = 16;
    params.nics_per_node = 8;
    params.lattice.nics_per_switch = 12;
    CHECK(why_not(params).find("12 NICs per switch are no whole nodes of 8") != std::string::npos);
    params.lattice.sides = {10'000, 10'000, 10'000, 10'000, 10'000, 10'000};
    params.lattice.nics_per_switch = 8;
    CHECK(why_not(params).find("is not modelled") != std::string::npos);
}

TEST_CASE("100,000 endpoints in a HyperX or torus need no table: paths are found at once") {
    for (Kind const kind : {Kind::hyperx, Kind::torus}) {
        auto params = network_of(kind, 100'000, 8);
        params.lattice.nics_per_switch = 32;
        auto const network = make_topology(params);
        CHECK(network->nodes() == 12'500);
        Path path;
        std::int64_t hops = 0;
        for (std::uint64_t key = 0; key < 1'000; ++key) {
            network->path(mw::test::random_route(*network, key), path);
            hops += path.length();
        }
        CHECK(hops > 1'000 * 3 * std::int64_t{full_weight});
    }
}
