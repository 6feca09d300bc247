// Several planes, rails, and four tiers.
#include "megaweave/fabric/planes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "megaweave/fabric/clos.hpp"
#include "networks.hpp"

using namespace mw::fabric;
using mw::test::link_rate;
using mw::test::network_of;
using mw::test::random_route;
using mw::test::route_of;
using mw::test::why_not;

namespace {

NetworkParams clos_of(std::int64_t endpoints, std::int64_t nics, std::int64_t tiers, std::int64_t radix,
                      Kind kind = Kind::clos) {
    NetworkParams params = network_of(kind, endpoints, nics);
    params.tiers = tiers;
    params.radix = radix;
    return params;
}

}  // namespace

TEST_CASE("8 planes of a 2-tier Clos with radix 64 hold 16,384 NICs in 768 switches") {
    auto params = clos_of(16'384, 8, 2, 64);
    params.planes = 8;
    auto const planes = make_topology(params);
    CHECK(planes->nodes() == 2'048);
    CHECK(planes->switches() == 8 * 96);  // 64 leaves and 32 above in each
    params.planes = 1;
    params.tiers = 3;
    CHECK(make_topology(params)->switches() == 16'384 * 5 / 64);
}

TEST_CASE("sprayed planes act as one network of their joint capacity") {
    auto params = clos_of(512, 8, 2, 16);
    params.planes = 4;
    auto const planes = make_topology(params);
    auto one = clos_of(128, 2, 2, 16);
    auto const plane = make_topology(one);
    REQUIRE(planes->bundle_count() == plane->bundle_count());
    CHECK(planes->link_count() == plane->link_count());
    for (BundleIndex b = 0; b < plane->bundle_count(); ++b)
        CHECK(planes->bundle(b).capacity_bytes_per_s == 4 * plane->bundle(b).capacity_bytes_per_s);
    for (std::uint64_t key = 0; key < 100; ++key)
        CHECK(std::ranges::equal(planes->path(random_route(*planes, key)).hops(),
                                 plane->path(random_route(*plane, key)).hops()));
}

TEST_CASE("hashed traffic stays in its NIC's plane") {
    auto params = clos_of(512, 8, 2, 16);
    params.planes = 4;
    params.routing = Routing::ecmp;
    auto const planes = make_topology(params);
    LinkIndex const links = planes->link_count() / 4;
    for (std::int64_t rail = 0; rail < 8; ++rail)
        for (std::uint64_t hash = 0; hash < 50; ++hash)
            for (Hop const& hop : planes->path(route_of(3, 60, hash, rail)).hops())
                REQUIRE(hop.link / links == rail % 4);
    for (LinkIndex l = 0; l < planes->link_count(); ++l)
        REQUIRE(planes->bundle_of(l) == planes->bundle_of(l % links));
}

TEST_CASE("a plane's failures weaken the joint bundle, and names say which plane") {
    auto params = clos_of(512, 8, 2, 16);
    params.planes = 4;
    params.failures.links = {"plane 3 leaf 2 port 1"};
    auto const planes = make_topology(params);
    std::int64_t lost = 0;
    for (BundleIndex b = 0; b < planes->bundle_count(); ++b)
        if (planes->bundle(b).tier == 1) lost += 4 * 8 - planes->bundle(b).cables;
    CHECK(lost == 2);
    for (std::uint64_t key = 0; key < 100; ++key) {
        Path const path = planes->path(random_route(*planes, key));
        for (Hop const& hop : path.hops())
            CHECK(hop.weight == full_weight);  // four quarters on the same bundles
    }
    params.failures.links = {"leaf 2 port 1"};
    CHECK(why_not(params).find("does not say in which plane") != std::string::npos);
    params.failures = {};
    params.planes = 3;
    CHECK(why_not(params).find("cannot be dealt evenly to 3 planes") != std::string::npos);
}

TEST_CASE("a full 4-tier Clos of radix k holds k^4/8 NICs in N(2T-1)/k switches") {
    // k = 8: 512 = 8^4/8; 128 leaves + 128 + 128 + 64 cores = 448 = 512 x 7/8.
    auto params = clos_of(512, 1, 4, 8);
    Clos const clos{params};
    CHECK(Clos::most_endpoints(params) == 512);
    CHECK(clos.switches(1) == 128);
    CHECK(clos.switches(2) == 128);
    CHECK(clos.switches(3) == 128);
    CHECK(clos.switches(4) == 64);
    CHECK(clos.switches() == 448);
    CHECK(clos.cables() == 4 * 512);
    // Across all tiers: 8 cables, 7 switches: 1,000 + 7 x 300 + 8 x 50.
    Path const longest = clos.path(route_of(0, 511));
    CHECK(longest.size() == 8);
    CHECK(clos.latency_ns(longest) == 3'500);
    CHECK(clos.path(route_of(0, 4)).size() == 4);
    CHECK(clos.path(route_of(0, 16)).size() == 6);
}

TEST_CASE("hashed paths of 4 tiers change cables only where two meet at one switch") {
    for (std::int64_t const endpoints : {512, 300}) {
        auto params = clos_of(endpoints, 1, 4, 8);
        params.routing = Routing::ecmp;
        Clos const clos{params};
        // Names of switches are those of failures: breaking one must take exactly its cables out of use.
        params.failures.switches = {"core 1", "superpod 1 switch 2", "pod 3 switch 4"};
        Clos const broken{params};
        std::int64_t dead = 0;
        for (LinkIndex l = 0; l < broken.link_count(); ++l) dead += broken.capacity(l) == 0 ? 1 : 0;
        if (endpoints == 512) CHECK(dead == 2 * (8 + 8 + 8));  // three switches of 8 ports, none in common
        for (std::uint64_t key = 0; key < 2'000; ++key) {
            Route const route = random_route(clos, key);
            Path const path = broken.path(route);
            std::size_t const expected = clos.path(route).size();
            REQUIRE(path.size() == expected);
            for (Hop const& hop : path.hops()) REQUIRE(broken.capacity(hop.link) > 0);
        }
    }
}

TEST_CASE("rail: NICs of the same number meet at one switch, within a block of nodes") {
    // Radix 64: 32 nodes to a block of 8 leaves; 4 blocks fill the 32 ports down of a pod's switches.
    auto const params = clos_of(2'048, 8, 3, 64, Kind::rail);
    Clos const rail{params};
    CHECK(rail.leaf_of(31) == 0);
    CHECK(rail.leaf_of(32) == 1);
    CHECK(rail.leaves() == 64);
    CHECK(rail.switches(1) == 64);
    CHECK(rail.switches() == 2'048 * 5 / 64);
    CHECK(rail.path(route_of(0, 31)).size() == 2);
    CHECK(rail.path(route_of(0, 32)).size() == 4);
    CHECK(rail.path(route_of(0, 255)).size() == 6);
    CHECK(rail.bundle(rail.path(route_of(0, 255)).hops()[1].link).cables == 8 * 32);

    auto hashed_params = params;
    hashed_params.routing = Routing::ecmp;
    Clos const hashed{hashed_params};
    LinkIndex const leaf_up = 2 * hashed.cables(Clos::host);
    for (std::int64_t nic = 0; nic < 8; ++nic) {
        std::set<LinkIndex> ports;
        for (std::uint64_t hash = 0; hash < 500; ++hash) {
            Path const path = hashed.path(route_of(1, 100, hash, nic));
            REQUIRE(path.hops()[0].link == 8 + nic);
            ports.insert(path.hops()[1].link - leaf_up);
        }
        CHECK(ports.size() == 32);  // all ports of the rail's leaf, and no others
        CHECK(*ports.begin() == nic * 32);
        CHECK(*ports.rbegin() == nic * 32 + 31);
    }
}

TEST_CASE("rail holds whole blocks only, and says so") {
    CHECK(Clos::most_endpoints(clos_of(8, 8, 2, 64, Kind::rail)) == 32 * 8 * 8);
    CHECK(Clos::most_endpoints(clos_of(8, 8, 3, 64, Kind::rail)) == 32 * 8 * 4 * 64);
    CHECK(why_not(clos_of(4'096, 8, 2, 64, Kind::rail)).find("hold 2048 accelerators") != std::string::npos);
    CHECK(why_not(clos_of(64, 8, 3, 8, Kind::rail)).find("hold 0 accelerators") != std::string::npos);
}
