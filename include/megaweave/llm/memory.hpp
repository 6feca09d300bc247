#pragma once

#include <cstdint>

#include "megaweave/hardware/params.hpp"
#include "megaweave/llm/params.hpp"

namespace mw::llm {

//! Where the memory of one instance goes.
struct MemoryPlan {
    double weight_bytes_per_accelerator{0};
    double activation_bytes{0};          //!< per accelerator, at the largest batch
    double kv_bytes_per_accelerator{0};  //!< left for KV blocks; negative when the model does not fit
    std::int64_t kv_tokens{0};           //!< that all sequences of the instance may hold together
    std::int64_t kv_blocks{0};           //!< the same in whole blocks; 0 when the model does not fit
};

/*!
 * KV capacity of one instance.
 *
 *     kv = memory_share x HBM - weights - activations - constant state of max_sequences sequences
 *
 * Weights: everything but the routed experts is divided over tensor ranks and stages and replicated over
 * attention ranks; experts are divided over all accelerators of a stage. A grouped-query cache is divided
 * by min(t, H_kv) and replicated beyond; a latent cache is replicated on every tensor rank. Attention ranks
 * hold their own sequences, so their tokens add up. Sliding windows and linear-attention states do not
 * grow: they are set aside for `max_sequences` sequences, whole. Activations: max_batched_tokens, shared by
 * the attention ranks, of BF16 at four hidden vectors and two feed-forward (or k expert) vectors each, plus
 * FP32 logits of at most max_sequences tokens; an estimate of an engine's peak.
 * Leaves out: allocator fragments, CUDA graphs and communication buffers (the share of HBM not given to
 * memory_share).
 * Worked: Llama-3.1-70B, FP8 weights and cache, 8 H100 of 80 GB, share 0.9, 8,192 batched tokens: 72 - 9.08
 * of weights - 0.67 of activations = 62.2 GB a GPU, 20,480 B a token: 3.04 M tokens.
 */
[[nodiscard]] MemoryPlan plan_memory(ModelParams const& model, hardware::Precision weights,
                                     hardware::Precision kv, Parallelism const& parallelism,
                                     hardware::AcceleratorParams const& accelerator,
                                     std::int64_t block_tokens, double memory_share,
                                     std::int64_t max_batched_tokens, std::int64_t max_sequences = 256);

}  // namespace mw::llm
