#include "megaweave/fabric/scale_up.hpp"

#include <algorithm>
#include <vector>

#include "direct_checks.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::fabric {

using core::ceil_div;

ScaleUp::ScaleUp(ScaleUpParams const& params) : params_{params} {
    if (params.accelerators < 1 || params.links < 1 || params.radix < 2 || params.link_bytes_per_s <= 0)
        throw core::InputError("scale_up: accelerators, links, radix and the link rate must be positive");
    if (params.kind == ScaleUpKind::switched)
        lay_switches();
    else
        lay_torus();
}

void ScaleUp::lay_switches() {
    std::int64_t const n = params_.accelerators;
    std::int64_t const half = params_.radix / 2;
    if (n > params_.radix * half)
        throw core::InputError("scale_up: two tiers of radix " + std::to_string(params_.radix) + " hold " +
                               std::to_string(params_.radix * half) + " accelerators, not " +
                               std::to_string(n) + ". Use a larger radix.");
    bool const one_tier = n <= params_.radix;
    std::int64_t const links = n * params_.links;
    if (one_tier) {
        switches_ = ceil_div(links, params_.radix);
        cables_ = links;
    } else {
        std::int64_t const leaves = ceil_div(n, half);
        switches_ = params_.links * (leaves + ceil_div(leaves * half, params_.radix));
        cables_ = links + params_.links * leaves * half;
    }
    bisection_ = links / 2;
    most_hops_ = one_tier ? 2 : 4;
    // Two tiers: of the n - 1 others, half - 1 are below the same leaf.
    double const near = one_tier ? 1.0 : static_cast<double>(half - 1) / static_cast<double>(n - 1);
    mean_hops_ = 2 * near + 4 * (1 - near);
}

void ScaleUp::lay_torus() {
    NetworkParams lattice;
    lattice.endpoints = params_.accelerators;
    lattice.lattice.dimensions = params_.dimensions;
    auto const sides = lattice_sides(lattice);
    std::int64_t const n = params_.accelerators;
    std::int64_t const per_neighbour = params_.links / (2 * params_.dimensions);
    if (lattice_switches(sides) != n)
        throw core::InputError("scale_up: " + std::to_string(n) +
                               " accelerators do not fill a torus with nearly equal sides. Use for example " +
                               std::to_string(lattice_switches(sides)) + ".");
    if (per_neighbour < 1)
        throw core::InputError("scale_up: a torus of " + std::to_string(params_.dimensions) +
                               " dimensions needs " + std::to_string(2 * params_.dimensions) +
                               " links per accelerator");
    double distance = 0;
    std::int64_t longest = 0;
    for (std::int64_t const k : sides) {
        distance += static_cast<double>(k % 2 == 0 ? k * k / 4 : (k * k - 1) / 4) / static_cast<double>(k);
        most_hops_ += k / 2;
        cables_ += k == 1 ? 0 : (k == 2 ? n / 2 : n) * per_neighbour;
        longest = std::max(longest, k);
    }
    mean_hops_ = n == 1 ? 0 : distance * static_cast<double>(n) / static_cast<double>(n - 1);
    bisection_ = longest == 1 ? 0 : (longest == 2 ? 1 : 2) * (n / longest) * per_neighbour;
}

std::int64_t ScaleUp::optical_ends() const {
    return params_.medium == Medium::optical ? 2 * cables_ : 0;
}

core::TimeNs ScaleUp::latency_ns() const {
    return most_hops_ == 0 ? 0 : most_hops_ * params_.cable_ns + (most_hops_ - 1) * params_.switch_ns;
}

}  // namespace mw::fabric
