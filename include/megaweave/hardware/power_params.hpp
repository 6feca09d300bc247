#pragma once

#include "megaweave/core/time.hpp"

namespace mw::hardware {

/*!
 * Clock and voltage of the compute units (physics.md, section 3).
 *
 * Voltages are relative to that at the highest clock. The defaults are Hopper's: about 0.7 V up to 1.2 GHz, 1.05 V at 1.98 GHz
 * (estimates: vendors publish no curve).
 */
struct ClockParams {
    double max_mhz{1980};
    double min_mhz{345};         //!< a power cap or a hot die cannot force the clock lower
    double voltage_knee{0.60};   //!< share of the highest clock below which the voltage stays
    double least_voltage{0.67};  //!< voltage there, of that at the highest clock
    double hbm_clock{0.50};      //!< share of the highest clock below which HBM can no longer be kept busy
};

/*!
 * Heat path of one accelerator: die, then its cold plate or heat sink, then the coolant (physics.md, section 5).
 */
struct ThermalParams {
    double die_k_per_w{0.015};       //!< die to plate
    double liquid_k_per_w{0.010};    //!< plate to coolant, cold plate
    double air_k_per_w{0.040};       //!< heat sink to inlet air
    double die_j_per_k{60};          //!< heat capacity of die and lid
    double plate_j_per_k{430};       //!< of cold plate or heat sink
    double throttle_start_c{84};     //!< the clock begins to fall
    double throttle_full_c{87};      //!< and is at its lowest here
    double leakage_per_k{0.007};     //!< of the idle power, per kelvin of the die (0.005 to 0.01)
    double leakage_reference_c{55};  //!< where the catalogue's idle power was measured
};

/*!
 * Where watts go beyond energy per FLOP, byte and bit. 0 leaves a term out.
 *
 * Fitted by postprocess/calibrate_power.py on measured serving power, except where an anchor of physics.md sets them.
 */
struct KernelPowerParams {
    double active_w{0};                //!< while kernels run, however little they do: launch-bound decode
    double joules_per_weight_byte{0};  //!< of weights through the matrix units, above a plain HBM byte
    double joules_per_conversion{
        0};                      //!< of a weight read in a precision that is not native: it is widened first
    double joules_per_logit{0};  //!< of sampling: several passes over rows x vocabulary
    double rescale_w{0};         //!< in kernels that undo the block scales of FP8 experts
    double device_joules_per_byte{31.2e-12};  //!< of an HBM byte, what the memory itself takes (3.9 pJ/bit)
};

//! What an operator sets on every board of a cluster.
struct BoardControlParams {
    double power_cap_w{0};                     //!< 0: TDP alone
    double clock_mhz{0};                       //!< lock: the clock goes no higher; 0: none
    core::TimeNs cap_average_ns{100'000'000};  //!< window over which boards average their power
    core::TimeNs cap_lag_ns{200'000'000};      //!< time constant of a cap's controller

    [[nodiscard]] bool any() const { return power_cap_w > 0 || clock_mhz > 0; }
};

}  // namespace mw::hardware
