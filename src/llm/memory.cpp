#include "megaweave/llm/memory.hpp"

#include <algorithm>
#include <cmath>

#include "megaweave/core/check.hpp"
#include "megaweave/llm/work.hpp"

namespace mw::llm {
namespace {

double real(std::int64_t n) {
    return static_cast<double>(n);
}

double weight_bytes(ModelParams const& model, hardware::Precision weights, Layout const& layout) {
    auto const counts = count_parameters(model);
    double const tables = (counts.head + counts.embedding) * stored_bytes(hardware::Precision::bf16);
    double const split = (counts.dense * stored_bytes(weights) + tables) / (layout.tensor * layout.pipeline);
    return split + counts.experts * stored_bytes(weights) / (layout.stage * layout.pipeline);
}

double activation_bytes(ModelParams const& model, Layout const& layout, double batched_tokens,
                        double sequences) {
    double const feed_forward = std::max(real(model.dense_intermediate),
                                         real(model.experts_per_token) * real(model.moe_intermediate));
    double const values = 4.0 * real(model.hidden) + 2.0 * feed_forward / layout.tensor;
    double const logits = 4.0 * sequences * real(model.vocabulary) / layout.tensor;
    return (2.0 * batched_tokens * values + logits) / layout.attention_data;
}

}  // namespace

// NOLINTNEXTLINE(readability-function-size): each of the nine is an input of the formula
MemoryPlan plan_memory(ModelParams const& model, hardware::Precision weights, hardware::Precision kv,
                       Parallelism const& parallelism, hardware::AcceleratorParams const& accelerator,
                       std::int64_t block_tokens, double memory_share, std::int64_t max_batched_tokens,
                       std::int64_t max_sequences) {
    MW_EXPECT(block_tokens > 0, "a KV block holds at least one token");
    Layout const layout{model, parallelism, 1};
    double const shares = layout.kv_split * layout.pipeline;
    double const rank_sequences = std::ceil(real(max_sequences) / layout.attention_data);
    double const constant_state = rank_sequences * kv_bytes_per_sequence(model, kv) / shares;

    MemoryPlan plan;
    plan.weight_bytes_per_accelerator = weight_bytes(model, weights, layout);
    plan.activation_bytes = activation_bytes(model, layout, real(max_batched_tokens), real(max_sequences));
    plan.kv_bytes_per_accelerator = memory_share * accelerator.hbm_bytes - plan.weight_bytes_per_accelerator -
                                    plan.activation_bytes - constant_state;
    if (plan.kv_bytes_per_accelerator <= 0) return plan;
    double const token_bytes = kv_bytes_per_token(model, kv) / shares;
    MW_EXPECT(token_bytes > 0, "no layer of " + model.name + " has a growing cache");
    auto const rank_tokens = static_cast<std::int64_t>(plan.kv_bytes_per_accelerator / token_bytes);
    auto const ranks = static_cast<std::int64_t>(layout.attention_data);
    plan.kv_tokens = rank_tokens * ranks;
    plan.kv_blocks = rank_tokens / block_tokens * ranks;
    return plan;
}

}  // namespace mw::llm
