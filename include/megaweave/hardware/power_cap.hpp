#pragma once

#include "megaweave/core/time.hpp"
#include "megaweave/hardware/power_clock.hpp"

namespace mw::hardware {

//! A board power cap as its controller enforces it.
struct PowerCapParams {
    double limit_w{0};                     //!< 0: none, and no control
    core::TimeNs average_ns{100'000'000};  //!< window over which the board averages its power
    core::TimeNs lag_ns{200'000'000};      //!< time constant with which the clock follows

    //! Time after which averaged power stays within 2 % of the cap when a load that passes it by half begins.
    [[nodiscard]] core::TimeNs settling_ns() const { return 8 * (average_ns + lag_ns); }
};

/*!
 * A power cap's controller: watches averaged board power and moves the clock.
 *
 *     d average / dt = (P - average) / window,   d ln c / dt = ln(cap / average) / (n lag),   c in [lowest, ceiling], n = 2
 *
 * Integral control on a logarithmic scale: it needs no model of the load. n is about the power's exponent in the clock, so that the loop
 * settles within a few lags. Source: behaviour of boards' power capping (averages of 0.1-1 s); constants are estimates.
 * Valid: updates of any length; each is solved in steps of at most a quarter window.
 * Worked: 700 W begin under a 500 W cap with P = 140 + 560 c^2: after settling_ns() power is 500 W +- 2 %, c = 0.80.
 */
class PowerCapController {
  public:
    PowerCapController(PowerCapParams const& params, ClockLaw const& law)
        : params_{params}, lowest_{law.lowest()} {}

    //! The board drew `power_w` for `dt_ns`. `ceiling`: the highest clock that lock and temperature allow.
    void observe(double power_w, core::TimeNs dt_ns, double ceiling = 1.0);
    //! Clock for the work that begins now, share of the highest.
    [[nodiscard]] double clock() const { return clock_; }
    [[nodiscard]] double average_w() const { return average_w_; }
    void set_limit(double limit_w) { params_.limit_w = limit_w; }
    [[nodiscard]] double limit_w() const { return params_.limit_w; }

    //! State only; parameters come from the deck, but for the limit, which a site's control may have changed.
    template <class Archive>
    void archive(Archive& ar) {
        ar& params_.limit_w& average_w_& clock_;
    }

  private:
    PowerCapParams params_;
    double lowest_;
    double average_w_{0};
    double clock_{1};
};

}  // namespace mw::hardware
