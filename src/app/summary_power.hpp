#pragma once

#include <string>
#include <vector>

#include "megaweave/config/deck.hpp"
#include "megaweave/engine/results.hpp"
#include "megaweave/plant/power_quality.hpp"

namespace mw::app {

//! Lines of the summary's `power` block: what the network draws by tier and technology; the budget and what stores hold, where there are any.
[[nodiscard]] std::string network_power_lines(config::Deck const& deck, engine::Results const& results);
[[nodiscard]] std::string budget_lines(config::Deck const& deck, engine::Results const& results);
[[nodiscard]] std::string store_lines(config::Deck const& deck, engine::Results const& results);

//! Output tokens for the energy that was used, whatever the stores gave or took, where there are stores.
[[nodiscard]] std::string efficiency_without_stores(config::Deck const& deck, engine::Results const& results);
//! Warnings about power in the measured period: budgets that were passed, stores that were emptied.
[[nodiscard]] std::vector<std::string> power_warnings(config::Deck const& deck,
                                                      engine::Results const& results);

//! Of facility power, from the last of its fine samples in the measured period (a spectrum's cost is their number squared).
[[nodiscard]] std::vector<plant::SpectrumLine> facility_spectrum(engine::Results const& results);

}  // namespace mw::app
