#pragma once

#include <string>
#include <vector>

#include "megaweave/engine/load_estimate.hpp"
#include "megaweave/engine/world.hpp"

namespace mw::engine {

//! Findings about a deck before it runs.
struct Feasibility {
    std::vector<LoadEstimate> services;
    std::vector<std::string> warnings;  //!< each with a number and a cure
};

/*!
 * Looks for what makes a deck's results something else than its author expects: requests that can never be served or that the model was not
 * made for, more KV blocks than memory, a budget below idle power, loads above capacity, objectives below what an idle site takes,
 * windows, samples and durations that do not fit the requests, prefix hashes that are dropped. `check` and `run` print the same.
 *
 * Pure: the same for any ranks and threads. Costs milliseconds a service, up to about a second where outputs are very long.
 */
[[nodiscard]] Feasibility assess(World const& world);

/*!
 * Share of a service's requests whose input and output together exceed so many tokens.
 *
 * Rows of a trace are counted; of two independent laws one is summed over 1,024 equally likely lengths (exact where it is fixed), the other
 * asked exactly. Worked: input uniform in 1 to 2,000, output 10, more than 1,025 tokens: input above 1,015, 985/2,000 = 0.4925.
 */
[[nodiscard]] double share_longer_than(ServiceModel const& service, std::int64_t tokens);

}  // namespace mw::engine
