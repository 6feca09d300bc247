#pragma once

#include <cstdint>

#include "megaweave/hardware/params.hpp"
#include "megaweave/llm/architecture.hpp"
#include "megaweave/llm/params.hpp"

namespace mw::llm {

//! What one iteration of an instance serves: running sums, all an iteration's cost depends on.
struct Batch {
    std::int64_t decode_sequences{0};
    std::int64_t context_tokens{0};  //!< sum of the contexts of the decoding sequences
    std::int64_t prefill_tokens{0};
    std::int64_t prefill_pairs{
        0};  //!< sum over chunks of chunk x mean visible context; whole prompt: n (n + 1) / 2
    std::int64_t sampled_tokens{0};  //!< tokens that the output head works on

    friend bool operator==(Batch const&, Batch const&) = default;
};

//! Work of one group of kernels.
struct KernelWork {
    double flops{0};
    double bytes{0};  //!< to and from HBM
};

//! Communication of one kind, of one accelerator.
struct Messages {
    double scale_up_bytes{0};   //!< sent into the scale-up domain
    double scale_out_bytes{0};  //!< sent through the NIC
    double count{0};            //!< collectives, each with its latency
};

/*!
 * Work of one iteration, before any time is put to it.
 *
 * The pipeline holds `micro_batches` of equal size, one a stage; kernels and messages are those of one
 * micro-batch in one stage on the busiest accelerator. Totals are of the whole instance and the whole
 * iteration, without that imbalance.
 */
struct Work {
    double micro_batches{1};
    KernelWork linear;
    KernelWork decode_attention;
    KernelWork prefill_attention;
    Messages tensor;
    Messages expert;
    Messages pipeline;

    double total_flops{0};
    double total_attention_flops{0};  //!< part of them, done at BF16
    double total_hbm_bytes{0};
    double total_scale_up_bytes{0};
    double total_scale_out_bytes{0};
};

//! How an instance's accelerators divide the work. Throws ContractError for a layout that is impossible.
struct Layout {
    Layout(ModelParams const& model, Parallelism const& parallelism, std::int64_t scale_up_domain);

    double tensor;          //!< ranks that split a matrix
    double pipeline;        //!< stages
    double expert;          //!< groups that experts are spread over
    double stage;           //!< accelerators of a stage: max(expert, tensor x attention_data)
    double attention_data;  //!< stage / tensor: attention is data-parallel over what is not tensor-parallel
    double kv_split;        //!< ranks that divide a cache: min(tensor, kv_heads); 1 for a latent one
    double domain;          //!< accelerators of a scale-up domain
};

/*!
 * Counts the work of an iteration: FLOPs, bytes and messages from the architecture and its layout alone.
 *
 *     linear      2 P_dense n / t + 2 k P_expert n_all / G + 2 P_head n_sampled / t FLOPs; weights read once
 *     experts     touched = E (1 - (1 - k/E)^n), even over the expert groups, at least one on the busiest
 *     attention   decode: FLOPs and bytes per token of context;
 *                 prefill: FLOPs per (new, visible) pair, visible cache read once
 *     tensor      2 all-reduces a layer, 2 (t-1)/t n h 2 B per link (ring), if t > 1
 *     expert      dispatch (b = 1; 2 for BF16 weights) and combine (b = 2) per MoE layer, n k h b (1 - 1/e)
 *     pipeline    n h 2 B between stages
 *
 * n: tokens of the busiest attention rank, ceil(sequences / ranks) for decode, an even share for prefill;
 * G: accelerators of a stage.
 * Sources: physics.md section 1; layouts as in vLLM, TensorRT-LLM and DeepSeek-V3's report. MoE layers of a
 * tensor-parallel instance with one attention rank reduce like dense ones; experts not spread (e = 1) over
 * several attention ranks are split like matrices, with an all-gather and a reduce-scatter of all tokens.
 * Groups that leave the scale-up domain work in two steps: inside, then each accelerator's share across (to
 * at most `node_limit` domains a token for dispatch).
 * Leaves out: skewed routing, activations through HBM, embedding look-ups, re-expansion of cached latents
 * in chunked prefill (5 % of its attention at 8192-token chunks), uneven layers per stage. Embedding and
 * output head are stored in BF16, as published FP8 and FP4 checkpoints have them.
 * Worked: Llama-3.1-70B, FP8, t = 2, 437 sequences of 1,024: linear 3.04e13 FLOPs and 35.3 GB, attention
 * 5.86e11 FLOPs and 36.7 GB, 160 all-reduces of 7.16 MB, on each of the two accelerators.
 */
class WorkCounter {
  public:
    WorkCounter(ModelParams const& model, hardware::Precision weights, hardware::Precision kv,
                Parallelism const& parallelism, std::int64_t scale_up_domain);

    [[nodiscard]] Work operator()(Batch const& batch) const;
    [[nodiscard]] Layout const& layout() const { return layout_; }

  private:
    struct Spread;

    void count_linear(Work& work, Batch const& batch, Spread const& spread) const;
    void count_decode_attention(Work& work, Batch const& batch, Spread const& spread) const;
    void count_prefill_attention(Work& work, Batch const& batch, Spread const& spread) const;
    void count_messages(Work& work, Spread const& spread) const;
    [[nodiscard]] Messages tensor_messages(ModelParams const& model) const;
    [[nodiscard]] Messages expert_messages(ModelParams const& model, hardware::Precision weights) const;
    [[nodiscard]] Messages pipeline_messages(ModelParams const& model) const;

    Layout layout_;
    // Whole model
    double dense_flops_per_token_;
    double expert_flops_per_token_;
    double head_flops_per_token_;
    double dense_bytes_;
    double head_bytes_;
    double expert_bytes_;  // one expert index in every MoE layer
    double routed_experts_;
    double log_untouched_;  // log(1 - k/E)
    double growing_layers_;
    double sliding_layers_;
    double sliding_window_;
    double decode_flops_;   // per layer and token of context
    double prefill_flops_;  // per layer and pair
    double cache_bytes_;    // per layer and token
    double state_flops_;    // linear-attention layers, per token
    double state_bytes_;    // linear-attention layers, per token, read and written
    // One stage, per token of an attention rank (tensor, pipeline) or of an accelerator's own share (expert)
    Messages tensor_;
    Messages expert_;
    Messages pipeline_;
};

}  // namespace mw::llm
