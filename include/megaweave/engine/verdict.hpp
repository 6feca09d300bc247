#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "megaweave/config/deck.hpp"
#include "megaweave/core/batch_means.hpp"
#include "megaweave/engine/results.hpp"

namespace mw::engine {

enum class LoadState : std::uint8_t { steady, filling, overloaded };
inline constexpr std::array<char const*, 3> load_state_names = {"steady", "filling", "overloaded"};

//! Of one service in the measured period.
struct ServiceVerdict {
    LoadState state{LoadState::steady};
    std::string resource;  //!< overloaded: what requests wait for, or why they are turned away
    std::string because;   //!< a sentence with numbers
    std::string cure;      //!< overloaded: what would mend it
};

//! Whether a run served its load, and how well its means are known.
struct Verdict {
    LoadState state{LoadState::steady};
    std::string text;     //!< "steady", "filling" or "overloaded (service, resource)"
    std::string because;  //!< of the service that decided it
    std::string cure;     //!< likewise; "" unless overloaded
    std::vector<ServiceVerdict> services;
    std::vector<std::string> doubts;  //!< why means may not hold for longer runs; sentences
    // 95 % confidence
    std::optional<core::BatchMean> output_tokens_per_s;
    std::optional<core::BatchMean> facility_w;
    std::optional<core::BatchMean> ttft_s;  //!< of first tokens in the measured period
    std::optional<core::BatchMean> tpot_s;  //!< of completions in it
};

/*!
 * Judges arrivals against completions.
 *
 * Overloaded: one in twenty arrivals or more is turned away; or, with open arrivals, the number of waiting requests grew from the first
 * eighth of the measured period to the last by more than 2 standard deviations of the number of arrivals (taken as Poisson), by more
 * than 1 in 200 arrivals, and in its second half too, or prefill instances are busy for 99 % of the time while more than two prompts wait
 * for each; or, with a fixed number in flight, more requests wait than run. Filling: requests
 * in flight grew likewise but do not wait, or a workload with an end has not ended. Else steady.
 *
 * The resource is where most of the waiting requests are: KV blocks (`kv_capacity`, where instances starved for a third of the time), places
 * in the batch (`max_sequences`), the network that moves caches (`scale_out`), else the largest share of accelerator time.
 * Doubts name a period shorter than three lives of a request, halves that differ, completions in waves, queues at few instances, and
 * means known to 10 % or less. Valid: periods of many requests; a queue that grows by less than the thresholds is called steady.
 */
[[nodiscard]] Verdict judge(config::Deck const& deck, Results const& results);

}  // namespace mw::engine
