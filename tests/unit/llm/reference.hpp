#pragma once

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "megaweave/llm/engine_params.hpp"
#include "megaweave/llm/params.hpp"
#include "megaweave/llm/work.hpp"
#include "shared_csv.hpp"

//! Tables of ../shared, and the accelerators that its reference calculation assumes.
namespace reference {

using Row = std::map<std::string, std::string>;

//! Empty if the file is absent.
inline std::vector<Row> read_csv(std::string const& path) {
    std::ifstream file{path};
    std::vector<Row> rows;
    std::string line;
    if (!std::getline(file, line)) return rows;
    auto const header = test::split_csv(line);
    while (std::getline(file, line)) {
        auto const fields = test::split_csv(line);
        Row row;
        for (std::size_t i = 0; i < header.size() && i < fields.size(); ++i) row[header[i]] = fields[i];
        rows.push_back(row);
    }
    return rows;
}

inline std::int64_t integer(Row const& row, std::string const& column) {
    auto const& text = row.at(column);
    return text.empty() ? 0 : std::stoll(text);
}

inline double real(Row const& row, std::string const& column) {
    return std::stod(row.at(column));
}

//! A row of catalogue/models.csv.
inline mw::llm::ModelParams model_of(Row const& row) {
    mw::llm::ModelParams m;
    m.name = row.at("model");
    m.layers = integer(row, "layers");
    m.hidden = integer(row, "hidden");
    m.heads = integer(row, "heads");
    m.kv_heads = integer(row, "kv_heads");
    m.head_dim = integer(row, "head_dim");
    m.attention =
        row.at("attention") == "MLA" ? mw::llm::Attention::latent : mw::llm::Attention::grouped_query;
    m.q_lora_rank = integer(row, "q_lora_rank");
    m.kv_lora_rank = integer(row, "kv_lora_rank");
    m.qk_nope_head_dim = integer(row, "qk_nope_head_dim");
    m.qk_rope_head_dim = integer(row, "qk_rope_head_dim");
    m.v_head_dim = integer(row, "v_head_dim");
    m.dense_intermediate = integer(row, "dense_intermediate");
    m.first_dense_layers = integer(row, "first_dense_layers");
    auto const& rule = row.at("moe_layer_rule");
    m.moe_every = rule == "dense" ? 0 : rule.rfind("every ", 0) == 0 ? std::stoll(rule.substr(6)) : 1;
    m.routed_experts = integer(row, "n_routed_experts");
    m.experts_per_token = integer(row, "experts_per_token");
    m.shared_experts = integer(row, "n_shared_experts");
    m.moe_intermediate = integer(row, "moe_intermediate");
    m.shared_intermediate = integer(row, "shared_intermediate");
    m.vocabulary = integer(row, "vocab");
    m.tied_embeddings = row.at("tie_embeddings") == "True";
    m.sliding_window = integer(row, "sliding_window");
    return m;
}

inline mw::llm::ModelParams llama_70b() {
    mw::llm::ModelParams m;
    m.name = "llama-3.1-70b";
    m.layers = 80;
    m.hidden = 8192;
    m.heads = 64;
    m.kv_heads = 8;
    m.head_dim = 128;
    m.dense_intermediate = 28672;
    m.vocabulary = 128256;
    return m;
}

inline mw::llm::ModelParams llama_405b() {
    auto m = llama_70b();
    m.name = "llama-3.1-405b";
    m.layers = 126;
    m.hidden = 16384;
    m.heads = 128;
    m.dense_intermediate = 53248;
    return m;
}

inline mw::llm::ModelParams gpt_oss_120b() {
    mw::llm::ModelParams m;
    m.name = "gpt-oss-120b";
    m.layers = 36;
    m.hidden = 2880;
    m.heads = 64;
    m.kv_heads = 8;
    m.head_dim = 64;
    m.moe_every = 1;
    m.routed_experts = 128;
    m.experts_per_token = 4;
    m.moe_intermediate = 2880;
    m.vocabulary = 201088;
    m.sliding_window = 128;
    m.sliding_layers = 18;
    m.attention_weights = {mw::hardware::Precision::bf16, mw::hardware::Precision::bf16,
                           mw::hardware::Precision::bf16};
    m.expert_weights = {mw::hardware::Precision::fp4, mw::hardware::Precision::fp4,
                        mw::hardware::Precision::bf16};
    m.fp4_block = 32;
    return m;
}

//! The model with `count` layers that keep 64 states of 128 x 128 each, as Qwen3.5's do.
inline mw::llm::ModelParams with_linear_layers(mw::llm::ModelParams m, std::int64_t count) {
    m.linear_layers = count;
    m.linear_key_heads = 16;
    m.linear_value_heads = 64;
    m.linear_key_dim = 128;
    m.linear_value_dim = 128;
    m.linear_convolution = 4;
    return m;
}

inline mw::llm::ModelParams deepseek_v3() {
    mw::llm::ModelParams m;
    m.name = "deepseek-v3";
    m.attention = mw::llm::Attention::latent;
    m.layers = 61;
    m.hidden = 7168;
    m.heads = 128;
    m.kv_heads = 128;
    m.q_lora_rank = 1536;
    m.kv_lora_rank = 512;
    m.qk_nope_head_dim = 128;
    m.qk_rope_head_dim = 64;
    m.v_head_dim = 128;
    m.dense_intermediate = 18432;
    m.first_dense_layers = 3;
    m.moe_every = 1;
    m.routed_experts = 256;
    m.experts_per_token = 8;
    m.node_limit = 4;
    m.shared_experts = 1;
    m.moe_intermediate = 2048;
    m.shared_intermediate = 2048;
    m.vocabulary = 129280;
    return m;
}

//! Ceilings as reference/README.md assumes.
inline mw::hardware::RackParams h100() {
    mw::hardware::RackParams rack;
    rack.nodes = 1;
    rack.node.accelerators = rack.scale_up_domain = 8;
    auto& a = rack.accelerator;
    a.name = "h100";
    a.peak_flops = {0.0, 1979e12, 989e12};
    a.hbm_bytes = 80e9;
    a.hbm_bytes_per_s = 3.35e12;
    a.scale_up_bytes_per_s = 450e9;
    a.scale_out_bytes_per_s = 50e9;
    a.efficiency.flops = {0.55, 0.55, 0.55};
    a.efficiency.expert_flops = {1, 1, 1};
    a.efficiency.attention_flops = 0.60;
    a.efficiency.hbm = 0.82;
    a.efficiency.kv_hbm = 0.82;
    a.efficiency.link = 0.75;
    return rack;
}

inline mw::hardware::RackParams gb200() {
    auto rack = h100();
    rack.node.accelerators = rack.scale_up_domain = 72;
    auto& a = rack.accelerator;
    a.name = "gb200";
    a.peak_flops = {10e15, 5e15, 2.5e15};
    a.hbm_bytes = 192e9;
    a.hbm_bytes_per_s = 8e12;
    a.scale_up_bytes_per_s = 900e9;
    a.efficiency.flops = {0.45, 0.45, 0.45};
    a.efficiency.attention_flops = 0.55;
    a.efficiency.hbm = 0.85;
    a.efficiency.kv_hbm = 0.85;
    return rack;
}

//! Large kernels whatever their shape, nothing but the roofline: what is not named here costs nothing.
inline mw::llm::EngineParams frictionless() {
    mw::llm::EngineParams engine;
    engine.name = "frictionless";
    engine.half_rows = engine.half_expert_rows = 0;
    engine.half_columns = engine.half_expert_columns = 0;
    engine.roofline_blend = 0;
    engine.activation_passes = 0;
    engine.kernel_ns = engine.collective_ns = 0;
    engine.iteration_ns = engine.sequence_ns = engine.request_ns = engine.token_ns = 0;
    return engine;
}

//! As reference/README.md assumes: besides the rooflines 10 us a layer and 6 us a collective.
inline mw::llm::EngineParams ideal(mw::llm::ModelParams const& model) {
    auto engine = frictionless();
    engine.name = "ideal";
    double const kernels = count_kernels(model, mw::hardware::Precision::fp8);
    engine.kernel_ns = std::llround(10'000.0 * static_cast<double>(model.layers) / kernels);
    engine.collective_ns = 6'000;
    return engine;
}

}  // namespace reference
