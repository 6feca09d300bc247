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
 * Valid: all installed supplies share the load, so that redundancy lowers x.
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
 * Loss between the utility and the supplies: UPS (in its mode) for what it carries, transformer for
 * everything.
 *
 *     UPS  load (1/eta - 1);   transformer  rating (a + b u^2), u = through it / rating
 *
 * Source: physics.md section 5; the transformer's coefficients are estimates.
 * Leaves out: the UPS's own load curve, cables, generators.
 * Worked: 1 MW of IT and 20 kW of cooling on a 1 MVA transformer, UPS at 98.5 %: 15.2 kW and 2.0 + 8.6 =
 * 10.6 kW.
 */
class UtilityPath {
  public:
    //! Throws ContractError unless the rating is positive.
    UtilityPath(DeliveryParams const& delivery, double transformer_rating_w);

    //! `protected_w` comes through the UPS, `other_w` past it.
    [[nodiscard]] double loss_w(double protected_w, double other_w) const;
    [[nodiscard]] double ups_loss_w(double protected_w) const { return protected_w * ups_loss_; }

  private:
    double ups_loss_;  // per watt carried
    double rating_w_;
    double no_load_;
    double full_load_;
};

}  // namespace mw::plant
