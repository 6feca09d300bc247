#pragma once

#include "megaweave/hardware/params.hpp"
#include "megaweave/plant/fans.hpp"
#include "megaweave/plant/supply.hpp"

namespace mw::plant {

//! What one node draws, by part [W]; each watt in one place.
struct ChassisDraw {
    double accelerators_w{0};
    double host_w{0};
    double nic_w{0};
    double scale_up_w{
        0};  //!< switches of the scale-up domain, this node's share; links count with the accelerators
    double fans_w{0};
    double conversion_w{0};  //!< tray converters and supplies

    [[nodiscard]] double dc_w() const { return accelerators_w + host_w + nic_w + scale_up_w + fans_w; }
    //! At the wall: the boundary of a server's power log and of a rack's meter.
    [[nodiscard]] double ac_w() const { return dc_w() + conversion_w; }
};

/*!
 * A node with its accelerators, from the boards to the AC inlet.
 *
 *     host = idle + (active - idle) busy;   NIC = idle + (active - idle) load;   fans and supplies at this load
 *
 * Source: physics.md sections 4 and 5. Boundary: the chassis; optics and scale-out switches are the site's.
 * Leaves out: a host that works hard while accelerators idle (set host_idle), supplies' lag.
 * Worked: H100 chassis without its adapters, 317 W a GPU, all busy: 2536 + 952 + 400 + 127 = 4015 W DC, 4249 W at the wall.
 */
class ChassisPower {
  public:
    ChassisPower(hardware::NodeParams const& node, hardware::AcceleratorParams const& accelerator,
                 DeliveryParams const& delivery);

    //! `mean_accelerator_w`: of its accelerators; `busy_share`: of their time; `nic_load`: of line rate, both directions together.
    [[nodiscard]] ChassisDraw operator()(double mean_accelerator_w, double busy_share, double nic_load) const;
    //! Fans of one node, at that mean accelerator power.
    [[nodiscard]] double fans_w(double mean_accelerator_w) const { return fans_(mean_accelerator_w); }
    //! Loss in tray converters and supplies of a node that takes this much DC.
    [[nodiscard]] double conversion_w(double dc_w) const;

  private:
    hardware::NodeParams node_;
    DeliveryParams delivery_;
    ServerFans fans_;
    PowerSupply supply_;
};

}  // namespace mw::plant
