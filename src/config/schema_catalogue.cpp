#include <array>
#include <string>

#include "schema.hpp"

namespace mw::config {

namespace {

Choices const qualities{{"measured", "published", "estimate"}, {}};
constexpr std::array<std::string_view, hardware::precision_count> precisions{"fp4", "fp8", "bf16"};

//! An entry is called by its key in the catalogue; an inline block may state a name.
void describe_name(Fields& fields, std::string& name) {
    if (fields.reading() && !fields.entry_name().empty()) name = fields.entry_name();
    fields.text("name", name);
    if (name.empty()) name = "inline";
}

void describe(Fields& fields, hardware::Provenance& provenance, Rule source_rule = anything) {
    if (fields.physics_only()) return;
    fields.text("source", provenance.source, source_rule);
    fields.choice("quality", provenance.quality, qualities);
    fields.text("note", provenance.note);
}

//! Every entry of the catalogue says where it comes from; a user's inline block may.
Rule source_rule(Fields const& fields) {
    return fields.entry_name().empty() ? anything : anything.need();
}

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

void describe(Fields& fields, hardware::NodeParams& node) {
    fields.integer("accelerators", node.accelerators, at_least(1).up_to(1024).need());
    fields.quantity("host_idle", node.host_idle_w, "W", not_negative.need());
    fields.quantity("host_active", node.host_active_w, "W", not_negative.need());
    fields.quantity("nic_idle", node.nic_idle_w, "W", not_negative.need());
    fields.quantity("nic_active", node.nic_active_w, "W", not_negative.need());
    fields.quantity("scale_up_switch", node.scale_up_switch_w, "W", not_negative);
    fields.quantity("fan_idle", node.fan_idle_w, "W", not_negative);
    fields.quantity("fan_full", node.fan_full_w, "W", not_negative);
    fields.quantity("psu_rating", node.psu_rating_w, "W", positive.need());
    fields.quantity("nameplate", node.nameplate_w, "W", positive.need());
}

void describe_latent(Fields& fields, llm::ModelParams& model) {
    Rule const rank = at_least(0).up_to(1e6);
    fields.integer("q_lora_rank", model.q_lora_rank, rank);
    fields.integer("kv_lora_rank", model.kv_lora_rank, rank);
    fields.integer("qk_nope_head_dim", model.qk_nope_head_dim, rank);
    fields.integer("qk_rope_head_dim", model.qk_rope_head_dim, rank);
    fields.integer("v_head_dim", model.v_head_dim, rank);
}

//! Layers that see less than the whole context.
void describe_windows(Fields& fields, llm::ModelParams& model) {
    Rule const count = at_least(0).up_to(1e7);
    fields.flag("output_gate", model.output_gate);
    fields.integer("sliding_window", model.sliding_window, count);
    fields.integer("sliding_layers", model.sliding_layers, count);
    fields.flag("chunked_window", model.chunked_window);
    fields.integer("sparse_tokens", model.sparse_tokens, count);
    fields.integer("index_heads", model.index_heads, count);
    fields.integer("index_head_dim", model.index_head_dim, count);
}

//! Layers that keep a constant state.
void describe_linear(Fields& fields, llm::ModelParams& model) {
    Rule const count = at_least(0).up_to(1e6);
    fields.integer("linear_layers", model.linear_layers, count);
    fields.integer("linear_key_heads", model.linear_key_heads, count);
    fields.integer("linear_value_heads", model.linear_value_heads, count);
    fields.integer("linear_key_dim", model.linear_key_dim, count);
    fields.integer("linear_value_dim", model.linear_value_dim, count);
    fields.integer("linear_convolution", model.linear_convolution, at_least(0).up_to(64));
}

//! `{fp4: bf16}`: a service that asks for FP4 finds this part in BF16.
void describe_stored(Fields& fields, std::string_view key, llm::StoredAs& stored) {
    static Choices const choices{{"fp4", "fp8", "bf16"}, {}};
    fields.block(key, [&](Fields& block) {
        for (std::size_t i = 0; i < precisions.size(); ++i) block.choice(precisions[i], stored[i], choices);
    });
}

void describe_experts(Fields& fields, llm::ModelParams& model) {
    Rule const count = at_least(0).up_to(1e6);
    fields.integer("dense_intermediate", model.dense_intermediate, count);
    fields.integer("first_dense_layers", model.first_dense_layers, count);
    fields.integer("moe_every", model.moe_every, count);
    fields.integer("routed_experts", model.routed_experts, count);
    fields.integer("experts_per_token", model.experts_per_token, count);
    fields.integer("node_limit", model.node_limit, count);
    fields.integer("shared_experts", model.shared_experts, count);
    fields.integer("moe_intermediate", model.moe_intermediate, count);
    fields.integer("shared_intermediate", model.shared_intermediate, count);
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

void describe(Fields& fields, hardware::RackParams& rack) {
    describe_name(fields, rack.name);
    fields.entry(
        "accelerator", "accelerators", [&](Fields& entry) { describe(entry, rack.accelerator); },
        anything.need());
    fields.integer("nodes", rack.nodes, at_least(1).up_to(1024).need());
    fields.block(
        "node", [&](Fields& block) { describe(block, rack.node); }, anything.need());
    fields.integer("scale_up_domain", rack.scale_up_domain, at_least(1).up_to(1e6).need());
    fields.flag("scale_up_reduces", rack.scale_up_reduces);
    fields.number("liquid_heat_share", rack.liquid_heat_share, share);
    fields.quantity("width", rack.width_m, "m", positive);
    fields.quantity("depth", rack.depth_m, "m", positive);
    fields.quantity("height", rack.height_m, "m", positive);
    describe(fields, rack.provenance, source_rule(fields));
}

void describe(Fields& fields, llm::ModelParams& model) {
    static Choices const attentions{{"grouped_query", "latent"}, {}};
    Rule const count = at_least(1).up_to(1e7).need();
    describe_name(fields, model.name);
    fields.integer("layers", model.layers, count);
    fields.integer("hidden", model.hidden, count);
    fields.integer("heads", model.heads, count);
    fields.integer("kv_heads", model.kv_heads, at_least(0).up_to(1e6));
    fields.integer("head_dim", model.head_dim, at_least(0).up_to(1e6));
    fields.choice("attention", model.attention, attentions);
    describe_latent(fields, model);
    describe_experts(fields, model);
    fields.integer("vocabulary", model.vocabulary, count);
    fields.flag("tied_embeddings", model.tied_embeddings);
    describe_windows(fields, model);
    describe_linear(fields, model);
    fields.integer("mtp_layers", model.mtp_layers, at_least(0).up_to(64));
    describe_stored(fields, "attention_weights", model.attention_weights);
    describe_stored(fields, "expert_weights", model.expert_weights);
    fields.integer("fp4_block", model.fp4_block, at_least(1).up_to(4096));
    describe(fields, model.provenance, source_rule(fields));
}

void describe(Fields& fields, llm::EngineParams& engine) {
    Rule const factor = positive.up_to(10);
    Rule const size = at_least(0).up_to(1e6);
    describe_name(fields, engine.name);
    fields.text("family", engine.family);
    fields.block("factors", [&](Fields& block) {
        block.number("flops", engine.flops, factor);
        block.number("expert_flops", engine.expert_flops, factor);
        block.number("attention_flops", engine.attention_flops, factor);
        block.number("hbm", engine.hbm, factor);
        block.number("kv_hbm", engine.kv_hbm, factor);
        block.number("link", engine.link, factor);
    });
    fields.number("half_rows", engine.half_rows, size);
    fields.number("half_expert_rows", engine.half_expert_rows, size);
    fields.number("half_columns", engine.half_columns, size);
    fields.number("half_expert_columns", engine.half_expert_columns, size);
    fields.number("roofline_blend", engine.roofline_blend, share);
    fields.number("activation_passes", engine.activation_passes, at_least(0).up_to(100));
    fields.number("communication_overlap", engine.communication_overlap, share);
    fields.integer("interleaved_batches", engine.interleaved_batches, at_least(1).up_to(16));
    fields.number("expert_skew", engine.expert_skew, at_least(0).up_to(4));
    fields.time("kernel", engine.kernel_ns, "us", not_negative);
    fields.time("collective", engine.collective_ns, "us", not_negative);
    fields.block("host", [&](Fields& block) {
        block.time("iteration", engine.iteration_ns, "ms", not_negative);
        block.time("sequence", engine.sequence_ns, "us", not_negative);
        block.time("request", engine.request_ns, "ms", not_negative);
        block.time("token", engine.token_ns, "ns", not_negative);
        block.number("overlap", engine.host_overlap, share);
    });
    fields.block("client", [&](Fields& block) {
        block.time("response", engine.response_ns, "ms", not_negative);
        block.time("response_per_token", engine.response_per_token_ns, "us", not_negative);
        block.integer("stream_interval", engine.stream_interval, at_least(1).up_to(1e6));
    });
    if (!fields.physics_only()) fields.words("measured_on", engine.measured_on);
    describe(fields, engine.provenance, source_rule(fields));
}

void describe(Fields& fields, fabric::OpticsParams& optics) {
    describe_name(fields, optics.name);
    fields.quantity("port_power", optics.port_w_per_800g, "W", not_negative.need());
    fields.flag("at_host", optics.at_host);
    hardware::Provenance provenance{
        optics.source, optics.estimate ? hardware::Quality::estimate : hardware::Quality::published, ""};
    describe(fields, provenance, source_rule(fields));
    optics.source = provenance.source;
    optics.estimate = provenance.quality == hardware::Quality::estimate;
}

void describe(Fields& fields, fabric::SwitchParams& network_switch) {
    describe_name(fields, network_switch.name);
    fields.quantity("bandwidth", network_switch.bytes_per_s, "Tb/s", positive.need());
    fields.quantity("idle", network_switch.idle_w, "W", not_negative.need());
    fields.quantity("active", network_switch.active_w, "W", positive.need());
    hardware::Provenance provenance{network_switch.source, hardware::Quality::published, ""};
    describe(fields, provenance, source_rule(fields));
    network_switch.source = provenance.source;
}

void describe_discarded(Fields& fields, std::string_view kind) {
    auto const discard = [&](auto params) { describe(fields, params); };
    if (kind == "accelerators") discard(hardware::AcceleratorParams{});
    if (kind == "racks") discard(hardware::RackParams{});
    if (kind == "models") discard(llm::ModelParams{});
    if (kind == "engines") discard(llm::EngineParams{});
    if (kind == "optics") discard(fabric::OpticsParams{});
    if (kind == "switches") discard(fabric::SwitchParams{});
}

}  // namespace mw::config
