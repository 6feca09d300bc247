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

TEST_CASE("1 MW of IT and 20 kW of cooling lose 15.2 kW in the UPS and 10.6 kW in the transformer") {
    UtilityPath const path{DeliveryParams{}, 1e6};
    CHECK(path.ups_loss_w(1e6) == Approx(15.23e3).epsilon(1e-3));
    double const u = 1.0 + 0.01523 + 0.02;
    CHECK(path.loss_w(1e6, 20e3) - path.ups_loss_w(1e6) ==
          Approx(1e6 * (0.002 + 0.008 * u * u)).epsilon(1e-4));
    CHECK(path.loss_w(1e6, 20e3) - path.ups_loss_w(1e6) == Approx(10.6e3).epsilon(5e-3));
    DeliveryParams bare;
    bare.ups = mw::plant::UpsMode::none;
    CHECK(UtilityPath{bare, 1e6}.ups_loss_w(1e6) == 0);
}
