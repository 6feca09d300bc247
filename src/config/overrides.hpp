#pragma once

#include <vector>

#include "megaweave/config/deck.hpp"
#include "tree.hpp"

namespace mw::config {

/*!
 * Puts `--set path=value` into the deck's tree, in order, as if it had been written there. Keys that are absent are made;
 * whether they are legal shows when the tree is read. A name that a block may stand for (`rack: hgx-h100`) becomes one based on it.
 */
void apply_overrides(Tree& deck, std::vector<Override> const& overrides, Problems& problems);

}  // namespace mw::config
