#include "megaweave/plant/power_quality.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "megaweave/core/check.hpp"

namespace mw::plant {
namespace {

constexpr double minute_s = 60;

double mean(std::span<double const> values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

RampRates ramp_rates(std::span<double const> watts, double sample_s) {
    MW_EXPECT(sample_s > 0, "samples have a spacing");
    RampRates rates;
    auto const minute = static_cast<std::size_t>(std::llround(minute_s / sample_s));
    for (std::size_t i = 1; i < watts.size(); ++i) {
        double const slope = (watts[i] - watts[i - 1]) / sample_s;
        rates.up_w_per_s = std::max(rates.up_w_per_s, slope);
        rates.down_w_per_s = std::max(rates.down_w_per_s, -slope);
        if (minute == 0 || i < minute) continue;
        double const change = watts[i] - watts[i - minute];
        rates.up_w_per_min = std::max(rates.up_w_per_min, change);
        rates.down_w_per_min = std::max(rates.down_w_per_min, -change);
    }
    return rates;
}

double p99_over_mean(std::span<double const> watts) {
    if (watts.empty()) return 0.0;
    std::vector<double> sorted{watts.begin(), watts.end()};
    auto const rank = static_cast<std::ptrdiff_t>(std::ceil(0.99 * static_cast<double>(sorted.size()))) - 1;
    std::nth_element(sorted.begin(), sorted.begin() + rank, sorted.end());
    double const average = mean(watts);
    return average > 0 ? sorted[static_cast<std::size_t>(rank)] / average : 0.0;
}

double swing_w(std::span<double const> watts, double sample_s, double frequency_hz) {
    if (watts.empty()) return 0.0;
    double const average = mean(watts);
    double const angle = 2.0 * std::numbers::pi * frequency_hz * sample_s;
    double const turn = 2.0 * std::cos(angle);
    double last = 0.0;
    double before = 0.0;
    for (double const value : watts) {
        double const next = value - average + turn * last - before;
        before = last;
        last = next;
    }
    double const real = last - before * std::cos(angle);
    double const imaginary = before * std::sin(angle);
    return 2.0 / static_cast<double>(watts.size()) * std::hypot(real, imaginary);
}

std::vector<SpectrumLine> spectrum(std::span<double const> watts, double sample_s, double from_hz,
                                   double to_hz) {
    std::vector<SpectrumLine> lines;
    if (watts.size() < 2) return lines;
    double const spacing_hz = 1.0 / (static_cast<double>(watts.size()) * sample_s);
    double const top_hz = std::min(to_hz, 0.5 / sample_s);
    for (double k = std::max(1.0, std::ceil(from_hz / spacing_hz - 1e-9));
         k * spacing_hz <= top_hz * (1 + 1e-12); ++k)
        lines.push_back({k * spacing_hz, swing_w(watts, sample_s, k * spacing_hz)});
    return lines;
}

}  // namespace mw::plant
