#include "megaweave/hardware/power_clock.hpp"

#include <doctest/doctest.h>

#include "boards.hpp"

using doctest::Approx;
using mw::hardware::AcceleratorPower;
using mw::hardware::Activity;
using mw::hardware::ClockLaw;
using mw::hardware::ClockParams;
using mw::hardware::IterationTimes;
using mw::hardware::OperatingPointSolver;
using mw::hardware::Precision;
using mw::test::decode_attention;
using mw::test::h100;
using mw::test::h200;

TEST_CASE("voltage is flat below the knee and linear above; HBM slows down below its clock") {
    ClockLaw const law{ClockParams{}};
    CHECK(law.voltage(1.0) == Approx(1));
    CHECK(law.voltage(0.8) == Approx(0.835));
    CHECK(law.voltage(1200.0 / 1980) == Approx(0.675).epsilon(1e-3));
    CHECK(law.voltage(0.3) == Approx(0.67));
    CHECK(law.hbm_slowdown(0.6) == 1.0);
    CHECK(law.hbm_slowdown(0.25) == Approx(2));
    CHECK(law.share(990) == Approx(0.5));
    CHECK(law.share(10) == Approx(345.0 / 1980));
    CHECK(law.share(9999) == 1.0);
}

TEST_CASE("an H200 locked to 1200 MHz decodes as fast with 31 % fewer joules per token, within 4 %") {
    AcceleratorPower const power{h200()};
    OperatingPointSolver const solver{power};
    Activity const decode = decode_attention(h200(), 0.85);
    IterationTimes const times{0, 1.0, 0};  // HBM-bound
    auto const free = solver.at_clock(decode, Precision::fp8, times, 1.0);
    auto const locked = solver.at_clock(decode, Precision::fp8, times, power.clock_law().share(1200));
    double const free_w = 115 + free.power.total_w();
    double const locked_w = 115 + locked.power.total_w();
    CHECK(free_w == Approx(465).epsilon(0.01));
    CHECK(locked.seconds == free.seconds);
    MESSAGE("free ", free_w, " W, locked ", locked_w, " W: ", 100 * (locked_w / free_w - 1), " %");
    CHECK(locked_w / free_w - 1 > -0.35);
    CHECK(locked_w / free_w - 1 < -0.27);
}

TEST_CASE("a 500 W cap changes nothing in decode at 465 W, a 400 W cap lowers the clock") {
    AcceleratorPower const power{h200()};
    OperatingPointSolver const solver{power};
    Activity const decode = decode_attention(h200(), 0.85);
    IterationTimes const times{0, 1.0, 0};
    auto const free = solver.at_clock(decode, Precision::fp8, times, 1.0);
    auto const at_500 = solver.under_cap(decode, Precision::fp8, times, 500);
    CHECK(at_500.clock == 1.0);
    CHECK(at_500.power.total_w() == free.power.total_w());
    auto const at_400 = solver.under_cap(decode, Precision::fp8, times, 400);
    CHECK(at_400.clock < 0.95);
    CHECK(at_400.seconds == free.seconds);
    CHECK(115 + at_400.power.total_w() == Approx(400).epsilon(1e-4));
}

TEST_CASE("arithmetic pays for a cap in time, in proportion to the clock below the one TDP allows") {
    AcceleratorPower const power{h100()};
    OperatingPointSolver const solver{power};
    Activity const gemm{0.57 * 1979e12, 0, 0, 0, 1.0};
    IterationTimes const times{1.0, 0, 0};
    double const free_clock = power.sustained_clock(gemm, Precision::fp8, power.headroom_w());
    auto const capped = solver.under_cap(gemm, Precision::fp8, times, 500);
    CHECK(capped.compute_stretch == Approx(free_clock / capped.clock));
    CHECK(capped.seconds == Approx(free_clock / capped.clock));
    CHECK(142 + capped.power.total_w() == Approx(500).epsilon(1e-4));
    // Above its own clock nothing changes: the times given are those at TDP.
    auto const uncapped = solver.under_cap(gemm, Precision::fp8, times, 700);
    CHECK(uncapped.clock == Approx(free_clock).epsilon(1e-4));
    CHECK(uncapped.seconds == Approx(1.0).epsilon(1e-4));
}

TEST_CASE("a lower cap never draws more nor runs faster") {
    AcceleratorPower const power{h100()};
    OperatingPointSolver const solver{power};
    Activity const mixed{300e12, 50e12, 1.5e12, 20e9, 1.0, 0.8e12, 1e7, 0.9, 0};
    IterationTimes const times{0.4, 0.4, 0.2};
    double before_w = 1e9;
    double before_s = 0;
    for (double cap_w = 700; cap_w >= 250; cap_w -= 50) {
        auto const point = solver.under_cap(mixed, Precision::fp8, times, cap_w);
        CHECK(142 + point.power.total_w() <= cap_w + 1e-6);
        CHECK(point.power.total_w() <= before_w);
        CHECK(point.seconds >= before_s);
        before_w = point.power.total_w();
        before_s = point.seconds;
    }
}

TEST_CASE("the clock falls from 84 to 87 degC") {
    ClockLaw const law{ClockParams{}};
    mw::hardware::ThermalParams const thermal;
    CHECK(thermal_ceiling(thermal, law, 80) == 1.0);
    CHECK(thermal_ceiling(thermal, law, 85.5) == Approx(0.5 * (1.0 + law.lowest())));
    CHECK(thermal_ceiling(thermal, law, 95) == Approx(law.lowest()));
}
