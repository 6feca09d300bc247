#pragma once

#include <string>

#include "megaweave/config/deck.hpp"
#include "megaweave/engine/results.hpp"

namespace mw::app {

//! Lines of the summary's `power` block: what the network draws by tier and technology; the budget and what stores hold, where there are any.
[[nodiscard]] std::string network_power_lines(config::Deck const& deck, engine::Results const& results);
[[nodiscard]] std::string budget_lines(config::Deck const& deck, engine::Results const& results);
[[nodiscard]] std::string store_lines(config::Deck const& deck, engine::Results const& results);

}  // namespace mw::app
