#include "megaweave/llm/iteration.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "megaweave/core/check.hpp"
#include "megaweave/hardware/power.hpp"
#include "megaweave/hardware/scale_up.hpp"

namespace mw::llm {
namespace {

constexpr double direct_bytes = 8.0 * 1024 * 1024;  // for which engines' own all-reduces have buffers

// 0 where there is no such link: nothing may be sent over it.
double seconds_per_byte(double bytes_per_s, double efficiency) {
    return bytes_per_s > 0 ? 1.0 / (bytes_per_s * efficiency) : 0.0;
}

// Weights narrower than anything native are unpacked to BF16.
hardware::Precision executed(hardware::AcceleratorParams const& accelerator, hardware::Precision stored) {
    bool const native = accelerator.peak_flops[hardware::index_of(stored)] > 0;
    return native ? stored : hardware::native_precision(accelerator, hardware::Precision::bf16);
}

double reached(double size, double half) {
    return size / (size + half);
}

// exp(-age / months) of a model on an engine; 0 where either is of unknown date.
double novelty(ModelParams const& model, EngineParams const& engine) {
    if (model.released_month <= 0 || engine.released_month <= 0) return 0.0;
    std::int64_t const age = std::max<std::int64_t>(engine.released_month - model.released_month, 0);
    return std::exp(-static_cast<double>(age) / engine.maturing.months);
}

}  // namespace

IterationModel::Products IterationModel::products(hardware::RackParams const& rack,
                                                  EngineParams const& engine, hardware::Precision stored,
                                                  bool experts) const {
    auto const& accelerator = rack.accelerator;
    auto const& efficiency = accelerator.efficiency;
    auto const run_at = hardware::index_of(executed(accelerator, stored));
    double share = efficiency.flops[run_at] * engine.flops;
    double columns = reached(std::max(count_.columns(), 1.0), engine.half_columns);
    if (experts) {
        share *= efficiency.expert_flops[run_at] * engine.expert_flops;
        columns = reached(std::max(count_.expert_columns(), 1.0), engine.half_expert_columns);
    }
    double const rate = accelerator.peak_flops[run_at] * std::min(share, 1.0) * columns;
    return {1.0 / rate,
            seconds_per_byte(accelerator.hbm_bytes_per_s, std::min(efficiency.hbm * engine.hbm, 1.0)),
            experts ? engine.half_expert_rows : engine.half_rows, engine.roofline_blend};
}

IterationModel::IterationModel(ModelParams const& model, hardware::Precision weights, hardware::Precision kv,
                               Parallelism const& parallelism, hardware::RackParams const& rack,
                               EngineParams const& engine, PoolReads const& pool)
    : count_{model,
             weights,
             kv,
             parallelism,
             rack.scale_up_domain,
             engine.expert_skew,
             engine.interleaved_batches,
             engine.launches},
      exposed_{1.0 - engine.communication_overlap},
      collective_s_{rack.accelerator.efficiency.launch_time * core::to_seconds(engine.collective_ns)},
      ring_step_s_{core::to_seconds(engine.ring_step_ns)},
      in_switch_{rack.scale_up_reduces},
      kernel_s_{rack.accelerator.efficiency.launch_time * core::to_seconds(engine.kernel_ns)},
      iteration_s_{rack.accelerator.efficiency.host_time * core::to_seconds(engine.iteration_ns)},
      sequence_s_{rack.accelerator.efficiency.host_time * core::to_seconds(engine.sequence_ns)},
      request_s_{rack.accelerator.efficiency.host_time * core::to_seconds(engine.request_ns)},
      token_s_{rack.accelerator.efficiency.host_time * core::to_seconds(engine.token_ns)},
      host_overlap_{engine.host_overlap},
      launch_s_{rack.accelerator.efficiency.host_time * core::to_seconds(engine.launch_ns)},
      pool_{pool},
      cached_layers_{static_cast<double>(model.layers - model.linear_layers)} {
    auto const& accelerator = rack.accelerator;
    auto const& efficiency = accelerator.efficiency;
    auto const asked = hardware::index_of(weights);
    auto const bf16 = hardware::Precision::bf16;
    double const bf16_peak =
        accelerator.peak_flops[hardware::index_of(hardware::native_precision(accelerator, bf16))];
    projections_ = products(rack, engine, model.attention_weights[asked], false);
    feed_forward_ = products(rack, engine, weights, false);
    experts_ = products(rack, engine, model.expert_weights[asked], true);
    slow_down(engine.maturing, novelty(model, engine));
    head_ = products(rack, engine, bf16, false);
    head_.half_rows = 0;
    head_.blend = 0;
    attention_ = {
        1.0 / (bf16_peak * std::min(efficiency.attention_flops * engine.attention_flops, 1.0)),
        seconds_per_byte(accelerator.hbm_bytes_per_s, std::min(efficiency.kv_hbm * engine.kv_hbm, 1.0)), 0,
        0};
    activation_byte_s_ = engine.activation_passes * feed_forward_.byte_s;
    double const link = std::min(efficiency.link * engine.link, 1.0);
    scale_up_byte_s_ = seconds_per_byte(accelerator.scale_up_bytes_per_s, link);
    scale_out_byte_s_ = seconds_per_byte(accelerator.scale_out_bytes_per_s, link);
    tensor_up_ = scale_up_costs(rack, count_.layout().tensor);
    expert_up_ = scale_up_costs(rack, count_.layout().stage);
    pipeline_up_ = scale_up_costs(rack, 1.0);
    MW_EXPECT(std::isfinite(feed_forward_.flop_s) && std::isfinite(attention_.flop_s) &&
                  attention_.byte_s > 0 && feed_forward_.byte_s > 0,
              "an efficiency or a ceiling of " + accelerator.name + " is zero");
}

// A head is a product like any other model's, and attention kernels are shared by families.
void IterationModel::slow_down(Maturing const& maturing, double share) {
    kernel_s_ *= 1.0 + maturing.kernels * share;
    for (Products* const own : {&projections_, &feed_forward_, &experts_})
        own->flop_s *= 1.0 + maturing.products * share;
}

void IterationModel::Products::add(Seconds& seconds, KernelWork const& work, double rows) const {
    if (work.flops <= 0 && work.bytes <= 0) return;
    double const compute = work.flops * flop_s * (half_rows > 0 && rows > 0 ? 1.0 + half_rows / rows : 1.0);
    double const memory = work.bytes * byte_s;
    double const longer = std::max(compute, memory) + blend * std::min(compute, memory);
    seconds[index_of(compute >= memory ? Share::compute : Share::hbm)] += longer;
}

void IterationModel::add_kernels(Seconds& seconds, Work const& work) const {
    projections_.add(seconds, work.projections, work.rows);
    feed_forward_.add(seconds, work.feed_forward, work.rows);
    experts_.add(seconds, work.experts, work.expert_rows);
    head_.add(seconds, work.head, 0.0);
    attention_.add(seconds, work.decode_attention, 0.0);
    attention_.add(seconds, work.prefill_attention, 0.0);
    seconds[index_of(Share::hbm)] += work.activation_bytes * activation_byte_s_ +
                                     2.0 * pool_.prefetch * work.pool_bytes * attention_.byte_s;
    seconds[index_of(Share::overhead)] += work.kernels * kernel_s_;
}

IterationModel::ScaleUpCosts IterationModel::scale_up_costs(hardware::RackParams const& rack,
                                                            double members) const {
    auto const shares =
        hardware::ScaleUp{rack}.shares(static_cast<std::int64_t>(std::min(members, count_.layout().domain)));
    return {scale_up_byte_s_ / shares.ring, scale_up_byte_s_ / shares.all_to_all,
            core::to_seconds(shares.step_ns), core::to_seconds(shares.ring_ns)};
}

void IterationModel::add_messages(Seconds& seconds, Messages const& messages, ScaleUpCosts const& up,
                                  double granted) const {
    if (messages.count <= 0) return;
    double const out_s = messages.scale_out_bytes * scale_out_byte_s_ / granted;
    double moving_s = messages.scale_up_bytes * up.all_byte_s;
    double steps = messages.count + messages.small;
    if (messages.reduced_bytes > 0) {
        double const ranks = std::min(count_.layout().tensor, count_.layout().domain);
        double const all_s = messages.count * messages.reduced_bytes * up.all_byte_s;
        double const start_s = messages.count * (collective_s_ + up.step_s);
        double const ring_s =
            messages.scale_up_bytes * up.ring_byte_s + messages.count * (collective_s_ + up.ring_s);
        double const two_steps = ring_s + messages.count * collective_s_;
        bool const direct = ring_step_s_ <= 0 || messages.reduced_bytes <= direct_bytes;
        double best = direct ? std::min(two_steps, (ranks - 1.0) * all_s + start_s)
                             : ring_s + messages.count * 2.0 * (ranks - 1.0) * ring_step_s_;
        if (in_switch_) best = std::min(best, (1.0 + 1.0 / ranks) * all_s + start_s);
        moving_s = best;
        steps = messages.small;
    }
    auto const share = messages.scale_out_bytes > 0 ? Share::scale_out : Share::scale_up;
    seconds[index_of(share)] += exposed_ * (std::max(moving_s, out_s) + steps * (collective_s_ + up.step_s));
}

// Bytes of the micro-batches that an accelerator works through, and of the turns in which it has none.
void IterationModel::add_pool(IterationCost& cost, Work const& work, double device_s) const {
    if (work.total_pool_bytes <= 0) return;
    double const turns = count_.layout().pipeline * work.interleaved;
    Seconds attention{};
    attention_.add(attention, work.decode_attention, 0.0);
    attention_.add(attention, work.prefill_attention, 0.0);
    double const attention_s = turns * std::accumulate(attention.begin(), attention.end(), 0.0);
    double const latency_s = cached_layers_ * core::to_seconds(pool_.latency_ns);
    cost.pool_bytes = work.total_pool_bytes;
    cost.pool_link_bytes = work.pool_bytes * turns;
    cost.pool_hidden_ns =
        core::from_seconds((1.0 - pool_.prefetch) * (attention_s - latency_s) + pool_.prefetch * device_s);
    cost.hbm_bytes += 2.0 * pool_.prefetch * work.total_pool_bytes;
}

double IterationModel::host_s(Batch const& batch) const {
    double const all_s = sequence_s_ * static_cast<double>(batch.sampled_tokens) +
                         request_s_ * static_cast<double>(batch.new_requests) +
                         token_s_ * static_cast<double>(batch.decode_tokens() + batch.prefill_tokens);
    return all_s / count_.layout().attention_data;  // each attention rank has a host process of its own
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
    add_kernels(seconds, work);
    Seconds messages{};
    add_messages(messages, work.tensor, tensor_up_, batch.granted.tensor);
    add_messages(messages, work.expert, expert_up_, batch.granted.expert);
    add_messages(messages, work.pipeline, pipeline_up_, batch.granted.pipeline);
    double const kernels_s = std::accumulate(seconds.begin(), seconds.end(), 0.0);
    double const messages_s = std::accumulate(messages.begin(), messages.end(), 0.0);
    // Of micro-batches that take turns, one's messages hide behind another's kernels, as far as these last.
    double const seen =
        work.interleaved > 1 && messages_s > 0 ? std::max(0.0, 1.0 - kernels_s / messages_s) : 1.0;

    double stage_s = 0.0;
    for (std::size_t i = 0; i < share_count; ++i) {
        seconds[i] += seen * messages[i];
        stage_s += seconds[i];
        seconds[i] *= work.micro_batches;
    }
    double const device_s = stage_s * count_.layout().pipeline * work.interleaved;
    seconds[index_of(Share::idle)] += device_s - stage_s * work.micro_batches;
    double const host = host_s(batch);
    double const launching_s = batch.prefill_tokens > 0 ? launch_s_ * work.kernels * work.micro_batches : 0.0;
    double const waiting_s = iteration_s_ + (1.0 - host_overlap_) * host +
                             std::max(0.0, host_overlap_ * host + launching_s - device_s);
    seconds[index_of(Share::overhead)] += waiting_s;

    IterationCost cost;
    cost.duration_ns = round_shares(seconds, cost.share_ns);
    cost.host_ns = std::min(core::from_seconds(waiting_s), cost.share(Share::overhead));
    cost.flops = work.total_flops;
    cost.attention_flops = work.total_attention_flops;
    cost.hbm_bytes = work.total_hbm_bytes;
    cost.weight_bytes = work.total_weight_bytes;
    cost.logits = work.logits;
    cost.scale_up_bytes = work.total_scale_up_bytes;
    cost.scale_out_bytes = work.total_scale_out_bytes;
    add_pool(cost, work, device_s);
    return cost;
}

}  // namespace mw::llm
