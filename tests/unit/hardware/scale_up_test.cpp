#include "megaweave/hardware/scale_up.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "megaweave/core/error.hpp"

using namespace mw::hardware;
using doctest::Approx;

namespace {

//! Links of 50 GB/s; racks of 72, so that a domain of 576 spans eight.
RackParams rack_of(std::int64_t domain, std::int64_t links) {
    RackParams rack;
    rack.nodes = 18;
    rack.node.accelerators = 4;
    rack.scale_up_domain = domain;
    rack.scale_up.links = links;
    rack.accelerator.scale_up_bytes_per_s = 50e9 * static_cast<double>(links);
    return rack;
}

RackParams switched(std::int64_t accelerators, std::int64_t radix) {
    RackParams rack = rack_of(accelerators, 18);
    rack.scale_up.radix = radix;
    return rack;
}

RackParams torus(std::int64_t accelerators, std::int64_t dimensions) {
    RackParams rack = rack_of(accelerators, 2 * dimensions);
    rack.scale_up.kind = ScaleUpKind::torus;
    rack.scale_up.dimensions = dimensions;
    return rack;
}

RackParams mesh(std::int64_t accelerators) {
    RackParams rack = rack_of(accelerators, accelerators - 1);
    rack.scale_up.kind = ScaleUpKind::mesh;
    return rack;
}

}  // namespace

TEST_CASE("72 accelerators of 18 links on switches of 72 take 18 switches and 1,296 cables, and no light") {
    ScaleUp const domain{switched(72, 72)};
    CHECK(domain.switches() == 18);
    CHECK(domain.switch_tiers() == 1);
    CHECK(domain.cables() == 1'296);
    CHECK(domain.latency_ns() == 270);
    CHECK(domain.bisection_links() == 648);
    CHECK(domain.bisection_bytes_per_s() == 648 * 50e9);
    CHECK(domain.optical_ends() == 0);
    CHECK(domain.optics_w() == 0);
}

TEST_CASE("8 accelerators take 4 switches of which 36 ports are used") {
    CHECK(ScaleUp{switched(8, 36)}.switches() == 4);
}

TEST_CASE(
    "domains of 144 and 576 take one tier of larger switches or two tiers, and light where the deck says "
    "so") {
    CHECK(ScaleUp{switched(144, 144)}.switches() == 18);
    // 576 on radix 72, 18 planes: 16 leaves of 36 down and 36 up, 8 above: 24 a plane.
    RackParams params = switched(576, 72);
    params.scale_up.medium = Medium::optical;
    params.scale_up.optics_w_per_800g = 4.5;
    params.scale_up.switch_w = 200;
    ScaleUp const large{params};
    CHECK(large.racks() == 8);
    CHECK(large.switches() == 18 * 24);
    CHECK(large.switch_tiers() == 2);
    CHECK(large.switches_w() == 18 * 24 * 200);
    CHECK(large.cables() == 2 * 576 * 18);
    CHECK(large.optical_ends() == 4 * 576 * 18);
    CHECK(large.optics_w() == Approx(4 * 576 * 18 * 2.25));  // links of 400 Gb/s
    CHECK(large.most_hops() == 4);
    // Eight racks of 0.6 m: cables of 5 + 8 x 0.6 / 3 = 6.6 m, 33 ns.
    CHECK(large.latency_ns() == 4 * 33 + 3 * 250);
    CHECK(large.mean_hops() == Approx(2 * 35.0 / 575 + 4 * 540.0 / 575));
    CHECK_THROWS_AS(ScaleUp{switched(577, 32)}, mw::core::InputError);  // 32 x 16 = 512 at most
}

TEST_CASE("collectives have a switched domain's full rate; two tiers only take longer") {
    ScaleUpShares const one = ScaleUp{switched(72, 72)}.shares(72);
    CHECK(one.ring == 1);
    CHECK(one.all_to_all == 1);
    CHECK(one.step_ns == 0);  // what engines were measured with
    CHECK(one.ring_ns == 0);
    ScaleUpShares const two = ScaleUp{switched(576, 72)}.shares(8);
    CHECK(two.all_to_all == 1);
    CHECK(two.step_ns == 4 * 33 + 3 * 250 - 270);
    CHECK(two.ring_ns == 2 * two.step_ns);
}

TEST_CASE("a full mesh of 8 has 28 cables, 16 of them across its middle, and no switches") {
    ScaleUp const node{mesh(8)};
    CHECK(node.cables() == 28);
    CHECK(node.switches() == 0);
    CHECK(node.bisection_links() == 16);
    CHECK(node.latency_ns() == 10);
    CHECK(node.shares(8).all_to_all == 1);
    RackParams uneven = mesh(8);
    uneven.scale_up.links = 8;
    CHECK_THROWS_AS(ScaleUp{uneven}, mw::core::InputError);
}

TEST_CASE("a 4 x 4 x 4 torus has 192 cables, a mean distance of 3.048 hops and a bisection of 32 links") {
    ScaleUp const cube{torus(64, 3)};
    CHECK(cube.switches() == 0);
    CHECK(cube.cables() == 192);
    CHECK(cube.mean_hops() == Approx(3.0 * 64 / 63));
    CHECK(cube.most_hops() == 6);
    CHECK(cube.bisection_links() == 32);
}

TEST_CASE(
    "all to all in a 4 x 4 x 4 torus has 0.328 of the links' rate, rings all of it; 8 members half for "
    "rings") {
    ScaleUp const cube{torus(64, 3)};
    ScaleUpShares const all = cube.shares(64);
    CHECK(all.all_to_all == Approx(32.0 * 63 / (32 * 32 * 6)));
    // The other bound: every byte takes 3.048 links of the 6 that its sender has.
    CHECK(all.all_to_all == Approx(1 / cube.mean_hops()));
    CHECK(all.ring == 1);
    CHECK(all.step_ns == 6 * 10 + 5 * 250 - 270);
    CHECK(all.ring_ns == 2 * 9 * 260 - 2 * 270);
    ScaleUpShares const eight = cube.shares(8);  // 2 x 2 x 2, one way in each dimension
    CHECK(eight.ring == 0.5);
    CHECK(eight.all_to_all == Approx(4.0 * 7 / (4 * 4 * 6)));
    CHECK(cube.shares(1).ring == 1);
    CHECK(cube.shares(4).ring == Approx(2.0 / 6));  // 2 x 2
}

TEST_CASE("all to all on a ring takes the share that shortest paths of all pairs leave on its links") {
    // Of n accelerators in a ring each pair's message takes min(d, n - d) links; 2 n directed links carry them evenly.
    for (std::int64_t const n : {4, 8, 16}) {
        double links = 0;
        for (std::int64_t d = 1; d < n; ++d) links += static_cast<double>(std::min(d, n - d));
        double const bytes = static_cast<double>(n - 1);  // that an accelerator sends, one to each
        CHECK(ScaleUp{torus(n, 1)}.shares(n).all_to_all == Approx(bytes / links));
    }
}

TEST_CASE("the mean distance on a ring is that of all pairs counted") {
    for (std::int64_t const n : {2, 5, 8, 9}) {
        double sum = 0;
        for (std::int64_t d = 1; d < n; ++d) sum += static_cast<double>(std::min(d, n - d));
        CHECK(ScaleUp{torus(n, 1)}.mean_hops() == Approx(sum / static_cast<double>(n - 1)));
    }
}

TEST_CASE("what cannot be built says why; one accelerator alone needs nothing") {
    CHECK_THROWS_AS(ScaleUp{torus(13, 2)}, mw::core::InputError);
    auto few_links = torus(64, 3);
    few_links.scale_up.links = 4;
    CHECK_THROWS_AS(ScaleUp{few_links}, mw::core::InputError);
    CHECK(ScaleUp{switched(1, 72)}.cables() == 0);
}
