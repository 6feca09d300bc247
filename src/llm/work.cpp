#include "megaweave/llm/work.hpp"

#include <algorithm>
#include <cmath>

#include "megaweave/core/check.hpp"

namespace mw::llm {
namespace {

constexpr double activation_bytes = 2.0;  // BF16

double real(std::int64_t n) {
    return static_cast<double>(n);
}

// What each of `ranks` sends to reduce `bytes` among them: a ring inside a domain, then its share across.
Messages all_reduce(double bytes, double ranks, double domain) {
    double const inside = std::min(ranks, domain);
    double const domains = std::ceil(ranks / domain);
    return {2.0 * (inside - 1.0) / inside * bytes, 2.0 * (domains - 1.0) / domains * bytes / inside, 1.0};
}

Messages operator*(Messages m, double times) {
    return {m.scale_up_bytes * times, m.scale_out_bytes * times, m.count * times};
}

}  // namespace

Layout::Layout(ModelParams const& model, Parallelism const& p, std::int64_t scale_up_domain)
    : tensor{real(p.tensor)},
      pipeline{real(p.pipeline)},
      expert{real(p.expert)},
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

//! How a batch falls apart over micro-batches and attention ranks.
struct WorkCounter::Spread {
    Spread(Batch const& batch, Layout const& layout)
        : micro_batches{std::min(layout.pipeline, tokens(batch))},
          all_tokens{tokens(batch) / micro_batches},
          decode_tokens{std::ceil(real(batch.decode_sequences) / (micro_batches * layout.attention_data))},
          prefill_tokens{real(batch.prefill_tokens) / (micro_batches * layout.attention_data)} {}

    static double tokens(Batch const& batch) { return real(batch.decode_sequences + batch.prefill_tokens); }

    double micro_batches;
    double all_tokens;      // of a micro-batch
    double decode_tokens;   // of a micro-batch on the busiest attention rank
    double prefill_tokens;  // the same
};

WorkCounter::WorkCounter(ModelParams const& model, hardware::Precision weights, hardware::Precision kv,
                         Parallelism const& parallelism, std::int64_t scale_up_domain)
    : layout_{model, parallelism, scale_up_domain},
      routed_experts_{real(model.routed_experts)},
      growing_layers_{real(growing_layers(model))},
      sliding_layers_{real(model.sliding_layers)},
      sliding_window_{real(model.sliding_window)},
      decode_flops_{decode_flops_per_context_token(model)},
      prefill_flops_{prefill_flops_per_pair(model)},
      cache_bytes_{cached_values_per_token(model) * stored_bytes(kv)} {
    auto const counts = count_parameters(model);
    double const moe = real(moe_layers(model));
    double const state_values = real(model.linear_layers) * real(model.hidden) * real(model.head_dim);
    dense_flops_per_token_ = 2.0 * counts.dense;
    expert_flops_per_token_ = 2.0 * moe * real(model.experts_per_token) * counts.expert;
    head_flops_per_token_ = 2.0 * counts.head;
    dense_bytes_ = counts.dense * stored_bytes(weights);
    head_bytes_ = counts.head * stored_bytes(hardware::Precision::bf16);
    expert_bytes_ = moe * counts.expert * stored_bytes(weights);
    log_untouched_ = moe > 0 ? std::log1p(-real(model.experts_per_token) / routed_experts_) : 0.0;
    state_flops_ = 4.0 * state_values;
    state_bytes_ = 2.0 * state_values * stored_bytes(hardware::Precision::bf16);
    tensor_ = tensor_messages(model);
    expert_ = expert_messages(model, weights);
    pipeline_ = pipeline_messages(model);
}

Messages WorkCounter::tensor_messages(ModelParams const& model) const {
    if (layout_.tensor <= 1) return {};
    double const reductions = 2.0 * real(model.layers) / layout_.pipeline;
    return all_reduce(activation_bytes * real(model.hidden), layout_.tensor, layout_.domain) * reductions;
}

Messages WorkCounter::expert_messages(ModelParams const& model, hardware::Precision weights) const {
    double const layers = real(moe_layers(model)) / layout_.pipeline;
    if (layers <= 0 || layout_.attention_data <= 1) return {};
    double const hidden = real(model.hidden);
    if (layout_.expert <= 1) {  // all-gather and reduce-scatter of every rank's tokens
        auto messages =
            all_reduce(activation_bytes * hidden * layout_.stage, layout_.stage, layout_.domain) * layers;
        messages.count *= 2.0;
        return messages;
    }
    double const dispatch_bytes = weights == hardware::Precision::bf16 ? 2.0 : 1.0;
    double const copy_bytes = hidden * (dispatch_bytes + activation_bytes) * layers;
    double const chosen = real(model.experts_per_token);
    double const inside = std::min(layout_.stage, layout_.domain);
    double const domains = std::ceil(layout_.stage / layout_.domain);
    double const members = domains > 1 ? inside : layout_.expert;
    double reached = domains * (1.0 - std::pow(1.0 - 1.0 / domains, chosen));
    if (model.node_limit > 0) reached = std::min(reached, real(model.node_limit));
    return {copy_bytes * chosen * (1.0 - 1.0 / members), copy_bytes * reached * (1.0 - 1.0 / domains),
            2.0 * layers};
}

Messages WorkCounter::pipeline_messages(ModelParams const& model) const {
    if (layout_.pipeline <= 1) return {};
    double const bytes = activation_bytes * real(model.hidden) / layout_.tensor;
    bool const leaves = layout_.pipeline * layout_.stage > layout_.domain;
    return {leaves ? 0.0 : bytes, leaves ? bytes : 0.0, 1.0};
}

Work WorkCounter::operator()(Batch const& batch) const {
    Work work;
    if (batch.decode_sequences + batch.prefill_tokens <= 0) return work;
    Spread const spread{batch, layout_};
    work.micro_batches = spread.micro_batches;
    count_linear(work, batch, spread);
    if (batch.decode_sequences > 0) count_decode_attention(work, batch, spread);
    if (batch.prefill_tokens > 0) count_prefill_attention(work, batch, spread);
    count_messages(work, spread);
    return work;
}

void WorkCounter::count_linear(Work& work, Batch const& batch, Spread const& spread) const {
    double const tokens = Spread::tokens(batch);
    double const sampled = real(batch.sampled_tokens);
    double const per_rank = 1.0 / (layout_.tensor * layout_.pipeline);
    double const rank_samples = sampled / (spread.micro_batches * layout_.attention_data);
    double const matrices = dense_bytes_ + (batch.sampled_tokens > 0 ? head_bytes_ : 0.0);

    work.linear.flops = (dense_flops_per_token_ * (spread.decode_tokens + spread.prefill_tokens) +
                         head_flops_per_token_ * rank_samples) *
                        per_rank;
    work.linear.bytes = matrices * per_rank;
    work.total_flops +=
        (dense_flops_per_token_ + expert_flops_per_token_) * tokens + head_flops_per_token_ * sampled;
    work.total_hbm_bytes += matrices * layout_.attention_data * spread.micro_batches;

    if (expert_bytes_ <= 0) return;
    double const touched = -routed_experts_ * std::expm1(spread.all_tokens * log_untouched_);
    double const busiest = std::max(touched / layout_.expert, std::min(touched, 1.0));
    double const split = layout_.stage / layout_.expert;
    work.linear.flops += expert_flops_per_token_ * spread.all_tokens / (layout_.stage * layout_.pipeline);
    work.linear.bytes += expert_bytes_ * busiest / (split * layout_.pipeline);
    work.total_hbm_bytes += expert_bytes_ * touched * spread.micro_batches;
}

void WorkCounter::count_decode_attention(Work& work, Batch const& batch, Spread const& spread) const {
    double const sequences = real(batch.decode_sequences);
    double const context = real(batch.context_tokens) / sequences;
    // Layer x token of context that one sequence sees, and what it writes.
    double const visible = growing_layers_ * context + sliding_layers_ * std::min(context, sliding_window_);
    double const written = growing_layers_ + sliding_layers_;
    double const flops = decode_flops_ * visible + state_flops_;
    double const bytes = cache_bytes_ * (visible + written);
    double const copies = layout_.tensor / layout_.kv_split;

    work.decode_attention.flops = flops * spread.decode_tokens / (layout_.tensor * layout_.pipeline);
    work.decode_attention.bytes =
        (bytes / layout_.kv_split + state_bytes_ / layout_.tensor) * spread.decode_tokens / layout_.pipeline;
    work.total_flops += flops * sequences;
    work.total_attention_flops += flops * sequences;
    work.total_hbm_bytes += (bytes * copies + state_bytes_) * sequences;
}

void WorkCounter::count_prefill_attention(Work& work, Batch const& batch, Spread const& spread) const {
    double const tokens = real(batch.prefill_tokens);
    double const context = real(batch.prefill_pairs) / tokens;
    double const visible = growing_layers_ * context + sliding_layers_ * std::min(context, sliding_window_);
    double const written = growing_layers_ + sliding_layers_;
    double const flops = prefill_flops_ * visible + state_flops_;
    // A chunk reads, once, what its last token sees: the mean visible context and half the chunk.
    double const read_once = visible + 0.5 * written * tokens / spread.micro_batches;
    double const bytes =
        cache_bytes_ * (read_once / layout_.attention_data + written * spread.prefill_tokens);
    double const shares = layout_.tensor / layout_.kv_split * layout_.attention_data;

    work.prefill_attention.flops = flops * spread.prefill_tokens / (layout_.tensor * layout_.pipeline);
    work.prefill_attention.bytes = bytes / (layout_.kv_split * layout_.pipeline);
    work.total_flops += flops * tokens;
    work.total_attention_flops += flops * tokens;
    work.total_hbm_bytes += bytes * shares * spread.micro_batches;
}

void WorkCounter::count_messages(Work& work, Spread const& spread) const {
    auto const scaled = [](Messages const& per_token, double tokens) {
        return Messages{per_token.scale_up_bytes * tokens, per_token.scale_out_bytes * tokens,
                        per_token.count};
    };
    double const rank_tokens = spread.decode_tokens + spread.prefill_tokens;
    double const mean_tokens = spread.all_tokens / layout_.attention_data;
    double const own_tokens = spread.all_tokens / layout_.stage;
    work.tensor = scaled(tensor_, rank_tokens);
    work.expert = scaled(expert_, own_tokens);
    work.pipeline = scaled(pipeline_, rank_tokens);

    double const senders = layout_.stage * layout_.pipeline * spread.micro_batches;
    work.total_scale_up_bytes = senders * ((tensor_.scale_up_bytes + pipeline_.scale_up_bytes) * mean_tokens +
                                           expert_.scale_up_bytes * own_tokens);
    work.total_scale_out_bytes =
        senders * ((tensor_.scale_out_bytes + pipeline_.scale_out_bytes) * mean_tokens +
                   expert_.scale_out_bytes * own_tokens);
}

}  // namespace mw::llm
