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
 *     grouped-query  h d (2 H + 2 H_kv), with an output gate h d (3 H + 2 H_kv)
 *     latent         r_q (h + H d_qk) + h (r_kv + d_rope) + r_kv H (d_nope + d_v) + H d_v h
 *     linear         h (2 K + 2 V + 2 H_v) + V h + c (2 K + V), K and V: all key and value heads
 *     index          r_q H_i d_i + h (d_i + H_i): chooses the tokens that sparse attention reads
 *
 * Gated feed-forward networks: three matrices each.
 * Sources: the models' published code (transformers); DeepSeek-V3.2's report for the index.
 * Worked: Llama-3.1-70B has 80 (151.0 M + 704.6 M) + 2 x 1050.7 M = 70.55 G parameters. Qwen3.5-397B-A17B:
 * 45 x 118.0 M + 15 x 104.9 M of attention, 60 x (6.442 G of experts + 14.7 M) and 2 x 1.017 G = 396.3 G.
 */
struct ParameterCounts {
    double dense{0};         //!< attention + feed_forward + router: act on every token
    double attention{0};     //!< projections of all layers
    double feed_forward{0};  //!< dense feed-forward and shared experts of all layers
    double router{0};        //!< of all layers
    double expert{0};        //!< one routed expert of one layer
    double experts{0};       //!< all routed experts of all layers
    double head{0};          //!< output projection: acts on sampled tokens
    double embedding{0};     //!< a table: looked up, not multiplied; 0 where it is the head itself
};
[[nodiscard]] ParameterCounts count_parameters(ModelParams const& model);

/*!
 * The layers for multi-token prediction alone: each a layer like the last ones, and a matrix of 2 h^2 that
 * joins a token's embedding to the state before it. Embedding and head are the model's own: counted as 0.
 *
 * Worked: DeepSeek-V3 has one: 187 M of attention, 44 M shared, 1.8 M router, 103 M joint, 11.27 G of
 * experts = 11.6 G.
 */
[[nodiscard]] ParameterCounts count_mtp_parameters(ModelParams const& model);

//! Everything stored, without the layers for multi-token prediction.
[[nodiscard]] double total_parameters(ModelParams const& model);
//! What multiplies a sampled token: dense, k experts per MoE layer, head; no embedding table.
[[nodiscard]] double active_parameters(ModelParams const& model);

/*!
 * Bytes of a model's weights as its checkpoints hold them, by the precision that a service asks for.
 *
 * Router, output head and embedding stay BF16 in every published FP8 and FP4 checkpoint; attention and
 * experts are as `attention_weights` and `expert_weights` say. FP4 numbers carry a byte of scale per
 * `fp4_block` of them.
 * Sources: hf_quant_config.json of nvidia/DeepSeek-V3-0324-NVFP4 (leaves out self_attn, mlp.gate, lm_head,
 * embed_tokens), of nvidia/Qwen3-30B-A3B-NVFP4 and nvidia/Qwen3-32B-NVFP4 (only mlp.gate and lm_head);
 * openai/gpt-oss config.json.
 * Worked: gpt-oss-120b, FP4: 114.7 G of experts at 0.53125 B, 0.96 G of attention, 13 M of router and 1.16 G
 * of tables at 2 B = 65.2 GB (published: 60.8 GiB = 65.3 GB).
 */
struct WeightBytes {
    double dense{0};  //!< attention + feed-forward + router
    double attention{0};
    double expert{0};   //!< one routed expert of one layer
    double experts{0};  //!< all of them
    double head{0};
    double embedding{0};

    [[nodiscard]] double total() const { return dense + experts + head + embedding; }
};
[[nodiscard]] WeightBytes weight_bytes(ModelParams const& model, hardware::Precision weights);
//! The same for the layers for multi-token prediction; FP4 checkpoints leave them whole in BF16.
[[nodiscard]] WeightBytes mtp_weight_bytes(ModelParams const& model, hardware::Precision weights);

/*!
 * Bytes of KV cache that one more token of context adds, whole model, in the layers that grow.
 *
 * Grouped-query: 2 L H_kv d b. Latent: L (r_kv + d_rope) b. Sparse attention adds its index: L (d_i + 4)
 * (FP8 keys, one FP32 scale each).
 * Worked: Llama-3.1-70B at FP8: 2 x 80 x 8 x 128 = 163,840 B.
 */
[[nodiscard]] double kv_bytes_per_token(ModelParams const& model, hardware::Precision kv);
//! The same in the sliding layers, for each token that is still in the window.
[[nodiscard]] double window_bytes_per_token(ModelParams const& model, hardware::Precision kv);

/*!
 * Bytes that a sequence holds however long it is: full sliding windows and the states of linear-attention
 * layers.
 *
 * Worked: Qwen3.5-397B-A17B: 45 x (64 x 128 x 128 x 4 B + 3 x 12,288 x 2 B) = 192.1 MB.
 */
[[nodiscard]] double kv_bytes_per_sequence(ModelParams const& model, hardware::Precision kv);
//! Bytes of all linear layers for one sequence: FP32 matrices, BF16 taps of the convolution.
[[nodiscard]] double linear_state_bytes(ModelParams const& model);
//! FLOPs of all linear layers for one token: decay, read, delta update, read out: 8 a number of state.
[[nodiscard]] double linear_state_flops(ModelParams const& model);

/*!
 * Layers x tokens of context that the attention of one new token reads, whole model, at a given context.
 *
 * A full layer sees all, with sparse attention at most `sparse_tokens`; a sliding one min(context, window);
 * a chunked one the tokens of its chunk: (window / 2)(1 + window / context) beyond one window, which falls
 * from a whole one to half of one.
 * Valid: mean over positions; linear in context between the knees only.
 * Worked: gpt-oss-120b at 4,096: 18 x 4,096 + 18 x 128 = 76,032. Llama-4-Scout at 65,536: 12 x 65,536 + 36 x
 * 4,608.
 */
[[nodiscard]] double visible_layer_tokens(ModelParams const& model, double context);
//! FLOPs with which sparse attention's index looks at one token of context, all layers; 0 without one. FP8.
[[nodiscard]] double index_flops_per_context_token(ModelParams const& model);
//! Bytes of index keys that a token of context adds and each new token reads, all layers; 0 without one.
[[nodiscard]] double index_bytes_per_context_token(ModelParams const& model);

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
