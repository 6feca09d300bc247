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

void describe(Fields& fields, hardware::EngineEfficiency& efficiency) {
    fields.block("flops", [&](Fields& block) {
        for (std::size_t i = 0; i < precisions.size(); ++i)
            block.number(precisions[i], efficiency.flops[i], positive_share);
    });
    fields.number("attention_flops", efficiency.attention_flops, positive_share);
    fields.number("hbm", efficiency.hbm, positive_share);
    fields.number("link", efficiency.link, positive_share);
    fields.number("communication_overlap", efficiency.communication_overlap, share);
    fields.time("iteration", efficiency.iteration_ns, "ms", not_negative);
    fields.time("layer", efficiency.layer_ns, "us", not_negative);
    fields.time("collective", efficiency.collective_ns, "us", not_negative);
    describe(fields, efficiency.provenance);
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
    fields.integer("sliding_window", model.sliding_window, at_least(0));
    fields.integer("sliding_layers", model.sliding_layers, at_least(0));
    fields.integer("linear_layers", model.linear_layers, at_least(0));
    describe(fields, model.provenance, source_rule(fields));
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
    if (kind == "optics") discard(fabric::OpticsParams{});
    if (kind == "switches") discard(fabric::SwitchParams{});
}

}  // namespace mw::config
