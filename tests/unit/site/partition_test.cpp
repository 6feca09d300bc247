#include "megaweave/site/partition.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "plans.hpp"

using namespace mw;
using core::RackId;
using site::Partition;
using site::Plan;

namespace {

Plan plan_of(std::int64_t accelerators) {
    return Plan{{accelerators, test::hgx_rack(), test::clos_of_400g(), {{accelerators, 8, 0, 128}}}};
}

}  // namespace

TEST_CASE("Ranks cut the racks into runs: each rack has one rank, none is left over") {
    for (std::int64_t const accelerators : {32, 200, 1024, 10'000})
        for (int const ranks : {1, 2, 3, 5, 7, 16, 33, 64}) {
            CAPTURE(accelerators);
            CAPTURE(ranks);
            Plan const plan = plan_of(accelerators);
            Partition const partition{plan, ranks};
            std::int64_t next = 0;
            for (int rank = 0; rank < ranks; ++rank) {
                REQUIRE(partition.first_rack(rank) == next);
                REQUIRE(partition.rack_count(rank) >= 0);
                for (std::int64_t i = 0; i < partition.rack_count(rank); ++i)
                    REQUIRE(partition.rank_of(RackId::of(static_cast<std::size_t>(next + i))) == rank);
                next += partition.rack_count(rank);
            }
            REQUIRE(next == plan.racks());
        }
}

TEST_CASE("Each rank has its share of the accelerators, give or take a rack") {
    // A border of a share moves by at most half a rack to lie between two; a rank has two borders.
    for (std::int64_t const accelerators : {200, 1024, 10'000})
        for (int const ranks : {2, 3, 4, 5, 7, 16}) {
            CAPTURE(accelerators);
            CAPTURE(ranks);
            Plan const plan = plan_of(accelerators);
            Partition const partition{plan, ranks};
            for (int rank = 0; rank < ranks; ++rank) {
                std::int64_t here = 0;
                for (std::int64_t i = 0; i < partition.rack_count(rank); ++i)
                    here += plan.accelerators_in(
                        RackId::of(static_cast<std::size_t>(partition.first_rack(rank) + i)));
                CHECK(std::abs(here * ranks - accelerators) <= 32 * ranks);
            }
        }
}

TEST_CASE("Where all racks are full, no two ranks differ by more than one rack") {
    for (std::int64_t const accelerators : {1024, 9984})
        for (int const ranks : {2, 3, 4, 5, 7, 16}) {
            CAPTURE(accelerators);
            CAPTURE(ranks);
            Plan const plan = plan_of(accelerators);
            Partition const partition{plan, ranks};
            std::int64_t fewest = plan.racks();
            std::int64_t most = 0;
            for (int rank = 0; rank < ranks; ++rank) {
                fewest = std::min(fewest, partition.rack_count(rank));
                most = std::max(most, partition.rack_count(rank));
            }
            CHECK(most - fewest <= 1);
        }
}

TEST_CASE("With more ranks than racks each rack has a rank of its own, and the others none") {
    Plan const plan = plan_of(96);
    Partition const partition{plan, 10};
    std::int64_t busy = 0;
    for (int rank = 0; rank < 10; ++rank) {
        CHECK(partition.rack_count(rank) <= 1);
        busy += partition.rack_count(rank);
    }
    CHECK(busy == 3);
}

TEST_CASE("32 racks over 3 ranks are 11, 10, 11") {
    // Borders at 32/3 = 10.67 and 21.33 racks; a rack goes to the rank that holds its middle: middles 10.5 and 20.5 lie before them,
    // 21.5 behind.
    Partition const partition{plan_of(1024), 3};
    CHECK(partition.rack_count(0) == 11);
    CHECK(partition.rack_count(1) == 10);
    CHECK(partition.rack_count(2) == 11);
}
