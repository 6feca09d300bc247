#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "megaweave/hardware/params.hpp"

namespace mw::llm {

enum class Attention : std::uint8_t { grouped_query, latent };  //!< latent: DeepSeek's MLA
//! What the normalisation of queries and keys spans: each head, or all heads, which tensor ranks hold parts of.
enum class QueryNorm : std::uint8_t { none, head, all };

//! In which precision a part of the weights is stored, by the precision that a service asks for.
using StoredAs = std::array<hardware::Precision, hardware::precision_count>;
inline constexpr StoredAs as_asked{hardware::Precision::fp4, hardware::Precision::fp8,
                                   hardware::Precision::bf16};

//! A transformer's architecture, as its published configuration states it.
struct ModelParams {
    std::string name;
    std::int64_t released_month{0};  //!< when its weights appeared, in months since year 0; 0: not stated
    std::int64_t layers{0};
    std::int64_t hidden{0};
    std::int64_t heads{0};
    std::int64_t kv_heads{0};
    std::int64_t head_dim{0};
    Attention attention{Attention::grouped_query};
    std::int64_t q_lora_rank{0};       //!< latent attention; 0: the query projection is full
    std::int64_t kv_lora_rank{0};      //!< latent attention
    std::int64_t qk_nope_head_dim{0};  //!< latent attention
    std::int64_t qk_rope_head_dim{0};  //!< latent attention
    std::int64_t v_head_dim{0};        //!< latent attention
    std::int64_t dense_intermediate{0};
    std::int64_t first_dense_layers{0};
    std::int64_t moe_every{0};  //!< 0: dense; 1: every layer after the first dense ones; 2: every second …
    std::int64_t routed_experts{0};
    std::int64_t experts_per_token{0};
    std::int64_t node_limit{0};  //!< scale-up domains that a token's experts may lie in; 0: no limit
    std::int64_t shared_experts{0};
    std::int64_t moe_intermediate{0};
    std::int64_t shared_intermediate{0};
    std::int64_t vocabulary{0};
    std::int64_t context{0};  //!< tokens that it was made for, input and output; 0: not stated
    bool tied_embeddings{false};
    QueryNorm query_norm{QueryNorm::none};
    bool output_gate{false};             //!< attention's output is gated by one more projection (Qwen3-Next)
    std::int64_t sliding_window{0};      //!< tokens that a sliding-window layer sees; 0: none
    std::int64_t sliding_layers{0};      //!< how many layers slide
    bool chunked_window{false};          //!< they see their own chunk of that many tokens (Llama 4)
    std::int64_t linear_layers{0};       //!< how many layers keep a constant state instead of a KV cache
    std::int64_t linear_key_heads{0};    //!< linear attention (gated delta rule)
    std::int64_t linear_value_heads{0};  //!< linear attention
    std::int64_t linear_key_dim{0};      //!< linear attention, of one head
    std::int64_t linear_value_dim{0};    //!< linear attention, of one head
    std::int64_t linear_convolution{0};  //!< linear attention, taps of its short convolution
    std::int64_t sparse_tokens{0};       //!< of the context that attention reads, chosen by an index; 0: all
    std::int64_t index_heads{0};         //!< sparse attention
    std::int64_t index_head_dim{0};      //!< sparse attention; one FP8 key of this length is cached a token
    std::int64_t mtp_layers{0};  //!< for multi-token prediction, beside `layers`; loaded only where used
    StoredAs attention_weights{as_asked};  //!< e.g. BF16 in most FP4 checkpoints of DeepSeek-V3
    StoredAs expert_weights{as_asked};     //!< e.g. gpt-oss has FP4 experts whatever the rest
    std::int64_t fp4_block{16};            //!< numbers that share a scale of one byte: NVFP4 16, MXFP4 32
    std::int64_t fp8_block{
        0};  //!< side of the square of FP8 weights that share a scale; 0: a scale per channel or tensor
    hardware::Provenance provenance;
};

//! How one instance lies over its accelerators.
struct Parallelism {
    std::int64_t tensor{1};
    std::int64_t pipeline{1};
    std::int64_t expert{1};
    std::int64_t attention_data{1};

    //! Accelerators of one instance. Experts live on the same accelerators as attention: the larger of the two counts.
    [[nodiscard]] std::int64_t accelerators() const {
        std::int64_t const attention = tensor * attention_data;
        return pipeline * (expert > attention ? expert : attention);
    }
};

}  // namespace mw::llm
