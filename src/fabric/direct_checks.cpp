#include "direct_checks.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "megaweave/core/error.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::fabric {

namespace {

constexpr std::int64_t most_switches = 10'000'000;

}  // namespace

std::int64_t nics_per_switch(NetworkParams const& params) {
    return params.lattice.nics_per_switch > 0 ? params.lattice.nics_per_switch : params.nics_per_node;
}

std::vector<std::int64_t> lattice_sides(NetworkParams const& p) {
    if (!p.lattice.sides.empty()) return p.lattice.sides;
    std::int64_t left = core::ceil_div(p.endpoints, nics_per_switch(p));
    std::vector<std::int64_t> sides;
    for (std::int64_t d = p.lattice.dimensions; d > 0; --d) {
        auto const root = std::ceil(std::pow(static_cast<double>(left), 1.0 / static_cast<double>(d)) - 1e-9);
        sides.push_back(std::max<std::int64_t>(static_cast<std::int64_t>(root), 1));
        left = core::ceil_div(left, sides.back());
    }
    return sides;
}

std::int64_t lattice_switches(std::vector<std::int64_t> const& sides) {
    std::int64_t product = 1;
    for (std::int64_t const side : sides) product = std::min(product * side, std::int64_t{1'000'000'000'000});
    return product;
}

NetworkParams const& checked_ends(NetworkParams const& p) {
    std::vector<std::string> wrong;
    auto const expect = [&wrong](bool right, std::string message) {
        if (!right) wrong.push_back("scale_out: " + std::move(message));
    };
    expect(p.endpoints >= 1, "no endpoints: a network needs at least one accelerator");
    expect(p.nics_per_node >= 1, "a node needs at least one NIC");
    expect(p.link_bytes_per_s > 0, "the link rate must be positive");
    if (!wrong.empty()) throw core::InputError(wrong);
    expect(p.endpoints % p.nics_per_node == 0, std::to_string(p.endpoints) +
                                                   " accelerators do not fill nodes of " +
                                                   std::to_string(p.nics_per_node) + ". Use a multiple.");
    expect(nics_per_switch(p) % p.nics_per_node == 0,
           std::to_string(nics_per_switch(p)) + " NICs per switch are no whole nodes of " +
               std::to_string(p.nics_per_node) + ". Use a multiple.");
    expect(p.lattice.width >= 1, "neighbours need at least one cable");
    expect(p.lattice.dimensions >= 1 && p.lattice.dimensions <= 6, "1 to 6 dimensions are modelled");
    expect(std::ranges::all_of(p.lattice.sides, [](std::int64_t s) { return s >= 1 && s <= 10'000; }),
           "every side has 1 to 10,000 switches");
    expect(p.lattice.sides.size() <= 6, "at most 6 sides are modelled");
    if (!wrong.empty()) throw core::InputError(wrong);
    return p;
}

NetworkParams const& checked_lattice(NetworkParams const& p, char const* name) {
    checked_ends(p);
    std::int64_t const switches = lattice_switches(lattice_sides(p));
    std::string const kind{name};
    if (switches > most_switches)
        throw core::InputError("scale_out: a " + kind + " of " + std::to_string(switches) +
                               " switches is not modelled. Use at most " + std::to_string(most_switches) +
                               ".");
    if (std::int64_t const room = switches * nics_per_switch(p); room < p.endpoints)
        throw core::InputError("scale_out: a " + kind + " of " + std::to_string(switches) +
                               " switches with " + std::to_string(nics_per_switch(p)) + " NICs each holds " +
                               std::to_string(room) + " accelerators, not " + std::to_string(p.endpoints) +
                               ". Use longer sides, or leave 'sides' out.");
    return p;
}

}  // namespace mw::fabric
