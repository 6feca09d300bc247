#pragma once

#include <cstdint>

#include "megaweave/hardware/params.hpp"
#include "megaweave/llm/params.hpp"

namespace mw::llm {

/*!
 * Bytes that one stored number takes, block scales included.
 *
 * FP4: 0.5 + an FP8 scale for every 16 numbers (NVFP4) = 0.5625. FP8: 1 (one scale a tensor or row is
 * nothing). BF16: 2.
 */
[[nodiscard]] constexpr double stored_bytes(hardware::Precision p) {
    return p == hardware::Precision::fp4 ? 0.5625 : hardware::bytes_per_value(p);
}

//! Layers whose feed-forward part is a mixture of experts.
[[nodiscard]] std::int64_t moe_layers(ModelParams const& model);
//! Layers whose cache grows with every token: neither sliding nor linear.
[[nodiscard]] std::int64_t growing_layers(ModelParams const& model);

/*!
 * Parameters of a model, by what an inference engine does with them. Numbers, not bytes; norms and biases
 * left out (< 0.01 %).
 *
 * Gated feed-forward networks: three matrices each. Linear-attention layers are counted as attention
 * layers, an estimate.
 * Worked: Llama-3.1-70B has 80 (151.0 M + 704.6 M) + 2 x 1050.7 M = 70.55 G parameters.
 */
struct ParameterCounts {
    double dense{
        0};  //!< attention, dense feed-forward, shared experts and routers of all layers: act on every token
    double expert{0};     //!< one routed expert of one layer
    double experts{0};    //!< all routed experts of all layers
    double head{0};       //!< output projection: acts on sampled tokens
    double embedding{0};  //!< a table: looked up, not multiplied; 0 where it is the head itself
};
[[nodiscard]] ParameterCounts count_parameters(ModelParams const& model);

//! Everything stored.
[[nodiscard]] double total_parameters(ModelParams const& model);
//! What multiplies a sampled token: dense, k experts per MoE layer, head; no embedding table.
[[nodiscard]] double active_parameters(ModelParams const& model);

/*!
 * Bytes of KV cache that one more token of context adds, whole model, in the layers that grow.
 *
 * Grouped-query: 2 L H_kv d b. Latent: L (r_kv + d_rope) b.
 * Worked: Llama-3.1-70B at FP8: 2 x 80 x 8 x 128 = 163,840 B.
 */
[[nodiscard]] double kv_bytes_per_token(ModelParams const& model, hardware::Precision kv);

/*!
 * Bytes that a sequence holds however long it is: full sliding windows and the states of linear-attention
 * layers.
 *
 * A linear layer's state is taken as hidden x head_dim BF16 numbers (exact for Qwen3.5: 64 heads of 128 x
 * 128; elsewhere an estimate).
 */
[[nodiscard]] double kv_bytes_per_sequence(ModelParams const& model, hardware::Precision kv);

/*!
 * FLOPs per byte of cache read in decode attention: what decides between compute-bound and memory-bound.
 *
 * Worked, FP8: Llama-3.1-70B 16, Llama-3.1-405B 32, DeepSeek-V3 (latent) 484.
 */
[[nodiscard]] double decode_attention_intensity(ModelParams const& model, hardware::Precision kv);

//! FLOPs of decode attention for one token of context in one layer, all heads. Latent attention is absorbed.
[[nodiscard]] double decode_flops_per_context_token(ModelParams const& model);
//! FLOPs of prefill attention for one pair (new, visible token) in one layer, all heads. Latent: expanded.
[[nodiscard]] double prefill_flops_per_pair(ModelParams const& model);
//! Numbers that one layer caches for one token, all KV heads.
[[nodiscard]] double cached_values_per_token(ModelParams const& model);

}  // namespace mw::llm
