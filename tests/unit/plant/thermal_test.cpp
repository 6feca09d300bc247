#include "megaweave/plant/thermal.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "megaweave/core/archive.hpp"
#include "megaweave/hardware/power_clock.hpp"

using doctest::Approx;
using mw::hardware::ThermalParams;
using mw::plant::AcceleratorThermal;
using mw::plant::ThermalStore;
using mw::plant::ThermalStoreParams;

namespace {

AcceleratorThermal liquid() {
    return {ThermalParams{}, ThermalParams{}.liquid_k_per_w, 32.0};
}

AcceleratorThermal air() {
    return {ThermalParams{}, ThermalParams{}.air_k_per_w, 24.0};
}

//! Time that the die takes for 63 % of its rise.
double rise_s(AcceleratorThermal node, double coolant_c, double end_c) {
    double const goal = coolant_c + 0.632 * (end_c - coolant_c);
    double t = 0;
    for (; node.die_c() < goal; t += 0.01) node.step(700, coolant_c, 0.01);
    return t;
}

ThermalStore loop() {
    ThermalStoreParams params;
    params.design_heat_w = 1e6;
    return ThermalStore{params};
}

}  // namespace

TEST_CASE("700 W settle at 49.5 degC over 32 degC coolant and at 62.5 degC in 24 degC air") {
    auto wet = liquid();
    auto dry = air();
    wet.step(700, 32, 1000);
    dry.step(700, 24, 1000);
    CHECK(wet.die_c() == Approx(32 + 700 * 0.025));
    CHECK(wet.plate_c() == Approx(32 + 700 * 0.010));
    CHECK(dry.die_c() == Approx(24 + 700 * 0.055));
}

TEST_CASE("the die follows within a few seconds by liquid and within 20 s by air") {
    CHECK(rise_s(liquid(), 32, 49.5) > 1.5);
    CHECK(rise_s(liquid(), 32, 49.5) < 10);
    CHECK(rise_s(air(), 24, 62.5) > 5);
    CHECK(rise_s(air(), 24, 62.5) < 20);
}

TEST_CASE("a long step ends where many short ones do, and where small explicit steps of the equations do") {
    auto at_once = air();
    auto in_parts = air();
    at_once.step(500, 24, 12.0);
    for (int i = 0; i < 120; ++i) in_parts.step(500, 24, 0.1);
    CHECK(at_once.die_c() == Approx(in_parts.die_c()).epsilon(1e-9));
    CHECK(at_once.plate_c() == Approx(in_parts.plate_c()).epsilon(1e-9));
    double die = 24;
    double plate = 24;
    for (int i = 0; i < 1'200'000; ++i) {
        double const inner_w = (die - plate) / 0.015;
        die += 1e-5 * (500 - inner_w) / 60;
        plate += 1e-5 * (inner_w - (plate - 24) / 0.040) / 430;
    }
    CHECK(at_once.die_c() == Approx(die).epsilon(1e-4));
    CHECK(at_once.plate_c() == Approx(plate).epsilon(1e-4));
}

TEST_CASE("a loop without cooling warms by 6.67 K in two minutes and recovers") {
    auto store = loop();
    CHECK(store.step(1e6, 1.0, 60) == Approx(1e6));
    CHECK(store.temperature_c() == Approx(32));
    CHECK(store.step(1e6, 0.0, 120) == 0);
    CHECK(store.temperature_c() == Approx(32 + 10.0 * 120 / 180));
    double const removed_w = store.step(1e6, 1.0, 240);
    CHECK(removed_w > 1e6);
    CHECK(removed_w <= 1.2e6 * (1 + 1e-9));
    CHECK(store.temperature_c() == Approx(38.67 - 0.2e6 * 240 / 18e6).epsilon(1e-3));
    for (int i = 0; i < 10; ++i) store.step(1e6, 1.0, 60);
    CHECK(store.temperature_c() == Approx(32).epsilon(0.01));
}

TEST_CASE("heat in a loop is conserved: what came in is what left and what it holds") {
    auto store = loop();
    double in_j = 0;
    double out_j = 0;
    for (int i = 0; i < 300; ++i) {
        double const heat_w = i % 50 < 25 ? 1.1e6 : 0.3e6;
        in_j += heat_w;
        out_j += store.step(heat_w, i > 100 && i < 160 ? 0.2 : 1.0, 1.0);
    }
    CHECK(in_j - out_j == Approx(1e6 * 180 / 10 * (store.temperature_c() - 32)).epsilon(1e-9));
}

TEST_CASE(
    "a hotter coolant brings a die to its throttle and back, and a checkpoint goes on where it was taken") {
    mw::hardware::ClockLaw const law{mw::hardware::ClockParams{}};
    auto node = air();
    double hottest = 0;
    for (int t = 0; t < 600; ++t) {
        double const air_c = t > 100 && t < 220 ? 52.0 : 24.0;
        double const clock = thermal_ceiling(ThermalParams{}, law, node.die_c());
        node.step(140 + 560 * clock * clock, air_c, 1.0);
        hottest = std::max(hottest, node.die_c());
    }
    CHECK(hottest > 84);
    CHECK(hottest < 87);
    CHECK(node.die_c() == Approx(62.5).epsilon(1e-3));

    std::vector<std::byte> bytes;
    mw::core::ByteWriter writer{bytes};
    writer& node;
    auto copy = air();
    mw::core::ByteReader reader{bytes};
    reader& copy;
    node.step(300, 30, 3);
    copy.step(300, 30, 3);
    CHECK(copy.die_c() == node.die_c());
}
