#include "megaweave/plant/cooling.hpp"

#include <algorithm>

#include "megaweave/core/check.hpp"

namespace mw::plant {
namespace {

constexpr double water_j_per_m3_k = 998.0 * 4186.0;
constexpr double heat_exchange_k = 4.0;      // refrigerant beyond water, each side
constexpr double design_chilled_c = 6.7;     // AHRI 550/590
constexpr double design_condenser_c = 29.4;  // AHRI 550/590
constexpr double most_lift_gain = 1.5;
constexpr double least_chiller_load = 0.1;
constexpr double least_air_flow = 0.3;
constexpr double static_head = 0.3;  // of the pump's design pressure, kept at any flow

double carnot(double chilled_c, double condenser_c) {
    double const evaporating_k = chilled_c - heat_exchange_k + 273.15;
    double const condensing_k = condenser_c + heat_exchange_k + 273.15;
    return evaporating_k / std::max(condensing_k - evaporating_k, 1.0);
}

double cube(double x) {
    return x * x * x;
}

}  // namespace

Chiller::Chiller(double cop, double design_heat_w) : cop_{cop}, design_w_{design_heat_w} {
    MW_EXPECT(cop > 0, "a chiller needs a coefficient of performance");
}

double Chiller::operator()(double heat_w, double chilled_c, double condenser_c) const {
    if (heat_w <= 0 || design_w_ <= 0) return 0.0;
    double const x = heat_w / design_w_;
    double const running = std::max(x, least_chiller_load);
    double const part_load = 0.222903 + 0.313387 * running + 0.463710 * running * running;
    double const lift = std::min(
        most_lift_gain, carnot(chilled_c, condenser_c) / carnot(design_chilled_c, design_condenser_c));
    return design_w_ / cop_ * part_load / lift * std::min(1.0, x / least_chiller_load);
}

FacilityCooling::FacilityCooling(CoolingParams const& params, double design_liquid_w, double design_air_w)
    : params_{params},
      liquid_{design_liquid_w, params.supply_c, params.pump_pressure_pa + params.cdu_pressure_pa,
              Chiller{params.chiller_cop, design_liquid_w}},
      air_{design_air_w, params.air_supply_c - params.air_approach_k, params.pump_pressure_pa,
           Chiller{params.chiller_cop, design_air_w * (1.0 + params.crah_fan_share)}} {
    MW_EXPECT(params.loop_rise_k > 0 && params.pump_efficiency > 0, "a coolant loop needs a rise and a pump");
}

double FacilityCooling::pump_w(Loop const& loop, double heat_w) const {
    if (loop.design_w <= 0) return 0.0;
    double const flow_m3_s = heat_w / (water_j_per_m3_k * params_.loop_rise_k);
    double const x = heat_w / loop.design_w;
    return loop.pressure_pa * (static_head + (1.0 - static_head) * x * x) * flow_m3_s /
           params_.pump_efficiency;
}

double FacilityCooling::chiller_w(Loop const& loop, double heat_w, double tower_c) const {
    double const share = std::clamp((tower_c - loop.water_c) / params_.loop_rise_k, 0.0, 1.0);
    return loop.chiller(share * heat_w, loop.water_c, tower_c);
}

double FacilityCooling::operator()(double liquid_heat_w, double air_heat_w, double wet_bulb_c) const {
    MW_EXPECT(liquid_heat_w >= 0 && air_heat_w >= 0, "heat is not negative");
    double const tower_c = wet_bulb_c + params_.approach_k;
    double fans_w = 0.0;
    if (air_.design_w > 0) {
        double const flow = std::max(least_air_flow, air_heat_w / air_.design_w);
        fans_w = params_.crah_fan_share * air_.design_w * cube(flow);
    }
    double const air_w = air_heat_w + fans_w;
    double const chillers_w = chiller_w(liquid_, liquid_heat_w, tower_c) + chiller_w(air_, air_w, tower_c);
    double const pumps_w = pump_w(liquid_, liquid_heat_w) + pump_w(air_, air_w);
    double const design_w = liquid_.design_w + air_.design_w;
    double tower_w = 0.0;
    if (design_w > 0) {
        double const rejected_w = liquid_heat_w + air_w + chillers_w;
        tower_w = params_.tower_fan_share * design_w * cube(rejected_w / design_w);
    }
    return fans_w + chillers_w + pumps_w + tower_w;
}

}  // namespace mw::plant
