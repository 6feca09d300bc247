#pragma once

#include "megaweave/hardware/params.hpp"
#include "megaweave/hardware/power_clock.hpp"

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
    double compute_w{0};  //!< arithmetic, sampling, and what running kernels cost whatever they do
    double memory_w{0};
    double link_w{0};

    [[nodiscard]] double total_w() const { return compute_w + memory_w + link_w; }
};

//! What one accelerator did in an interval.
struct Activity {
    double flops{0};       //!< products at the weights' precision
    double bf16_flops{0};  //!< products at BF16 (attention)
    double hbm_bytes{0};
    double link_bytes{0};    //!< sent into the scale-up domain
    double seconds{0};       //!< length of the interval
    double weight_bytes{0};  //!< part of hbm_bytes: weights
    double logits{0};        //!< sampled rows x vocabulary
    double busy_share{
        1};  //!< of the interval, with an iteration under way (host waits included), not a pipeline's bubble
    double rescale_share{0};  //!< of the interval, in FP8 expert kernels with block scales
};

/*!
 * Mean power that an accelerator draws above its resident idle.
 *
 *     P = c v(c)^2 A busy + v(c)^2 (e_F F + e_W W + e_C C + e_S S + (e_B - e_D) B + P_r r) + e_D B + e_L L,   at most TDP
 *
 * F: FLOP/s by precision, B: HBM bytes/s, of them W weights, C: weights/s converted to a wider native precision, S: logits/s sampled,
 * L: scale-up bits/s, all achieved; A: active floor; r: share of time in rescaling kernels; e_D: the memory devices' part of e_B.
 * c: clock, v(c): voltage, both relative to the highest. Where the sum passes TDP the board lowers its clock to the one at which it meets
 * TDP: measured speeds, and so the efficiencies of the iteration model, contain that already, so the interval's length stays.
 * Weights cost more than other bytes (through matrix units; seen in serving on both boards), so decode of weights draws above decode
 * attention.
 * Source: physics.md section 3 (anchors); postprocess/calibrate_power.py, 195 steady decode measurements on H100 and B200.
 * Valid: means over an iteration or longer; median error 7.3 %, p90 22.6 % on model families that the fit did not see; 7.9 and 24.7 % where
 * the form, too, is chosen without them.
 * Leaves out: weights that large batches convert more than once, data-dependent toggling, straggling ranks (an expert-parallel rank that
 * waits draws less than A says), temperature (see leakage_w).
 * Worked, H100 (142 W resident, A 103 W, 1.22 pJ/FLOP BF16, 71.7 pJ/B): decode attention at 0.85 of 3.35 TB/s and 8 FLOP/B:
 * 142 + 103 + 204.2 + 27.8 = 477 W (anchor 465 W); a launch-bound step: 245 W (249 W); a BF16 GEMM at 0.71 of 989 TFLOP/s would
 * be 1102 W at full voltage and runs at 0.73 of the highest clock instead, at 700 W.
 */
class AcceleratorPower {
  public:
    explicit AcceleratorPower(AcceleratorParams const& accelerator);

    //! Zero for an empty interval. `clock`: share of the highest, in (0, 1].
    [[nodiscard]] DynamicPower operator()(Activity const& activity, Precision weights,
                                          double clock = 1.0) const;
    [[nodiscard]] DynamicPower operator()(double flops, Precision weights, double hbm_bytes,
                                          double link_bytes, double seconds) const {
        return (*this)(Activity{flops, 0.0, hbm_bytes, link_bytes, seconds}, weights);
    }
    //! The highest clock, at most `ceiling`, at which these rates draw no more than `limit_w` above resident idle; the lowest clock
    //! if none does. Rates are held: see OperatingPoint for work that slows down.
    [[nodiscard]] double sustained_clock(Activity const& activity, Precision weights, double limit_w,
                                         double ceiling = 1.0) const;
    //! Idle power that a die at `die_c` leaks beyond the catalogue's, for an accelerator that idles at `idle_w`. May be negative.
    [[nodiscard]] double leakage_w(double idle_w, double die_c) const;

    [[nodiscard]] ClockLaw const& clock_law() const { return clock_; }
    [[nodiscard]] double headroom_w() const { return headroom_w_; }  //!< from resident idle to TDP
    [[nodiscard]] double resident_w() const { return resident_w_; }

  private:
    struct Rates;
    [[nodiscard]] Rates rates(Activity const& activity, Precision weights) const;
    [[nodiscard]] DynamicPower at(Rates const& rates, double clock) const;
    [[nodiscard]] double sustained_clock(Rates const& rates, double limit_w, double ceiling) const;

    std::array<double, precision_count>
        joules_per_flop_{};  // with the fall-back to a wider precision resolved
    std::array<double, precision_count> joules_per_weight_byte_{};  // with their conversion
    double core_joules_per_byte_;
    double joules_per_link_byte_;
    double resident_w_;
    double headroom_w_;
    KernelPowerParams kernel_;
    double leakage_per_k_;
    double leakage_reference_c_;
    ClockLaw clock_;
};

//! Time of an iteration by what it waits for [s], at the clock that TDP allows it: what timing models and measurements give.
struct IterationTimes {
    double compute_s{0};
    double hbm_s{0};
    double other_s{0};  //!< links, host, fixed costs: the clock does not change them

    [[nodiscard]] double total_s() const { return compute_s + hbm_s + other_s; }
};

//! How an iteration runs at some clock.
struct OperatingPoint {
    double clock{1};
    double seconds{0};
    double compute_stretch{1};  //!< compute time over that at the clock that TDP allows
    double hbm_stretch{1};
    DynamicPower power;
};

/*!
 * An iteration under a clock lock, a power cap or both.
 *
 *     T(c) = compute c0 / c + HBM g(c) / g(c0) + other,   g(c) = max(1, c_hbm / c)
 *
 * c0: the clock that TDP allows this work (1 unless it would pass TDP). A clock lock sets c; a cap takes the highest clock at which the
 * iteration, slower as it then is, draws no more than the cap. The two differ in decode: HBM-bound work below the cap runs at full
 * clock and voltage under a cap, and at low ones, equally fast, under a lock.
 * Source: physics.md section 3. Valid: iterations longer than the controller's lag (see PowerCapController for shorter times).
 * Leaves out: kernels too short to fill the device, whose fixed time grows somewhat with 1/c.
 * Worked: see tests/unit/hardware/power_clock_test.cpp: H200 in saturated decode, 465 W: locked to 1200 MHz 325 W at equal speed
 * (-30 % J/token); a 500 W cap changes nothing, 400 W lowers the clock.
 */
class OperatingPointSolver {
  public:
    explicit OperatingPointSolver(AcceleratorPower const& power) : power_{&power} {}

    //! At a clock of at most `ceiling` (share of the highest).
    [[nodiscard]] OperatingPoint at_clock(Activity const& activity, Precision weights,
                                          IterationTimes const& times, double ceiling) const;
    //! At the highest clock, at most `ceiling`, at which the board (resident idle included) draws at most `cap_w`.
    [[nodiscard]] OperatingPoint under_cap(Activity const& activity, Precision weights,
                                           IterationTimes const& times, double cap_w,
                                           double ceiling = 1.0) const;

  private:
    [[nodiscard]] OperatingPoint run(Activity activity, Precision weights, IterationTimes const& times,
                                     double free_clock, double clock) const;
    AcceleratorPower const* power_;
};

}  // namespace mw::hardware
