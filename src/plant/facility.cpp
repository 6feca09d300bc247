#include "megaweave/plant/facility.hpp"

#include <algorithm>

#include "megaweave/core/check.hpp"

namespace mw::plant {
namespace {

constexpr double air_share_of_liquid_site =
    0.2;  // of the design heat: more than any liquid-cooled rack leaves to air

FacilityCooling make_cooling(CoolingParams const& params, double design_w) {
    bool const liquid = params.kind == CoolingKind::liquid;
    return {params, liquid ? design_w : 0.0, liquid ? air_share_of_liquid_site * design_w : design_w};
}

double transformer_rating_w(DeliveryParams const& delivery, CoolingParams const& params,
                            FacilityCooling const& cooling, double design_w) {
    bool const liquid = params.kind == CoolingKind::liquid;
    double const air_w = liquid ? air_share_of_liquid_site * design_w : design_w;
    double const ups_w = delivery.ups == UpsMode::none ? design_w : design_w / delivery.ups_efficiency;
    return ups_w + cooling(design_w - air_w, air_w);
}

}  // namespace

Facility::Facility(FacilityParams const& params, double design_it_w)
    : params_{params},
      cooling_{make_cooling(params.cooling, design_it_w)},
      path_{params.delivery, transformer_rating_w(params.delivery, params.cooling, cooling_, design_it_w)} {
    MW_EXPECT(design_it_w > 0, "a facility is designed for some IT power");
}

FacilityPower Facility::operator()(double it_w, double liquid_heat_w, double air_heat_w,
                                   double wet_bulb_c) const {
    if (params_.cooling.constant_pue > 0) {
        double const overhead_w = (params_.cooling.constant_pue - 1.0) * it_w;
        double const conversion_w = std::min(overhead_w, path_.loss_w(it_w, 0.0));
        return {conversion_w, overhead_w - conversion_w};
    }
    double const cooling_w = cooling_(liquid_heat_w, air_heat_w, wet_bulb_c) + building_w(it_w);
    return {path_.loss_w(it_w, cooling_w), cooling_w};
}

}  // namespace mw::plant
