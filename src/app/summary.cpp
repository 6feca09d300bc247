#include "summary.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "version.hpp"

namespace mw::app {

namespace {

using engine::Count;
using engine::Results;
using engine::ServiceResults;

constexpr std::array<char const*, llm::share_count> share_names = {
    "compute", "hbm", "scale_up", "scale_out", "memory_pool", "overhead", "idle"};

//! Quoted, so that a digest of digits stays a text.
std::string quoted(std::string const& text) {
    std::string out = "\"";
    for (char const c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

double ratio(double a, double b) {
    return b == 0.0 ? 0.0 : a / b;
}

double energy_w(Results const& results, std::int64_t uj) {
    return static_cast<double>(uj) * 1e-6 / results.measured_s;
}

double facility_w(Results const& results) {
    return energy_w(results, results.energy_uj.sum());
}

double rate(Results const& results, Count what) {
    return static_cast<double>(results.counts[what]) / results.measured_s;
}

std::string latency(char const* name, core::Histogram const& histogram) {
    return fmt::format("{}: {{mean: {:.6g}, p50: {:.6g}, p90: {:.6g}, p99: {:.6g}}}", name,
                       histogram.mean() * 1e-9, histogram.quantile(0.5) * 1e-9,
                       histogram.quantile(0.9) * 1e-9, histogram.quantile(0.99) * 1e-9);
}

std::string power_block(Results const& r) {
    std::string text = fmt::format(
        "power:  # mean of the measured period\n  facility_w: {:.8g}\n  it_w: {:.8g}\n  pue: {:.6g}\n  "
        "breakdown_w:\n",
        facility_w(r), energy_w(r, r.it_energy_uj), ratio(facility_w(r), energy_w(r, r.it_energy_uj)));
    for (std::size_t c = 0; c < engine::consumer_size; ++c)
        text +=
            fmt::format("    {}: {:.10g}\n", engine::consumer_names[c], energy_w(r, r.energy_uj.values[c]));
    return text;
}

std::string time_share_block(Results const& r) {
    double total = 0;
    for (core::TimeNs const part : r.accelerator_ns) total += static_cast<double>(part);
    std::string text = "time_share:  # of accelerator time\n";
    for (std::size_t s = 0; s < llm::share_count; ++s)
        text += fmt::format("  {}: {:.8f}\n", share_names[s],
                            ratio(static_cast<double>(r.accelerator_ns[s]), total));
    return text;
}

std::string services_block(config::Deck const& deck, Results const& r) {
    std::string text = "services:\n";
    for (std::size_t s = 0; s < r.services.size(); ++s) {
        ServiceResults const& service = r.services[s];
        text += fmt::format(
            "  - name: {}\n    completed: {}\n    completed_output_tokens_per_s: {:.8g}\n    met_fraction: "
            "{:.6g}\n",
            quoted(deck.services[s].name), service.completions,
            static_cast<double>(service.output_tokens) / r.measured_s,
            ratio(static_cast<double>(service.objectives_met), static_cast<double>(service.completions)));
        for (std::string const& line :
             {latency("ttft_s", service.ttft), latency("tpot_s", service.tpot), latency("e2e_s", service.e2e),
              latency("queue_wait_s", service.queue_wait)})
            text += "    " + line + "\n";
    }
    return text;
}

std::string performance_block(engine::Performance const& p) {
    double const windows = static_cast<double>(std::max<std::int64_t>(1, p.windows));
    std::string times;
    for (std::size_t i = 0; i < p.time_in_s.size(); ++i)
        times += fmt::format("{}{}: {:.3f}", i == 0 ? "" : ", ", engine::phase_names[i], p.time_in_s[i]);
    return fmt::format(
        "performance:  # of this machine; times in seconds, mean over ranks\n"
        "  ranks: {}\n  threads: {}\n  wall_s: {:.3f}\n  simulated_s: {:.3f}\n  real_time_factor: {:.4g}\n  "
        "iterations: {}\n  events: {}\n  windows: {}\n"
        "  messages_per_window: {:.4g}\n  remote_messages_per_window: {:.4g}\n  bytes_per_window: {:.4g}\n  "
        "solver_rounds_per_window: {:.4g}\n"
        "  peak_rss_mb: {}\n  time_in: {{{}}}\n",
        p.ranks, p.threads, p.wall_s, p.simulated_s, ratio(p.simulated_s, p.wall_s), p.iterations, p.events,
        p.windows, static_cast<double>(p.messages) / windows,
        static_cast<double>(p.remote_messages) / windows, static_cast<double>(p.bytes) / windows,
        static_cast<double>(p.solver_rounds) / windows, p.peak_rss_mb, times);
}

ServiceResults merged(Results const& r) {
    ServiceResults all;
    for (ServiceResults const& service : r.services) all.merge(service);
    return all;
}

}  // namespace

std::string summary_yaml(config::Deck const& deck, Results const& r) {
    ServiceResults const all = merged(r);
    double const tokens_per_s = rate(r, Count::output_tokens);
    double const measured_completions = static_cast<double>(r.counts[Count::measured_completions]);
    std::string text = fmt::format(
        "# Megaweave {}. Measured period: {:.6g} s after {:.6g} s of warm-up. Tokens: output unless said "
        "otherwise. Power: the boundary is in the key.\n"
        "name: {}\ndigest: {}\n",
        version, r.measured_s, core::to_seconds(deck.time.warmup_ns), quoted(deck.name), quoted(r.digest));
    text += fmt::format(
        "throughput:\n  output_tokens_per_s: {:.8g}\n  input_tokens_per_s: {:.8g}\n  requests_per_s: "
        "{:.8g}\n  output_tokens_per_s_per_accelerator: {:.8g}\n",
        tokens_per_s, rate(r, Count::input_tokens), rate(r, Count::measured_completions),
        tokens_per_s / static_cast<double>(r.accelerators));
    text += power_block(r);
    text += fmt::format(
        "efficiency:  # facility boundary, output tokens\n  tokens_per_s_per_mw: {:.8g}\n  "
        "joules_per_output_token: {:.8g}\n",
        ratio(tokens_per_s, facility_w(r) * 1e-6), ratio(facility_w(r), tokens_per_s));
    text += fmt::format("latency:\n  {}\n  {}\n  {}\n", latency("ttft_s", all.ttft),
                        latency("tpot_s", all.tpot), latency("e2e_s", all.e2e));
    text += fmt::format(
        "objectives:  # of requests that completed in the measured period\n  met_fraction: {:.6g}\n  "
        "goodput_tokens_per_s: {:.8g}\n",
        ratio(static_cast<double>(r.counts[Count::objectives_met]), measured_completions),
        rate(r, Count::goodput_tokens));
    text += time_share_block(r);
    text += fmt::format(
        "fabric:\n  bytes_transferred: {}\n  kv_bytes_transferred: {}\n  bytes_between_partitions: {}  # "
        "between racks, the smallest partitions\n"
        "  peak_link_utilisation: {:.6g}\n  mean_link_utilisation: {:.6g}\n",
        r.fabric.bytes, r.fabric.kv_bytes, r.fabric.bytes_between_racks, r.fabric.peak_utilisation,
        r.fabric.mean_utilisation);
    text += fmt::format(
        "requests:  # that arrived in the measured period\n  arrived: {}\n  completed: {}\n  rejected: {}\n  "
        "preempted: {}\n  in_flight: {}\n",
        r.counts[Count::cohort_arrived], r.counts[Count::cohort_completed], r.counts[Count::cohort_rejected],
        r.counts[Count::preemptions], r.in_flight);
    text += services_block(deck, r);
    if (!deck.warnings.empty()) {
        text += "warnings:\n";
        for (std::string const& warning : deck.warnings) text += fmt::format("  - {}\n", quoted(warning));
    }
    return text + performance_block(r.performance);
}

std::string summary_text(config::Deck const& deck, Results const& r) {
    ServiceResults const all = merged(r);
    double const tokens_per_s = rate(r, Count::output_tokens);
    auto const busiest =
        std::max_element(r.accelerator_ns.begin(), r.accelerator_ns.end()) - r.accelerator_ns.begin();
    return fmt::format(
        "{}: {:.4g} output tokens/s at {:.4g} MW (facility): {:.4g} tokens/s/MW, {:.4g} J per output token\n"
        "  TTFT p50 {:.3g} s, p99 {:.3g} s; TPOT p50 {:.3g} ms, p99 {:.3g} ms; objectives met by {:.1f} % of "
        "requests\n"
        "  most accelerator time: {}; {:.3g} x real time on {} ranks x {} threads\n"
        "digest: {}\n",
        deck.name, tokens_per_s, facility_w(r) * 1e-6, ratio(tokens_per_s, facility_w(r) * 1e-6),
        ratio(facility_w(r), tokens_per_s), all.ttft.quantile(0.5) * 1e-9, all.ttft.quantile(0.99) * 1e-9,
        all.tpot.quantile(0.5) * 1e-6, all.tpot.quantile(0.99) * 1e-6,
        100 * ratio(static_cast<double>(r.counts[Count::objectives_met]),
                    static_cast<double>(r.counts[Count::measured_completions])),
        share_names[static_cast<std::size_t>(busiest)],
        ratio(r.performance.simulated_s, r.performance.wall_s), r.performance.ranks, r.performance.threads,
        r.digest);
}

}  // namespace mw::app
