#include "megaweave/plant/facility.hpp"

#include <doctest/doctest.h>

#include <cmath>

using doctest::Approx;
using mw::plant::Chiller;
using mw::plant::CoolingKind;
using mw::plant::CoolingParams;
using mw::plant::Facility;
using mw::plant::FacilityCooling;
using mw::plant::FacilityParams;
using mw::plant::ItPower;

namespace {

double pue(FacilityParams const& params, double it_w, double liquid_share) {
    Facility const facility{params, 1e6};
    return 1.0 + facility(it_w, it_w * liquid_share, it_w * (1.0 - liquid_share)).total_w() / it_w;
}

FacilityParams air() {
    FacilityParams params;
    params.cooling.kind = CoolingKind::air;
    return params;
}

}  // namespace

TEST_CASE("1 MW by liquid with free cooling takes 16 kW of pumps and 12 kW of tower fans") {
    FacilityCooling const cooling{CoolingParams{}, 1e6, 0};
    double const flow_m3_s = 1e6 / (998.0 * 4186.0 * 10.0);
    CHECK(flow_m3_s == Approx(0.0239).epsilon(2e-3));
    CHECK(cooling(1e6, 0) == Approx(400e3 * flow_m3_s / 0.6 + 12e3));
    CHECK(cooling(1e6, 0) == Approx(28.0e3).epsilon(2e-3));
    // Half the heat: half the flow at 0.3 + 0.7/4 of the pressure, an eighth of the fans' power.
    CHECK(cooling(0.5e6, 0) == Approx(0.5 * 0.475 * 400e3 * flow_m3_s / 0.6 + 1.5e3));
    CHECK(cooling(0, 0) == 0);
}

TEST_CASE("a chiller meets its COP at design and does better at half load and with colder condenser water") {
    Chiller const chiller{6.0, 1e6};
    CHECK(chiller(1e6, 6.7, 29.4) == Approx(1e6 / 6));
    CHECK(chiller(0.5e6, 6.7, 29.4) == Approx(1e6 / 6 * (0.222903 + 0.313387 / 2 + 0.463710 / 4)));
    CHECK(chiller(1e6, 6.7, 24) < chiller(1e6, 6.7, 29.4));
    CHECK(chiller(1e6, 20, 22) == Approx(1e6 / 6 / 1.5));
    CHECK(chiller(0.05e6, 6.7, 29.4) == Approx(0.5 * chiller(0.1e6, 6.7, 29.4)));
    CHECK(chiller(0, 6.7, 29.4) == 0);
}

TEST_CASE("the chiller takes over from free cooling as the tower's water warms through the loop's rise") {
    CoolingParams const params;  // 32 degC supply, 7 K approach, 10 K rise
    FacilityCooling const cooling{params, 1e6, 0};
    double const free_w = cooling(1e6, 0, 25.0);
    CHECK(free_w == Approx(cooling(1e6, 0, -10.0)));
    Chiller const chiller{params.chiller_cop, 1e6};
    // At a wet bulb of 30 degC the tower gives 37: half the rise is left to the chiller. Its work is rejected too.
    double const half_w = chiller(0.5e6, 32, 37);
    double const tower_w = 12e3 * (std::pow(1 + half_w / 1e6, 3) - 1);
    CHECK(cooling(1e6, 0, 30.0) == Approx(free_w + half_w + tower_w));
    CHECK(cooling(1e6, 0, 35.0) > cooling(1e6, 0, 30.0));
    // Warmer still, only the chiller's lift grows.
    CHECK(cooling(1e6, 0, 38.0) >= cooling(1e6, 0, 35.0));
}

TEST_CASE("PUE is a result: 1.061 and 1.082 by liquid, 1.212 by air, at design load and 15 degC wet bulb") {
    CHECK(pue({}, 1e6, 0.945) == Approx(1.0608).epsilon(5e-4));
    CHECK(pue({}, 1e6, 0.80) == Approx(1.0819).epsilon(5e-4));
    CHECK(pue(air(), 1e6, 0.0) == Approx(1.2124).epsilon(5e-4));
}

TEST_CASE(
    "with double conversion PUE lies in the field's ranges: 1.08 to 1.15 by liquid, 1.25 to 1.35 by air, "
    "from 15 to 22 degC "
    "wet bulb") {
    for (double const wet_bulb : {15.0, 18.0, 22.0}) {
        FacilityParams liquid;
        liquid.delivery.ups_efficiency = 0.95;
        liquid.cooling.wet_bulb_c = wet_bulb;
        for (double const share : {0.80, 0.945}) {
            CHECK(pue(liquid, 1e6, share) > 1.08);
            CHECK(pue(liquid, 1e6, share) < 1.15);
        }
        auto by_air = air();
        by_air.delivery.ups_efficiency = 0.95;
        by_air.cooling.wet_bulb_c = wet_bulb;
        CHECK(pue(by_air, 1e6, 0.0) > 1.25);
        CHECK(pue(by_air, 1e6, 0.0) < 1.35);
    }
}

TEST_CASE("the site's power follows the weather of the moment") {
    Facility const facility{FacilityParams{}, 1e6};
    CHECK(facility(ItPower{1e6, 0}, 0.9e6, 0.1e6, 15.0).total_w() == facility(1e6, 0.9e6, 0.1e6).total_w());
    CHECK(facility(ItPower{1e6, 0}, 0.9e6, 0.1e6, 30.0).total_w() >
          facility(1e6, 0.9e6, 0.1e6).total_w() + 20e3);
}

TEST_CASE("a constant PUE is met exactly and its parts add up") {
    FacilityParams params;
    params.cooling.constant_pue = 1.3;
    Facility const facility{params, 1e6};
    auto const power = facility(0.7e6, 0.6e6, 0.1e6);
    CHECK(power.total_w() == Approx(0.3 * 0.7e6));
    CHECK(power.conversion_w > 0);
    CHECK(power.cooling_w > power.conversion_w);
}

TEST_CASE("lighting and offices come on top, in proportion to IT") {
    FacilityParams params;
    double const without = Facility{params, 1e6}(1e6, 1e6, 0).cooling_w;
    params.other_w_per_kw = 10;
    CHECK(Facility{params, 1e6}(1e6, 1e6, 0).cooling_w == Approx(without + 10e3));
}

TEST_CASE(
    "What racks' stores take passes through UPS and transformer, but is no IT: a constant PUE and the "
    "building follow what is used") {
    FacilityParams params;
    params.cooling.constant_pue = 1.3;
    Facility const constant{params, 1e6};
    // 600 kW come through, 100 kW of them into stores: 0.3 x 500 kW; as much if 400 kW come and stores give 100 kW.
    CHECK(constant(ItPower{600e3, 100e3}, 500e3, 0, 15).total_w() == Approx(150e3));
    CHECK(constant(ItPower{400e3, -100e3}, 500e3, 0, 15).total_w() == Approx(150e3));
    Facility const plant{FacilityParams{}, 1e6};
    CHECK(plant(ItPower{600e3, 100e3}, 500e3, 0, 15).conversion_w >
          plant(ItPower{500e3, 0}, 500e3, 0, 15).conversion_w);
    CHECK(plant(ItPower{600e3, 100e3}, 500e3, 0, 15).cooling_w ==
          plant(ItPower{500e3, 0}, 500e3, 0, 15).cooling_w);
}
