#pragma once

#include <string>

#include "megaweave/config/deck.hpp"
#include "megaweave/engine/results.hpp"
#include "megaweave/engine/verdict.hpp"

namespace mw::app {

//! summary.yaml: the same for any number of ranks and threads but for its `performance` block.
[[nodiscard]] std::string summary_yaml(config::Deck const& deck, engine::Results const& results,
                                       engine::Verdict const& verdict);
//! A few lines for whoever started the run.
[[nodiscard]] std::string summary_text(config::Deck const& deck, engine::Results const& results,
                                       engine::Verdict const& verdict);

}  // namespace mw::app
