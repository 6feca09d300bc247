#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "megaweave/core/time.hpp"

namespace mw::plant {

enum class CoolingKind : std::uint8_t { liquid, air };
enum class UpsMode : std::uint8_t { none, eco, double_conversion };

//! What the installed power supplies are for: more of them put each at a lower load.
enum class PsuRedundancy : std::uint8_t {
    as_installed,  //!< psu_rating counts all that share the load
    n_plus_1,  //!< psu_rating is what the load needs, in supplies of `psu_unit_w`; one more shares the load
    n_plus_n,  //!< psu_rating is what the load needs; as much again shares the load
};

//! Energy storage at each rack, between its AC meter and its supplies.
struct RackStorageParams {
    double capacity_j{0};   //!< 0: none
    double charge_w{0};     //!< at most, into the store
    double discharge_w{0};  //!< at most, to the rack
    double round_trip{0.90};
    double smoothing_s{30};       //!< upstream sees a first-order average over this time
    double set_point_share{0.5};  //!< charge it returns to

    [[nodiscard]] bool on() const { return capacity_j > 0; }
};

//! Batteries of the UPS.
struct UpsBatteryParams {
    double autonomy_s{300};      //!< for which they carry the design load of IT
    double recharge_share{0.1};  //!< of the design load, at most, while they charge
    double round_trip{0.90};
};

//! From the utility to the servers' supplies (physics.md, section 5).
struct DeliveryParams {
    //! Supply efficiency at 5, 10, 20, 50, 100 % of rating; linear between.
    std::array<double, 5> psu_load{0.05, 0.10, 0.20, 0.50, 1.00};
    std::array<double, 5> psu_efficiency{0.8864, 0.9238, 0.9448, 0.964, 0.9556};
    UpsMode ups{UpsMode::eco};
    double ups_efficiency{0.985};  //!< in that mode, at full load
    double ups_redundancy{1};      //!< UPS capacity over design load; 2: two paths, each at half load
    PsuRedundancy psu_redundancy{PsuRedundancy::as_installed};
    double tray_converter_efficiency{
        1};                          //!< rack busbar to the boards' voltage, where a rack has one (0.97-0.98)
    double busway_full_load{0.005};  //!< row busway and cables, of rating, times load squared
    double psu_unit_w{3300};         //!< one supply, for n_plus_1
    double transformer_no_load{0.002};    //!< of rating
    double transformer_full_load{0.008};  //!< of rating, times load squared
    UpsBatteryParams battery;             //!< felt in a grid event only
    RackStorageParams rack_storage;
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
    double cdu_pressure_pa{150e3};   //!< racks' own loop behind the distribution units, at design flow
    double pump_efficiency{0.6};
    double loop_rise_k{10};         //!< coolant from supply to return at design flow
    double tower_fan_share{0.012};  //!< of the heat rejected, at design
    double chiller_cop{6.0};        //!< at full load and design lift
    double crah_fan_share{0.06};    //!< of the heat moved by air, at design flow; cubic below
    double constant_pue{0};         //!< > 1: use this instead of the plant's model
};

//! Outdoor air: constant (CoolingParams::wet_bulb_c), or from a file.
struct WeatherParams {
    std::string file;           //!< CSV or EPW (see Weather); empty: constant
    core::TimeNs offset_ns{0};  //!< where in the file the simulation begins
};

//! Temperatures of accelerators, coolant loop and halls, stepped at every sample.
struct ThermalPlantParams {
    bool on{false};         //!< off: coolant keeps its set point, no leakage, no throttling
    double loop_s{180};     //!< without cooling, design heat warms the loop by the loop's rise in this time
    double hall_s{900};     //!< the same for the halls' air, by 10 K
    double response_s{60};  //!< with which the plant corrects a deviation
    double spare{1.2};      //!< what the plant can take away, of the design heat
    core::TimeNs failure_start_ns{0};  //!< of a cooling failure, from the end of the warm-up
    core::TimeNs failure_ns{0};        //!< how long it lasts; 0: none
    double failure_available{0};       //!< share of the plant that still works
};

enum class BudgetPolicy : std::uint8_t {
    none,          //!< nothing is enforced
    proportional,  //!< one cap for every board
    priority,      //!< services that the deck names later are capped first
    decode_first,  //!< prefill instances are capped first
    shed,          //!< as proportional, and arrivals of the last service are turned away
};

//! How a site keeps to its budgets: board caps that follow the meters.
struct ControlParams {
    BudgetPolicy policy{BudgetPolicy::none};
    core::TimeNs period_ns{1'000'000'000};  //!< whole samples; meters are read and caps set once in it
    double row_budget_w{0};                 //!< of each row's racks; 0: none
    double rack_budget_w{0};                //!< of each rack; 0: none
    double margin{0.03};                    //!< of a budget, kept free
    core::TimeNs event_start_ns{0};         //!< of a demand-response event, from the end of the warm-up
    core::TimeNs event_ns{0};               //!< how long it lasts; 0: none
    double event_budget_w{0};               //!< the site's budget meanwhile

    [[nodiscard]] bool on() const { return policy != BudgetPolicy::none; }
};

//! An event of the grid, and what the site has against it beside its batteries.
struct GridParams {
    core::TimeNs event_start_ns{0};  //!< from the end of the warm-up
    core::TimeNs event_ns{0};        //!< how long it lasts; 0: none
    double available{0};             //!< share of the site's design power that the utility still gives
    double generators_w{0};          //!< 0: none
    core::TimeNs generators_start_ns{15'000'000'000};  //!< after the event's beginning
    core::TimeNs restart_ns{
        60'000'000'000};  //!< from the return of power to a dark site until it serves again

    [[nodiscard]] bool on() const { return event_ns > 0; }
};

struct FacilityParams {
    double budget_w{0};  //!< what the site may draw; 0: no budget stated
    WeatherParams weather;
    ThermalPlantParams thermal;
    ControlParams control;
    GridParams grid;
    double carbon_kg_per_j{0};  //!< of the grid's electricity; 0: not stated
    double price_per_j{0};      //!< of electricity, in the user's currency; 0: not stated
    DeliveryParams delivery;
    CoolingParams cooling;
    double other_w_per_kw{0};  //!< lighting, offices, per kW of IT

    //! The UPS's batteries are felt: there is a UPS, and an event.
    [[nodiscard]] bool batteries() const { return grid.on() && delivery.ups != UpsMode::none; }
    //! Whether energy may be stored anywhere between the racks' supplies and the utility.
    [[nodiscard]] bool stores() const { return delivery.rack_storage.on() || batteries(); }
    //! The site has a budget, if only for a time.
    [[nodiscard]] bool budgeted() const {
        return budget_w > 0 || (control.event_ns > 0 && control.event_budget_w > 0);
    }
};

}  // namespace mw::plant
