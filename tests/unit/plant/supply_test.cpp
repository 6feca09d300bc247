#include "megaweave/plant/supply.hpp"

#include <doctest/doctest.h>

using doctest::Approx;
using mw::plant::DeliveryParams;
using mw::plant::PowerSupply;
using mw::plant::UtilityPath;

TEST_CASE("supplies meet their curve at 5, 10, 20, 50 and 100 % and are linear between") {
    DeliveryParams const params;
    PowerSupply const supply{params, 10'000};
    for (std::size_t i = 0; i < 5; ++i) {
        CHECK(supply.efficiency(params.psu_load[i] * 10'000) == Approx(params.psu_efficiency[i]));
    }
    CHECK(supply.efficiency(3'500) == Approx((0.9448 + 0.964) / 2));
    CHECK(supply.efficiency(12'000) == Approx(0.9556));
}

TEST_CASE("an H100 chassis at 317 W a GPU draws 4.25 kW from the wall") {
    // 8 x 317 of GPUs, 1352 of an active host with its NVSwitches, 126 of fans
    double const output_w = 8 * 317 + 1352 + 126;
    PowerSupply const supply{DeliveryParams{}, 6 * 3300.0};
    CHECK(supply.efficiency(output_w) == Approx(0.94497).epsilon(1e-5));
    CHECK(supply.loss_w(output_w) == Approx(233.8).epsilon(1e-3));
    CHECK(output_w + supply.loss_w(output_w) == Approx(4250).epsilon(0.01));
}

TEST_CASE("below 5 % load the loss in watts stays") {
    PowerSupply const supply{DeliveryParams{}, 10'000};
    CHECK(supply.loss_w(0) == supply.loss_w(500));
    CHECK(supply.loss_w(500) == Approx(500 * (1 / 0.8864 - 1)));
}

TEST_CASE(
    "1 MW of IT and 20 kW of cooling lose 5.0 kW in the busway, 15.3 in the UPS and 10.7 in the "
    "transformer") {
    UtilityPath const path{DeliveryParams{}, 1e6};
    auto const losses = path.losses(1e6, 20e3);
    CHECK(losses.busway_w == Approx(5e3));
    double const full = 1e6 * (1 / 0.985 - 1);
    double const x = 1.005;
    CHECK(losses.ups_w == Approx(full * (0.25 + 0.60 * x + 0.15 * x * x)));
    CHECK(losses.ups_w == Approx(15.31e3).epsilon(1e-3));
    double const u = 1.005 + 0.01531 + 0.02;
    CHECK(losses.transformer_w == Approx(1e6 * (0.002 + 0.008 * u * u)).epsilon(1e-4));
    CHECK(losses.transformer_w == Approx(10.66e3).epsilon(2e-3));
    CHECK(path.loss_w(1e6, 20e3) == losses.busway_w + losses.ups_w + losses.transformer_w);
    DeliveryParams bare;
    bare.ups = mw::plant::UpsMode::none;
    CHECK(UtilityPath{bare, 1e6}.ups_loss_w(1e6) == 0);
}

TEST_CASE(
    "a UPS meets its efficiency at full load and loses a larger share at half load, or where there are two") {
    DeliveryParams params;
    params.ups_efficiency = 0.95;
    UtilityPath const one{params, 1e6};
    CHECK(1e6 / (1e6 + one.ups_loss_w(1e6)) == Approx(0.95));
    CHECK(one.ups_loss_w(0.5e6) / 0.5e6 == Approx(1.175 * (1 / 0.95 - 1)));
    params.ups_redundancy = 2;
    CHECK(UtilityPath(params, 1e6).ups_loss_w(1e6) == Approx(2 * one.ups_loss_w(0.5e6)));
}

TEST_CASE("redundant supplies share the load: 13.2, 16.5 and 26.4 kW for 13.2 kW needed") {
    DeliveryParams params;
    CHECK(installed_rating_w(params, 13'200) == 13'200);
    params.psu_redundancy = mw::plant::PsuRedundancy::n_plus_1;
    CHECK(installed_rating_w(params, 13'200) == Approx(16'500));
    params.psu_redundancy = mw::plant::PsuRedundancy::n_plus_n;
    CHECK(installed_rating_w(params, 13'200) == 26'400);
    // 10 kW: at 76 % of 13.2 kW, at 38 % of 26.4 kW, where this curve is better.
    CHECK(PowerSupply(params, 26'400).efficiency(10'000) !=
          Approx(PowerSupply(params, 13'200).efficiency(10'000)));
}

TEST_CASE("tray converters of 97.5 % lose 2.56 % of what they deliver; a chassis without them nothing") {
    DeliveryParams params;
    CHECK(tray_converter_loss_w(params, 6000) == 0);
    params.tray_converter_efficiency = 0.975;
    CHECK(tray_converter_loss_w(params, 6000) == Approx(153.8).epsilon(1e-3));
}
