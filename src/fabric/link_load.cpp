#include "megaweave/fabric/link_load.hpp"

#include <algorithm>

#include "megaweave/core/integer.hpp"

namespace mw::fabric {

LinkLoad link_load(std::int64_t capacity, std::span<Claim const> claims, Claim const& newcomer) {
    // From the lowest level that is possible upwards: whoever has less than the level is held, which lifts it.
    std::int64_t level = -1;
    std::int64_t held = 0;
    std::int64_t units = 0;
    while (true) {
        held = 0;
        units = 0;
        for (Claim const& claim : claims) {
            if (level >= 0 && claim.rate <= level * claim.weight)
                held += core::mul_div(claim.rate, claim.units, claim.weight);
            else
                units += claim.units;
        }
        std::int64_t const found = std::max<std::int64_t>(0, capacity - held) / (units + newcomer.units);
        if (found <= level) break;
        level = found;
    }
    LinkLoad load;
    if (capacity <= 0) return load;
    load.held = static_cast<std::uint16_t>(
        std::clamp<std::int64_t>(core::mul_div(held, LinkLoad::whole, capacity), 0, LinkLoad::whole));
    load.crowd = static_cast<std::uint16_t>(
        std::min(core::mul_div(units, LinkLoad::one_flow, newcomer.units), LinkLoad::most));
    return load;
}

}  // namespace mw::fabric
