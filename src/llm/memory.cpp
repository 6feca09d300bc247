#include "megaweave/llm/memory.hpp"

#include <algorithm>
#include <cmath>

#include "megaweave/core/check.hpp"
#include "megaweave/llm/architecture.hpp"
#include "megaweave/llm/work.hpp"
#include "real.hpp"

namespace mw::llm {
namespace {

constexpr double logit_bytes = 4.0;
constexpr double hidden_buffer_bytes = 3.0;  // FP8 input, BF16 result
constexpr double expert_buffer_bytes = 5.0;  // BF16 gate and value, FP8 product
constexpr double most_gathered = 8.0;        // attention ranks; more dispatch to experts, token by token
constexpr double most_for_states = 0.9 / (1.0 + 0.9);  // of what weights leave

double on_one_accelerator(WeightBytes const& bytes, Layout const& layout) {
    double const split = (bytes.dense + bytes.head + bytes.embedding) / (layout.tensor * layout.pipeline);
    return split + bytes.experts / (layout.stage * layout.pipeline);
}

//! Buffers of grouped products where attention ranks' tokens are gathered: every rank's tokens for each of their experts, for all may
//! choose the same. Where they are dispatched: what comes to a rank on average, as many as it sends.
double grouped_bytes(ModelParams const& model, Layout const& layout, MemoryParams const& memory) {
    if (layout.attention_data <= 1 || model.routed_experts == 0) return 0.0;
    double const ranks = layout.attention_data > most_gathered ? layout.attention_data : 1.0;
    double const pairs = real(memory.max_batched_tokens) / ranks * real(model.experts_per_token);
    return pairs *
           (hidden_buffer_bytes * real(model.hidden) + expert_buffer_bytes * real(model.moe_intermediate));
}

double activation_bytes(ModelParams const& model, Layout const& layout, MemoryParams const& memory) {
    double const feed_forward = std::max(real(model.dense_intermediate),
                                         real(model.experts_per_token) * real(model.moe_intermediate));
    double const values = 4.0 * real(model.hidden) + 2.0 * feed_forward / layout.tensor;
    double const tokens = 2.0 * real(memory.max_batched_tokens) * values / layout.attention_data;
    double const sampled = real(memory.max_sequences) / layout.attention_data;
    double const logits =
        memory.logit_copies * logit_bytes * sampled * real(model.vocabulary) / layout.tensor;
    return std::max(tokens, grouped_bytes(model, layout, memory)) + logits;
}

//! What one accelerator has for the cache, constant states included.
double cache_bytes(MemoryPlan const& plan, MemoryParams const& memory) {
    double const rest = plan.activation_bytes + plan.reserve_bytes;
    switch (memory.rule) {
        case MemoryRule::of_total:
            return memory.share * plan.usable_bytes - plan.weight_bytes_per_accelerator - rest;
        case MemoryRule::of_free:
            return memory.share * (plan.usable_bytes - plan.weight_bytes_per_accelerator - rest);
        case MemoryRule::weights_and_cache:
            return memory.share * plan.usable_bytes - plan.weight_bytes_per_accelerator;
    }
    return 0.0;
}

//! Sets aside the states of linear attention, of fewer sequences if they would take too much.
void reserve_states(MemoryPlan& plan, double state_bytes, double ranks, std::int64_t asked) {
    plan.max_sequences = asked;
    if (state_bytes <= 0 || plan.kv_bytes_per_accelerator <= 0) return;
    double const most = std::floor(most_for_states * plan.kv_bytes_per_accelerator / state_bytes);
    double const per_rank = std::min(std::ceil(real(asked) / ranks), std::max(most, 1.0));
    plan.max_sequences = std::min(asked, static_cast<std::int64_t>(per_rank * ranks));
    plan.kv_bytes_per_accelerator -= per_rank * state_bytes;
}

//! Sets aside sliding windows, or caches them like other layers, whichever holds more tokens.
void place_windows(MemoryPlan& plan, double token_bytes, double window_token_bytes, double rank_sequences,
                   ModelParams const& model, bool frees_windows) {
    double const window = real(model.sliding_window);
    double const set_aside = plan.kv_bytes_per_accelerator - rank_sequences * window * window_token_bytes;
    double const grown_bytes = token_bytes + window_token_bytes;
    bool const grows = !frees_windows || model.chunked_window || token_bytes <= 0 ||
                       set_aside / token_bytes <= plan.kv_bytes_per_accelerator / grown_bytes;
    plan.kv_bytes_per_token = grows ? grown_bytes : token_bytes;
    if (!grows) plan.kv_bytes_per_accelerator = set_aside;
}

}  // namespace

MemoryPlan plan_memory(ModelParams const& model, Formats formats, Parallelism const& parallelism,
                       hardware::AcceleratorParams const& accelerator, MemoryParams const& memory) {
    MW_EXPECT(memory.block_tokens > 0, "a KV block holds at least one token");
    Layout const layout{model, parallelism, 1};
    double const shares = layout.kv_split * layout.pipeline;
    double const ranks = layout.attention_data;

    MemoryPlan plan;
    plan.usable_bytes = accelerator.usable_bytes();
    plan.weight_bytes_per_accelerator = on_one_accelerator(weight_bytes(model, formats.weights), layout);
    if (memory.mtp_layers)
        plan.weight_bytes_per_accelerator +=
            on_one_accelerator(mtp_weight_bytes(model, formats.weights), layout);
    plan.activation_bytes = activation_bytes(model, layout, memory);
    plan.reserve_bytes = memory.reserve_bytes;
    plan.kv_bytes_per_accelerator = cache_bytes(plan, memory);
    double const state_split = layout.tensor * layout.pipeline;
    reserve_states(plan, linear_state_bytes(model) / state_split, ranks, memory.max_sequences);
    double const rank_sequences = std::ceil(real(plan.max_sequences) / ranks);
    double const mtp_bytes =
        memory.mtp_layers ? real(model.mtp_layers) * cached_values_per_token(model) * stored_bytes(formats.kv)
                          : 0.0;
    place_windows(plan, (kv_bytes_per_token(model, formats.kv) + mtp_bytes) / shares,
                  window_bytes_per_token(model, formats.kv) / shares, rank_sequences, model,
                  memory.frees_windows);
    double const token_bytes = plan.kv_bytes_per_token;
    plan.kv_bytes_per_token *= shares;
    if (plan.kv_bytes_per_accelerator <= 0) return plan;
    MW_EXPECT(token_bytes > 0, "no layer of " + model.name + " has a cache");
    auto const rank_tokens = static_cast<std::int64_t>(plan.kv_bytes_per_accelerator / token_bytes);
    plan.kv_tokens = rank_tokens * static_cast<std::int64_t>(ranks);
    plan.kv_blocks = rank_tokens / memory.block_tokens * static_cast<std::int64_t>(ranks);
    return plan;
}

}  // namespace mw::llm
