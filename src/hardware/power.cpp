#include "megaweave/hardware/power.hpp"

#include "megaweave/core/check.hpp"

namespace mw::hardware {

Precision native_precision(AcceleratorParams const& accelerator, Precision wanted) {
    for (std::size_t i = index_of(wanted); i < precision_count; ++i) {
        if (accelerator.peak_flops[i] > 0) return static_cast<Precision>(i);
    }
    core::contract_violated("peak_flops > 0",
                            "no precision this wide or wider is native to " + accelerator.name);
}

AcceleratorPower::AcceleratorPower(AcceleratorParams const& accelerator)
    : joules_per_hbm_byte_{accelerator.joules_per_hbm_byte},
      joules_per_link_byte_{8.0 * accelerator.joules_per_link_bit},
      headroom_w_{accelerator.tdp_w - accelerator.resident_idle_w} {
    MW_EXPECT(headroom_w_ >= 0, "TDP lies below the resident idle of " + accelerator.name);
    for (std::size_t i = 0; i < precision_count; ++i) {
        joules_per_flop_[i] =
            accelerator.joules_per_flop[index_of(native_precision(accelerator, static_cast<Precision>(i)))];
    }
}

DynamicPower AcceleratorPower::operator()(Activity const& activity, Precision weights) const {
    if (activity.seconds <= 0) return {};
    double const per_second = 1.0 / activity.seconds;
    DynamicPower power{
        (activity.flops * joules_per_flop_[index_of(weights)] +
         activity.bf16_flops * joules_per_flop_[index_of(Precision::bf16)]) *
            per_second,
        activity.hbm_bytes * joules_per_hbm_byte_ * per_second,
        activity.link_bytes * joules_per_link_byte_ * per_second,
    };
    if (power.total_w() > headroom_w_) {
        double const clip = headroom_w_ / power.total_w();
        power.compute_w *= clip;
        power.memory_w *= clip;
        power.link_w *= clip;
    }
    return power;
}

}  // namespace mw::hardware
