#pragma once

#include "megaweave/hardware/power.hpp"

namespace mw::test {

//! Boards with power values near the catalogue's (inputs/catalogue/accelerators.yaml), written out so that a new fit moves no test.
inline hardware::AcceleratorParams h100() {
    hardware::AcceleratorParams params;
    params.name = "h100";
    params.peak_flops = {0.0, 1979e12, 989e12};
    params.hbm_bytes_per_s = 3.35e12;
    params.tdp_w = 700;
    params.idle_w = 85;
    params.resident_idle_w = 142;
    params.joules_per_flop = {0.0, 0.76e-12, 1.22e-12};
    params.joules_per_hbm_byte = 71.7e-12;
    params.joules_per_link_bit = 5.5e-12;
    params.kernel_power = {103, 34.4e-12, 40e-12, 103e-9, 188, 31.2e-12};
    return params;
}

inline hardware::AcceleratorParams h200() {
    auto params = h100();
    params.name = "h200";
    params.hbm_bytes_per_s = 4.8e12;
    params.idle_w = 77;
    params.resident_idle_w = 115;
    params.joules_per_flop = {0.0, 0.801e-12, 1.28e-12};
    params.joules_per_hbm_byte = 50.3e-12;
    return params;
}

inline hardware::AcceleratorParams b200() {
    hardware::AcceleratorParams params;
    params.name = "b200";
    params.peak_flops = {9000e12, 4500e12, 2250e12};
    params.hbm_bytes_per_s = 8e12;
    params.tdp_w = 1000;
    params.idle_w = 150;
    params.resident_idle_w = 247;
    params.joules_per_flop = {0.27e-12, 0.541e-12, 0.799e-12};
    params.joules_per_hbm_byte = 43.8e-12;
    params.joules_per_link_bit = 5.5e-12;
    params.kernel_power = {123, 56.4e-12, 40e-12, 69.5e-9, 254, 31.2e-12};
    return params;
}

inline hardware::AcceleratorParams gb200() {
    auto params = b200();
    params.name = "gb200";
    params.peak_flops = {10000e12, 5000e12, 2500e12};
    params.tdp_w = 1200;
    params.idle_w = 200;
    params.resident_idle_w = 223;
    params.joules_per_flop = {0.356e-12, 0.783e-12, 1.01e-12};
    params.joules_per_hbm_byte = 42.5e-12;
    params.kernel_power.active_w = 91;
    return params;
}

//! A second of decode attention over BF16 KV (8 FLOP per byte) at a share of HBM's bandwidth.
inline hardware::Activity decode_attention(hardware::AcceleratorParams const& board, double hbm_share) {
    double const bytes = hbm_share * board.hbm_bytes_per_s;
    return {0, 8 * bytes, bytes, 0, 1.0};
}

}  // namespace mw::test
