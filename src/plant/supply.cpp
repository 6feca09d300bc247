#include "megaweave/plant/supply.hpp"

#include <algorithm>
#include <functional>

#include "megaweave/core/check.hpp"

namespace mw::plant {

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

UtilityPath::UtilityPath(DeliveryParams const& delivery, double transformer_rating_w)
    : ups_loss_{delivery.ups == UpsMode::none ? 0.0 : 1.0 / delivery.ups_efficiency - 1.0},
      rating_w_{transformer_rating_w},
      no_load_{delivery.transformer_no_load},
      full_load_{delivery.transformer_full_load} {
    MW_EXPECT(transformer_rating_w > 0, "a transformer needs a rating");
}

double UtilityPath::loss_w(double protected_w, double other_w) const {
    double const ups = ups_loss_w(protected_w);
    double const load = (protected_w + ups + other_w) / rating_w_;
    return ups + rating_w_ * (no_load_ + full_load_ * load * load);
}

}  // namespace mw::plant
