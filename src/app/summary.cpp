#include "summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "megaweave/plant/power_quality.hpp"
#include "summary_fabric.hpp"
#include "summary_power.hpp"
#include "version.hpp"
#include "yaml_text.hpp"

namespace mw::app {

namespace {

using engine::Count;
using engine::Results;
using engine::ServiceResults;

constexpr std::array<char const*, llm::share_count> share_names = {
    "compute", "hbm", "scale_up", "scale_out", "memory_pool", "overhead", "idle"};

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

//! null: there is nothing to divide by.
std::string ratio_or_null(double a, double b) {
    return b == 0.0 ? "null" : fmt::format("{:.6g}", a / b);
}

std::string latency(char const* name, core::Histogram const& histogram) {
    return fmt::format("{}: {{mean: {:.6g}, p50: {:.6g}, p90: {:.6g}, p99: {:.6g}}}", name,
                       histogram.mean() * 1e-9, histogram.quantile(0.5) * 1e-9,
                       histogram.quantile(0.9) * 1e-9, histogram.quantile(0.99) * 1e-9);
}

constexpr std::array<char const*, 4> boundary_names = {"board", "chassis_ac", "it", "facility"};

//! From the boards outwards; each contains the ones before it. What was used there, without what stores took or gave.
std::array<double, 4> boundaries_w(Results const& r) {
    return {energy_w(r, r.boards_energy_uj), energy_w(r, r.racks_energy_uj), energy_w(r, r.it_energy_uj),
            energy_w(r, r.used_energy_uj())};
}

template <class Value>
std::string by_boundary(char const* key, char const* format, Value const& value) {
    std::string text = fmt::format("  {}: {{", key);
    for (std::size_t b = 0; b < boundary_names.size(); ++b)
        text += fmt::format(fmt::runtime(std::string{"{}{}: "} + format), b == 0 ? "" : ", ",
                            boundary_names[b], value(b));
    return text + "}\n";
}

//! How fast, how peaky, and at which frequencies the facility's power moves, from samples of the measured period.
std::string quality_block(Results const& r) {
    struct Band {
        char const* name;
        double from_hz;
        double to_hz;
    };
    constexpr std::array<Band, 3> bands = {
        {{"0.1_to_0.5_hz", 0.1, 0.5}, {"0.5_to_2_hz", 0.5, 2.0}, {"2_to_20_hz", 2.0, 20.0}}};
    std::span<double const> const all{r.facility_series_w};
    if (all.size() < 2) return "";
    plant::RampRates const ramps = plant::ramp_rates(all, r.series_step_s);
    std::string text = fmt::format(
        "  quality:  # of facility power, ramps and peaks from means over {:.6g} s\n    "
        "p99_over_mean: {:.6g}\n"
        "    ramp_mw_per_s: {{up: {:.6g}, down: {:.6g}}}\n    ramp_mw_per_min: {{up: {:.6g}, down: "
        "{:.6g}}}\n    swing_mw: {{",
        r.series_step_s, plant::p99_over_mean(all), ramps.up_w_per_s * 1e-6, ramps.down_w_per_s * 1e-6,
        ramps.up_w_per_min * 1e-6, ramps.down_w_per_min * 1e-6);
    auto const lines = facility_spectrum(r);
    for (std::size_t b = 0; b < bands.size(); ++b) {
        double largest_w = 0;
        for (plant::SpectrumLine const& line : lines)
            if (line.frequency_hz >= bands[b].from_hz && line.frequency_hz < bands[b].to_hz)
                largest_w = std::max(largest_w, line.amplitude_w);
        text += fmt::format("{}{}: {:.6g}", b == 0 ? "" : ", ", bands[b].name, largest_w * 1e-6);
    }
    return text +
           fmt::format("}}  # largest amplitude in the band, from means over {:.6g} s\n", r.fine_step_s);
}

std::string power_block(config::Deck const& deck, Results const& r) {
    std::string text = fmt::format(
        "power:  # mean of the measured period\n  facility_w: {:.8g}  # at the utility's meter\n  it_w: "
        "{:.8g}\n  "
        "pue: {}\n  breakdown_w:  # adds up to facility_w\n",
        facility_w(r), energy_w(r, r.it_energy_uj),
        ratio_or_null(energy_w(r, r.used_energy_uj()), energy_w(r, r.it_energy_uj)));
    for (std::size_t c = 0; c < engine::consumer_size; ++c) {
        if (c == static_cast<std::size_t>(engine::Consumer::storage) && !deck.facility.stores()) continue;
        text +=
            fmt::format("    {}: {:.10g}\n", engine::consumer_names[c], energy_w(r, r.energy_uj.values[c]));
    }
    auto const consumed_w = boundaries_w(r);
    if (deck.facility.stores())
        text += "  # it_w, pue and boundaries: without what stores took (storage above; negative: gave)\n";
    text += by_boundary("boundaries_w", "{:.8g}", [&](std::size_t b) { return consumed_w[b]; });
    text += by_boundary("provisioned_w", "{:.8g}", [&](std::size_t b) { return r.provisioned_w[b]; });
    text += by_boundary("consumed_of_provisioned", "{:.4g}",
                        [&](std::size_t b) { return ratio(consumed_w[b], r.provisioned_w[b]); });
    text += budget_lines(deck, r) + network_power_lines(deck, r) + store_lines(deck, r);
    return text + quality_block(r);
}

//! Tokens for energy at every boundary, the energy's carbon and price, and the brain's 20 W.
std::string efficiency_block(config::Deck const& deck, Results const& r) {
    constexpr double brain_w = 20;
    double const output_per_s = rate(r, Count::output_tokens);
    double const input_per_s = rate(r, Count::input_tokens);
    auto const consumed_w = boundaries_w(r);
    std::string text = fmt::format(
        "efficiency:  # facility boundary and output tokens, where the key names no other\n  "
        "tokens_per_s_per_mw: {:.8g}\n  "
        "joules_per_output_token: {:.8g}\n",
        ratio(output_per_s, facility_w(r) * 1e-6), ratio(facility_w(r), output_per_s));
    text += efficiency_without_stores(deck, r);
    text += by_boundary("output_tokens_per_joule", "{:.6g}",
                        [&](std::size_t b) { return ratio(output_per_s, consumed_w[b]); });
    text += by_boundary("input_tokens_per_joule", "{:.6g}",
                        [&](std::size_t b) { return ratio(input_per_s, consumed_w[b]); });
    double const agent_w = ratio(consumed_w.back(), r.mean_in_service);
    text += fmt::format(
        "  mean_requests_in_service: {:.6g}\n  facility_w_per_agent: {:.6g}  # an agent: a request that an "
        "instance works on\n  "
        "brain_ratio: {:.6g}  # over the 20 W of a human brain\n",
        r.mean_in_service, agent_w, agent_w / brain_w);
    if (deck.facility.carbon_kg_per_j > 0)
        text += fmt::format("  carbon_kg_per_h: {:.6g}\n  carbon_g_per_1k_output_tokens: {:.6g}\n",
                            facility_w(r) * deck.facility.carbon_kg_per_j * 3600,
                            ratio(facility_w(r), output_per_s) * deck.facility.carbon_kg_per_j * 1e6);
    if (deck.facility.price_per_j > 0)
        text += fmt::format("  energy_cost_per_h: {:.6g}\n  energy_cost_per_1m_output_tokens: {:.6g}\n",
                            facility_w(r) * deck.facility.price_per_j * 3600,
                            ratio(facility_w(r), output_per_s) * deck.facility.price_per_j * 1e6);
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

//! Only where the deck has memory pools.
std::string pool_block(config::Deck const& deck, Results const& r) {
    hardware::MemoryPoolParams const& pool = deck.cluster.memory_pool;
    if (!pool.present()) return "";
    double const bytes_per_s = rate(r, Count::pool_bytes);
    auto const pools = static_cast<double>(r.pools);
    return fmt::format(
        "memory_pool:\n  pools: {}\n  capacity_bytes: {:.8g}\n  bytes_per_s: {:.8g}\n  mean_utilisation: "
        "{:.6g}\n  share_of_kv_blocks: {}\n",
        r.pools, pools * pool.capacity_bytes, bytes_per_s,
        ratio(bytes_per_s, pools * static_cast<double>(pool.bytes_per_s)),
        std::isfinite(r.pool_share_of_blocks) ? fmt::format("{:.6g}", r.pool_share_of_blocks) : "null");
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
        "throughput:\n  output_tokens_per_s: {:.8g}\n  input_tokens_per_s: {:.8g}\n  "
        "cached_input_tokens_per_s: {:.8g}\n  requests_per_s: {:.8g}\n  output_tokens_per_s_per_accelerator: "
        "{:.8g}\n",
        tokens_per_s, rate(r, Count::input_tokens), rate(r, Count::cached_tokens),
        rate(r, Count::measured_completions), tokens_per_s / static_cast<double>(r.accelerators));
    text += power_block(deck, r);
    text += efficiency_block(deck, r);
    text += fmt::format("latency:\n  {}\n  {}\n  {}\n", latency("ttft_s", all.ttft),
                        latency("tpot_s", all.tpot), latency("e2e_s", all.e2e));
    text += fmt::format(
        "objectives:  # of requests that completed in the measured period\n  met_fraction: {:.6g}\n  "
        "goodput_tokens_per_s: {:.8g}\n",
        ratio(static_cast<double>(r.counts[Count::objectives_met]), measured_completions),
        rate(r, Count::goodput_tokens));
    text += time_share_block(r);
    text += pool_block(deck, r);
    text += fabric_block(deck, r.fabric);
    text += fmt::format(
        "requests:  # that arrived in the measured period\n  arrived: {}\n  completed: {}\n  rejected: {}\n  "
        "preempted: {}\n  in_flight: {}\n",
        r.counts[Count::cohort_arrived], r.counts[Count::cohort_completed], r.counts[Count::cohort_rejected],
        r.counts[Count::preemptions], r.in_flight);
    text += services_block(deck, r);
    std::vector<std::string> warnings = deck.warnings;
    std::ranges::move(power_warnings(deck, r), std::back_inserter(warnings));
    if (!warnings.empty()) text += "warnings:\n";
    for (std::string const& warning : warnings) text += fmt::format("  - {}\n", quoted(warning));
    return text + performance_block(r.performance);
}

std::string summary_text(config::Deck const& deck, Results const& r) {
    ServiceResults const all = merged(r);
    double const tokens_per_s = rate(r, Count::output_tokens);
    auto const busiest =
        std::max_element(r.accelerator_ns.begin(), r.accelerator_ns.end()) - r.accelerator_ns.begin();
    std::string warnings;
    for (std::string const& warning : power_warnings(deck, r))
        warnings += fmt::format("  warning: {}\n", warning);
    return fmt::format(
        "{}: {:.4g} output tokens/s at {:.4g} MW (facility): {:.4g} tokens/s/MW, {:.4g} J per output token\n"
        "  TTFT p50 {:.3g} s, p99 {:.3g} s; TPOT p50 {:.3g} ms, p99 {:.3g} ms; objectives met by {:.1f} % of "
        "requests\n"
        "  most accelerator time: {}; {:.3g} x real time on {} ranks x {} threads\n{}"
        "digest: {}\n",
        deck.name, tokens_per_s, facility_w(r) * 1e-6, ratio(tokens_per_s, facility_w(r) * 1e-6),
        ratio(facility_w(r), tokens_per_s), all.ttft.quantile(0.5) * 1e-9, all.ttft.quantile(0.99) * 1e-9,
        all.tpot.quantile(0.5) * 1e-6, all.tpot.quantile(0.99) * 1e-6,
        100 * ratio(static_cast<double>(r.counts[Count::objectives_met]),
                    static_cast<double>(r.counts[Count::measured_completions])),
        share_names[static_cast<std::size_t>(busiest)],
        ratio(r.performance.simulated_s, r.performance.wall_s), r.performance.ranks, r.performance.threads,
        warnings, r.digest);
}

}  // namespace mw::app
