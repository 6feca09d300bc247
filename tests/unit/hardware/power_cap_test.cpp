#include "megaweave/hardware/power_cap.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "megaweave/core/archive.hpp"

using doctest::Approx;
using mw::hardware::ClockLaw;
using mw::hardware::ClockParams;
using mw::hardware::PowerCapController;
using mw::hardware::PowerCapParams;

namespace {

constexpr mw::core::TimeNs step_ns = 20'000'000;  // an iteration

double load_w(double clock) {
    return 140 + 560 * clock * clock;
}

PowerCapController capped(double limit_w) {
    PowerCapParams params;
    params.limit_w = limit_w;
    return {params, ClockLaw{ClockParams{}}};
}

}  // namespace

TEST_CASE("700 W under a 500 W cap settle at 500 W within the stated time, at the clock that this takes") {
    auto controller = capped(500);
    mw::core::TimeNs over_ns = 0;  // last time that averaged power passed the cap by 2 %
    for (mw::core::TimeNs t = 0; t < 20'000'000'000; t += step_ns) {
        controller.observe(load_w(controller.clock()), step_ns);
        if (controller.average_w() > 1.02 * 500) over_ns = t;
    }
    MESSAGE("over the cap until ", over_ns / 1'000'000, " ms");
    CHECK(over_ns > 0);
    CHECK(over_ns < PowerCapParams{}.settling_ns());
    CHECK(controller.clock() == Approx(std::sqrt(360.0 / 560)).epsilon(0.01));
    CHECK(load_w(controller.clock()) == Approx(500).epsilon(0.005));
}

TEST_CASE("a load below its cap keeps the highest clock, and gets it back after a peak") {
    auto controller = capped(500);
    for (int i = 0; i < 500; ++i) controller.observe(465, step_ns);
    CHECK(controller.clock() == 1.0);
    for (int i = 0; i < 500; ++i) controller.observe(load_w(controller.clock()), step_ns);
    CHECK(controller.clock() < 0.85);
    for (int i = 0; i < 500; ++i) controller.observe(300, step_ns);
    CHECK(controller.clock() == 1.0);
}

TEST_CASE("lock and temperature bound the clock from above, with and without a cap") {
    auto none = capped(0);
    none.observe(700, step_ns, 0.6);
    CHECK(none.clock() == 0.6);
    auto with = capped(650);
    with.observe(300, step_ns, 0.6);
    CHECK(with.clock() == 0.6);
}

TEST_CASE("a cap below what the lowest clock draws leaves the lowest clock") {
    auto controller = capped(100);
    for (int i = 0; i < 2000; ++i) controller.observe(load_w(controller.clock()), step_ns);
    CHECK(controller.clock() == Approx(345.0 / 1980));
}

TEST_CASE("long and short updates agree, and a controller goes on where its checkpoint was taken") {
    auto fine = capped(500);
    auto coarse = capped(500);
    for (int i = 0; i < 100; ++i) fine.observe(600, 1'000'000);
    coarse.observe(600, 100'000'000);
    CHECK(coarse.clock() == Approx(fine.clock()).epsilon(0.03));
    CHECK(coarse.average_w() == Approx(fine.average_w()).epsilon(0.01));

    std::vector<std::byte> bytes;
    mw::core::ByteWriter writer{bytes};
    writer& fine;
    auto copy = capped(500);
    mw::core::ByteReader reader{bytes};
    reader& copy;
    for (int i = 0; i < 10; ++i) {
        fine.observe(650, step_ns);
        copy.observe(650, step_ns);
    }
    CHECK(copy.clock() == fine.clock());
    CHECK(copy.average_w() == fine.average_w());
}
