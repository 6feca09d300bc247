#include "megaweave/core/integer.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "megaweave/core/error.hpp"
#include "megaweave/core/time.hpp"

using namespace mw;

TEST_CASE("overflow_of_energy: what no integer can hold is an error of the input that names the quantity") {
    CHECK(core::to_count(2.5e6, "an energy [uJ]") == 2'500'000);
    CHECK(core::to_count(-0.6, "an energy [uJ]") == -1);
    CHECK(core::to_count(4.5e18, "an energy [uJ]") == 4'500'000'000'000'000'000);
    double const infinite = std::numeric_limits<double>::infinity();
    for (double const value : {1e19, -1e19, infinite, -infinite, std::nan("")})
        CHECK_THROWS_AS(static_cast<void>(core::to_count(value, "an energy [uJ]")), core::TooLarge);
    try {
        static_cast<void>(core::to_count(1e300, "the energy of a store [uJ]"));
    } catch (core::InputError const& error) {
        CHECK(std::string{error.what()}.find("1e+300 for the energy of a store [uJ]") != std::string::npos);
    }
    CHECK_THROWS_AS(static_cast<void>(core::from_seconds(1e30)), core::TooLarge);
}

TEST_CASE("Sums and products are checked to the last integer") {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    CHECK(core::checked_sum(most - 1, 1, "a sum") == most);
    CHECK_THROWS_AS(static_cast<void>(core::checked_sum(most, 1, "a sum")), core::TooLarge);
    CHECK(core::checked_product(most / 7, 7, "a product") == most / 7 * 7);
    CHECK_THROWS_AS(static_cast<void>(core::checked_product(most / 7, 8, "a product")), core::TooLarge);
}
