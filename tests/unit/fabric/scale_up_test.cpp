#include "megaweave/fabric/scale_up.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "megaweave/core/error.hpp"

using namespace mw::fabric;

namespace {

ScaleUpParams switched(std::int64_t accelerators, std::int64_t radix) {
    ScaleUpParams params;
    params.accelerators = accelerators;
    params.radix = radix;
    return params;
}

ScaleUpParams torus(std::int64_t accelerators, std::int64_t dimensions) {
    ScaleUpParams params;
    params.accelerators = accelerators;
    params.kind = ScaleUpKind::torus;
    params.dimensions = dimensions;
    params.links = 2 * dimensions;
    return params;
}

}  // namespace

TEST_CASE("72 accelerators of 18 links on switches of 72 take 18 switches and 1,296 cables") {
    ScaleUp const domain{switched(72, 72)};
    CHECK(domain.switches() == 18);
    CHECK(domain.cables() == 1'296);
    CHECK(domain.latency_ns() == 270);
    CHECK(domain.bisection_links() == 648);
    CHECK(domain.bisection_bytes_per_s() == 648 * 50e9);
    CHECK(domain.optical_ends() == 0);
}

TEST_CASE("8 accelerators take 4 switches of which 36 ports are used") {
    CHECK(ScaleUp{switched(8, 36)}.switches() == 4);
}

TEST_CASE(
    "domains of 144 and 576 take one tier of larger switches or two tiers, and light where the deck says "
    "so") {
    CHECK(ScaleUp{switched(144, 144)}.switches() == 18);
    // 576 on radix 72, 18 planes: 16 leaves of 36 down and 36 up, 8 above: 24 a plane.
    ScaleUpParams params = switched(576, 72);
    params.medium = Medium::optical;
    ScaleUp const large{params};
    CHECK(large.switches() == 18 * 24);
    CHECK(large.cables() == 2 * 576 * 18);
    CHECK(large.optical_ends() == 4 * 576 * 18);
    CHECK(large.most_hops() == 4);
    CHECK(large.latency_ns() == 4 * 10 + 3 * 250);
    CHECK(large.mean_hops() == doctest::Approx(2 * 35.0 / 575 + 4 * 540.0 / 575));
    CHECK_THROWS_AS(ScaleUp{switched(577, 32)}, mw::core::InputError);  // 32 x 16 = 512 at most
}

TEST_CASE("a 4 x 4 x 4 torus has 192 cables, a mean distance of 3.048 hops and a bisection of 32 links") {
    ScaleUp const cube{torus(64, 3)};
    CHECK(cube.switches() == 0);
    CHECK(cube.cables() == 192);
    CHECK(cube.mean_hops() == doctest::Approx(3.0 * 64 / 63));
    CHECK(cube.most_hops() == 6);
    CHECK(cube.bisection_links() == 32);
}

TEST_CASE("the mean distance on a ring is that of all pairs counted") {
    for (std::int64_t const n : {2, 5, 8, 9}) {
        double sum = 0;
        for (std::int64_t d = 1; d < n; ++d) sum += static_cast<double>(std::min(d, n - d));
        CHECK(ScaleUp{torus(n, 1)}.mean_hops() == doctest::Approx(sum / static_cast<double>(n - 1)));
    }
}

TEST_CASE("what cannot be built says why") {
    CHECK_THROWS_AS(ScaleUp{torus(13, 2)}, mw::core::InputError);
    auto few_links = torus(64, 3);
    few_links.links = 4;
    CHECK_THROWS_AS(ScaleUp{few_links}, mw::core::InputError);
}
