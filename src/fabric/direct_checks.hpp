#pragma once

#include <cstdint>
#include <vector>

#include "megaweave/fabric/params.hpp"

namespace mw::fabric {

//! NICs that hang on one switch of a lattice; by default those of a node.
[[nodiscard]] std::int64_t nics_per_switch(NetworkParams const& params);
//! The sides of the deck, or nearly equal ones that hold the endpoints.
[[nodiscard]] std::vector<std::int64_t> lattice_sides(NetworkParams const& params);
//! Product of the sides, at most 10^12.
[[nodiscard]] std::int64_t lattice_switches(std::vector<std::int64_t> const& sides);
//! Throws `core::InputError` where endpoints, NICs, link rate or sizes make no sense, whatever the topology.
NetworkParams const& checked_ends(NetworkParams const& params);
//! The same for a torus or HyperX; `name` is for messages.
NetworkParams const& checked_lattice(NetworkParams const& params, char const* name);

}  // namespace mw::fabric
