#include "megaweave/llm/architecture.hpp"
#include "real.hpp"

#include <algorithm>

namespace mw::llm {
namespace {

using hardware::Precision;

constexpr double matrices = 3.0;                  // of a gated feed-forward network
constexpr double index_scale_bytes = 4.0;         // of a sparse-attention index key
constexpr double linear_state_value_bytes = 4.0;  // FP32
constexpr double linear_flops_per_value = 8.0;

double linear_key_width(ModelParams const& m) {
    return real(m.linear_key_heads) * real(m.linear_key_dim);
}

double linear_value_width(ModelParams const& m) {
    return real(m.linear_value_heads) * real(m.linear_value_dim);
}

double index_parameters(ModelParams const& m) {
    if (m.sparse_tokens == 0) return 0.0;
    double const query_input = real(m.q_lora_rank > 0 ? m.q_lora_rank : m.hidden);
    return query_input * real(m.index_heads) * real(m.index_head_dim) +
           real(m.hidden) * real(m.index_head_dim + m.index_heads);
}

//! Of one layer that keeps a cache.
double softmax_attention_parameters(ModelParams const& m) {
    double const hidden = real(m.hidden);
    double const heads = real(m.heads);
    if (m.attention == Attention::grouped_query) {
        double const gate = m.output_gate ? heads : 0.0;
        return hidden * real(m.head_dim) * (2.0 * (heads + real(m.kv_heads)) + gate) + index_parameters(m);
    }
    double const qk = real(m.qk_nope_head_dim + m.qk_rope_head_dim);
    double const query =
        m.q_lora_rank > 0 ? real(m.q_lora_rank) * (hidden + heads * qk) : hidden * heads * qk;
    double const down = hidden * real(m.kv_lora_rank + m.qk_rope_head_dim);
    double const up = real(m.kv_lora_rank) * heads * real(m.qk_nope_head_dim + m.v_head_dim);
    return query + down + up + heads * real(m.v_head_dim) * hidden + index_parameters(m);
}

//! Of one layer that keeps a constant state: query, key, value, output gate, two gates a head, output, convolution.
double linear_attention_parameters(ModelParams const& m) {
    double const hidden = real(m.hidden);
    double const keys = linear_key_width(m);
    double const values = linear_value_width(m);
    return hidden * (2.0 * keys + 2.0 * values + 2.0 * real(m.linear_value_heads)) + values * hidden +
           real(m.linear_convolution) * (2.0 * keys + values);
}

double shared_parameters(ModelParams const& m) {
    return matrices * real(m.hidden) * real(m.shared_intermediate) * real(m.shared_experts);
}

//! Bytes of one number in a precision, by the model's FP4 format.
double value_bytes(ModelParams const& m, Precision p) {
    return p == Precision::fp4 ? 0.5 + 1.0 / real(m.fp4_block) : hardware::bytes_per_value(p);
}

WeightBytes bytes_of(ModelParams const& m, ParameterCounts const& counts, Precision weights,
                     Precision attention, Precision experts) {
    double const bf16 = hardware::bytes_per_value(Precision::bf16);
    WeightBytes bytes;
    bytes.attention = counts.attention * value_bytes(m, attention);
    bytes.dense = bytes.attention + counts.feed_forward * value_bytes(m, weights) + counts.router * bf16;
    bytes.expert = counts.expert * value_bytes(m, experts);
    bytes.experts = counts.experts * value_bytes(m, experts);
    bytes.head = counts.head * bf16;
    bytes.embedding = counts.embedding * bf16;
    return bytes;
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
    double const linear = real(m.linear_layers);
    ParameterCounts counts;
    counts.attention =
        (layers - linear) * softmax_attention_parameters(m) + linear * linear_attention_parameters(m);
    counts.feed_forward =
        (layers - moe) * matrices * hidden * real(m.dense_intermediate) + moe * shared_parameters(m);
    counts.router = moe * hidden * real(m.routed_experts);
    counts.dense = counts.attention + counts.feed_forward + counts.router;
    counts.expert = matrices * hidden * real(m.moe_intermediate);
    counts.experts = moe * real(m.routed_experts) * counts.expert;
    counts.head = real(m.vocabulary) * hidden;
    counts.embedding = m.tied_embeddings ? 0.0 : counts.head;
    return counts;
}

ParameterCounts count_mtp_parameters(ModelParams const& m) {
    double const hidden = real(m.hidden);
    double const layers = real(m.mtp_layers);
    bool const moe = moe_layers(m) > 0;
    ParameterCounts counts;
    counts.attention = layers * softmax_attention_parameters(m);
    counts.feed_forward =
        layers * (2.0 * hidden * hidden +
                  (moe ? shared_parameters(m) : matrices * hidden * real(m.dense_intermediate)));
    counts.router = moe ? layers * hidden * real(m.routed_experts) : 0.0;
    counts.dense = counts.attention + counts.feed_forward + counts.router;
    counts.expert = moe ? matrices * hidden * real(m.moe_intermediate) : 0.0;
    counts.experts = layers * real(m.routed_experts) * counts.expert;
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

WeightBytes weight_bytes(ModelParams const& m, Precision weights) {
    auto const asked = hardware::index_of(weights);
    return bytes_of(m, count_parameters(m), weights, m.attention_weights[asked], m.expert_weights[asked]);
}

WeightBytes mtp_weight_bytes(ModelParams const& m, Precision weights) {
    auto const stored = weights == Precision::fp4 ? Precision::bf16 : weights;
    return bytes_of(m, count_mtp_parameters(m), stored, stored, stored);
}

double cached_values_per_token(ModelParams const& m) {
    return m.attention == Attention::latent ? real(m.kv_lora_rank + m.qk_rope_head_dim)
                                            : 2.0 * real(m.kv_heads) * real(m.head_dim);
}

double kv_bytes_per_token(ModelParams const& model, Precision kv) {
    return real(growing_layers(model)) * cached_values_per_token(model) * stored_bytes(kv) +
           index_bytes_per_context_token(model);
}

double window_bytes_per_token(ModelParams const& m, Precision kv) {
    return real(m.sliding_layers) * cached_values_per_token(m) * stored_bytes(kv);
}

double kv_bytes_per_sequence(ModelParams const& m, Precision kv) {
    return real(m.sliding_window) * window_bytes_per_token(m, kv) + linear_state_bytes(m);
}

double linear_state_bytes(ModelParams const& m) {
    double const matrix = linear_value_width(m) * real(m.linear_key_dim) * linear_state_value_bytes;
    double const past_inputs = static_cast<double>(std::max<std::int64_t>(m.linear_convolution - 1, 0));
    double const taps = past_inputs * (2.0 * linear_key_width(m) + linear_value_width(m)) *
                        hardware::bytes_per_value(Precision::bf16);
    return real(m.linear_layers) * (matrix + taps);
}

double linear_state_flops(ModelParams const& m) {
    return real(m.linear_layers) * linear_value_width(m) * real(m.linear_key_dim) * linear_flops_per_value;
}

double visible_layer_tokens(ModelParams const& m, double context) {
    double const full = m.sparse_tokens > 0 ? std::min(context, real(m.sparse_tokens)) : context;
    double const window = real(m.sliding_window);
    double slid = std::min(context, window);
    if (m.chunked_window && context > window) slid = 0.5 * window * (1.0 + window / context);
    return real(growing_layers(m)) * full + real(m.sliding_layers) * slid;
}

double index_flops_per_context_token(ModelParams const& m) {
    if (m.sparse_tokens == 0) return 0.0;
    return 2.0 * real(growing_layers(m)) * real(m.index_heads) * real(m.index_head_dim);
}

double index_bytes_per_context_token(ModelParams const& m) {
    if (m.sparse_tokens == 0) return 0.0;
    return real(growing_layers(m)) * (real(m.index_head_dim) + index_scale_bytes);
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

double decode_attention_intensity(ModelParams const& model, Precision kv) {
    return decode_flops_per_context_token(model) / (cached_values_per_token(model) * stored_bytes(kv));
}

}  // namespace mw::llm
