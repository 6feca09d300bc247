#pragma once

#include "megaweave/hardware/params.hpp"

namespace mw::hardware {

/*!
 * The precision at which products of `wanted` operands run: the next wider one that the accelerator has
 * natively.
 *
 * Bytes keep the stored precision. Throws ContractError if nothing as wide or wider is native.
 */
[[nodiscard]] Precision native_precision(AcceleratorParams const& accelerator, Precision wanted);

//! Above the resident idle, of one accelerator.
struct DynamicPower {
    double compute_w{0};
    double memory_w{0};
    double link_w{0};

    [[nodiscard]] double total_w() const { return compute_w + memory_w + link_w; }
};

//! What one accelerator did in an interval.
struct Activity {
    double flops{0};       //!< products at the weights' precision
    double bf16_flops{0};  //!< products at BF16 (attention)
    double hbm_bytes{0};
    double link_bytes{0};  //!< sent into the scale-up domain
    double seconds{0};     //!< length of the interval
};

/*!
 * Mean power that an accelerator draws above its resident idle.
 *
 *     P = P_resident + e_F F + e_B B + e_L L,   at most TDP
 *
 * F: FLOP/s by precision, B: HBM bytes/s, L: scale-up bits/s, all achieved.
 * Source: physics.md section 3; the energies are fitted so that a prefill GEMM meets 0.99 TDP and decode
 * attention at 85 % of HBM bandwidth meets its measured watts.
 * Valid: means over an iteration or longer; a 10-15 % error is the state of the art.
 * Leaves out: the clock. Past TDP the dynamic terms shrink in proportion, but the iteration does not take
 * longer; also temperature and leakage.
 * Worked, H100 (142 W resident, 0.488 pJ/FLOP FP8, 0.78 pJ/FLOP BF16, 107 pJ/B): FP8 GEMM at 0.57 of 1979
 * TFLOP/s: 142 + 550.5 = 692.5 W; decode attention at 0.85 of 3.35 TB/s and 8 FLOP/B: 142 + 304.7 + 17.8 =
 * 464.5 W.
 */
class AcceleratorPower {
  public:
    explicit AcceleratorPower(AcceleratorParams const& accelerator);

    //! Zero for an empty interval.
    [[nodiscard]] DynamicPower operator()(Activity const& activity, Precision weights) const;
    [[nodiscard]] DynamicPower operator()(double flops, Precision weights, double hbm_bytes,
                                          double link_bytes, double seconds) const {
        return (*this)(Activity{flops, 0.0, hbm_bytes, link_bytes, seconds}, weights);
    }

  private:
    std::array<double, precision_count>
        joules_per_flop_{};  // with the fall-back to a wider precision resolved
    double joules_per_hbm_byte_;
    double joules_per_link_byte_;
    double headroom_w_;
};

}  // namespace mw::hardware
