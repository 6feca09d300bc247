#include "megaweave/hardware/power_cap.hpp"

#include <algorithm>
#include <cmath>

namespace mw::hardware {
namespace {

constexpr double steps_per_window = 4;
constexpr double power_exponent = 2;   // of the clock, about
constexpr double most_log_error = 1;   // an idle board must not wind the clock up at once
constexpr double least_power_w = 1.0;  // keeps the logarithm finite
constexpr int most_steps = 64;  // after so many windows the average is the power, and the clock settled

}  // namespace

void PowerCapController::observe(double power_w, core::TimeNs dt_ns, double ceiling) {
    double const top = std::max(lowest_, ceiling);
    if (params_.limit_w <= 0) {
        clock_ = top;
        return;
    }
    double const window_s = core::to_seconds(std::max<core::TimeNs>(params_.average_ns, 1));
    double const lag_s = core::to_seconds(std::max<core::TimeNs>(params_.lag_ns, 1));
    double const dt_s = core::to_seconds(dt_ns);
    int const steps =
        static_cast<int>(std::clamp(std::ceil(dt_s / window_s * steps_per_window), 1.0, double{most_steps}));
    double const step_s = dt_s / steps;
    double const mix = 1.0 - std::exp(-step_s / window_s);
    double const gain = std::min(1.0, step_s / lag_s) / power_exponent;
    for (int i = 0; i < steps; ++i) {
        average_w_ += mix * (power_w - average_w_);
        double const error = std::log(params_.limit_w / std::max(average_w_, least_power_w));
        clock_ *= std::exp(gain * std::clamp(error, -most_log_error, most_log_error));
        clock_ = std::clamp(clock_, lowest_, top);
    }
}

}  // namespace mw::hardware
