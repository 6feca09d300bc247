#include "megaweave/plant/supply.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "megaweave/core/check.hpp"

namespace mw::plant {
namespace {

// Of a UPS's loss at full load: what it loses empty, in proportion to load, and with its square
constexpr double ups_fixed = 0.25;
constexpr double ups_linear = 0.60;
constexpr double ups_square = 0.15;

}  // namespace

PowerSupply::PowerSupply(DeliveryParams const& delivery, double rating_w)
    : load_{delivery.psu_load},
      efficiency_{delivery.psu_efficiency},
      rating_w_{rating_w},
      least_loss_w_{load_.front() * rating_w * (1.0 / efficiency_.front() - 1.0)} {
    MW_EXPECT(rating_w > 0, "power supplies need a rating");
    MW_EXPECT(std::adjacent_find(load_.begin(), load_.end(), std::greater_equal<>{}) == load_.end(),
              "the load points of a supply's curve must rise");
}

double PowerSupply::efficiency(double output_w) const {
    double const x = std::clamp(output_w / rating_w_, load_.front(), load_.back());
    auto const above = std::upper_bound(load_.begin() + 1, load_.end() - 1, x);
    auto const i = static_cast<std::size_t>(above - load_.begin());
    double const weight = (x - load_[i - 1]) / (load_[i] - load_[i - 1]);
    return efficiency_[i - 1] + weight * (efficiency_[i] - efficiency_[i - 1]);
}

double PowerSupply::loss_w(double output_w) const {
    if (output_w <= load_.front() * rating_w_) return least_loss_w_;
    return output_w * (1.0 / efficiency(output_w) - 1.0);
}

double installed_rating_w(DeliveryParams const& delivery, double psu_rating_w) {
    switch (delivery.psu_redundancy) {
        case PsuRedundancy::as_installed:
            return psu_rating_w;
        case PsuRedundancy::n_plus_1:
            return (std::ceil(psu_rating_w / delivery.psu_unit_w - 1e-9) + 1.0) * delivery.psu_unit_w;
        case PsuRedundancy::n_plus_n:
            return 2.0 * psu_rating_w;
    }
    return psu_rating_w;
}

double tray_converter_loss_w(DeliveryParams const& delivery, double delivered_w) {
    return delivered_w * (1.0 / delivery.tray_converter_efficiency - 1.0);
}

UtilityPath::UtilityPath(DeliveryParams const& delivery, double transformer_rating_w)
    : ups_loss_{delivery.ups == UpsMode::none ? 0.0 : 1.0 / delivery.ups_efficiency - 1.0},
      ups_capacity_w_{transformer_rating_w * delivery.ups_redundancy},
      rating_w_{transformer_rating_w},
      busway_{delivery.busway_full_load},
      no_load_{delivery.transformer_no_load},
      full_load_{delivery.transformer_full_load} {
    MW_EXPECT(transformer_rating_w > 0, "a transformer needs a rating");
    MW_EXPECT(delivery.ups_redundancy >= 1, "a UPS carries its design load");
}

double UtilityPath::ups_loss_w(double through_w) const {
    double const x = through_w / ups_capacity_w_;
    return ups_capacity_w_ * ups_loss_ * (ups_fixed + ups_linear * x + ups_square * x * x);
}

UtilityLosses UtilityPath::losses(double protected_w, double other_w) const {
    UtilityLosses losses;
    double const u = protected_w / rating_w_;
    losses.busway_w = rating_w_ * busway_ * u * u;
    losses.ups_w = ups_loss_w(protected_w + losses.busway_w);
    double const load = (protected_w + losses.busway_w + losses.ups_w + other_w) / rating_w_;
    losses.transformer_w = rating_w_ * (no_load_ + full_load_ * load * load);
    return losses;
}

}  // namespace mw::plant
