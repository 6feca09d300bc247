#include "megaweave/core/batch_means.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "megaweave/core/random.hpp"

using namespace mw;

TEST_CASE("The worked example of the data sheet: batches of 9 and 11 in turn") {
    std::vector<double> x;
    std::vector<double> const n(16, 1.0);
    for (int i = 0; i < 16; ++i) x.push_back(i % 2 == 0 ? 9 : 11);
    auto const mean = core::batch_mean(x, n);
    REQUIRE(mean);
    CHECK(mean->mean == 10);
    REQUIRE(mean->half_width);
    CHECK(*mean->half_width == doctest::Approx(2.131 * std::sqrt(1.0 / 15)));
}

TEST_CASE("Nothing to take a mean of has no mean, and too few samples no half-width") {
    std::vector<double> const nothing(20, 0.0);
    CHECK_FALSE(core::batch_mean(nothing, nothing));
    std::vector<double> const few{1, 2, 3};
    auto const mean = core::batch_mean(few, std::vector<double>(3, 2.0));
    REQUIRE(mean);
    CHECK(mean->mean == 1);
    CHECK_FALSE(mean->half_width);
}

TEST_CASE("Intervals hold the true mean about 95 times in 100, also of a series that remembers") {
    core::KeyedRandom const random{11};
    for (double const memory : {0.0, 0.9}) {
        int held = 0;
        constexpr int trials = 400;
        for (std::uint32_t trial = 0; trial < trials; ++trial) {
            std::vector<double> x;
            double state = 0;
            for (std::uint64_t i = 0; i < 800; ++i) {
                state = memory * state + random.uniform(core::Draw::sample, trial, i) - 0.5;
                x.push_back(5 + state);
            }
            auto const mean = core::batch_mean(x, std::vector<double>(x.size(), 1.0));
            held += std::abs(mean->mean - 5) <= *mean->half_width ? 1 : 0;
        }
        // 0.95 of 400 is 380; five standard deviations (4.4) below, and room for 16 batches' own error above.
        CHECK(held > 355);
    }
}
