#include "megaweave/llm/architecture.hpp"

namespace mw::llm {
namespace {

double real(std::int64_t n) {
    return static_cast<double>(n);
}

double attention_parameters(ModelParams const& m) {
    double const hidden = real(m.hidden);
    double const heads = real(m.heads);
    if (m.attention == Attention::grouped_query) {
        return 2.0 * hidden * real(m.head_dim) * (heads + real(m.kv_heads));
    }
    double const qk = real(m.qk_nope_head_dim + m.qk_rope_head_dim);
    double const query =
        m.q_lora_rank > 0 ? real(m.q_lora_rank) * (hidden + heads * qk) : hidden * heads * qk;
    double const down = hidden * real(m.kv_lora_rank + m.qk_rope_head_dim);
    double const up = real(m.kv_lora_rank) * heads * real(m.qk_nope_head_dim + m.v_head_dim);
    return query + down + up + heads * real(m.v_head_dim) * hidden;
}

}  // namespace

std::int64_t moe_layers(ModelParams const& m) {
    if (m.moe_every <= 0 || m.routed_experts <= 0) return 0;
    return (m.layers - m.first_dense_layers) / m.moe_every;
}

std::int64_t growing_layers(ModelParams const& m) {
    return m.layers - m.sliding_layers - m.linear_layers;
}

ParameterCounts count_parameters(ModelParams const& m) {
    double const hidden = real(m.hidden);
    double const moe = real(moe_layers(m));
    double const layers = real(m.layers);
    double const shared = 3.0 * hidden * real(m.shared_intermediate) * real(m.shared_experts);
    double const router = hidden * real(m.routed_experts);
    ParameterCounts counts;
    counts.dense = layers * attention_parameters(m) +
                   (layers - moe) * 3.0 * hidden * real(m.dense_intermediate) + moe * (shared + router);
    counts.expert = 3.0 * hidden * real(m.moe_intermediate);
    counts.experts = moe * real(m.routed_experts) * counts.expert;
    counts.head = real(m.vocabulary) * hidden;
    counts.embedding = m.tied_embeddings ? 0.0 : counts.head;
    return counts;
}

double total_parameters(ModelParams const& model) {
    auto const c = count_parameters(model);
    return c.dense + c.experts + c.head + c.embedding;
}

double active_parameters(ModelParams const& model) {
    auto const c = count_parameters(model);
    return c.dense + real(moe_layers(model)) * real(model.experts_per_token) * c.expert + c.head;
}

double cached_values_per_token(ModelParams const& m) {
    return m.attention == Attention::latent ? real(m.kv_lora_rank + m.qk_rope_head_dim)
                                            : 2.0 * real(m.kv_heads) * real(m.head_dim);
}

double kv_bytes_per_token(ModelParams const& model, hardware::Precision kv) {
    return real(growing_layers(model)) * cached_values_per_token(model) * stored_bytes(kv);
}

double kv_bytes_per_sequence(ModelParams const& m, hardware::Precision kv) {
    double const windows =
        real(m.sliding_layers) * real(m.sliding_window) * cached_values_per_token(m) * stored_bytes(kv);
    double const states =
        real(m.linear_layers) * real(m.hidden) * real(m.head_dim) * stored_bytes(hardware::Precision::bf16);
    return windows + states;
}

double decode_flops_per_context_token(ModelParams const& m) {
    return m.attention == Attention::latent
               ? 2.0 * real(m.heads) * real(2 * m.kv_lora_rank + m.qk_rope_head_dim)
               : 4.0 * real(m.heads) * real(m.head_dim);
}

double prefill_flops_per_pair(ModelParams const& m) {
    return m.attention == Attention::latent
               ? 2.0 * real(m.heads) * real(m.qk_nope_head_dim + m.qk_rope_head_dim + m.v_head_dim)
               : 4.0 * real(m.heads) * real(m.head_dim);
}

double decode_attention_intensity(ModelParams const& model, hardware::Precision kv) {
    return decode_flops_per_context_token(model) / (cached_values_per_token(model) * stored_bytes(kv));
}

}  // namespace mw::llm
