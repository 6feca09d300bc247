#include "megaweave/hardware/power.hpp"

#include <doctest/doctest.h>

#include "megaweave/core/error.hpp"

namespace {

using mw::hardware::AcceleratorPower;
using mw::hardware::Activity;
using mw::hardware::Precision;

mw::hardware::AcceleratorParams h100() {
    mw::hardware::AcceleratorParams params;
    params.name = "h100";
    params.peak_flops = {0.0, 1979e12, 989e12};
    params.hbm_bytes_per_s = 3.35e12;
    params.tdp_w = 700;
    params.resident_idle_w = 142;
    params.joules_per_flop = {0.0, 0.488e-12, 0.78e-12};
    params.joules_per_hbm_byte = 107e-12;
    params.joules_per_link_bit = 5.5e-12;
    return params;
}

}  // namespace

TEST_CASE("an FP8 GEMM at 0.57 of peak draws 0.99 TDP on an H100") {
    auto const power = AcceleratorPower{h100()}(0.57 * 1979e12, Precision::fp8, 0, 0, 1.0);
    CHECK(power.compute_w == doctest::Approx(550.5).epsilon(1e-4));
    CHECK((142 + power.total_w()) / 700 == doctest::Approx(0.99).epsilon(2e-3));
}

TEST_CASE("decode attention at 85 % of HBM bandwidth draws 465 W on an H100") {
    double const bytes = 0.85 * 3.35e12;
    auto const power = AcceleratorPower{h100()}(Activity{0, 8 * bytes, bytes, 0, 1.0}, Precision::fp8);
    CHECK(power.memory_w == doctest::Approx(304.7).epsilon(1e-3));
    CHECK(power.compute_w == doctest::Approx(17.8).epsilon(1e-2));
    CHECK(142 + power.total_w() == doctest::Approx(465).epsilon(2e-3));
}

TEST_CASE("power past TDP is clipped in proportion") {
    // Over 0.5 s: 1000 TFLOP, 2 TB and 400 GB make 976, 428 and 35.2 W, of which 558 W fit.
    auto const power = AcceleratorPower{h100()}(1000e12, Precision::fp8, 2e12, 400e9, 0.5);
    CHECK(power.total_w() == doctest::Approx(558));
    CHECK(power.compute_w == doctest::Approx(558 * 976.0 / (976.0 + 428.0 + 35.2)));
    CHECK(power.memory_w / power.compute_w == doctest::Approx(428.0 / 976.0));
}

TEST_CASE("a precision that is not native costs what the next wider one costs") {
    CHECK(native_precision(h100(), Precision::fp4) == Precision::fp8);
    AcceleratorPower const power{h100()};
    CHECK(power(1e14, Precision::fp4, 0, 0, 1.0).compute_w ==
          power(1e14, Precision::fp8, 0, 0, 1.0).compute_w);
    auto narrow = h100();
    narrow.peak_flops = {1e15, 0, 0};
    CHECK_THROWS_AS(AcceleratorPower{narrow}, mw::core::ContractError);
}

TEST_CASE("an empty interval draws nothing above idle") {
    CHECK(AcceleratorPower{h100()}(Activity{}, Precision::bf16).total_w() == 0.0);
}
