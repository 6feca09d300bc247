#pragma once

#include <array>

#include "units.hpp"

namespace mw::config {

namespace unit_table {

using enum Dimension;

inline constexpr double kibi = 1024.0;

// In each dimension the decimal units come first: they are the ones to write.
inline constexpr std::array units{
    Unit{"ns", time, 1e-9},
    Unit{"us", time, 1e-6},
    Unit{"ms", time, 1e-3},
    Unit{"s", time, 1},
    Unit{"min", time, 60},
    Unit{"h", time, 3600},
    Unit{"B", data, 1},
    Unit{"kB", data, 1e3},
    Unit{"MB", data, 1e6},
    Unit{"GB", data, 1e9},
    Unit{"TB", data, 1e12},
    Unit{"PB", data, 1e15},
    Unit{"KiB", data, kibi},
    Unit{"MiB", data, kibi* kibi},
    Unit{"GiB", data, kibi* kibi* kibi},
    Unit{"TiB", data, kibi* kibi* kibi* kibi},
    Unit{"b", data, 0.125},
    Unit{"kb", data, 125},
    Unit{"Mb", data, 125e3},
    Unit{"Gb", data, 125e6},
    Unit{"Tb", data, 125e9},
    Unit{"B/s", data_rate, 1},
    Unit{"kB/s", data_rate, 1e3},
    Unit{"MB/s", data_rate, 1e6},
    Unit{"GB/s", data_rate, 1e9},
    Unit{"TB/s", data_rate, 1e12},
    Unit{"PB/s", data_rate, 1e15},
    Unit{"KiB/s", data_rate, kibi},
    Unit{"MiB/s", data_rate, kibi* kibi},
    Unit{"GiB/s", data_rate, kibi* kibi* kibi},
    Unit{"TiB/s", data_rate, kibi* kibi* kibi* kibi},
    Unit{"b/s", data_rate, 0.125},
    Unit{"kb/s", data_rate, 125},
    Unit{"Mb/s", data_rate, 125e3},
    Unit{"Gb/s", data_rate, 125e6},
    Unit{"Tb/s", data_rate, 125e9},
    Unit{"/s", frequency, 1},
    Unit{"/min", frequency, 1.0 / 60},
    Unit{"/h", frequency, 1.0 / 3600},
    Unit{"W", power, 1},
    Unit{"kW", power, 1e3},
    Unit{"MW", power, 1e6},
    Unit{"GW", power, 1e9},
    Unit{"J", energy, 1},
    Unit{"nJ", energy, 1e-9},
    Unit{"pJ", energy, 1e-12},
    Unit{"kJ", energy, 1e3},
    Unit{"MJ", energy, 1e6},
    Unit{"Wh", energy, 3600},
    Unit{"kWh", energy, 3600e3},
    Unit{"MWh", energy, 3600e6},
    Unit{"Pa", pressure, 1},
    Unit{"kPa", pressure, 1e3},
    Unit{"MPa", pressure, 1e6},
    Unit{"bar", pressure, 1e5},
    Unit{"K", temperature_step, 1},  // before the other K: the schema means this one
    Unit{"degC", temperature, 1},
    Unit{"K", temperature, 1, -273.15},
    Unit{"FLOP/s", flop_rate, 1},
    Unit{"GFLOP/s", flop_rate, 1e9},
    Unit{"TFLOP/s", flop_rate, 1e12},
    Unit{"PFLOP/s", flop_rate, 1e15},
    Unit{"J/FLOP", energy_per_flop, 1},
    Unit{"fJ/FLOP", energy_per_flop, 1e-15},
    Unit{"pJ/FLOP", energy_per_flop, 1e-12},
    Unit{"J/B", energy_per_byte, 1},
    Unit{"pJ/B", energy_per_byte, 1e-12},
    Unit{"nJ/B", energy_per_byte, 1e-9},
    Unit{"J/b", energy_per_bit, 1},
    Unit{"pJ/b", energy_per_bit, 1e-12},
    Unit{"mm", length, 1e-3},
    Unit{"cm", length, 1e-2},
    Unit{"m", length, 1},
    Unit{"W/kW", power_share, 1},
    Unit{"g/kWh", carbon, 1e-3 / 3600e3},
    Unit{"kg/MWh", carbon, 1.0 / 3600e6},
    Unit{"/kWh", price, 1.0 / 3600e3},
    Unit{"/MWh", price, 1.0 / 3600e6},
};

}  // namespace unit_table

using unit_table::units;

}  // namespace mw::config
