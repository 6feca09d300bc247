#pragma once

#include "megaweave/hardware/power_params.hpp"

namespace mw::hardware {

/*!
 * Voltage that a clock needs, and how much slower HBM gets when the clock is too low to keep it busy.
 *
 *     v(c) = v_least + (1 - v_least) max(0, c - c_knee) / (1 - c_knee),   g(c) = max(1, c_hbm / c)
 *
 * Clocks and voltages as shares of the highest. Source: physics.md section 3; the curve's shape is that of published V/f tables.
 * Leaves out: chip-to-chip spread (some 5 %), temperature.
 * Worked, defaults: v(1) = 1, v(0.8) = 0.835, v(1200/1980) = 0.675, v(0.3) = 0.67; g(0.25) = 2.
 */
class ClockLaw {
  public:
    explicit ClockLaw(ClockParams const& params);

    [[nodiscard]] double voltage(double clock) const;
    [[nodiscard]] double hbm_slowdown(double clock) const;
    [[nodiscard]] double lowest() const { return lowest_; }
    //! Share of the highest clock, not below the lowest nor above 1.
    [[nodiscard]] double share(double mhz) const;

  private:
    double max_mhz_;
    double lowest_;
    double knee_;
    double least_voltage_;
    double hbm_clock_;
};

/*!
 * Highest clock that a die's temperature allows: 1 below `throttle_start`, the lowest from `throttle_full` on, linear between.
 *
 * Worked, defaults: at 85.5 degC (half-way from 84 to 87) the mean of 1 and the lowest clock.
 */
[[nodiscard]] double thermal_ceiling(ThermalParams const& thermal, ClockLaw const& law, double die_c);

}  // namespace mw::hardware
