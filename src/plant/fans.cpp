#include "megaweave/plant/fans.hpp"

#include <algorithm>
#include <cmath>

#include "megaweave/core/check.hpp"

namespace mw::plant {

ServerFans::ServerFans(hardware::NodeParams const& node, hardware::AcceleratorParams const& accelerator)
    : full_w_{node.fan_full_w},
      idle_speed_{full_w_ > 0 ? std::cbrt(node.fan_idle_w / full_w_) : 0.0},
      accelerator_idle_w_{accelerator.idle_w},
      accelerator_range_w_{accelerator.tdp_w - accelerator.idle_w} {
    MW_EXPECT(node.fan_idle_w <= node.fan_full_w, "fans draw more when idle than at full speed");
    MW_EXPECT(accelerator_range_w_ > 0, "TDP lies below the idle power");
}

double ServerFans::operator()(double mean_accelerator_w) const {
    double const u = std::clamp((mean_accelerator_w - accelerator_idle_w_) / accelerator_range_w_, 0.0, 1.0);
    double const speed = idle_speed_ + (1.0 - idle_speed_) * u;
    return full_w_ * speed * speed * speed;
}

}  // namespace mw::plant
