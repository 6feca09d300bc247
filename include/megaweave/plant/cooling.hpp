#pragma once

#include "megaweave/plant/params.hpp"

namespace mw::plant {

/*!
 * Power of a water-cooled chiller.
 *
 *     P = Q_d / COP (0.2229 + 0.3134 x + 0.4637 x^2) / lift,   x = Q / Q_d
 *     lift = min(1.5, [T_e / (T_c - T_e)] / [T_e / (T_c - T_e)]_design)
 *
 * T_e, T_c: evaporating and condensing temperature, 4 K beyond the water's on each side; design: 6.7 degC
 * chilled, 29.4 degC condenser water.
 * Sources: part-load curve of a hermetic centrifugal chiller from DOE-2.1E; temperature by Carnot's ratio,
 * limited since a real machine keeps a least head pressure (estimate). Below 10 % load it cycles: power in
 * proportion.
 * Worked: COP 6, 1 MW at full load, design temperatures: 166.7 kW; at half load 82.6 kW, a COP of 6.05.
 */
class Chiller {
  public:
    Chiller(double cop, double design_heat_w);

    [[nodiscard]] double operator()(double heat_w, double chilled_c, double condenser_c) const;

  private:
    double cop_;
    double design_w_;
};

/*!
 * The cooling plant of a site: pumps, tower fans, air handlers and a chiller that free cooling replaces.
 *
 *     liquid  pump dp Q / eta, Q = heat / (rho c_p rise), dp = dp_design (0.3 + 0.7 x^2); the rise is constant
 *     air     air-handler fans: share x design heat x flow^3, flow at least 0.3, a heat too; and its pump
 *     reject  tower fans: share x design heat x x^3, for all heat and the chiller's work
 *     chiller per loop, whenever the tower's water, wet bulb + approach, is warmer than the loop's supply
 *
 * A liquid site keeps an air loop for the part of the heat that liquid does not take.
 * Source: physics.md section 5.
 * Valid: quasi-steady (minutes); water, no glycol.
 * Leaves out: partial economisers (free cooling is all or nothing), humidity, weather that changes, water
 * use, standby pumps, and the loops' thermal mass.
 * Worked: 1 MW by liquid at design, 10 K rise, 250 kPa, eta 0.6, tower 1.2 %, wet bulb 15 degC + 7 K <= 32
 * degC: pump 9.97 kW (0.0239 m3/s) and tower 12.0 kW, no chiller: 22.0 kW.
 */
class FacilityCooling {
  public:
    //! Design heats [W] size the pumps, fans and chillers; a loop with none takes no heat.
    FacilityCooling(CoolingParams const& params, double design_liquid_w, double design_air_w);

    //! Watts of all cooling equipment for the heat that leaves by each way.
    [[nodiscard]] double operator()(double liquid_heat_w, double air_heat_w) const;

  private:
    struct Loop {
        double design_w;
        bool free_cooling;
        double chilled_c;
        Chiller chiller;
    };
    [[nodiscard]] double pump_w(Loop const& loop, double heat_w) const;
    [[nodiscard]] double chiller_w(Loop const& loop, double heat_w) const;

    CoolingParams params_;
    double tower_c_;  // water that the tower supplies
    Loop liquid_;
    Loop air_;
};

}  // namespace mw::plant
