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
 *     liquid  two pumps (facility water, and the racks' loop behind the distribution units), each dp Q / eta, Q = heat / (rho c_p rise), dp = dp_design (0.3 + 0.7 x^2); the rise is constant
 *     air     air-handler fans: share x design heat x flow^3, flow at least 0.3, a heat too; and its pump
 *     reject  tower fans: share x design heat x x^3, for all heat and the chiller's work
 *     chiller per loop, for the share of its heat that the tower's water, at wet bulb + approach, cannot take:
 *             (tower - supply) / (rise) between 0 and 1 (economiser in series with the chiller)
 *
 * A liquid site keeps an air loop for the part of the heat that liquid does not take.
 * Source: physics.md section 5.
 * Valid: quasi-steady (minutes); water, no glycol.
 * Leaves out: water use, standby pumps; thermal mass is in ThermalStore, weather in Weather.
 * Worked: 1 MW by liquid at design, 10 K rise, 250 + 150 kPa, eta 0.6, tower 1.2 %, wet bulb 15 degC + 7 K <= 32
 * degC: pumps 15.96 kW (0.0239 m3/s) and tower 12.0 kW, no chiller: 28.0 kW.
 */
class FacilityCooling {
  public:
    //! Design heats [W] size the pumps, fans and chillers; a loop with none takes no heat.
    FacilityCooling(CoolingParams const& params, double design_liquid_w, double design_air_w);

    //! Watts of all cooling equipment for the heat that leaves by each way, at the parameters' wet bulb.
    [[nodiscard]] double operator()(double liquid_heat_w, double air_heat_w) const {
        return (*this)(liquid_heat_w, air_heat_w, params_.wet_bulb_c);
    }
    //! The same at a wet bulb of now.
    [[nodiscard]] double operator()(double liquid_heat_w, double air_heat_w, double wet_bulb_c) const;

  private:
    struct Loop {
        double design_w;
        double water_c;      // that the loop's heat exchanger needs
        double pressure_pa;  // of all its pumps
        Chiller chiller;
    };
    [[nodiscard]] double pump_w(Loop const& loop, double heat_w) const;
    [[nodiscard]] double chiller_w(Loop const& loop, double heat_w, double tower_c) const;

    CoolingParams params_;
    Loop liquid_;
    Loop air_;
};

}  // namespace mw::plant
