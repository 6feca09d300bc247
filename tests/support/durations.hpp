#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace mw::test {

//! Of durations, in their unit; p99 with linear interpolation between order statistics.
struct Durations {
    double mean;
    double p99;
};

inline Durations summary_of(std::vector<double> durations) {
    std::ranges::sort(durations);
    double const at = 0.99 * static_cast<double>(durations.size() - 1);
    auto const below = static_cast<std::size_t>(at);
    double const above = durations[std::min(below + 1, durations.size() - 1)];
    double const sum = std::accumulate(durations.begin(), durations.end(), 0.0);
    return {sum / static_cast<double>(durations.size()),
            durations[below] + (at - static_cast<double>(below)) * (above - durations[below])};
}

}  // namespace mw::test
