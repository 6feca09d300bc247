#pragma once

#include "megaweave/hardware/params.hpp"

namespace mw::plant {

/*!
 * Power of a node's own fans.
 *
 *     P = P_full pwm^3,   pwm = s + (1 - s) u,   s = (P_idle / P_full)^(1/3)
 *     u = (accelerator - its idle) / (TDP - its idle)
 *
 * Speed rises linearly with the accelerators' power from idle (no context) to TDP, power with its cube.
 * Source: physics.md section 5, an H100 chassis; the law meets its two ends and, without a further
 * parameter, its middle: 206.8 W against 207 W measured at 465 W a GPU.
 * Leaves out: inlet temperature, altitude, the lag of the fan controller.
 * Worked: 47 W idle, 395 W full, 83 to 700 W: at 317 W a GPU u = 0.379, pwm 0.685, 127 W.
 */
class ServerFans {
  public:
    ServerFans(hardware::NodeParams const& node, hardware::AcceleratorParams const& accelerator);

    //! Of one node whose accelerators draw `mean_accelerator_w` each. 0 where the node has no fans.
    [[nodiscard]] double operator()(double mean_accelerator_w) const;

  private:
    double full_w_;
    double idle_speed_;
    double accelerator_idle_w_;
    double accelerator_range_w_;
};

}  // namespace mw::plant
