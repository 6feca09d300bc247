#pragma once

#include <cstdint>

#include "megaweave/hardware/params.hpp"
#include "megaweave/llm/params.hpp"

namespace mw::llm {

//! What `MemoryParams::share` is a share of.
enum class MemoryRule : std::uint8_t {
    of_total,  //!< the accelerator's memory, for weights, activations, reserve and cache together (vLLM)
    of_free,   //!< what weights, activations and reserve leave, for the cache alone (TensorRT-LLM)
    weights_and_cache  //!< the accelerator's memory, for weights and cache; the rest is for all else (SGLang)
};

//! How an engine divides an accelerator's memory.
struct MemoryParams {
    MemoryRule rule{MemoryRule::of_total};
    double share{0.90};
    double reserve_bytes{1.5e9};            //!< context, libraries' buffers, workspaces, allocator fragments
    std::int64_t block_tokens{16};          //!< of a KV block
    std::int64_t max_batched_tokens{8192};  //!< of the largest iteration: activations
    std::int64_t max_sequences{256};        //!< running together: logits and constant states
    double logit_copies{3};  //!< in FP32, of all sequences' logits: as they come, sorted, probabilities
    //! Blocks that a sliding window has left; else it is cached like full attention.
    bool frees_windows{true};
    bool mtp_layers{false};  //!< the layers for multi-token prediction are loaded
};

//! Numbers in which a model's weights and cache are stored.
struct Formats {
    hardware::Precision weights{hardware::Precision::fp8};
    hardware::Precision kv{hardware::Precision::fp8};
};

//! Where the memory of one instance goes.
struct MemoryPlan {
    double usable_bytes{0};  //!< of an accelerator, as its driver reports it
    double weight_bytes_per_accelerator{0};
    double activation_bytes{0};          //!< per accelerator, at the largest batch
    double reserve_bytes{0};             //!< per accelerator
    double kv_bytes_per_accelerator{0};  //!< left for KV blocks; not positive when the model does not fit
    double kv_bytes_per_token{0};        //!< of the whole instance, as the blocks count it
    std::int64_t kv_tokens{0};           //!< that all sequences of the instance may hold together
    std::int64_t kv_blocks{0};           //!< the same in whole blocks; 0 when the model does not fit
    std::int64_t max_sequences{
        0};  //!< that may run together: fewer than asked for where their states do not fit
};

/*!
 * KV capacity of one instance.
 *
 *     of_total            kv = share x memory - weights - activations - reserve
 *     of_free             kv = share x (memory - weights - activations - reserve)
 *     weights_and_cache   kv = share x memory - weights
 *     tokens              (kv - constant states of the sequences) / bytes of a token
 *
 * Memory: as the driver reports it. Weights: everything but the routed experts is divided over tensor ranks
 * and stages and replicated over attention ranks; experts are divided over all accelerators of a stage. A
 * grouped-query cache is divided by min(t, H_kv) and replicated beyond; a latent cache is replicated on
 * every tensor rank. Attention ranks hold their own sequences, so their tokens add up. Activations:
 * max_batched_tokens, shared by the attention ranks, of BF16 at four hidden vectors and two feed-forward (or
 * k expert) vectors each, plus logits of at most max_sequences tokens; an estimate of an engine's peak. Where up to
 * eight attention ranks' tokens are gathered for the experts, grouped products have buffers for k pairs of every rank's tokens, since
 * all may choose the same: 3 bytes a hidden value (FP8 in, BF16 out) and 5 an intermediate one (BF16 gate and value, FP8 product).
 * More ranks dispatch tokens one by one, and have buffers for k pairs of their own number (DeepEP; TensorRT-LLM's all-to-all).
 * States of linear attention are set aside for max_sequences sequences, but take at most 47 % of what
 * weights leave; beyond, fewer sequences may run (SGLang's ratio of 0.9 states to 1 cache). Sliding windows
 * are either set aside whole for every sequence or cached like other layers, whichever holds more tokens:
 * both are lower bounds of what a cache with its own blocks for windows holds, the first tight for contexts
 * far above the window, the second for contexts below it. Chunked windows are cached like other layers, as
 * engines do, and so are all where the engine frees no blocks.
 * Sources: vLLM gpu_memory_utilization, TensorRT-LLM kv_cache_free_gpu_mem_fraction, SGLang
 * mem_fraction_static. Reserve and activations are estimates: for Llama-3-8B 1.4 + 1.05 GiB, where vLLM 0.6.5
 * printed 1.8 + 1.3 (pull request 10511).
 * Leaves out: uneven stages of a pipeline; CUDA graphs, which vLLM captures outside its share.
 * Worked: Llama-3.1-70B, FP8 weights and cache, 8 H100 (81,559 MiB), of_total 0.9, 8,192 batched tokens:
 * 76.97 - 9.08 of weights - 0.70 of activations - 1.5 = 65.69 GB a GPU, 20,480 B a token: 3.21 M tokens.
 */
[[nodiscard]] MemoryPlan plan_memory(ModelParams const& model, Formats formats,
                                     Parallelism const& parallelism,
                                     hardware::AcceleratorParams const& accelerator,
                                     MemoryParams const& memory);

}  // namespace mw::llm
