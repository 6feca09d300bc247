// What an iteration's accelerators tell each other.
#include <algorithm>
#include <cmath>

#include "real.hpp"
#include "work_spread.hpp"

namespace mw::llm {
namespace {

// What each of `ranks` sends to reduce `bytes` among them: a ring inside a domain, then its share across.
Messages all_reduce(double bytes, double ranks, double domain) {
    double const inside = std::min(ranks, domain);
    double const domains = std::ceil(ranks / domain);
    return {2.0 * (inside - 1.0) / inside * bytes, 2.0 * (domains - 1.0) / domains * bytes / inside, 1.0,
            bytes, 0.0};
}

Messages operator*(Messages m, double times) {
    return {m.scale_up_bytes * times, m.scale_out_bytes * times, m.count * times, m.reduced_bytes,
            m.small * times};
}

}  // namespace

Messages WorkCounter::tensor_messages(ModelParams const& model) const {
    if (layout_.tensor <= 1) return {};
    double const layers = real(model.layers) / layout_.pipeline;
    Messages messages =
        all_reduce(activation_value_bytes * real(model.hidden), layout_.tensor, layout_.domain) *
        (2.0 * layers);
    // Two sums of squares a token: no bytes to speak of, but a collective.
    if (model.query_norm == QueryNorm::all) messages.small = layers;
    return messages;
}

Messages WorkCounter::expert_messages(ModelParams const& model, hardware::Precision weights,
                                      bool direct) const {
    double const layers = real(moe_layers(model)) / layout_.pipeline;
    if (layers <= 0 || layout_.attention_data <= 1) return {};
    double const hidden = real(model.hidden);
    if (layout_.expert <= 1) {  // all-gather and reduce-scatter of every rank's tokens
        auto messages =
            all_reduce(activation_value_bytes * hidden * layout_.stage, layout_.stage, layout_.domain) *
            layers;
        messages.count *= 2.0;
        messages.reduced_bytes = 0.0;
        return messages;
    }
    double const dispatch_bytes = weights == hardware::Precision::bf16 ? 2.0 : 1.0;
    double const copy_bytes = hidden * (dispatch_bytes + activation_value_bytes) * layers;
    double const chosen = real(model.experts_per_token);
    double const inside = std::min(layout_.stage, layout_.domain);
    double const domains = std::ceil(layout_.stage / layout_.domain);
    if (direct && domains > 1) return {0.0, copy_bytes * chosen * (1.0 - 1.0 / layout_.stage), 2.0 * layers};
    double const members = domains > 1 ? inside : layout_.expert;
    double reached = domains * (1.0 - std::pow(1.0 - 1.0 / domains, chosen));
    if (model.node_limit > 0) reached = std::min(reached, real(model.node_limit));
    return {copy_bytes * chosen * (1.0 - 1.0 / members), copy_bytes * reached * (1.0 - 1.0 / domains),
            2.0 * layers};
}

Messages WorkCounter::pipeline_messages(ModelParams const& model) const {
    if (layout_.pipeline <= 1) return {};
    double const bytes = activation_value_bytes * real(model.hidden) / layout_.tensor;
    bool const leaves = layout_.pipeline * layout_.stage > layout_.domain;
    return {leaves ? 0.0 : bytes, leaves ? bytes : 0.0, 1.0};
}

void WorkCounter::count_messages(Work& work, Batch const& batch, Spread const& spread) const {
    auto const scaled = [](Messages const& per_token, double tokens) {
        return Messages{per_token.scale_up_bytes * tokens, per_token.scale_out_bytes * tokens,
                        per_token.count, per_token.reduced_bytes * tokens, per_token.small};
    };
    double const rank_tokens = spread.decode_tokens + spread.prefill_tokens;
    double const mean_tokens = spread.all_tokens / layout_.attention_data;
    double const own_tokens = spread.all_tokens / layout_.stage;
    work.tensor = scaled(tensor_, rank_tokens);
    Messages const& expert = batch.prefill_tokens > 0 ? expert_ : expert_direct_;
    work.expert = scaled(expert, own_tokens);
    work.pipeline = scaled(pipeline_, rank_tokens);

    double const senders = layout_.stage * layout_.pipeline * spread.micro_batches;
    work.total_scale_up_bytes = senders * ((tensor_.scale_up_bytes + pipeline_.scale_up_bytes) * mean_tokens +
                                           expert.scale_up_bytes * own_tokens);
    work.total_scale_out_bytes =
        senders * ((tensor_.scale_out_bytes + pipeline_.scale_out_bytes) * mean_tokens +
                   expert.scale_out_bytes * own_tokens);
}

}  // namespace mw::llm
