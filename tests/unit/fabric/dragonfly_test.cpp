#include "megaweave/fabric/dragonfly.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "networks.hpp"

using namespace mw::fabric;
using mw::test::dragonfly_of;
using mw::test::network_of;
using mw::test::route_of;
using mw::test::why_not;

namespace {

//! Cables between any two groups, counted edge by edge.
std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> between_groups(Dragonfly const& dragonfly) {
    std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> count;
    for (EdgeIndex e = 0; e < dragonfly.edge_count(); ++e) {
        Edge const edge = dragonfly.edge(e);
        std::int64_t const a = dragonfly.group_of_switch(edge.from);
        std::int64_t const b = dragonfly.group_of_switch(edge.to);
        CHECK((edge.tier == 2) == (a != b));
        if (a != b) ++count[{a, b}];
    }
    return count;
}

}  // namespace

TEST_CASE("the dragonfly of p = h = 4, a = 8 with 33 groups has the published size") {
    // Kim et al. 2008: N = a p (a h + 1) = 1,056 endpoints, radix p + a - 1 + h = 15.
    Dragonfly const dragonfly{dragonfly_of(4, 33)};
    CHECK(dragonfly.nodes() == 1'056);
    CHECK(dragonfly.switches() == 264);
    CHECK(dragonfly.radix() == 15);
    CHECK(dragonfly.tiers()[1].cables == 924);  // 33 x 8 x 7 / 2
    CHECK(dragonfly.tiers()[2].cables == 528);  // 33 x 32 / 2
    CHECK(dragonfly.cables_between_groups() == 1);
}

TEST_CASE(
    "any two groups are joined by the same number of cables, and no router has more global ones than ports") {
    for (bool const plus : {false, true})
        for (std::int64_t const groups : {2, 3, 5, 8, 9, 19}) {
            Dragonfly const dragonfly{dragonfly_of(3, groups, plus)};
            auto const count = between_groups(dragonfly);
            CHECK(std::ssize(count) == groups * (groups - 1));
            for (auto const& [pair, cables] : count) CHECK(cables == 18 / (groups - 1));  // a h = 18
            std::map<std::int64_t, int> leaving;
            for (EdgeIndex e = 0; e < dragonfly.edge_count(); ++e)
                if (dragonfly.edge(e).tier == 2) ++leaving[dragonfly.edge(e).from];
            for (auto const& [router, links] : leaving) CHECK(links <= 3);
        }
}

TEST_CASE("the bisection between halves of the groups is m (g/2)^2 cables") {
    Dragonfly const dragonfly{dragonfly_of(3, 6)};  // m = floor(18 / 5) = 3
    std::int64_t cut = 0;
    for (auto const& [pair, cables] : between_groups(dragonfly))
        cut += pair.first < 3 && pair.second >= 3 ? cables : 0;
    CHECK(cut == 3 * 3 * 3);
}

TEST_CASE("a shortest way takes one global hop between groups and at most three in all") {
    for (bool const plus : {false, true}) {
        auto params = dragonfly_of(3, 7, plus);
        params.routing = Routing::ecmp;
        Dragonfly const dragonfly{params};
        std::size_t longest = 0;
        for (std::int64_t dst = 1; dst < dragonfly.nodes(); ++dst) {
            Path const path = dragonfly.path(route_of(0, dst, static_cast<std::uint64_t>(dst)));
            std::int64_t global = 0;
            for (Hop const& hop : path.hops())
                global += dragonfly.bundle(dragonfly.bundle_of(hop.link)).tier == 2 ? 1 : 0;
            std::int64_t const there = dragonfly.group_of_switch(dragonfly.switch_of(dst));
            REQUIRE(global == (there == 0 ? 0 : 1));
            longest = std::max(longest, path.size() - 2);
        }
        CHECK(longest == 3);
    }
}

TEST_CASE("spraying uses all cables between two groups alike") {
    Dragonfly const dragonfly{dragonfly_of(3, 4)};      // m = 6
    Path const path = dragonfly.path(route_of(0, 20));  // group 0 to group 1
    std::vector<std::int32_t> global;
    for (Hop const& hop : path.hops())
        if (dragonfly.bundle(dragonfly.bundle_of(hop.link)).tier == 2) global.push_back(hop.weight);
    CHECK(global == std::vector<std::int32_t>(6, full_weight / 6));
}

TEST_CASE(
    "of more than 16 cables between two groups a transfer takes 16, and over transfers all are used alike") {
    Dragonfly const dragonfly{dragonfly_of(5, 2)};  // m = 50
    CHECK(dragonfly.cables_between_groups() == 50);
    std::map<LinkIndex, std::int64_t> load;
    for (std::uint64_t hash = 0; hash < 5'000; ++hash) {
        std::size_t used = 0;
        for (Hop const& hop : dragonfly.path(route_of(1, 60, hash)).hops())
            if (dragonfly.bundle(dragonfly.bundle_of(hop.link)).tier == 2) {
                load[hop.link] += hop.weight;
                ++used;
            }
        REQUIRE(used == 16);
    }
    REQUIRE(load.size() == 50);
    // Each is drawn with 16/50: 1,600 times of 5,000, standard deviation 33: five of them, in sixteenths.
    for (auto const& [link, weight] : load) CHECK(std::abs(weight / (full_weight / 16) - 1'600) < 165);
}

TEST_CASE("valiant goes by a third group, in at most six hops") {
    auto params = dragonfly_of(2, 9);
    params.routing = Routing::valiant;
    Dragonfly const dragonfly{params};
    for (std::uint64_t hash = 0; hash < 200; ++hash) {
        Path const path = dragonfly.path(route_of(0, 70, hash));
        CHECK(path.length() <= (2 + 6) * std::int64_t{full_weight});
        std::int64_t global = 0;
        for (Hop const& hop : path.hops())
            if (dragonfly.bundle(dragonfly.bundle_of(hop.link)).tier == 2) global += hop.weight;
        CHECK(global == 2 * full_weight);  // two global hops for every byte
    }
}

TEST_CASE("sizes that the deck leaves out make a balanced dragonfly that holds all endpoints") {
    auto params = network_of(Kind::dragonfly, 4'096, 8);
    params.dragonfly.global_links = 8;  // p = 8, a = 16: 128 NICs a group
    Dragonfly const dragonfly{params};
    CHECK(dragonfly.groups() == 32);
    CHECK(dragonfly.cables_between_groups() == 4);  // floor(128 / 31)
    CHECK(dragonfly.switches() == 512);
}

TEST_CASE("a dragonfly that cannot be built says what would do") {
    auto params = dragonfly_of(2, 9);
    params.dragonfly.groups = 10;
    CHECK(why_not(params).find("at most 9 groups") != std::string::npos);
    params.dragonfly.groups = 5;
    CHECK(why_not(params).find("holds 40 accelerators, not 72") != std::string::npos);
    params.dragonfly = {8, 0, 12, 8, 9};
    params.nics_per_node = 8;
    CHECK(why_not(params).find("12 NICs per router are no whole nodes of 8") != std::string::npos);
}
