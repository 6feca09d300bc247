#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "megaweave/engine/load_history.hpp"

namespace mw::engine {

//! One service's measured period in numbers that a verdict needs.
struct LoadTrend {
    std::int64_t arrivals{0};
    std::int64_t completions{0};
    std::int64_t rejections{0};
    std::int64_t shed{0};
    std::int64_t in_system{0};  //!< at the end
    double seconds{0};
    double waiting_first{0};   //!< mean of the first eighth of the period
    double waiting_middle{0};  //!< of the eighth after the middle
    double waiting_last{0};    //!< of the last eighth
    double waiting{0};         //!< of the second half, and so on
    double prompts_waiting{0};
    double caches_waiting{0};
    double caches_moving{0};
    double running{0};
    double full{0};       //!< instances whose batch is full
    double starved_s{0};  //!< of instance time, in the second half, for KV blocks
    double half_s{0};     //!< its length
    double prefill_instances{0};
    double prefill_busy{0};  //!< share of their time in the second half
    double in_system_first{0};
    double in_system_last{0};
    double unevenness{
        1};  //!< mean square of waiting requests of an instance over the square of the mean; 1: even
};

[[nodiscard]] LoadTrend trend_of(LoadHistory const& history, std::size_t service, std::int64_t instances);

//! Seconds between the crests of a series that goes up and down in waves; none where it does not.
[[nodiscard]] std::optional<double> wave_s(std::vector<SiteSample> const& samples);

}  // namespace mw::engine
