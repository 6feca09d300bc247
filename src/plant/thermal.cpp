#include "megaweave/plant/thermal.hpp"

#include <algorithm>
#include <cmath>

#include "megaweave/core/check.hpp"

namespace mw::plant {

AcceleratorThermal::AcceleratorThermal(hardware::ThermalParams const& params, double coolant_k_per_w,
                                       double coolant_c)
    : die_rate_{1.0 / (params.die_k_per_w * params.die_j_per_k)},
      plate_rate_{1.0 / (params.die_k_per_w * params.plate_j_per_k)},
      coolant_rate_{1.0 / (coolant_k_per_w * params.plate_j_per_k)},
      die_k_per_w_{params.die_k_per_w},
      coolant_k_per_w_{coolant_k_per_w},
      die_c_{coolant_c},
      plate_c_{coolant_c} {
    MW_EXPECT(params.die_k_per_w > 0 && coolant_k_per_w > 0, "a heat path has a resistance");
    MW_EXPECT(params.die_j_per_k > 0 && params.plate_j_per_k > 0, "a heat path has a capacity");
    double const sum = die_rate_ + plate_rate_ + coolant_rate_;
    double const root = std::sqrt(sum * sum - 4.0 * die_rate_ * coolant_rate_);
    fast_ = -0.5 * (sum + root);
    slow_ = die_rate_ * coolant_rate_ / fast_;  // the product of both is die x coolant rate
}

void AcceleratorThermal::step(double power_w, double coolant_c, double seconds) {
    double const plate_end = coolant_c + power_w * coolant_k_per_w_;
    double const die_end = plate_end + power_w * die_k_per_w_;
    double const die = die_c_ - die_end;
    double const plate = plate_c_ - plate_end;
    // Deviations follow exp(A t) = f I + s (A - slow I), with s = (e^fast - e^slow) / (fast - slow), f = e^slow.
    double const f = std::exp(slow_ * seconds);
    double const s = (std::exp(fast_ * seconds) - f) / (fast_ - slow_);
    die_c_ = die_end + f * die + s * ((-die_rate_ - slow_) * die + die_rate_ * plate);
    plate_c_ =
        plate_end + f * plate + s * (plate_rate_ * die + (-plate_rate_ - coolant_rate_ - slow_) * plate);
}

ThermalStore::ThermalStore(ThermalStoreParams const& params)
    : params_{params},
      capacity_j_per_k_{params.design_heat_w * params.seconds / params.rise_k},
      temperature_c_{params.set_point_c} {
    MW_EXPECT(params.rise_k > 0 && params.seconds > 0 && params.response_s > 0,
              "a store of heat needs constants");
}

double ThermalStore::step(double heat_w, double available, double seconds) {
    if (capacity_j_per_k_ <= 0 || seconds <= 0) return heat_w;
    double const most_w = params_.spare * params_.design_heat_w * available;
    int const steps = std::max(1, static_cast<int>(std::ceil(4.0 * seconds / params_.response_s)));
    double const step_s = seconds / steps;
    double removed_j = 0.0;
    for (int i = 0; i < steps; ++i) {
        double const wanted_w =
            heat_w + capacity_j_per_k_ * (temperature_c_ - params_.set_point_c) / params_.response_s;
        double const removed_w = std::clamp(wanted_w, 0.0, most_w);
        temperature_c_ += (heat_w - removed_w) * step_s / capacity_j_per_k_;
        removed_j += removed_w * step_s;
    }
    return removed_j / seconds;
}

}  // namespace mw::plant
