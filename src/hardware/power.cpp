#include "megaweave/hardware/power.hpp"

#include <algorithm>

#include "megaweave/core/check.hpp"

namespace mw::hardware {
namespace {

constexpr int halvings = 24;  // of a clock interval: 1e-7 of the highest clock

//! The highest clock in [lowest, highest] for which `fits`; `lowest` if none.
template <class Fits>
double highest_clock(double lowest, double highest, Fits const& fits) {
    if (fits(highest)) return highest;
    for (int i = 0; i < halvings; ++i) {
        double const middle = 0.5 * (lowest + highest);
        (fits(middle) ? lowest : highest) = middle;
    }
    return lowest;
}

}  // namespace

Precision native_precision(AcceleratorParams const& accelerator, Precision wanted) {
    for (std::size_t i = index_of(wanted); i < precision_count; ++i) {
        if (accelerator.peak_flops[i] > 0) return static_cast<Precision>(i);
    }
    core::contract_violated("peak_flops > 0",
                            "no precision this wide or wider is native to " + accelerator.name);
}

//! Watts at the highest clock and voltage, by how they follow them.
struct AcceleratorPower::Rates {
    double active_w;  // with clock x voltage squared
    double core_w;    // arithmetic and the like, with voltage squared
    double on_die_w;  // moving HBM's bytes on the die, with voltage squared
    double device_w;  // HBM itself
    double link_w;
};

AcceleratorPower::AcceleratorPower(AcceleratorParams const& accelerator)
    : core_joules_per_byte_{std::max(
          0.0, accelerator.joules_per_hbm_byte - accelerator.kernel_power.device_joules_per_byte)},
      joules_per_link_byte_{8.0 * accelerator.joules_per_link_bit},
      resident_w_{accelerator.resident_idle_w},
      headroom_w_{accelerator.tdp_w - accelerator.resident_idle_w},
      kernel_{accelerator.kernel_power},
      leakage_per_k_{accelerator.thermal.leakage_per_k},
      leakage_reference_c_{accelerator.thermal.leakage_reference_c},
      clock_{accelerator.clock} {
    MW_EXPECT(headroom_w_ >= 0, "TDP lies below the resident idle of " + accelerator.name);
    kernel_.device_joules_per_byte =
        std::min(kernel_.device_joules_per_byte, accelerator.joules_per_hbm_byte);
    for (std::size_t i = 0; i < precision_count; ++i) {
        auto const wanted = static_cast<Precision>(i);
        Precision const native = native_precision(accelerator, wanted);
        joules_per_flop_[i] = accelerator.joules_per_flop[index_of(native)];
        joules_per_weight_byte_[i] = kernel_.joules_per_weight_byte;
        if (native != wanted)
            joules_per_weight_byte_[i] += kernel_.joules_per_conversion / bytes_per_value(wanted);
    }
}

AcceleratorPower::Rates AcceleratorPower::rates(Activity const& activity, Precision weights) const {
    double const per_second = 1.0 / activity.seconds;
    return {kernel_.active_w * activity.busy_share,
            (activity.flops * joules_per_flop_[index_of(weights)] +
             activity.bf16_flops * joules_per_flop_[index_of(Precision::bf16)] +
             activity.weight_bytes * joules_per_weight_byte_[index_of(weights)] +
             activity.logits * kernel_.joules_per_logit) *
                    per_second +
                kernel_.rescale_w * activity.rescale_share,
            activity.hbm_bytes * core_joules_per_byte_ * per_second,
            activity.hbm_bytes * kernel_.device_joules_per_byte * per_second,
            activity.link_bytes * joules_per_link_byte_ * per_second};
}

DynamicPower AcceleratorPower::at(Rates const& rates, double clock) const {
    double const v = clock_.voltage(clock);
    return {v * v * (rates.active_w * clock + rates.core_w), v * v * rates.on_die_w + rates.device_w,
            rates.link_w};
}

double AcceleratorPower::sustained_clock(Rates const& rates, double limit_w, double ceiling) const {
    return highest_clock(clock_.lowest(), ceiling,
                         [&](double clock) { return at(rates, clock).total_w() <= limit_w; });
}

double AcceleratorPower::sustained_clock(Activity const& activity, Precision weights, double limit_w,
                                         double ceiling) const {
    if (activity.seconds <= 0) return ceiling;
    return sustained_clock(rates(activity, weights), limit_w, ceiling);
}

DynamicPower AcceleratorPower::operator()(Activity const& activity, Precision weights, double clock) const {
    if (activity.seconds <= 0) return {};
    Rates const work = rates(activity, weights);
    DynamicPower power = at(work, clock);
    if (power.total_w() <= headroom_w_) return power;
    power = at(work, sustained_clock(work, headroom_w_, clock));
    double const clip = std::min(1.0, headroom_w_ / power.total_w());  // rates that no clock could have
    return {power.compute_w * clip, power.memory_w * clip, power.link_w * clip};
}

double AcceleratorPower::leakage_w(double idle_w, double die_c) const {
    return idle_w * leakage_per_k_ * (die_c - leakage_reference_c_);
}

OperatingPoint OperatingPointSolver::run(Activity activity, Precision weights, IterationTimes const& times,
                                         double free_clock, double clock) const {
    ClockLaw const& law = power_->clock_law();
    OperatingPoint point;
    point.clock = clock;
    point.compute_stretch = free_clock / clock;
    point.hbm_stretch = law.hbm_slowdown(clock) / law.hbm_slowdown(free_clock);
    point.seconds = times.compute_s * point.compute_stretch + times.hbm_s * point.hbm_stretch + times.other_s;
    double const waiting_s = (1.0 - activity.busy_share) * activity.seconds;
    activity.busy_share = point.seconds > 0 ? std::clamp(1.0 - waiting_s / point.seconds, 0.0, 1.0) : 1.0;
    activity.seconds = point.seconds;
    point.power = (*power_)(activity, weights, clock);
    return point;
}

OperatingPoint OperatingPointSolver::at_clock(Activity const& activity, Precision weights,
                                              IterationTimes const& times, double ceiling) const {
    double const free_clock = power_->sustained_clock(activity, weights, power_->headroom_w());
    return run(activity, weights, times, free_clock, std::min(ceiling, free_clock));
}

OperatingPoint OperatingPointSolver::under_cap(Activity const& activity, Precision weights,
                                               IterationTimes const& times, double cap_w,
                                               double ceiling) const {
    double const free_clock = power_->sustained_clock(activity, weights, power_->headroom_w());
    double const clock =
        highest_clock(power_->clock_law().lowest(), std::min(ceiling, free_clock), [&](double candidate) {
            return power_->resident_w() +
                       run(activity, weights, times, free_clock, candidate).power.total_w() <=
                   cap_w;
        });
    return run(activity, weights, times, free_clock, clock);
}

}  // namespace mw::hardware
