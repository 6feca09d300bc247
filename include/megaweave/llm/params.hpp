#pragma once

#include <cstdint>
#include <string>

#include "megaweave/hardware/params.hpp"

namespace mw::llm {

enum class Attention : std::uint8_t { grouped_query, latent };  //!< latent: DeepSeek's MLA

//! A transformer's architecture, as its published configuration states it.
struct ModelParams {
    std::string name;
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
    bool tied_embeddings{false};
    std::int64_t sliding_window{0};  //!< tokens that a sliding-window layer sees; 0: none
    std::int64_t sliding_layers{0};  //!< how many layers slide
    std::int64_t linear_layers{0};   //!< how many layers keep a constant state instead of a KV cache
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
