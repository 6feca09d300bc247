#include "megaweave/parallel/team.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <vector>

using mw::parallel::Team;

TEST_CASE("A team covers every index once, in pieces of at least half the grain") {
    for (int const threads : {1, 2, 3}) {
        Team team{threads};
        CHECK(team.threads() == threads);
        for (std::size_t const count : {0, 1, 7, 8, 9, 1000, 12'345}) {
            CAPTURE(threads);
            CAPTURE(count);
            std::vector<std::atomic<int>> times(count);
            std::atomic<bool> too_small{false};
            team.for_ranges(count, 8, [&](std::size_t begin, std::size_t end) {
                if (2 * (end - begin) < std::min<std::size_t>(8, count)) too_small = true;
                for (std::size_t i = begin; i < end; ++i) ++times[i];
            });
            bool once = true;
            for (auto const& t : times) once = once && t == 1;
            CHECK(once);
            CHECK_FALSE(too_small);
        }
    }
}

TEST_CASE("An exception of a piece reaches the caller, and the team works on") {
    for (int const threads : {1, 2, 3}) {
        Team team{threads};
        auto const fail = [](std::size_t begin, std::size_t end) {
            if (begin <= 500 && 500 < end) throw std::runtime_error("the piece with 500");
        };
        CHECK_THROWS_WITH_AS(team.for_ranges(1000, 10, fail), "the piece with 500", std::runtime_error);
        std::atomic<std::size_t> covered{0};
        team.for_ranges(1000, 10, [&](std::size_t begin, std::size_t end) { covered += end - begin; });
        CHECK(covered == 1000);
    }
}

TEST_CASE("A team of no stated size has the processors that the process may use") {
    Team const team{0};
    CHECK(team.threads() == mw::parallel::usable_processors());
    CHECK(team.threads() >= 1);
}
