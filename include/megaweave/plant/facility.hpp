#pragma once

#include "megaweave/plant/cooling.hpp"
#include "megaweave/plant/params.hpp"
#include "megaweave/plant/supply.hpp"

namespace mw::plant {

//! What a site draws beyond its IT.
struct FacilityPower {
    double conversion_w{0};  //!< UPS and transformer; supplies in the racks count as IT
    double cooling_w{0};     //!< cooling plant, and lighting and offices

    [[nodiscard]] double total_w() const { return conversion_w + cooling_w; }
};

//! What comes to the racks and the network through the UPS, and of it what the racks' stores take (negative: give).
struct ItPower {
    double through_w{0};
    double stored_w{0};

    [[nodiscard]] double used_w() const { return through_w - stored_w; }
};

/*!
 * From IT power to facility power. PUE is a result: (IT + conversion + cooling) / IT.
 *
 * The UPS carries the IT load; the transformer carries everything and is rated at what the site draws at
 * its design load. Cooling is sized for the design IT power: all of it as liquid heat and a fifth as air
 * heat at a liquid site, all of it as air heat otherwise. With `constant_pue` the overhead is (PUE - 1) x
 * IT: conversion as modelled (at most all of it), the rest cooling.
 * Worked with default parameters at a design load of 1 MW: PUE 1.051 with 94.5 % of the heat by liquid,
 * 1.079 with 80 %; 1.236 by air; a double-conversion UPS of 95 % adds 0.038.
 * Field: 1.08-1.15 liquid, 1.25-1.35 air, which include losses of pipes and rooms, and hotter days.
 */
class Facility {
  public:
    Facility(FacilityParams const& params, double design_it_w);

    //! `it_w` at the racks' AC inlets; the two heats are how it leaves them (they sum to it_w in steady state).
    [[nodiscard]] FacilityPower operator()(double it_w, double liquid_heat_w, double air_heat_w) const {
        return (*this)(ItPower{it_w, 0}, liquid_heat_w, air_heat_w, params_.cooling.wet_bulb_c);
    }
    //! The same at a wet bulb of now; heats may differ from IT power while loops and halls warm or cool. Losses follow what comes through,
    //! a constant PUE and the building what is used.
    [[nodiscard]] FacilityPower operator()(ItPower const& it, double liquid_heat_w, double air_heat_w,
                                           double wet_bulb_c) const;

  private:
    [[nodiscard]] double building_w(double it_w) const { return it_w * 1e-3 * params_.other_w_per_kw; }

    FacilityParams params_;
    FacilityCooling cooling_;
    UtilityPath path_;
};

}  // namespace mw::plant
