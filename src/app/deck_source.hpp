#pragma once

#include <optional>
#include <string>

#include "megaweave/parallel/comm.hpp"

namespace mw::app {

/*!
 * The text of a deck that only one rank can read: standard input ("-"), a pipe, a process substitution. None for a plain file, which
 * every rank reads. Collective. Throws core::InputError on every rank if it cannot be read or is larger than a deck can be.
 */
[[nodiscard]] std::optional<std::string> piped_deck(parallel::Comm const& comm, std::string const& path);

}  // namespace mw::app
