#pragma once

#include <string>

#include "megaweave/config/deck.hpp"
#include "megaweave/engine/results.hpp"
#include "megaweave/engine/verdict.hpp"

namespace mw::app {

//! Results of all services together.
[[nodiscard]] engine::ServiceResults all_services(engine::Results const& results);
//! Some service has an objective.
[[nodiscard]] bool has_objectives(config::Deck const& deck);

// Blocks of summary.yaml
[[nodiscard]] std::string verdict_block(engine::Verdict const& verdict);
[[nodiscard]] std::string latency_block(engine::Results const& results, engine::Verdict const& verdict);
[[nodiscard]] std::string objectives_block(config::Deck const& deck, engine::Results const& results);
[[nodiscard]] std::string requests_block(engine::Results const& results);
[[nodiscard]] std::string services_block(config::Deck const& deck, engine::Results const& results,
                                         engine::Verdict const& verdict);

//! The line about latencies and objectives for whoever started the run.
[[nodiscard]] std::string service_line(config::Deck const& deck, engine::Results const& results);

}  // namespace mw::app
