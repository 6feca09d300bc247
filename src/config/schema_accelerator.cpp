#include "schema_entry.hpp"

namespace mw::config {

namespace {

//! A value per precision; 0 stands for an absent one.
void describe_by_precision(Fields& fields, std::string_view key,
                           std::array<double, hardware::precision_count>& values, std::string_view unit) {
    fields.block(
        key,
        [&](Fields& block) {
            for (std::size_t i = 0; i < values.size(); ++i) {
                bool const last = i + 1 == values.size();  // BF16 is what everything falls back to
                if (fields.reading() || values[i] > 0 || last) {
                    block.quantity(precisions[i], values[i], unit, last ? positive.need() : positive);
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
                block.number(precisions[i], (*shares)[i], positive_share);
        });
    fields.number("attention_flops", efficiency.attention_flops, positive_share);
    fields.number("hbm", efficiency.hbm, positive_share);
    fields.number("kv_hbm", efficiency.kv_hbm, positive_share);
    fields.number("link", efficiency.link, positive_share);
    fields.number("launch_time", efficiency.launch_time, positive.up_to(10));
    fields.number("host_time", efficiency.host_time, positive.up_to(10));
    describe(fields, efficiency.provenance);
}

void describe(Fields& fields, hardware::KernelPowerParams& kernel) {
    fields.quantity("active", kernel.active_w, "W", not_negative);
    fields.quantity("per_weight_byte", kernel.joules_per_weight_byte, "pJ/B", not_negative);
    fields.quantity("per_logit", kernel.joules_per_logit, "nJ", not_negative);
    fields.quantity("rescale", kernel.rescale_w, "W", not_negative);
    fields.quantity("device_per_hbm_byte", kernel.device_joules_per_byte, "pJ/B", not_negative);
}

//! Clocks in MHz, the rest as shares.
void describe(Fields& fields, hardware::ClockParams& clock) {
    fields.number("max_mhz", clock.max_mhz, at_least(100).up_to(1e5));
    fields.number("min_mhz", clock.min_mhz, at_least(1).up_to(clock.max_mhz));
    fields.number("voltage_knee", clock.voltage_knee, Rule{.min = 0, .max = 1, .open_max = true});
    fields.number("least_voltage", clock.least_voltage, positive_share);
    fields.number("hbm", clock.hbm_clock, share);
}

//! Resistances in K/W, heat capacities in J/K.
void describe(Fields& fields, hardware::ThermalParams& thermal) {
    fields.number("die_k_per_w", thermal.die_k_per_w, positive.up_to(10));
    fields.number("liquid_k_per_w", thermal.liquid_k_per_w, positive.up_to(10));
    fields.number("air_k_per_w", thermal.air_k_per_w, positive.up_to(10));
    fields.number("die_j_per_k", thermal.die_j_per_k, positive);
    fields.number("plate_j_per_k", thermal.plate_j_per_k, positive);
    fields.quantity("throttle_start", thermal.throttle_start_c, "degC", at_least(20).up_to(150));
    fields.quantity("throttle_full", thermal.throttle_full_c, "degC", at_least(20).up_to(150));
    fields.number("leakage_per_k", thermal.leakage_per_k, at_least(0).up_to(0.1));
    fields.quantity("leakage_reference", thermal.leakage_reference_c, "degC", at_least(0).up_to(150));
}

}  // namespace

void describe(Fields& fields, hardware::AcceleratorParams& accelerator) {
    describe_name(fields, accelerator.name);
    describe_by_precision(fields, "peak", accelerator.peak_flops, "TFLOP/s");
    fields.block(
        "hbm",
        [&](Fields& block) {
            block.quantity("capacity", accelerator.hbm_bytes, "GB", positive.need());
            if (block.reading() || accelerator.hbm_usable_bytes > 0)
                block.quantity("usable", accelerator.hbm_usable_bytes, "MiB", positive);
            block.quantity("bandwidth", accelerator.hbm_bytes_per_s, "TB/s", positive.need());
        },
        anything.need());
    fields.quantity("scale_up", accelerator.scale_up_bytes_per_s, "GB/s", positive.need());
    fields.quantity("scale_out", accelerator.scale_out_bytes_per_s, "Gb/s", positive.need());
    fields.block(
        "power",
        [&](Fields& block) {
            block.quantity("tdp", accelerator.tdp_w, "W", positive.need());
            block.quantity("idle", accelerator.idle_w, "W", not_negative.need());
            block.quantity("resident_idle", accelerator.resident_idle_w, "W", not_negative.need());
            describe_by_precision(block, "per_flop", accelerator.joules_per_flop, "pJ/FLOP");
            block.quantity("per_hbm_byte", accelerator.joules_per_hbm_byte, "pJ/B", not_negative.need());
            block.quantity("per_link_bit", accelerator.joules_per_link_bit, "pJ/b", not_negative.need());
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
