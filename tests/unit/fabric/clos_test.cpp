#include "megaweave/fabric/clos.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "megaweave/core/error.hpp"

using namespace mw::fabric;

namespace {

constexpr std::int64_t link_rate = 50'000'000'000;  // 400 Gb/s

NetworkParams clos(std::int64_t endpoints, std::int64_t nics_per_node, std::int64_t tiers, std::int64_t radix,
                   Routing routing = Routing::adaptive, double oversubscription = 1) {
    NetworkParams params;
    params.endpoints = endpoints;
    params.nics_per_node = nics_per_node;
    params.tiers = tiers;
    params.radix = radix;
    params.oversubscription = oversubscription;
    params.link_bytes_per_s = link_rate;
    params.routing = routing;
    return params;
}

std::string why_not(NetworkParams const& params) {
    try {
        Clos const built{params};
    } catch (mw::core::InputError const& error) {
        return error.what();
    }
    return "it can be built";
}

//! From node to node, as most tests ask for it.
Path way(Clos const& clos, std::int64_t src, std::int64_t dst, std::int64_t rail = 0,
         std::uint64_t hash = 0) {
    return clos.path({static_cast<std::int32_t>(src), static_cast<std::int32_t>(dst),
                      static_cast<std::int32_t>(rail), Route::undecided, hash});
}

std::int64_t latency(Clos const& clos, std::int64_t src, std::int64_t dst) {
    return clos.latency_ns(way(clos, src, dst));
}

//! The physical switch at the upper end of a cable, worked out from the wiring rule of the header.
std::int64_t second_tier_of(std::int64_t leaf_in_pod, std::int64_t port, std::int64_t up,
                            std::int64_t seconds) {
    return (leaf_in_pod * up + port) % seconds;
}

}  // namespace

TEST_CASE("a Clos of radix 144 has the published numbers of switches") {
    // 576 = 8 leaves of 72; 8 x 72 / 144 = 4 above. 10,368 = 144 leaves, 72 above. 41,472 = 576 + 576 + 288.
    CHECK(Clos{clos(576, 8, 2, 144)}.switches() == 12);
    CHECK(Clos{clos(10'368, 8, 2, 144)}.switches() == 216);
    Clos const large{clos(41'472, 8, 3, 144)};
    CHECK(large.switches() == 1'440);
    CHECK(large.switches(1) == 576);
    CHECK(large.switches(2) == 576);
    CHECK(large.switches(3) == 288);
    CHECK(large.pods() == 8);
}

TEST_CASE("a Clos filled exactly has 2NT optical ends, or 2N(T-1) with copper at the host") {
    Clos const two{clos(10'368, 8, 2, 144)};
    CHECK(two.optical_ends(true) == 2 * 10'368 * 2);
    CHECK(two.optical_ends(false) == 2 * 10'368 * 1);
    Clos const three{clos(41'472, 8, 3, 144)};
    CHECK(three.optical_ends(true) == 2 * 41'472 * 3);
    CHECK(three.optical_ends(false) == 2 * 41'472 * 2);
    CHECK(three.cables(Clos::pod) == 41'472);
}

TEST_CASE("a part-filled Clos has about N(2T-1)/k switches, as a full one") {
    CHECK(Clos{clos(1'024, 8, 3, 64)}.switches() == 1'024 * 5 / 64);
    CHECK(Clos{clos(256, 8, 3, 64)}.switches() == 256 * 5 / 64);
    Clos const big{clos(100'000, 8, 3, 128)};  // 1,563 leaves in 25 pods of 63
    CHECK(big.leaves() == 1'563);
    CHECK(big.pods() == 25);
    CHECK(big.switches() == doctest::Approx(100'000.0 * 5 / 128).epsilon(0.01));
}

TEST_CASE("oversubscription moves ports of the leaf from up to down") {
    Clos const tapered{clos(16'384, 8, 3, 64, Routing::adaptive, 3.0)};  // 48 down, 16 up: 6 nodes a leaf
    CHECK(tapered.leaf_of(5) == 0);
    CHECK(tapered.leaf_of(6) == 1);
    auto const path = way(tapered, 0, 6);
    CHECK(tapered.capacity(path.hops()[0].link) == 8 * link_rate);
    CHECK(tapered.capacity(path.hops()[1].link) == 16 * link_rate);
}

TEST_CASE("latency counts the adapters, the switches and the cables on the way") {
    Clos const c{clos(41'472, 8, 3, 144)};
    CHECK(latency(c, 7, 7) == 0);
    CHECK(latency(c, 0, 1) == 1'000 + 300 + 2 * 50);
    CHECK(latency(c, 0, 9) == 1'000 + 3 * 300 + 4 * 50);
    CHECK(latency(c, 0, c.nodes() - 1) == 2'800);  // 1,000 + 5 x 300 + 6 x 50
}

TEST_CASE("a Clos that cannot be built says what would do, all mistakes at once") {
    CHECK(why_not(clos(4'096, 8, 2, 64)).find("2 tiers of radix 64 hold 2048 accelerators") !=
          std::string::npos);
    CHECK(why_not(clos(4'096, 8, 2, 64)).find("Use 3 tiers or a radix of at least 96.") != std::string::npos);
    // 3 tiers hold k^3/4 where k/2 is a multiple of 8: 64 -> 65,536; 80 -> 128,000; 66 to 78 lose the odd
    // ports.
    CHECK(why_not(clos(100'000, 8, 3, 64)).find("Use 4 tiers or a radix of at least 80.") !=
          std::string::npos);
    CHECK(why_not(clos(100, 8, 3, 64)).find("do not fill nodes of 8") != std::string::npos);
    auto broken = clos(0, 8, 5, 64);
    broken.link_bytes_per_s = 0;
    CHECK(std::ranges::count(why_not(broken), '\n') == 2);
    CHECK(why_not(clos(8, 8, 3, 8)).find("hold 0 accelerators") !=
          std::string::npos);  // 4 ports down, nodes of 8
}

TEST_CASE("an adaptive path names one bundle per stage, up from the source and down to the destination") {
    Clos const c{clos(41'472, 8, 3, 144)};
    CHECK(way(c, 3, 3).size() == 0);
    CHECK(way(c, 0, 8).size() == 2);
    CHECK(way(c, 0, 9).size() == 4);
    std::int64_t const last = c.nodes() - 1;
    auto const path = way(c, 0, last);
    REQUIRE(path.size() == 6);
    struct Expected {
        int tier;
        bool up;
        std::int64_t index;
    };
    std::vector<Expected> const expected{{Clos::host, true, 0},    {Clos::leaf, true, 0},
                                         {Clos::pod, true, 0},     {Clos::pod, false, 7},
                                         {Clos::leaf, false, 575}, {Clos::host, false, last}};
    for (std::size_t i = 0; i < 6; ++i) {
        Bundle const b = c.bundle(c.bundle_of(path.hops()[i].link));
        CHECK(b.tier == expected[i].tier);
        CHECK(b.up == expected[i].up);
        CHECK(b.index == expected[i].index);
    }
    CHECK(c.bundle(c.bundle_of(path.hops()[2].link)).capacity_bytes_per_s == 72 * 72 * link_rate);
}

TEST_CASE("every bundle is owned by exactly one node, the owner of its links") {
    for (Routing const routing : {Routing::adaptive, Routing::ecmp}) {
        for (std::int64_t const tiers : {2, 3}) {
            Clos const c{clos(776, 8, tiers, 64, routing)};
            std::vector<int> owners(static_cast<std::size_t>(c.bundle_count()), 0);
            std::vector<std::int64_t> owner_of(owners.size(), -1);
            std::vector<BundleIndex> owned;
            for (std::int64_t node = 0; node < c.nodes(); ++node) {
                owned.clear();
                c.bundles_owned_by(node, owned);
                for (BundleIndex const b : owned) {
                    ++owners[static_cast<std::size_t>(b)];
                    owner_of[static_cast<std::size_t>(b)] = node;
                }
            }
            CHECK(std::ranges::all_of(owners, [](int n) { return n == 1; }));
            std::vector<std::int64_t> capacity(owners.size(), 0);
            for (LinkIndex l = 0; l < c.link_count(); ++l) {
                auto const b = static_cast<std::size_t>(c.bundle_of(l));
                CHECK(c.owner_node(l) == owner_of[b]);
                capacity[b] += c.capacity(l);
            }
            for (std::size_t b = 0; b < capacity.size(); ++b)
                CHECK(capacity[b] == c.bundle(static_cast<BundleIndex>(b)).capacity_bytes_per_s);
        }
    }
}

TEST_CASE("an ecmp path is one that the cables allow") {
    // Filled exactly (4 pods of 8 leaves, radix 16, 2 NICs a node) and part-filled, in 2 and 3 tiers.
    for (auto const& params : {clos(256, 2, 3, 16, Routing::ecmp), clos(258, 2, 3, 16, Routing::ecmp),
                               clos(96, 2, 2, 16, Routing::ecmp), clos(700, 2, 3, 16, Routing::ecmp, 2.0)}) {
        Clos const c{params};
        std::int64_t const up = c.cables(Clos::leaf) / c.leaves();
        std::int64_t const pod_ports = c.cables(Clos::pod) / c.pods();
        std::int64_t const seconds = c.switches(2) / c.pods();
        std::int64_t const leaves_per_pod = (c.leaves() + c.pods() - 1) / c.pods();
        std::int64_t const leaf_up = 2 * c.cables(Clos::host);
        std::int64_t const leaf_down = leaf_up + c.cables(Clos::leaf);
        std::int64_t const pod_up = leaf_down + c.cables(Clos::leaf);
        std::int64_t const pod_down = pod_up + c.cables(Clos::pod);
        CHECK(c.link_count() == pod_down + c.cables(Clos::pod));
        for (std::uint64_t hash = 0; hash < 2'000; ++hash) {
            auto const src = static_cast<std::int64_t>(hash * 7919 % static_cast<std::uint64_t>(c.nodes()));
            auto const dst =
                static_cast<std::int64_t>(hash * 104'729 % static_cast<std::uint64_t>(c.nodes()));
            auto const rail = static_cast<std::int64_t>(hash % 2);
            Path const path = way(c, src, dst, rail, hash);
            if (path.size() == 0) continue;
            CHECK(path.hops()[0].link == src * 2 + rail);
            CHECK(path.hops()[path.size() - 1].link == c.cables(Clos::host) + dst * 2 + rail);
            if (path.size() == 2) continue;
            std::int64_t const rise = path.hops()[1].link - leaf_up;
            std::int64_t const fall = path.hops()[path.size() - 2].link - leaf_down;
            REQUIRE(rise / up == c.leaf_of(src));
            REQUIRE(fall / up == c.leaf_of(dst));
            std::int64_t const above_src =
                second_tier_of(c.leaf_of(src) % leaves_per_pod, rise % up, up, seconds);
            std::int64_t const above_dst =
                second_tier_of(c.leaf_of(dst) % leaves_per_pod, fall % up, up, seconds);
            if (path.size() == 4) {
                CHECK(above_src == above_dst);
                continue;
            }
            std::int64_t const climb = path.hops()[2].link - pod_up;
            std::int64_t const drop = path.hops()[3].link - pod_down;
            CHECK(climb / pod_ports == c.pod_of(src));
            CHECK(drop / pod_ports == c.pod_of(dst));
            CHECK(climb % pod_ports % seconds == above_src);
            CHECK(drop % pod_ports % seconds == above_dst);
            CHECK(climb % c.switches(3) == drop % c.switches(3));  // one core
            if (params.endpoints == 256) CHECK(above_src == above_dst);
        }
    }
}

TEST_CASE("no switch of a Clos has more cables than ports") {
    for (std::int64_t const endpoints : {16, 96, 250, 258, 512, 700, 1'000, 1'024}) {
        for (double const oversubscription : {0.5, 1.0, 2.0, 3.0}) {
            auto const params = clos(endpoints, 2, 3, 16, Routing::ecmp, oversubscription);
            if (why_not(params) != "it can be built") continue;
            Clos const c{params};
            std::int64_t const up = c.cables(Clos::leaf) / c.leaves();
            std::int64_t const seconds = c.switches(2) / c.pods();
            std::int64_t const leaves_per_pod = (c.leaves() + c.pods() - 1) / c.pods();
            std::vector<int> down(static_cast<std::size_t>(seconds), 0);
            for (std::int64_t cable = 0; cable < leaves_per_pod * up; ++cable)
                ++down[static_cast<std::size_t>(cable % seconds)];
            CHECK(std::ranges::max(down) <= 8);
            CHECK(c.cables(Clos::pod) <= c.switches(3) * 16);  // dealt round robin: full at most
            CHECK(c.cables(Clos::pod) >= c.pods() * leaves_per_pod * up);
        }
    }
}

TEST_CASE("the ecmp hash spreads flows evenly over the ports") {
    Clos const c{clos(2'048, 8, 2, 64, Routing::ecmp)};
    std::vector<int> hits(32, 0);
    std::int64_t const leaf_up = 2 * c.cables(Clos::host);
    for (std::uint64_t hash = 0; hash < 32'000; ++hash)
        ++hits[static_cast<std::size_t>(way(c, 0, 100, 3, hash).hops()[1].link - leaf_up)];
    // Mean 1,000, standard deviation sqrt(1000 * 31/32) = 31: five of them.
    CHECK(std::ranges::min(hits) > 845);
    CHECK(std::ranges::max(hits) < 1'155);
    std::set<LinkIndex> ports;
    for (std::int64_t rail = 0; rail < 8; ++rail) ports.insert(way(c, 0, 100, rail, 42).hops()[1].link);
    CHECK(ports.size() > 4);  // the rails of one transfer part; 8 balls in 32 bins: 7.2 expected
}

TEST_CASE("a transfer is one piece where packets are sprayed and one per NIC where flows are hashed") {
    CHECK(Clos{clos(64, 8, 2, 64)}.pieces(8) == 1);
    CHECK(Clos{clos(64, 8, 2, 64, Routing::ecmp)}.pieces(8) == 8);
}
