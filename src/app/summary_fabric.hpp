#pragma once

#include <string>

#include "megaweave/config/deck.hpp"
#include "megaweave/engine/results.hpp"

namespace mw::app {

//! The summary's block `fabric`: bytes, utilisation by tier, traffic by service and class, the fullest bundles, fairness.
[[nodiscard]] std::string fabric_block(config::Deck const& deck, engine::FabricResults const& fabric);

}  // namespace mw::app
