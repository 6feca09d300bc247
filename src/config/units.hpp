#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mw::config {

//! What a unit measures. A value is held in the dimension's base unit, given here.
enum class Dimension : std::uint8_t {
    time,              //!< s
    data,              //!< B
    data_rate,         //!< B/s
    frequency,         //!< 1/s
    power,             //!< W
    energy,            //!< J
    pressure,          //!< Pa
    temperature,       //!< degC
    temperature_step,  //!< K
    flop_rate,         //!< FLOP/s
    energy_per_flop,   //!< J/FLOP
    energy_per_byte,   //!< J/B
    energy_per_bit,    //!< J/b
    length,            //!< m
    power_share,       //!< W/kW
    carbon,            //!< kg/J
    price,             //!< 1/J, in the user's currency
};

//! `value in base unit = number * factor + offset`.
struct Unit {
    std::string_view name;
    Dimension dimension;
    double factor;
    double offset{0};
};

//! The unit of that exact name. A contract: the name is ours, not the user's.
[[nodiscard]] Unit const& unit_named(std::string_view name);

//! A value, or what is wrong with the text (a clause that goes behind "'400 gb/s' in cluster.scale_out.link ").
struct Parsed {
    double value{0};
    std::string problem;
    [[nodiscard]] bool ok() const { return problem.empty(); }
};

/*!
 * A decimal number: `12`, `0.5`, `1e6`. No separators, hexadecimals, octals, nan or inf.
 */
[[nodiscard]] Parsed parse_number(std::string_view text);

/*!
 * A number with its unit, as the base unit's value. `likely` sets the dimension, and the unit to name in messages.
 *
 * Bits and bytes, 1000 and 1024 are distinct: 1 Gb/s = 125,000,000 B/s; 1 GiB = 1,073,741,824 B.
 */
[[nodiscard]] Parsed parse_quantity(std::string_view text, Unit const& likely);

//! The shortest text that reads back as exactly this number.
[[nodiscard]] std::string format_number(double value);
//! The same with a unit: 5e10 B/s is `50 GB/s`, or `400 Gb/s` where that unit is usual and not much longer.
[[nodiscard]] std::string format_quantity(double value, Unit const& usual);

}  // namespace mw::config
