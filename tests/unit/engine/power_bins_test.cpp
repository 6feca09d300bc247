#include "power_bins.hpp"

#include <doctest/doctest.h>

#include <numeric>

using namespace mw;
using namespace mw::engine;

TEST_CASE("Bins are equal parts of a sample, at most 25 ms long") {
    CHECK(swing_bins(100 * core::ns_per_ms).count == 4);
    CHECK(swing_bins(100 * core::ns_per_ms).length_ns == 25 * core::ns_per_ms);
    CHECK(swing_bins(30 * core::ns_per_ms).count == 2);
    CHECK(swing_bins(10 * core::ns_per_ms).length_ns == 10 * core::ns_per_ms);
}

TEST_CASE("A rack's energy follows its boards' work bin by bin, and the bins add up to it") {
    constexpr std::int64_t joule_pj = 1'000'000'000'000;
    // 100 J in two bins, of which the boards' work made 10 and 30 J: 30 J of the rest in each.
    CHECK(split_energy(100'000'000, {10 * joule_pj, 30 * joule_pj}, 1.0, 2) ==
          std::vector<std::int64_t>{40'000'000, 60'000'000});
    auto const odd = split_energy(1'000'003, {7, 11'000'000, 5'000'000'000, 13}, 1.07, 4);
    CHECK(std::accumulate(odd.begin(), odd.end(), std::int64_t{0}) == 1'000'003);
    CHECK(split_energy(100, {}, 1.0, 3) == std::vector<std::int64_t>{33, 33, 34});
}
