#include "megaweave/hardware/scale_up.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "megaweave/core/error.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::hardware {

using core::ceil_div;

namespace {

constexpr double bytes_per_s_per_800g = 100e9;
constexpr double cable_in_rack_m = 2;
constexpr double up_and_down_m = 5;
constexpr double ns_per_m = 5;
constexpr core::TimeNs through_one_switch_ns = 270;  // in what engines' collectives were measured to take

//! Nearly equal sides that hold n, the longest first.
std::vector<std::int64_t> nearly_equal_sides(std::int64_t n, std::int64_t dimensions) {
    std::vector<std::int64_t> sides;
    std::int64_t left = n;
    for (std::int64_t d = dimensions; d > 0; --d) {
        auto const root = std::ceil(std::pow(static_cast<double>(left), 1.0 / static_cast<double>(d)) - 1e-9);
        sides.push_back(std::max<std::int64_t>(static_cast<std::int64_t>(root), 1));
        left = ceil_div(left, sides.back());
    }
    return sides;
}

std::int64_t product(std::vector<std::int64_t> const& sides) {
    std::int64_t all = 1;
    for (std::int64_t const side : sides) all *= side;
    return all;
}

//! On average across `racks` racks of a row.
double cable_m(std::int64_t racks, double width_m) {
    return racks == 1 ? cable_in_rack_m : up_and_down_m + static_cast<double>(racks) * width_m / 3;
}

}  // namespace

ScaleUp::ScaleUp(RackParams const& rack)
    : params_{rack.scale_up},
      accelerators_{rack.scale_up_domain},
      racks_{ceil_div(rack.scale_up_domain, std::max<std::int64_t>(rack.accelerators(), 1))},
      link_bytes_per_s_{rack.accelerator.scale_up_bytes_per_s /
                        static_cast<double>(std::max<std::int64_t>(rack.scale_up.links, 1))},
      cable_ns_{params_.cable_ns > 0 ? params_.cable_ns
                                     : std::llround(ns_per_m * cable_m(racks_, rack.width_m))} {
    if (accelerators_ < 1 || params_.links < 1 || params_.radix < 2 || params_.dimensions < 1)
        throw core::InputError("scale_up: accelerators, links, radix and dimensions must be positive");
    if (accelerators_ == 1) return;
    switch (params_.kind) {
        case ScaleUpKind::switched:
            lay_switches();
            break;
        case ScaleUpKind::mesh:
            lay_mesh();
            break;
        case ScaleUpKind::torus:
            lay_torus();
            break;
    }
}

void ScaleUp::lay_switches() {
    std::int64_t const n = accelerators_;
    std::int64_t const half = params_.radix / 2;
    if (n > params_.radix * half)
        throw core::InputError("scale_up: two tiers of radix " + std::to_string(params_.radix) + " hold " +
                               std::to_string(params_.radix * half) + " accelerators, not " +
                               std::to_string(n) + ". Use a larger radix");
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

void ScaleUp::lay_mesh() {
    std::int64_t const n = accelerators_;
    if (params_.links % (n - 1) != 0)
        throw core::InputError("scale_up: a mesh of " + std::to_string(n) +
                               " accelerators needs a multiple of " + std::to_string(n - 1) +
                               " links each, not " + std::to_string(params_.links));
    cables_ = n * params_.links / 2;
    bisection_ = (n / 2) * (n - n / 2) * params_.links / (n - 1);
    mean_hops_ = 1;
    most_hops_ = 1;
}

void ScaleUp::lay_torus() {
    sides_ = nearly_equal_sides(accelerators_, params_.dimensions);
    std::int64_t const n = accelerators_;
    std::int64_t const per_neighbour = params_.links / (2 * params_.dimensions);
    if (product(sides_) != n)
        throw core::InputError("scale_up: " + std::to_string(n) +
                               " accelerators do not fill a torus with nearly equal sides. Use for example " +
                               std::to_string(product(sides_)));
    if (per_neighbour < 1)
        throw core::InputError("scale_up: a torus of " + std::to_string(params_.dimensions) +
                               " dimensions needs " + std::to_string(2 * params_.dimensions) +
                               " links per accelerator");
    double distance = 0;
    std::int64_t longest = 0;
    for (std::int64_t const k : sides_) {
        distance += static_cast<double>(k % 2 == 0 ? k * k / 4 : (k * k - 1) / 4) / static_cast<double>(k);
        most_hops_ += k / 2;
        cables_ += k == 1 ? 0 : (k == 2 ? n / 2 : n) * per_neighbour;
        longest = std::max(longest, k);
    }
    mean_hops_ = distance * static_cast<double>(n) / static_cast<double>(n - 1);
    bisection_ = (longest == 2 ? 1 : 2) * (n / longest) * per_neighbour;
}

std::int64_t ScaleUp::switch_tiers() const {
    return switches_ == 0 ? 0 : most_hops_ / 2;
}

std::int64_t ScaleUp::optical_ends() const {
    return params_.medium == Medium::optical ? 2 * cables_ : 0;
}

double ScaleUp::optics_w() const {
    return static_cast<double>(optical_ends()) * params_.optics_w_per_800g * link_bytes_per_s_ /
           bytes_per_s_per_800g;
}

core::TimeNs ScaleUp::latency_of(std::int64_t hops) const {
    return hops == 0 ? 0 : hops * cable_ns_ + (hops - 1) * params_.switch_ns;
}

//! The smallest box that holds the members; of equal ones the most cubic.
std::vector<std::int64_t> ScaleUp::box_of(std::int64_t members) const {
    std::vector<std::int64_t> best = sides_;
    std::vector<std::int64_t> box(sides_.size(), 1);
    auto const better = [&] {
        std::int64_t const size = product(box);
        if (size < members) return false;
        return size != product(best) ? size < product(best) : std::ranges::max(box) < std::ranges::max(best);
    };
    while (true) {
        if (better()) best = box;
        std::size_t side = 0;
        while (side < box.size() && ++box[side] > sides_[side]) box[side++] = 1;
        if (side == box.size()) return best;
    }
}

ScaleUpShares ScaleUp::shares(std::int64_t members) const {
    ScaleUpShares shares;
    if (members <= 1 || accelerators_ == 1) return shares;
    if (sides_.empty()) {
        shares.step_ns = std::max<core::TimeNs>(0, latency_ns() - through_one_switch_ns);
        shares.ring_ns = 2 * shares.step_ns;
        return shares;
    }
    std::vector<std::int64_t> const box = box_of(members);
    std::int64_t const all = product(box);
    auto const per_neighbour = static_cast<double>(params_.links / (2 * params_.dimensions));
    auto const links = static_cast<double>(params_.links);
    double neighbours = 0;
    std::int64_t hops = 0;
    std::int64_t steps = 0;
    for (std::size_t i = 0; i < box.size(); ++i) {
        std::int64_t const side = box[i];
        if (side == 1) continue;
        bool const around = side == sides_[i] && side > 2;
        double const ways = around ? 2.0 : 1.0;
        neighbours += ways;
        hops += around ? side / 2 : side - 1;
        steps += side - 1;
        auto const left = static_cast<double>(side / 2 * (all / side));
        double const cut = ways * static_cast<double>(all / side) * per_neighbour;
        shares.all_to_all =
            std::min(shares.all_to_all,
                     cut * static_cast<double>(all - 1) / (left * (static_cast<double>(all) - left) * links));
    }
    shares.ring = std::min(1.0, neighbours * per_neighbour / links);
    shares.step_ns = std::max<core::TimeNs>(0, latency_of(hops) - through_one_switch_ns);
    shares.ring_ns =
        std::max<core::TimeNs>(0, 2 * steps * (cable_ns_ + params_.switch_ns) - 2 * through_one_switch_ns);
    return shares;
}

}  // namespace mw::hardware
