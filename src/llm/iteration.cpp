#include "megaweave/llm/iteration.hpp"

#include <algorithm>
#include <cmath>

#include "megaweave/core/check.hpp"
#include "megaweave/hardware/power.hpp"

namespace mw::llm {
namespace {

// 0 where there is no such link: nothing may be sent over it.
double seconds_per_byte(double bytes_per_s, double efficiency) {
    return bytes_per_s > 0 ? 1.0 / (bytes_per_s * efficiency) : 0.0;
}

}  // namespace

IterationModel::IterationModel(ModelParams const& model, hardware::Precision weights, hardware::Precision kv,
                               Parallelism const& parallelism, hardware::RackParams const& rack)
    : count_{model, weights, kv, parallelism, rack.scale_up_domain} {
    using hardware::index_of;
    auto const& accelerator = rack.accelerator;
    auto const& efficiency = accelerator.efficiency;
    auto const product = index_of(hardware::native_precision(accelerator, weights));
    auto const attention = index_of(hardware::native_precision(accelerator, hardware::Precision::bf16));
    double const layers = static_cast<double>(model.layers);
    linear_flop_s_ = 1.0 / (accelerator.peak_flops[product] * efficiency.flops[product]);
    attention_flop_s_ = 1.0 / (accelerator.peak_flops[attention] * efficiency.attention_flops);
    hbm_byte_s_ = seconds_per_byte(accelerator.hbm_bytes_per_s, efficiency.hbm);
    scale_up_byte_s_ = seconds_per_byte(accelerator.scale_up_bytes_per_s, efficiency.link);
    scale_out_byte_s_ = seconds_per_byte(accelerator.scale_out_bytes_per_s, efficiency.link);
    exposed_ = 1.0 - efficiency.communication_overlap;
    collective_s_ = core::to_seconds(efficiency.collective_ns);
    stage_overhead_s_ = core::to_seconds(efficiency.layer_ns) * layers / count_.layout().pipeline;
    iteration_s_ = core::to_seconds(efficiency.iteration_ns);
    MW_EXPECT(std::isfinite(linear_flop_s_) && std::isfinite(attention_flop_s_) && hbm_byte_s_ > 0,
              "an efficiency or a ceiling of " + accelerator.name + " is zero");
}

void IterationModel::add_kernels(Seconds& seconds, KernelWork const& work, double flop_s) const {
    double const compute = work.flops * flop_s;
    double const memory = work.bytes * hbm_byte_s_;
    if (compute >= memory) {
        seconds[index_of(Share::compute)] += compute;
    } else {
        seconds[index_of(Share::hbm)] += memory;
    }
}

void IterationModel::add_messages(Seconds& seconds, Messages const& messages) const {
    double const moving =
        std::max(messages.scale_up_bytes * scale_up_byte_s_, messages.scale_out_bytes * scale_out_byte_s_);
    auto const share = messages.scale_out_bytes > 0 ? Share::scale_out : Share::scale_up;
    seconds[index_of(share)] += exposed_ * (moving + messages.count * collective_s_);
}

// Rounds the running sum, so that the parts add up to the whole exactly and none is negative.
core::TimeNs IterationModel::round_shares(Seconds const& seconds,
                                          std::array<core::TimeNs, share_count>& share_ns) {
    double sum = 0.0;
    core::TimeNs before = 0;
    for (std::size_t i = 0; i < share_count; ++i) {
        sum += seconds[i];
        core::TimeNs const after = core::from_seconds(sum);
        share_ns[i] = after - before;
        before = after;
    }
    return before;
}

IterationCost IterationModel::operator()(Batch const& batch) const {
    if (batch.decode_sequences + batch.prefill_tokens <= 0) return {};
    Work const work = count_(batch);
    Seconds seconds{};
    add_kernels(seconds, work.linear, linear_flop_s_);
    add_kernels(seconds, work.decode_attention, attention_flop_s_);
    add_kernels(seconds, work.prefill_attention, attention_flop_s_);
    add_messages(seconds, work.tensor);
    add_messages(seconds, work.expert);
    add_messages(seconds, work.pipeline);
    seconds[index_of(Share::overhead)] += stage_overhead_s_;

    double stage_s = 0.0;
    for (double& part : seconds) {
        stage_s += part;
        part *= work.micro_batches;
    }
    seconds[index_of(Share::idle)] += stage_s * (count_.layout().pipeline - work.micro_batches);
    seconds[index_of(Share::overhead)] += iteration_s_;

    IterationCost cost;
    cost.duration_ns = round_shares(seconds, cost.share_ns);
    cost.flops = work.total_flops;
    cost.attention_flops = work.total_attention_flops;
    cost.hbm_bytes = work.total_hbm_bytes;
    cost.scale_up_bytes = work.total_scale_up_bytes;
    cost.scale_out_bytes = work.total_scale_out_bytes;
    return cost;
}

}  // namespace mw::llm
