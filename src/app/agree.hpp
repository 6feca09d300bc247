#pragma once

#include <optional>
#include <utility>

#include "megaweave/core/error.hpp"
#include "megaweave/parallel/comm.hpp"

namespace mw::app {

/*!
 * Does something on every rank that may find the user's input wrong, and agrees: either all ranks have a result, or all throw
 * core::InputError (those without a mistake of their own an empty one), so that none waits for the others.
 */
template <class Action>
auto on_all_ranks(parallel::Comm const& comm, Action&& action) {
    std::optional<decltype(action())> result;
    std::optional<core::InputError> mistake;
    try {
        result.emplace(action());
    } catch (core::InputError const& error) {
        mistake = error;
    }
    // The lowest rank with a mistake speaks for all.
    std::int64_t const speaker = comm.min(mistake ? comm.rank() : comm.size());
    if (speaker == comm.size()) return std::move(*result);
    if (mistake && speaker == comm.rank()) throw *mistake;
    throw core::InputError(std::vector<std::string>{});
}

}  // namespace mw::app
