#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace mw::core {

//! Simulated time and durations: integer nanoseconds, so that sums do not depend on their order.
using TimeNs = std::int64_t;

inline constexpr TimeNs ns_per_us = 1'000;
inline constexpr TimeNs ns_per_ms = 1'000'000;
inline constexpr TimeNs ns_per_s = 1'000'000'000;

//! Later than anything that happens.
inline constexpr TimeNs never = std::numeric_limits<TimeNs>::max();

[[nodiscard]] inline TimeNs from_seconds(double seconds) {
    return std::llround(seconds * 1e9);
}
[[nodiscard]] constexpr double to_seconds(TimeNs time) {
    return static_cast<double>(time) / 1e9;
}

}  // namespace mw::core
