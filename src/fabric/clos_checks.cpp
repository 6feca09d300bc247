#include "clos_checks.hpp"

#include <string>
#include <vector>

#include "megaweave/core/error.hpp"
#include "megaweave/fabric/clos.hpp"

namespace mw::fabric {

namespace {

constexpr std::int64_t largest_radix = 4096;

std::int64_t most(NetworkParams params, std::int64_t tiers, std::int64_t radix) {
    params.tiers = tiers;
    params.radix = radix;
    return Clos::most_endpoints(params);
}

std::string what_would_do(NetworkParams const& p) {
    std::string advice;
    for (std::int64_t tiers = p.tiers + 1; tiers <= 4 && advice.empty(); ++tiers)
        if (most(p, tiers, p.radix) >= p.endpoints) advice = "Use " + std::to_string(tiers) + " tiers";
    for (std::int64_t radix = p.radix + 2; radix <= largest_radix; radix += 2)
        if (most(p, p.tiers, radix) >= p.endpoints)
            return advice + (advice.empty() ? "Use" : " or") + " a radix of at least " +
                   std::to_string(radix) + ".";
    return advice.empty() ? "Use fewer accelerators." : advice + ".";
}

}  // namespace

NetworkParams const& checked_clos(NetworkParams const& p) {
    std::vector<std::string> wrong;
    auto const expect = [&wrong](bool right, std::string message) {
        if (!right) wrong.push_back("scale_out: " + std::move(message));
    };
    expect(p.endpoints >= 1, "no endpoints: a Clos needs at least one accelerator");
    expect(p.nics_per_node >= 1, "a node needs at least one NIC");
    expect(p.tiers >= 2 && p.tiers <= 4,
           "a Clos of " + std::to_string(p.tiers) + " tiers is not modelled. Use 2 to 4.");
    expect(p.radix >= 2 && p.radix <= largest_radix,
           "a radix of " + std::to_string(p.radix) + " is outside 2 to " + std::to_string(largest_radix));
    expect(std::isfinite(p.oversubscription) && p.oversubscription > 0, "oversubscription must be positive");
    expect(p.link_bytes_per_s > 0, "the link rate must be positive");
    expect(p.routing == Routing::adaptive || p.routing == Routing::ecmp,
           "a Clos has no detours: all its paths are shortest ones. Use routing adaptive or ecmp.");
    if (!wrong.empty()) throw core::InputError(wrong);

    expect(p.endpoints % p.nics_per_node == 0, std::to_string(p.endpoints) +
                                                   " accelerators do not fill nodes of " +
                                                   std::to_string(p.nics_per_node) + ". Use a multiple.");
    std::int64_t const most = Clos::most_endpoints(p);
    expect(most >= p.endpoints, std::to_string(p.tiers) + " tiers of radix " + std::to_string(p.radix) +
                                    " hold " + std::to_string(most) + " accelerators (in nodes of " +
                                    std::to_string(p.nics_per_node) + "), not " +
                                    std::to_string(p.endpoints) + ". " + what_would_do(p));
    if (!wrong.empty()) throw core::InputError(wrong);
    return p;
}

std::int64_t Clos::most_endpoints(NetworkParams const& p) {
    std::int64_t const down = ports_down(p.radix, p.oversubscription);
    std::int64_t const half = p.radix / 2;
    if (p.kind == Kind::rail) {  // blocks of a leaf per NIC; whole blocks in a pod
        std::int64_t const block = down * p.nics_per_node;
        if (p.tiers == 2) return block * (p.radix / p.nics_per_node);
        return block * (half / p.nics_per_node) * p.radix * (p.tiers == 4 ? half : 1);
    }
    std::int64_t const leaf = down / p.nics_per_node * p.nics_per_node;
    return leaf * p.radix * (p.tiers >= 3 ? half : 1) * (p.tiers == 4 ? half : 1);
}

}  // namespace mw::fabric
