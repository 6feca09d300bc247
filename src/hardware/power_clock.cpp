#include "megaweave/hardware/power_clock.hpp"

#include <algorithm>

#include "megaweave/core/check.hpp"

namespace mw::hardware {

ClockLaw::ClockLaw(ClockParams const& params)
    : max_mhz_{params.max_mhz},
      lowest_{params.min_mhz / params.max_mhz},
      knee_{params.voltage_knee},
      least_voltage_{params.least_voltage},
      hbm_clock_{params.hbm_clock} {
    MW_EXPECT(params.min_mhz > 0 && params.min_mhz <= params.max_mhz, "clocks must be positive and rise");
    MW_EXPECT(knee_ >= 0 && knee_ < 1 && least_voltage_ > 0 && least_voltage_ <= 1,
              "a voltage curve's knee and least voltage are shares of the highest");
}

double ClockLaw::voltage(double clock) const {
    double const above = std::max(0.0, std::min(clock, 1.0) - knee_) / (1.0 - knee_);
    return least_voltage_ + (1.0 - least_voltage_) * above;
}

double ClockLaw::hbm_slowdown(double clock) const {
    return std::max(1.0, hbm_clock_ / clock);
}

double ClockLaw::share(double mhz) const {
    return std::clamp(mhz / max_mhz_, lowest_, 1.0);
}

double thermal_ceiling(ThermalParams const& thermal, ClockLaw const& law, double die_c) {
    double const range_k = std::max(thermal.throttle_full_c - thermal.throttle_start_c, 1e-3);
    double const over = std::clamp((die_c - thermal.throttle_start_c) / range_k, 0.0, 1.0);
    return 1.0 - over * (1.0 - law.lowest());
}

}  // namespace mw::hardware
