#include "megaweave/llm/speculation.hpp"

#include <cmath>

#include "megaweave/core/check.hpp"
#include "megaweave/core/integer.hpp"
#include "megaweave/llm/architecture.hpp"

namespace mw::llm {

double expected_tokens(std::int64_t drafts, double acceptance) {
    MW_EXPECT(drafts >= 0 && acceptance >= 0 && acceptance <= 1, "drafts are accepted with a probability");
    double sum = 1.0;
    double all_accepted = 1.0;
    for (std::int64_t draft = 0; draft < drafts; ++draft) sum += all_accepted *= acceptance;
    return sum;
}

double draft_cost(ModelParams const& model) {
    auto const counts = count_parameters(model);
    double const experts =
        static_cast<double>(moe_layers(model)) * static_cast<double>(model.experts_per_token) * counts.expert;
    double const head = counts.head / (counts.dense + experts + counts.head);
    return head + (1.0 - head) / static_cast<double>(model.layers);
}

IterationCost SpeculativeIteration::operator()(Batch const& batch) const {
    IterationCost cost = model_(batch);
    if (batch.decode_sequences == 0 || batch.tokens_per_sequence <= 1) return cost;
    Batch pass;
    pass.decode_sequences = batch.decode_sequences;
    pass.context_tokens = batch.context_tokens;
    pass.sampled_tokens = batch.decode_sequences;
    pass.granted = batch.granted;
    IterationCost const draft = model_(pass);
    double const passes = cost_ * static_cast<double>(batch.tokens_per_sequence - 1);
    for (std::size_t i = 0; i < share_count; ++i) {
        core::TimeNs const part =
            core::to_count(passes * static_cast<double>(draft.share_ns[i]), "the time of a draft [ns]");
        cost.share_ns[i] += part;
        cost.duration_ns += part;
    }
    cost.flops += passes * draft.flops;
    cost.attention_flops += passes * draft.attention_flops;
    cost.host_ns += core::to_count(passes * static_cast<double>(draft.host_ns), "the time of a draft [ns]");
    cost.hbm_bytes += passes * draft.hbm_bytes;
    cost.weight_bytes += passes * draft.weight_bytes;
    cost.logits += passes * draft.logits;
    cost.scale_up_bytes += passes * draft.scale_up_bytes;
    cost.scale_out_bytes += passes * draft.scale_out_bytes;
    return cost;
}

}  // namespace mw::llm
