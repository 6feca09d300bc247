#pragma once

#include <cstdint>

#include "megaweave/hardware/params.hpp"
#include "megaweave/llm/architecture.hpp"
#include "megaweave/llm/engine_params.hpp"
#include "megaweave/llm/expert_use.hpp"
#include "megaweave/llm/params.hpp"

namespace mw::llm {

//! Of the rate at which an accelerator sends alone, what the scale-out fabric grants while messages of a kind move; 1: all.
struct ScaleOutShares {
    double tensor{1};
    double expert{1};
    double pipeline{1};

    friend bool operator==(ScaleOutShares const&, ScaleOutShares const&) = default;
};

//! What one iteration of an instance serves, and the fabric around it: all an iteration's cost depends on.
struct Batch {
    std::int64_t decode_sequences{0};
    std::int64_t context_tokens{0};  //!< sum of the contexts of the decoding sequences
    std::int64_t prefill_tokens{0};
    std::int64_t prefill_pairs{
        0};  //!< sum over chunks of chunk x mean visible context; whole prompt: n (n + 1) / 2
    std::int64_t sampled_tokens{0};  //!< tokens that the output head works on
    //! That a decoding sequence brings: 1, and with speculation the drafts that are verified with it.
    std::int64_t tokens_per_sequence{1};
    std::int64_t prefill_chunks{0};   //!< prompts that prefill_tokens belong to
    std::int64_t prefill_past{0};     //!< sum over chunks of the context before them
    std::int64_t prefill_squares{0};  //!< sum over chunks of their squared length
    std::int64_t new_requests{0};     //!< that this iteration works on for the first time
    std::int64_t emitted_tokens{0};   //!< output tokens that come out of it
    ScaleOutShares granted{};
    double pool_share{0};         //!< of the KV cache, that lies in a memory pool instead of HBM
    std::int64_t pool_tokens{0};  //!< whose KV cache moves between HBM and a memory pool, beside that

    //! Of the decoding sequences, drafts included.
    [[nodiscard]] std::int64_t decode_tokens() const { return decode_sequences * tokens_per_sequence; }

    friend bool operator==(Batch const&, Batch const&) = default;
};

//! Work of one group of kernels.
struct KernelWork {
    double flops{0};
    double bytes{0};  //!< to and from HBM

    KernelWork& operator+=(KernelWork const& other) {
        flops += other.flops;
        bytes += other.bytes;
        return *this;
    }
};

//! Communication of one kind, of one accelerator.
struct Messages {
    double scale_up_bytes{0};   //!< sent into the scale-up domain, by the algorithm that sends least
    double scale_out_bytes{0};  //!< sent through the NIC
    double count{0};            //!< collectives, each with its latency
    double reduced_bytes{0};    //!< that each of the all-reduces works on; 0: other collectives
    double small{0};            //!< collectives of next to no bytes, beside those
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
    double interleaved{1};    //!< of them, that share a stage and take turns
    KernelWork projections;   //!< attention's matrices
    KernelWork feed_forward;  //!< dense feed-forward networks, shared experts, routers
    KernelWork experts;       //!< routed experts
    KernelWork head;          //!< output projection, BF16
    KernelWork decode_attention;
    KernelWork prefill_attention;
    double rows{0};              //!< tokens that the dense products of a micro-batch multiply
    double expert_rows{0};       //!< tokens of one expert that is used at all
    double activation_bytes{0};  //!< through HBM, between kernels
    double kernels{0};           //!< launched one after the other in a stage
    double pool_bytes{0};        //!< from and to a memory pool
    Messages tensor;
    Messages expert;
    Messages pipeline;

    double total_flops{0};
    double total_attention_flops{0};  //!< part of them, done at BF16
    double total_hbm_bytes{0};
    double total_weight_bytes{0};  //!< part of them
    double logits{0};              //!< computed by an accelerator that samples
    double total_scale_up_bytes{0};
    double total_scale_out_bytes{0};
    double total_pool_bytes{0};

    //! All matrix products.
    [[nodiscard]] KernelWork linear() const {
        KernelWork sum = projections;
        sum += feed_forward;
        sum += experts;
        sum += head;
        return sum;
    }
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

//! Kernels that a model launches one after the other for an iteration, whole model (see WorkCounter).
[[nodiscard]] double count_kernels(ModelParams const& model, hardware::Precision weights,
                                   LaunchCounts const& launches = {});

/*!
 * Counts the work of an iteration: FLOPs, bytes and messages from the architecture and its layout alone.
 *
 *     linear      2 P_dense n / t + 2 k P_expert n_all / G + 2 P_head n_sampled / t FLOPs; weights read once
 *     experts     touched = sum over experts of 1 - (1 - p_i)^n, at least one on the busiest group; FLOPs of
 *                 the group with the largest share of p
 *     attention   decode: FLOPs and bytes per token of context; linear layers: a constant state
 *                 prefill: FLOPs per (new, visible) pair, visible cache read once
 *     activations 2 x 2 B a number that one kernel writes and the next reads: 6 h + (3 f + 2 q) / t a token and layer,
 *                 k (3 h / e + 3 f_e / G) a token and MoE layer; f: intermediate, q: heads' width
 *     tensor      2 all-reduces a layer, 2 (t-1)/t n h 2 B per link (ring), if t > 1
 *     expert      dispatch (b = 1; 2 for BF16 weights) and combine (b = 2) per MoE layer, n k h b (1 - 1/e)
 *     pipeline    n h 2 B between stages
 *     pool        pool_share of the cache's bytes in attention, from the pool instead of HBM; pool_tokens' caches beside it
 *     kernels     a layer: 5 (grouped-query), 9 (latent, linear) + 3 (feed-forward) or 7 (experts; 5 in FP4) + 2 (shared);
 *                 for operands narrower than BF16 one more before each product quantises
 *
 * n: tokens of the busiest attention rank, ceil(sequences / ranks) for decode, an even share for prefill;
 * G: accelerators of a stage; p_i = k / E, or k times Zipf's law with `expert_skew`, at most 1, expert i on group i mod e.
 * Sources: physics.md section 1; layouts as in vLLM, TensorRT-LLM and DeepSeek-V3's report. MoE layers of a
 * tensor-parallel instance with one attention rank reduce like dense ones; experts not spread (e = 1) over
 * several attention ranks are split like matrices, with an all-gather and a reduce-scatter of all tokens.
 * Experts that tensor parallelism would split into fewer than 256 columns are spread instead, as engines do (a
 * quantised block has 128). Groups that leave the scale-up domain work in two steps: inside, then each
 * accelerator's share across (to at most `node_limit` domains a token for dispatch); in batches that only decode, experts are
 * reached directly, one copy each, as low-latency kernels do (DeepEP).
 * Leaves out: embedding look-ups, re-expansion of cached latents in chunked prefill (5 % of its attention at
 * 8192-token chunks), uneven layers per stage. Embedding and output head are stored in BF16.
 * Worked: Llama-3.1-70B, FP8, t = 2, 437 sequences of 1,024: linear 3.04e13 FLOPs and 35.3 GB, attention
 * 5.86e11 FLOPs and 36.7 GB, activations 14.3 GB, 160 all-reduces of 7.16 MB, on each of the two accelerators.
 */
class WorkCounter {
  public:
    WorkCounter(ModelParams const& model, hardware::Precision weights, hardware::Precision kv,
                Parallelism const& parallelism, std::int64_t scale_up_domain, double expert_skew = 0.0,
                std::int64_t interleaved = 1, LaunchCounts const& launches = {});

    [[nodiscard]] Work operator()(Batch const& batch) const;
    [[nodiscard]] Layout const& layout() const { return layout_; }
    //! Columns of one accelerator's part of a dense product (of an expert's); 0: the model has none.
    [[nodiscard]] double columns() const { return columns_; }
    [[nodiscard]] double expert_columns() const { return expert_columns_; }

  private:
    struct Spread;

    void count_linear(Work& work, Batch const& batch, Spread const& spread) const;
    void count_experts(Work& work, Spread const& spread) const;
    void count_activations(Work& work, Spread const& spread) const;
    void count_decode_attention(Work& work, Batch const& batch, Spread const& spread) const;
    void count_prefill_attention(Work& work, Batch const& batch, Spread const& spread) const;
    void count_pool(Work& work, Batch const& batch, Spread const& spread) const;
    void count_messages(Work& work, Batch const& batch, Spread const& spread) const;
    [[nodiscard]] Messages tensor_messages(ModelParams const& model) const;
    [[nodiscard]] Messages expert_messages(ModelParams const& model, hardware::Precision weights,
                                           bool direct) const;
    [[nodiscard]] Messages pipeline_messages(ModelParams const& model) const;

    ModelParams model_;
    Layout layout_;
    ExpertUse use_;
    double interleaved_;
    // Whole model
    double projection_flops_per_token_;
    double feed_forward_flops_per_token_;
    double expert_flops_per_token_;
    double head_flops_per_token_;
    WeightBytes weights_;
    double expert_bytes_;        // one expert index in every MoE layer
    double decode_flops_;        // per layer and token of context
    double prefill_flops_;       // per layer and pair
    double index_flops_;         // sparse attention, per token of context, all layers
    double cache_bytes_;         // per layer and token
    double index_bytes_;         // sparse attention, per token of context, all layers
    double state_flops_;         // linear-attention layers, per token
    double state_bytes_;         // linear-attention layers, per sequence, read and written
    double whole_activations_;   // numbers a token, all layers, that every tensor rank writes and reads
    double split_activations_;   // the same, divided by the tensor ranks
    double spread_activations_;  // of experts, per token, over the expert groups
    double expert_activations_;  // of experts, per token, over the accelerators
    double kernels_;
    double columns_;
    double expert_columns_;
    // One stage, per token of an attention rank (tensor, pipeline) or of an accelerator's own share (expert)
    Messages tensor_;
    Messages expert_;
    Messages expert_direct_;  //!< decode: without the stop in each domain
    Messages pipeline_;
};

}  // namespace mw::llm
