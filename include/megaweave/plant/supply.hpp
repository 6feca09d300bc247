#pragma once

#include <array>

#include "megaweave/plant/params.hpp"

namespace mw::plant {

/*!
 * Loss of a server's or rack's power supplies at their real load point.
 *
 *     eta(x) linear between the curve's points, x = output / rating;   loss = output (1/eta - 1)
 *
 * Below the curve's first point (5 %) the loss in watts stays what it is there; above full load eta stays.
 * Source: 80 PLUS style curve of physics.md section 5.
 * Valid: all installed supplies share the load, so that redundancy lowers x: the rating is `installed_rating_w`.
 * Worked: 4,014 W from six 3.3 kW supplies: x = 0.2027, eta = 0.94497, loss 233.8 W, so that an H100
 * chassis at 317 W a GPU draws 4.25 kW.
 */
class PowerSupply {
  public:
    //! `rating_w`: output of all installed supplies together. Throws ContractError unless positive.
    PowerSupply(DeliveryParams const& delivery, double rating_w);

    [[nodiscard]] double loss_w(double output_w) const;
    [[nodiscard]] double efficiency(double output_w) const;

  private:
    std::array<double, 5> load_;
    std::array<double, 5> efficiency_;
    double rating_w_;
    double least_loss_w_;
};

/*!
 * Rating of the supplies that share a node's load.
 *
 * Worked: 13.2 kW needed in units of 3.3 kW: 13.2 kW as installed, 16.5 kW with N+1, 26.4 kW with N+N.
 */
[[nodiscard]] double installed_rating_w(DeliveryParams const& delivery, double psu_rating_w);

//! Loss of a rack's converters from its busbar to the boards' voltage, of what they deliver: P (1/eta - 1).
[[nodiscard]] double tray_converter_loss_w(DeliveryParams const& delivery, double delivered_w);

//! Losses upstream of the racks' AC inlets, by stage [W]. A row's meter sees racks and busway; the facility's sees all.
struct UtilityLosses {
    double busway_w{0};
    double ups_w{0};
    double transformer_w{0};

    [[nodiscard]] double total_w() const { return busway_w + ups_w + transformer_w; }
};

/*!
 * Loss between the utility and the supplies: UPS (in its mode) for what it carries, transformer for
 * everything.
 *
 *     busway       rating k u^2
 *     UPS          capacity L (0.25 + 0.60 x + 0.15 x^2), L = 1/eta - 1, x = through it / capacity
 *     transformer  rating (a + b u^2), u = through it / rating
 *
 * Busway and UPS are rated at the transformer's rating (UPS times its redundancy): a lightly loaded or doubled UPS loses a larger share.
 * Source: physics.md section 5; the split of the UPS's loss is that of published part-load curves, and it, the busway and the
 * transformer are estimates.
 * Leaves out: generators, harmonics.
 * Worked: 1 MW of IT and 20 kW of cooling on 1 MVA, UPS at 98.5 %: busway 5.0 kW, UPS 15.31 kW, transformer 2.0 + 8.66 = 10.66 kW.
 */
class UtilityPath {
  public:
    //! Throws ContractError unless the rating is positive.
    UtilityPath(DeliveryParams const& delivery, double transformer_rating_w);

    //! `protected_w` comes through busway and UPS, `other_w` past them.
    [[nodiscard]] UtilityLosses losses(double protected_w, double other_w) const;
    [[nodiscard]] double loss_w(double protected_w, double other_w) const {
        return losses(protected_w, other_w).total_w();
    }
    [[nodiscard]] double ups_loss_w(double through_w) const;

  private:
    double ups_loss_;  // per watt carried at full load; 0: there is none
    double ups_capacity_w_;
    double rating_w_;
    double busway_;
    double no_load_;
    double full_load_;
};

}  // namespace mw::plant
