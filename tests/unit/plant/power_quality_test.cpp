#include "megaweave/plant/power_quality.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

using doctest::Approx;

namespace {

//! 5 MW with a swing of 0.3 MW at 1 Hz: 10 s at 20 samples/s.
std::vector<double> swinging() {
    std::vector<double> watts;
    for (int i = 0; i < 200; ++i) watts.push_back(5e6 + 0.3e6 * std::sin(2 * std::numbers::pi * i / 20.0));
    return watts;
}

}  // namespace

TEST_CASE("ramps are the steepest second and the largest minute") {
    std::vector<double> watts(200, 1e6);
    for (std::size_t i = 100; i < 200; ++i)
        watts[i] = 1e6 + 20e3 * static_cast<double>(std::min<std::size_t>(i - 99, 50));
    auto const rates = mw::plant::ramp_rates(watts, 1.0);
    CHECK(rates.up_w_per_s == Approx(20e3));
    CHECK(rates.down_w_per_s == 0);
    CHECK(rates.up_w_per_min == Approx(1e6));
    watts.back() = 0;
    CHECK(mw::plant::ramp_rates(watts, 0.5).down_w_per_s == Approx(4e6));
    CHECK(mw::plant::ramp_rates({}, 1.0).up_w_per_s == 0);
}

TEST_CASE("p99 over mean tells a peaky series from a flat one") {
    std::vector<double> watts(1000, 1.0);
    CHECK(mw::plant::p99_over_mean(watts) == Approx(1));
    for (std::size_t i = 0; i < 20; ++i) watts[i * 50] = 3.0;
    CHECK(mw::plant::p99_over_mean(watts) == Approx(3 / 1.04));
    CHECK(mw::plant::p99_over_mean({}) == 0);
}

TEST_CASE("a swing of 0.3 MW at 1 Hz shows at 1 Hz and nowhere else") {
    CHECK(mw::plant::swing_w(swinging(), 0.05, 1.0) == Approx(0.3e6));
    CHECK(mw::plant::swing_w(swinging(), 0.05, 2.0) < 1.0);
    auto const lines = mw::plant::spectrum(swinging(), 0.05);
    CHECK(lines.size() == 100);  // 0.1, 0.2 … 10 Hz, half the sample rate
    CHECK(lines.front().frequency_hz == Approx(0.1));
    CHECK(lines.back().frequency_hz == Approx(10));
    auto const top = std::ranges::max_element(lines, {}, [](auto const& line) { return line.amplitude_w; });
    CHECK(top->frequency_hz == Approx(1.0));
}
