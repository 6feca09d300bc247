#pragma once

#include "megaweave/hardware/power_params.hpp"

namespace mw::plant {

/*!
 * Temperatures of an accelerator: die and plate between a heat source and a coolant.
 *
 *     C_d dT_d/dt = P - (T_d - T_p)/R_d,   C_p dT_p/dt = (T_d - T_p)/R_d - (T_p - T_c)/R_c
 *
 * Exact for power and coolant that are constant within a step (the 2 x 2 system is solved through its eigenvalues), so a step may be as
 * long as a sample. Source: physics.md section 5: R 0.02-0.03 K/W liquid and 0.05-0.06 air, constants of 5-20 s.
 * Leaves out: spread over the die (hot spots some 10 K above the mean), HBM stacks, coolant warming along the plate.
 * Worked, defaults, liquid: R = 0.025 K/W, so 700 W into 32 degC coolant settle at 49.5 degC; constants 5.0 s and 0.77 s.
 * Air: 0.055 K/W, 24 degC air: 62.5 degC; 19.7 s and 0.79 s.
 */
class AcceleratorThermal {
  public:
    //! `coolant_k_per_w`: plate to coolant. Begins in balance with its coolant.
    AcceleratorThermal(hardware::ThermalParams const& params, double coolant_k_per_w, double coolant_c);

    void step(double power_w, double coolant_c, double seconds);
    [[nodiscard]] double die_c() const { return die_c_; }
    [[nodiscard]] double plate_c() const { return plate_c_; }

    template <class Archive>
    void archive(Archive& ar) {
        ar& die_c_& plate_c_;
    }

  private:
    double die_rate_;      // 1 / (R_d C_d)
    double plate_rate_;    // 1 / (R_d C_p)
    double coolant_rate_;  // 1 / (R_c C_p)
    double die_k_per_w_;
    double coolant_k_per_w_;
    double fast_;  // eigenvalues, both negative
    double slow_;
    double die_c_;
    double plate_c_;
};

//! A body of coolant or air that takes heat up and that a plant keeps at its set point.
struct ThermalStoreParams {
    double set_point_c{32};
    double design_heat_w{0};
    double rise_k{10};      //!< it warms by this much in `seconds` at design heat without cooling
    double seconds{180};    //!< coolant loops 2-5 min, hall air 10-30 min (physics.md, section 5)
    double response_s{60};  //!< with which the plant corrects a deviation
    double spare{1.2};      //!< what the plant can take away, of design heat
};

/*!
 * Temperature of a coolant loop or of a hall's air.
 *
 *     C dT/dt = heat - removed,   C = design seconds / rise,   removed = clamp(heat + C (T - set)/response, 0, spare x design x available)
 *
 * Steps are cut to a quarter of the response time. Source: physics.md section 5.
 * Leaves out: transport delay, stratification.
 * Worked: 1 MW design, 10 K in 180 s (C = 18 MJ/K): two minutes at 1 MW without cooling end at 32 + 6.67 = 38.67 degC; cooling back at 1.2
 * of design, four minutes later 36.0 degC.
 */
class ThermalStore {
  public:
    explicit ThermalStore(ThermalStoreParams const& params);

    //! `available`: share of the plant that works. Returns the heat taken away on average in the step [W].
    double step(double heat_w, double available, double seconds);
    [[nodiscard]] double temperature_c() const { return temperature_c_; }

    template <class Archive>
    void archive(Archive& ar) {
        ar& temperature_c_;
    }

  private:
    ThermalStoreParams params_;
    double capacity_j_per_k_;
    double temperature_c_;
};

}  // namespace mw::plant
