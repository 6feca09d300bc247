#pragma once

#include "megaweave/config/deck.hpp"
#include "tree.hpp"

namespace mw::config {

//! What no key can tell by itself: values that contradict each other. `root` gives the places for messages.
void check_deck(Deck const& deck, Tree const& root, Problems& problems);
//! How many accelerators a Clos holds, by whole nodes below each leaf (as fabric::Clos wires it).
[[nodiscard]] std::int64_t clos_capacity(fabric::NetworkParams const& clos);
//! The Clos rules alone, for `flows`.
void check_clos(fabric::NetworkParams const& clos, Tree const& root, Problems& problems);
//! Keys that the deck states and that cannot act in the modes it chose, one sentence each.
void note_idle_keys(Deck const& deck, Tree const& root, std::vector<std::string>& notes);
//! What a result rests on that the user should know, one sentence each.
[[nodiscard]] std::vector<std::string> warnings_of(Deck const& deck, Tree const& root);

}  // namespace mw::config
