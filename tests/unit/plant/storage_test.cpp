#include "megaweave/plant/storage.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>

using doctest::Approx;
using namespace mw;
using plant::RackStorage;
using plant::RackStorageParams;
using plant::StoreFlow;

namespace {

constexpr core::TimeNs tenth_ns = 100 * core::ns_per_ms;

RackStorageParams large() {
    RackStorageParams params;
    params.capacity_j = 20e6;
    params.charge_w = 100e3;
    params.discharge_w = 100e3;
    return params;
}

std::int64_t energy_uj(double watts, core::TimeNs dt_ns) {
    return std::llround(watts * core::to_seconds(dt_ns) * 1e6);
}

double watts(std::int64_t uj, core::TimeNs dt_ns) {
    return static_cast<double>(uj) * 1e-6 / core::to_seconds(dt_ns);
}

}  // namespace

TEST_CASE("a store shows upstream 63 % of a step after its smoothing time and conserves every microjoule") {
    RackStorage store{large()};
    store.step(energy_uj(60e3, tenth_ns), tenth_ns);
    std::int64_t const before_uj = store.charge_uj();
    std::int64_t supply_uj = 0;
    std::int64_t load_uj = 0;
    std::int64_t lost_uj = 0;
    for (int i = 0; i < 1200; ++i) {
        std::int64_t const needs_uj = energy_uj(i < 600 ? 120e3 : 40e3, tenth_ns);
        StoreFlow const flow = store.step(needs_uj, tenth_ns);
        double const supply_w = watts(flow.supply_uj, tenth_ns);
        if (i == 0) CHECK(supply_w < 61e3);
        if (i == 299) CHECK(supply_w == Approx(60e3 + 0.632 * 60e3).epsilon(0.03));  // and a slow recharging
        CHECK(flow.supply_uj == needs_uj + flow.stored_uj + flow.lost_uj);
        supply_uj += flow.supply_uj;
        load_uj += needs_uj;
        lost_uj += flow.lost_uj;
    }
    CHECK(lost_uj > 0);
    CHECK(supply_uj == load_uj + store.charge_uj() - before_uj + lost_uj);
}

TEST_CASE("an empty or small store gives what it can and upstream the rest") {
    RackStorageParams params = large();
    params.capacity_j = 1e5;
    params.discharge_w = 20e3;
    RackStorage store{params};
    store.step(energy_uj(60e3, tenth_ns), tenth_ns);
    auto const at_120_kw = [&] {
        return watts(store.step(energy_uj(120e3, tenth_ns), tenth_ns).supply_uj, tenth_ns);
    };
    CHECK(at_120_kw() == Approx(100e3));  // 20 kW at most
    for (int i = 0; i < 200; ++i) at_120_kw();
    CHECK(store.charge_uj() >= 0);
    CHECK(at_120_kw() > 110e3);
}

TEST_CASE("a store bridges the share of the load that upstream cannot give, until it is empty") {
    RackStorage store{large()};  // 10 MJ at its set point
    StoreFlow const half = store.step(energy_uj(80e3, tenth_ns), tenth_ns, 0.5);
    CHECK(half.supply_uj == energy_uj(40e3, tenth_ns));
    CHECK(half.stored_uj == -energy_uj(40e3, tenth_ns));
    int tenths = 0;
    while (store.step(energy_uj(80e3, tenth_ns), tenth_ns, 0.0).supply_uj == 0) ++tenths;
    CHECK(tenths == static_cast<int>((10e6 - 4e3) / 8e3));
    CHECK(store.charge_uj() == 0);
}

TEST_CASE("UPS batteries of 1 MW for 5 min hold 300 MJ; a minute of 0.8 MW takes 48 MJ, put back in 533 s") {
    plant::UpsBattery battery{{}, 1e6};
    CHECK(battery.charge_uj() == 300'000'000'000'000);
    StoreFlow const minute = battery.step(energy_uj(0.8e6, 60 * core::ns_per_s), 0, 60 * core::ns_per_s);
    CHECK(minute.supply_uj == 0);
    CHECK(minute.stored_uj == -48'000'000'000'000);
    int seconds = 0;
    while (battery.charge_uj() < 299'999'999'000'000) {
        StoreFlow const flow =
            battery.step(energy_uj(0.8e6, core::ns_per_s), energy_uj(2e6, core::ns_per_s), core::ns_per_s);
        CHECK(flow.supply_uj == energy_uj(0.8e6, core::ns_per_s) + flow.stored_uj + flow.lost_uj);
        ++seconds;
    }
    CHECK(seconds == 534);
    battery.step(energy_uj(0.8e6, 600 * core::ns_per_s), 0, 600 * core::ns_per_s);
    CHECK(battery.charge_uj() == 0);
    CHECK(battery.step(energy_uj(5, core::ns_per_s), 0, core::ns_per_s).supply_uj == 5'000'000);
}

TEST_CASE("an event leaves a share of the design power, and generators join it") {
    plant::GridParams params;
    params.event_start_ns = 10 * core::ns_per_s;
    params.event_ns = 60 * core::ns_per_s;
    params.available = 0.25;
    params.generators_w = 1e6;
    plant::GridFeed const feed{params, 2e6};
    auto const at = [&](double s) { return feed.available_w(core::from_seconds(s)); };
    CHECK(std::isinf(at(10)));
    CHECK(at(10.1) == 0.5e6);
    CHECK(at(25) == 0.5e6);
    CHECK(at(25.1) == 1.5e6);
    CHECK(std::isinf(at(70.1)));
    CHECK(feed.next_return_ns(core::from_seconds(12.0)) == 25 * core::ns_per_s);
    CHECK(feed.next_return_ns(core::from_seconds(30.0)) == 70 * core::ns_per_s);
}
