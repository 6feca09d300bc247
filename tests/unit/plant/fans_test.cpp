#include "megaweave/plant/fans.hpp"

#include <doctest/doctest.h>

using doctest::Approx;
using mw::plant::ServerFans;

namespace {

ServerFans h100_fans() {
    mw::hardware::NodeParams node;
    node.fan_idle_w = 47;
    node.fan_full_w = 395;
    mw::hardware::AcceleratorParams accelerator;
    accelerator.idle_w = 85;
    accelerator.tdp_w = 700;
    return {node, accelerator};
}

}  // namespace

TEST_CASE("the fans of an H100 chassis draw 47 W idle, 207 W at 465 W a GPU and 395 W at TDP") {
    auto const fans = h100_fans();
    CHECK(fans(85) == Approx(47));
    CHECK(fans(0) == Approx(47));
    CHECK(fans(465) == Approx(207).epsilon(0.005));
    CHECK(fans(700) == Approx(395));
    CHECK(fans(800) == Approx(395));
}

TEST_CASE("a node without fans draws nothing for them") {
    mw::hardware::AcceleratorParams accelerator;
    accelerator.tdp_w = 1200;
    CHECK(ServerFans{mw::hardware::NodeParams{}, accelerator}(600) == 0);
}
