#pragma once

#include <cstdint>
#include <limits>

#include "megaweave/core/integer.hpp"

namespace mw::core {

//! Simulated time and durations: integer nanoseconds, so that sums do not depend on their order.
using TimeNs = std::int64_t;

inline constexpr TimeNs ns_per_us = 1'000;
inline constexpr TimeNs ns_per_ms = 1'000'000;
inline constexpr TimeNs ns_per_s = 1'000'000'000;

//! Later than anything that happens.
inline constexpr TimeNs never = std::numeric_limits<TimeNs>::max();

[[nodiscard]] inline TimeNs from_seconds(double seconds) {
    return to_count(seconds * 1e9, "a duration [ns]");
}
[[nodiscard]] constexpr double to_seconds(TimeNs time) {
    return static_cast<double>(time) / 1e9;
}

}  // namespace mw::core
