#include "measure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "megaweave/engine/simulation.hpp"
#include "megaweave/engine/world.hpp"
#include "megaweave/llm/share_names.hpp"

namespace mw::validation {

namespace {

//! Keeps the power of the boards in the measured period.
class BoardMeter final : public engine::Observer {
  public:
    explicit BoardMeter(core::TimeNs warmup_ns) : last_ns_{warmup_ns}, warmup_ns_{warmup_ns} {}

    std::uint64_t wishes() override { return 0; }
    void on_sample(core::Frame const& frame) override {
        if (frame.time_ns <= warmup_ns_) return;
        double const seconds = core::to_seconds(frame.time_ns - last_ns_);
        last_ns_ = frame.time_ns;
        for (core::Column const& column : frame.columns)
            if (column.owner == core::Owner::rack && column.name == "accelerator_power_w")
                for (float const watts : column.values) joules_ += static_cast<double>(watts) * seconds;
    }
    void on_window(engine::Progress const&) override {}
    void on_checkpoint(engine::SavedState const&, std::uint64_t) override {}

    [[nodiscard]] double mean_w() const {
        return joules_ / std::max(core::to_seconds(last_ns_ - warmup_ns_), 1e-9);
    }

  private:
    core::TimeNs last_ns_;
    core::TimeNs warmup_ns_;
    double joules_{0};
};

class Metrics {
  public:
    void add(std::string const& name, double value) { metrics_.push_back({name, value}); }

    void add_statistics(std::string const& name, std::vector<double>& values) {
        if (values.empty()) return;
        double sum = 0;
        for (double const value : values) sum += value;
        add(name + "_mean", sum / static_cast<double>(values.size()));
        add(name + "_median", percentile(values, 0.5));
        add(name + "_p99", percentile(values, 0.99));
    }

    std::vector<Metric> take() { return std::move(metrics_); }

  private:
    std::vector<Metric> metrics_;
};

//! Throughputs in tokens/s; `output_gpus`, `input_gpus` and `gpus` share them.
void add_throughputs(Metrics& metrics, double input_per_s, double output_per_s,
                     Arrangement const& arrangement) {
    auto const gpus = static_cast<double>(arrangement.accelerators());
    auto const prefill = static_cast<double>(arrangement.prefill ? arrangement.prefill->accelerators() : 0);
    metrics.add("output_throughput_total", output_per_s);
    metrics.add("input_throughput_total", input_per_s);
    metrics.add("output_throughput_per_gpu", output_per_s / (gpus - prefill));
    metrics.add("input_throughput_per_gpu", input_per_s / (prefill > 0 ? prefill : gpus));
    metrics.add("total_throughput_per_gpu", (input_per_s + output_per_s) / gpus);
}

//! Mean number of sequences that decode, over the run.
double mean_decoding(std::vector<engine::RequestRecord> const& requests) {
    core::TimeNs end_ns = 0;
    double decoding_s = 0;
    for (engine::RequestRecord const& request : requests) {
        end_ns = std::max(end_ns, request.completed_ns);
        decoding_s += core::to_seconds(request.completed_ns - request.first_token_ns);
    }
    return decoding_s / core::to_seconds(end_ns);
}

//! Fills in a prediction of a steady batch.
void predict_steady(Prediction& prediction, engine::Results const& results, double board_w,
                    Arrangement const& arrangement) {
    using engine::Count;
    core::Histogram const& gaps = results.services.front().token_gaps;
    double const output = static_cast<double>(results.counts[Count::output_tokens]) / results.measured_s;
    double const input = static_cast<double>(results.counts[Count::input_tokens]) / results.measured_s;
    prediction.metrics = steady_metrics(
        {input, output, gaps.mean() * 1e-9, gaps.quantile(0.5) * 1e-9, gaps.quantile(0.99) * 1e-9},
        arrangement);
    prediction.metrics.push_back({"gpu_power_total", board_w});
    prediction.metrics.push_back({"gpu_energy_per_output_token", output > 0 ? board_w / output : 0});
    // Little: every gap is a sequence that decodes for so long.
    prediction.mean_batch = gaps.mean() * 1e-9 * static_cast<double>(gaps.count()) / results.measured_s;
}

void bind(Prediction& prediction, engine::Results const& results) {
    double all = 0;
    for (core::TimeNs const part : results.accelerator_ns) all += static_cast<double>(part);
    std::size_t largest = 0;
    for (std::size_t s = 0; s < llm::share_count; ++s) {
        prediction.time_share[s] = static_cast<double>(results.accelerator_ns[s]) / all;
        if (s != llm::index_of(llm::Share::idle) && prediction.time_share[s] > prediction.time_share[largest])
            largest = s;
    }
    double const busy_s =
        (all - static_cast<double>(results.accelerator_ns[llm::index_of(llm::Share::idle)])) * 1e-9 /
        static_cast<double>(results.accelerators);
    prediction.kv_starved =
        busy_s > 0 ? core::to_seconds(results.counts[engine::Count::kv_starved_ns]) / busy_s : 0;
    prediction.binding = prediction.kv_starved > 0.5 ? "kv_memory" : llm::share_names[largest];
}

void require_all_served(engine::Results const& results, Trial const& trial) {
    using engine::Count;
    if (results.run_counts[Count::rejections] > 0)
        throw CannotRun(fmt::format("{} requests never fit into the KV cache of an instance",
                                    results.run_counts[Count::rejections]));
    if (trial.requests > 0 && results.run_counts[Count::completions] != trial.requests)
        throw CannotRun(fmt::format("only {} of {} requests were served",
                                    results.run_counts[Count::completions], trial.requests));
}

}  // namespace

double percentile(std::vector<double>& values, double q) {
    if (values.empty()) return 0;
    if (!std::ranges::is_sorted(values)) std::ranges::sort(values);
    double const at = q * static_cast<double>(values.size() - 1);
    auto const below = static_cast<std::size_t>(at);
    std::size_t const above = std::min(below + 1, values.size() - 1);
    return values[below] + (values[above] - values[below]) * (at - static_cast<double>(below));
}

std::vector<Metric> steady_metrics(SteadyState const& state, Arrangement const& arrangement) {
    Metrics metrics;
    add_throughputs(metrics, state.input_per_s, state.output_per_s, arrangement);
    metrics.add("itl_mean", state.gap_mean_s);
    metrics.add("itl_median", state.gap_median_s);
    metrics.add("itl_p99", state.gap_p99_s);
    return metrics.take();
}

std::vector<Metric> finite_metrics(std::vector<FinishedRequest> const& requests,
                                   Arrangement const& arrangement) {
    Metrics metrics;
    std::vector<double> ttft;
    std::vector<double> tpot;
    std::vector<double> e2e;
    std::int64_t input = 0;
    std::int64_t output = 0;
    core::TimeNs end_ns = 0;
    for (FinishedRequest const& request : requests) {
        serving::RequestTimes const& t = request.times;
        input += request.input_tokens;
        output += request.output_tokens;
        end_ns = std::max(end_ns, t.done_ns);
        ttft.push_back(core::to_seconds(t.first_ns - t.arrival_ns));
        e2e.push_back(core::to_seconds(t.done_ns - t.arrival_ns));
        if (request.output_tokens > 1)
            tpot.push_back(core::to_seconds(t.done_ns - t.first_ns) /
                           static_cast<double>(request.output_tokens - 1));
    }
    double const seconds = core::to_seconds(end_ns);
    add_throughputs(metrics, static_cast<double>(input) / seconds, static_cast<double>(output) / seconds,
                    arrangement);
    metrics.add_statistics("ttft", ttft);
    metrics.add_statistics("tpot", tpot);
    metrics.add_statistics("e2e", e2e);
    if (!ttft.empty()) metrics.add("ttft", percentile(ttft, 0.5));  // of a batch begun together
    return metrics.take();
}

Prediction measure(Setup const& setup, Trial const& trial) {
    engine::World const world{trial.deck};
    parallel::Comm comm = parallel::Comm::alone();
    parallel::Team team{1};
    engine::Simulation simulation{world, comm, team};
    BoardMeter meter{trial.deck.time.warmup_ns};
    simulation.run(meter);
    engine::Results const results = simulation.results();
    require_all_served(results, trial);

    Prediction prediction;
    prediction.mixture = trial.deck.services.front().model.routed_experts > 0;
    if (setup.load == Load::steady_batch) {
        predict_steady(prediction, results, meter.mean_w(), trial.arrangement);
    } else {
        std::vector<FinishedRequest> finished;
        for (engine::RequestRecord const& r : simulation.requests())
            finished.push_back(
                {r.input_tokens, r.output_tokens, {r.arrival_ns, r.first_token_ns, r.completed_ns}});
        prediction.mean_batch = mean_decoding(simulation.requests());
        prediction.metrics = finite_metrics(finished, trial.arrangement);
    }
    bind(prediction, results);
    return prediction;
}

}  // namespace mw::validation
