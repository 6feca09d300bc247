#include "megaweave/llm/work.hpp"

#include <algorithm>
#include <cmath>

#include "megaweave/core/check.hpp"
#include "real.hpp"
#include "work_spread.hpp"

namespace mw::llm {
namespace {

constexpr double narrowest_split = 256.0;  // columns: two blocks of a quantised matrix

// Engines spread experts that they would otherwise split too thin.
double expert_groups(ModelParams const& model, Parallelism const& p) {
    if (p.expert > 1 || moe_layers(model) == 0) return real(p.expert);
    std::int64_t const stage = p.tensor * p.attention_data;
    bool const thin = real(model.moe_intermediate) / real(stage) < narrowest_split;
    return stage > 1 && thin && model.routed_experts % stage == 0 ? real(stage) : 1.0;
}

}  // namespace

Layout::Layout(ModelParams const& model, Parallelism const& p, std::int64_t scale_up_domain)
    : tensor{real(p.tensor)},
      pipeline{real(p.pipeline)},
      expert{expert_groups(model, p)},
      stage{real(p.accelerators() / std::max<std::int64_t>(p.pipeline, 1))},
      attention_data{stage / tensor},
      kv_split{model.attention == Attention::latent ? 1.0 : real(std::min(p.tensor, model.kv_heads))},
      domain{real(scale_up_domain)} {
    MW_EXPECT(p.tensor > 0 && p.pipeline > 0 && p.expert > 0 && p.attention_data > 0,
              "a degree of parallelism is below 1");
    MW_EXPECT(p.expert <= std::max<std::int64_t>(model.routed_experts, 1), "more expert groups than experts");
    MW_EXPECT(p.accelerators() / p.pipeline % p.tensor == 0,
              "tensor ranks do not divide the accelerators of a stage");
    MW_EXPECT(p.pipeline <= model.layers, "more pipeline stages than layers");
    MW_EXPECT(scale_up_domain > 0, "a scale-up domain has at least one accelerator");
}

double count_kernels(ModelParams const& m, hardware::Precision weights, LaunchCounts const& launches) {
    auto const asked = hardware::index_of(weights);
    double const attention_quantised = m.attention_weights[asked] == hardware::Precision::bf16 ? 0.0 : 1.0;
    double const expert_quantised =
        m.expert_weights[asked] == weights && weights != hardware::Precision::bf16 ? 1.0 : 0.0;
    double const moe = real(moe_layers(m));
    double const layers = real(m.layers);
    double const linear = real(m.linear_layers);
    bool const latent = m.attention == Attention::latent;
    double const softmax = (latent ? launches.latent : launches.attention) +
                           (m.query_norm == QueryNorm::none ? 0.0 : launches.norm) +
                           (latent ? 4.0 : 2.0) * attention_quantised * launches.quantise;
    double const index = m.sparse_tokens > 0 ? launches.index : 0.0;
    double const before = 2.0 * expert_quantised * launches.quantise;  // a pair of products
    double const experts =
        m.expert_weights[asked] == hardware::Precision::fp4 ? launches.fp4_experts : launches.experts;
    double const shared = m.shared_experts > 0 ? launches.shared + 0.5 * before : 0.0;
    return (layers - linear) * (softmax + index) +
           linear * (launches.linear + 2.0 * attention_quantised * launches.quantise) +
           (layers - moe) * (launches.dense + before) + moe * (experts + before + shared);
}

WorkCounter::WorkCounter(ModelParams const& model, hardware::Precision weights, hardware::Precision kv,
                         Parallelism const& parallelism, std::int64_t scale_up_domain, double expert_skew,
                         std::int64_t interleaved, LaunchCounts const& launches)
    : model_{model},
      layout_{model, parallelism, scale_up_domain},
      use_{model.routed_experts, model.experts_per_token, static_cast<std::int64_t>(layout_.expert),
           expert_skew},
      interleaved_{real(interleaved)},
      weights_{weight_bytes(model, weights)},
      decode_flops_{decode_flops_per_context_token(model)},
      prefill_flops_{prefill_flops_per_pair(model)},
      index_flops_{index_flops_per_context_token(model)},
      cache_bytes_{cached_values_per_token(model) * stored_bytes(kv)},
      index_bytes_{index_bytes_per_context_token(model)},
      state_flops_{linear_state_flops(model)},
      state_bytes_{2.0 * linear_state_bytes(model)},
      kernels_{count_kernels(model, weights, launches)} {
    auto const counts = count_parameters(model);
    double const moe = real(moe_layers(model));
    double const dense_layers = real(model.layers) - moe;
    double const hidden = real(model.hidden);
    projection_flops_per_token_ = 2.0 * counts.attention;
    feed_forward_flops_per_token_ = 2.0 * (counts.feed_forward + counts.router);
    expert_flops_per_token_ = 2.0 * moe * real(model.experts_per_token) * counts.expert;
    head_flops_per_token_ = 2.0 * counts.head;
    expert_bytes_ = moe * weights_.expert;

    double const intermediate = real(model.dense_intermediate);
    double const shared = real(model.shared_intermediate) * real(model.shared_experts);
    double const heads_width =
        model.attention == Attention::latent
            ? real(model.heads) * real(model.qk_nope_head_dim + model.qk_rope_head_dim) +
                  real(model.q_lora_rank + model.kv_lora_rank + model.qk_rope_head_dim)
            : real(model.head_dim) * real(model.heads + 2 * model.kv_heads);
    whole_activations_ = 6.0 * hidden * real(model.layers);
    split_activations_ =
        3.0 * (dense_layers * intermediate + moe * shared) + 2.0 * real(model.layers) * heads_width;
    double const chosen = moe * real(model.experts_per_token);
    spread_activations_ = 3.0 * chosen * hidden;
    expert_activations_ = 3.0 * chosen * real(model.moe_intermediate);
    columns_ = (dense_layers > 0 ? intermediate : 0.5 * counts.attention / (real(model.layers) * hidden)) /
               layout_.tensor;
    expert_columns_ = real(model.moe_intermediate) * layout_.expert / layout_.stage;

    tensor_ = tensor_messages(model);
    expert_ = expert_messages(model, weights, false);
    expert_direct_ = expert_messages(model, weights, true);
    pipeline_ = pipeline_messages(model);
}

Work WorkCounter::operator()(Batch const& batch) const {
    Work work;
    if (batch.decode_sequences + batch.prefill_tokens <= 0) return work;
    Spread const spread{batch, layout_, interleaved_};
    work.micro_batches = spread.micro_batches;
    work.interleaved = spread.interleaved;
    work.kernels = kernels_ / layout_.pipeline;
    count_linear(work, batch, spread);
    if (expert_bytes_ > 0) count_experts(work, spread);
    count_activations(work, spread);
    if (batch.decode_sequences > 0) count_decode_attention(work, batch, spread);
    if (batch.prefill_tokens > 0) count_prefill_attention(work, batch, spread);
    if (batch.pool_tokens > 0) count_pool(work, batch, spread);
    count_messages(work, batch, spread);
    return work;
}

void WorkCounter::count_linear(Work& work, Batch const& batch, Spread const& spread) const {
    double const tokens = Spread::tokens(batch);
    double const sampled = real(batch.sampled_tokens);
    double const per_rank = 1.0 / (layout_.tensor * layout_.pipeline);
    double const rank_tokens = spread.decode_tokens + spread.prefill_tokens;
    double const rank_samples = sampled / (spread.micro_batches * layout_.attention_data);
    double const head_bytes = batch.sampled_tokens > 0 ? weights_.head : 0.0;

    work.rows = rank_tokens;
    work.projections = {projection_flops_per_token_ * rank_tokens * per_rank, weights_.attention * per_rank};
    work.feed_forward = {feed_forward_flops_per_token_ * rank_tokens * per_rank,
                         (weights_.dense - weights_.attention) * per_rank};
    work.head = {head_flops_per_token_ * rank_samples * per_rank, head_bytes * per_rank};
    work.total_flops += (projection_flops_per_token_ + feed_forward_flops_per_token_) * tokens +
                        head_flops_per_token_ * sampled;
    work.logits = rank_samples * spread.micro_batches * real(model_.vocabulary);
    double const read = (weights_.dense + head_bytes) * layout_.attention_data * spread.micro_batches;
    work.total_weight_bytes += read;
    work.total_hbm_bytes += read;
}

void WorkCounter::count_experts(Work& work, Spread const& spread) const {
    double const touched = use_.touched(spread.all_tokens);
    double const imbalance = use_.imbalance();
    double const busiest =
        std::max(std::min(touched / layout_.expert * imbalance, real(model_.routed_experts) / layout_.expert),
                 std::min(touched, 1.0));
    double const split = layout_.stage / layout_.expert;
    double const flops = expert_flops_per_token_ * spread.all_tokens;
    work.experts.flops = flops * imbalance / (layout_.stage * layout_.pipeline);
    work.experts.bytes = expert_bytes_ * busiest / (split * layout_.pipeline);
    work.expert_rows = spread.all_tokens * real(model_.experts_per_token) / std::max(touched, 1.0);
    work.total_flops += flops * spread.micro_batches;
    double const read = expert_bytes_ * touched * spread.micro_batches;
    work.total_weight_bytes += read;
    work.total_hbm_bytes += read;
}

void WorkCounter::count_activations(Work& work, Spread const& spread) const {
    double const both = 2.0 * activation_value_bytes;  // written and read
    double const own = whole_activations_ + split_activations_ / layout_.tensor;
    double const experts = spread_activations_ / layout_.expert + expert_activations_ / layout_.stage;
    work.activation_bytes = both * (own * work.rows + experts * spread.all_tokens) / layout_.pipeline;
    double const all = layout_.tensor * own + layout_.stage * experts;
    work.total_hbm_bytes += both * all * spread.all_tokens * spread.micro_batches;
}

void WorkCounter::count_decode_attention(Work& work, Batch const& batch, Spread const& spread) const {
    double const sequences = real(batch.decode_sequences);
    double const context = real(batch.context_tokens) / sequences;
    // Layer x token of context that one sequence sees, and what it writes.
    double const visible = visible_layer_tokens(model_, context);
    double const written = real(model_.layers - model_.linear_layers);
    double const flops = decode_flops_ * visible + index_flops_ * context + state_flops_;
    double const bytes = cache_bytes_ * (visible + written) + index_bytes_ * context;
    double const copies = layout_.tensor / layout_.kv_split;

    work.decode_attention.flops = flops * spread.decode_tokens / (layout_.tensor * layout_.pipeline);
    double const from_hbm = bytes * (1.0 - batch.pool_share);
    work.decode_attention.bytes = (from_hbm / layout_.kv_split + state_bytes_ / layout_.tensor) *
                                  spread.decode_sequences / layout_.pipeline;
    work.pool_bytes +=
        bytes * batch.pool_share / layout_.kv_split * spread.decode_sequences / layout_.pipeline;
    work.total_flops += flops * real(batch.decode_tokens());
    work.total_attention_flops += flops * real(batch.decode_tokens());
    work.total_hbm_bytes += (from_hbm * copies + state_bytes_) * sequences;
    work.total_pool_bytes += bytes * batch.pool_share * copies * sequences;
}

void WorkCounter::count_prefill_attention(Work& work, Batch const& batch, Spread const& spread) const {
    double const tokens = real(batch.prefill_tokens);
    double const context = real(batch.prefill_pairs) / tokens;
    double const visible = visible_layer_tokens(model_, context);
    double const written = real(model_.layers - model_.linear_layers);
    double const flops = prefill_flops_ * visible + index_flops_ * context + state_flops_;
    // A chunk reads, once, what its last token sees: the mean visible context and half the chunk.
    double const read_once = visible + 0.5 * written * tokens / spread.micro_batches;
    double const bytes =
        cache_bytes_ * (read_once / layout_.attention_data + written * spread.prefill_tokens);
    double const shares = layout_.tensor / layout_.kv_split * layout_.attention_data;

    work.prefill_attention.flops = flops * spread.prefill_tokens / (layout_.tensor * layout_.pipeline);
    double const from_hbm = bytes * (1.0 - batch.pool_share);
    work.prefill_attention.bytes = from_hbm / (layout_.kv_split * layout_.pipeline);
    work.pool_bytes += bytes * batch.pool_share / (layout_.kv_split * layout_.pipeline);
    work.total_flops += flops * tokens;
    work.total_attention_flops += flops * tokens;
    work.total_hbm_bytes += from_hbm * shares * spread.micro_batches;
    work.total_pool_bytes += bytes * batch.pool_share * shares * spread.micro_batches;
}

// Sequences that were put aside, and prefixes: evenly over the ranks that hold caches, which is where they go.
void WorkCounter::count_pool(Work& work, Batch const& batch, Spread const& spread) const {
    double const cached_layers = real(model_.layers - model_.linear_layers);
    double const bytes = (cache_bytes_ * cached_layers + index_bytes_) * real(batch.pool_tokens);
    double const accelerators = layout_.stage * layout_.pipeline;
    double const all = bytes * layout_.tensor / layout_.kv_split;
    work.pool_bytes += all / (accelerators * spread.micro_batches);
    work.total_pool_bytes += all;
}

}  // namespace mw::llm
