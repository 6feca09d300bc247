#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "megaweave/fabric/params.hpp"

namespace mw::fabric {

//! Throws `core::InputError` with all that keeps a Clos or rail network from being built.
NetworkParams const& checked_clos(NetworkParams const& params);

//! Ports of a leaf towards the nodes.
inline std::int64_t ports_down(std::int64_t radix, double oversubscription) {
    auto const k = static_cast<double>(radix);
    return std::clamp<std::int64_t>(std::llround(k * oversubscription / (1 + oversubscription)), 1,
                                    radix - 1);
}

}  // namespace mw::fabric
