#include "schema_entry.hpp"

namespace mw::config {

namespace {

//! A value per precision; 0 stands for an absent one.
void describe_by_precision(Fields& fields, std::string_view key,
                           std::array<double, hardware::precision_count>& values, std::string_view unit,
                           Rule rule) {
    fields.block(
        key,
        [&](Fields& block) {
            for (std::size_t i = 0; i < values.size(); ++i) {
                bool const last = i + 1 == values.size();  // BF16 is what everything falls back to
                if (fields.reading() || values[i] > 0 || last) {
                    block.quantity(precisions[i], values[i], unit, last ? rule.need() : rule);
                }
            }
        },
        anything.need());
}

void describe(Fields& fields, hardware::KernelEfficiency& efficiency) {
    for (auto const& [key, values] :
         {std::pair{"flops", &efficiency.flops}, std::pair{"expert_flops", &efficiency.expert_flops}})
        fields.block(key, [&, shares = values](Fields& block) {
            for (std::size_t i = 0; i < precisions.size(); ++i)
                block.number(precisions[i], (*shares)[i], bounds::reached_share);
        });
    fields.number("attention_flops", efficiency.attention_flops, bounds::reached_share);
    fields.number("hbm", efficiency.hbm, bounds::reached_share);
    fields.number("kv_hbm", efficiency.kv_hbm, bounds::reached_share);
    fields.number("link", efficiency.link, bounds::reached_share);
    fields.number("launch_time", efficiency.launch_time, within(0.001, 10));
    fields.number("host_time", efficiency.host_time, within(0.001, 10));
    describe(fields, efficiency.provenance);
}

void describe(Fields& fields, hardware::KernelPowerParams& kernel) {
    fields.quantity("active", kernel.active_w, "W", bounds::watts);
    fields.quantity("per_weight_byte", kernel.joules_per_weight_byte, "pJ/B", bounds::joules_per_byte);
    fields.quantity("per_conversion", kernel.joules_per_conversion, "pJ", within(0, 1e-6));
    fields.quantity("per_logit", kernel.joules_per_logit, "nJ", within(0, 1e-4));
    fields.quantity("rescale", kernel.rescale_w, "W", bounds::watts);
    fields.quantity("device_per_hbm_byte", kernel.device_joules_per_byte, "pJ/B", bounds::joules_per_byte);
}

//! Clocks in MHz, the rest as shares.
void describe(Fields& fields, hardware::ClockParams& clock) {
    fields.number("max_mhz", clock.max_mhz, within(100, 1e5));
    fields.number("min_mhz", clock.min_mhz, within(1, clock.max_mhz));
    fields.number("voltage_knee", clock.voltage_knee, within(0, 0.99));
    fields.number("least_voltage", clock.least_voltage, within(0.1, 1));
    fields.number("hbm", clock.hbm_clock, share);
}

//! Resistances in K/W, heat capacities in J/K.
void describe(Fields& fields, hardware::ThermalParams& thermal) {
    fields.number("die_k_per_w", thermal.die_k_per_w, within(0.001, 10));
    fields.number("liquid_k_per_w", thermal.liquid_k_per_w, within(0.001, 10));
    fields.number("air_k_per_w", thermal.air_k_per_w, within(0.001, 10));
    fields.number("die_j_per_k", thermal.die_j_per_k, within(1, 1e7));
    fields.number("plate_j_per_k", thermal.plate_j_per_k, within(1, 1e7));
    fields.quantity("throttle_start", thermal.throttle_start_c, "degC", within(20, 150));
    fields.quantity("throttle_full", thermal.throttle_full_c, "degC", within(20, 150));
    fields.number("leakage_per_k", thermal.leakage_per_k, within(0, 0.1));
    fields.quantity("leakage_reference", thermal.leakage_reference_c, "degC", within(0, 150));
}

}  // namespace

void describe(Fields& fields, hardware::AcceleratorParams& accelerator) {
    describe_name(fields, accelerator.name);
    describe_by_precision(fields, "peak", accelerator.peak_flops, "TFLOP/s", within(1e9, 1e19));
    fields.block(
        "hbm",
        [&](Fields& block) {
            block.quantity("capacity", accelerator.hbm_bytes, "GB", within(1e6, 1e15).need());
            if (block.reading() || accelerator.hbm_usable_bytes > 0)
                block.quantity("usable", accelerator.hbm_usable_bytes, "MiB", within(1e6, 1e15));
            block.quantity("bandwidth", accelerator.hbm_bytes_per_s, "TB/s", within(1e9, 1e17).need());
        },
        anything.need());
    fields.quantity("scale_up", accelerator.scale_up_bytes_per_s, "GB/s", bounds::bytes_per_s.need());
    fields.quantity("scale_out", accelerator.scale_out_bytes_per_s, "Gb/s", within(1e6, 1e14).need());
    fields.block(
        "power",
        [&](Fields& block) {
            block.quantity("tdp", accelerator.tdp_w, "W", within(1, 1e5).need());
            block.quantity("idle", accelerator.idle_w, "W", within(0, 1e5).need());
            block.quantity("resident_idle", accelerator.resident_idle_w, "W", within(0, 1e5).need());
            describe_by_precision(block, "per_flop", accelerator.joules_per_flop, "pJ/FLOP",
                                  within(1e-18, 1e-8));
            block.quantity("per_hbm_byte", accelerator.joules_per_hbm_byte, "pJ/B",
                           bounds::joules_per_byte.need());
            block.quantity("per_link_bit", accelerator.joules_per_link_bit, "pJ/b", within(0, 1e-7).need());
            describe(block, accelerator.kernel_power);
            block.block("clock", [&](Fields& clock) { describe(clock, accelerator.clock); });
            block.block("thermal", [&](Fields& thermal) { describe(thermal, accelerator.thermal); });
            if (!block.physics_only()) block.text("source", accelerator.power_source);
        },
        anything.need());
    fields.block("efficiency", [&](Fields& block) { describe(block, accelerator.efficiency); });
    describe(fields, accelerator.provenance, source_rule(fields));
}

}  // namespace mw::config
