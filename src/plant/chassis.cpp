#include "megaweave/plant/chassis.hpp"

namespace mw::plant {

ChassisPower::ChassisPower(hardware::NodeParams const& node, hardware::AcceleratorParams const& accelerator,
                           DeliveryParams const& delivery)
    : node_{node},
      delivery_{delivery},
      fans_{node, accelerator},
      supply_{delivery, installed_rating_w(delivery, node.psu_rating_w)} {}

double ChassisPower::conversion_w(double dc_w) const {
    double const tray_w = tray_converter_loss_w(delivery_, dc_w);
    return tray_w + supply_.loss_w(dc_w + tray_w);
}

ChassisDraw ChassisPower::operator()(double mean_accelerator_w, double busy_share, double nic_load) const {
    auto const accelerators = static_cast<double>(node_.accelerators);
    ChassisDraw draw;
    draw.accelerators_w = accelerators * mean_accelerator_w;
    draw.host_w = node_.host_idle_w + (node_.host_active_w - node_.host_idle_w) * busy_share;
    draw.nic_w = accelerators * (node_.nic_idle_w + (node_.nic_active_w - node_.nic_idle_w) * nic_load);
    draw.scale_up_w = node_.scale_up_switch_w;
    draw.fans_w = fans_(mean_accelerator_w);
    draw.conversion_w = conversion_w(draw.dc_w());
    return draw;
}

}  // namespace mw::plant
