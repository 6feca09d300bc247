#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace mw::plant {

enum class CoolingKind : std::uint8_t { liquid, air };
enum class UpsMode : std::uint8_t { none, eco, double_conversion };

//! From the utility to the servers' supplies (physics.md, section 5).
struct DeliveryParams {
    //! Supply efficiency at 5, 10, 20, 50, 100 % of rating; linear between.
    std::array<double, 5> psu_load{0.05, 0.10, 0.20, 0.50, 1.00};
    std::array<double, 5> psu_efficiency{0.8864, 0.9238, 0.9448, 0.964, 0.9556};
    UpsMode ups{UpsMode::eco};
    double ups_efficiency{0.985};         //!< in that mode
    double transformer_no_load{0.002};    //!< of rating
    double transformer_full_load{0.008};  //!< of rating, times load squared
};

/*!
 * The cooling plant. Defaults suit a temperate site; every value may be set in a deck's `facility.cooling` block.
 */
struct CoolingParams {
    CoolingKind kind{CoolingKind::liquid};
    double supply_c{32};             //!< coolant supplied to liquid-cooled racks
    double air_supply_c{24};         //!< air supplied to the racks, for all heat that leaves by air
    double air_approach_k{10};       //!< from the water of an air handler to the air it supplies
    double wet_bulb_c{15};           //!< outdoors
    double approach_k{7};            //!< tower and heat exchangers together, for free cooling
    double pump_pressure_pa{250e3};  //!< liquid loop at design flow
    double pump_efficiency{0.6};
    double loop_rise_k{10};         //!< coolant from supply to return at design flow
    double tower_fan_share{0.012};  //!< of the heat rejected, at design
    double chiller_cop{6.0};        //!< at full load and design lift
    double crah_fan_share{0.06};    //!< of the heat moved by air, at design flow; cubic below
    double constant_pue{0};         //!< > 1: use this instead of the plant's model
};

struct FacilityParams {
    double budget_w{0};  //!< what the site may draw; 0: no budget stated
    DeliveryParams delivery;
    CoolingParams cooling;
    double other_w_per_kw{0};  //!< lighting, offices, per kW of IT
};

}  // namespace mw::plant
