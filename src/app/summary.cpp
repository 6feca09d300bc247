#include "summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <span>

#include "megaweave/llm/share_names.hpp"
#include "megaweave/plant/power_quality.hpp"
#include "summary_fabric.hpp"
#include "summary_power.hpp"
#include "summary_service.hpp"
#include "version.hpp"
#include "yaml_text.hpp"

namespace mw::app {

namespace {

using engine::Count;
using engine::Results;

//! Not a number where there is nothing to divide by; null in the summary.
double ratio(double a, double b) {
    return b == 0.0 ? std::numeric_limits<double>::quiet_NaN() : a / b;
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

std::string power_block(config::Deck const& deck, Results const& r, engine::Verdict const& verdict) {
    std::string text = fmt::format(
        "power:  # mean of the measured period\n  facility_w: {}  # at the utility's meter\n  "
        "facility_w_half_width: {}\n  it_w: {}\n  pue: {}\n  breakdown_w:  # adds up to facility_w\n",
        number(facility_w(r), 8), number(verdict.facility_w ? verdict.facility_w->half_width : std::nullopt),
        number(energy_w(r, r.it_energy_uj), 8),
        number(quotient(energy_w(r, r.used_energy_uj()), energy_w(r, r.it_energy_uj))));
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
        text += fmt::format("  {}: {:.8f}\n", llm::share_names[s],
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
        ratio(bytes_per_s, pools * static_cast<double>(pool.bytes_per_s)), number(r.pool_share_of_blocks));
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

//! Everything that the reader should know before the numbers: of the deck, then of the run.
std::vector<std::string> warnings_of(config::Deck const& deck, Results const& r,
                                     engine::Verdict const& verdict) {
    std::vector<std::string> all;
    if (verdict.state == engine::LoadState::overloaded)
        all.push_back(fmt::format("{}: {}. {}", verdict.text, verdict.because, verdict.cure));
    all.insert(all.end(), verdict.doubts.begin(), verdict.doubts.end());
    std::ranges::move(power_warnings(deck, r), std::back_inserter(all));
    all.insert(all.end(), deck.warnings.begin(), deck.warnings.end());
    return all;
}

std::string throughput_block(Results const& r, engine::Verdict const& verdict) {
    double const tokens_per_s = rate(r, Count::output_tokens);
    auto const& mean = verdict.output_tokens_per_s;
    return fmt::format(
        "throughput:  # half_width: of the 95 % confidence interval\n  output_tokens_per_s: {}\n  "
        "output_tokens_per_s_half_width: {}\n  input_tokens_per_s: {}\n  cached_input_tokens_per_s: {}\n  "
        "requests_per_s: {}\n  output_tokens_per_s_per_accelerator: {}\n",
        number(tokens_per_s, 8), number(mean ? mean->half_width : std::nullopt),
        number(rate(r, Count::input_tokens), 8), number(rate(r, Count::cached_tokens), 8),
        number(rate(r, Count::measured_completions), 8),
        number(tokens_per_s / static_cast<double>(r.accelerators), 8));
}

}  // namespace

std::string summary_yaml(config::Deck const& deck, Results const& r, engine::Verdict const& verdict) {
    std::string text = fmt::format(
        "# Megaweave {}. Measured period: {:.6g} s after {:.6g} s of warm-up. Tokens: output unless said "
        "otherwise. Power: the boundary is in the key. null: there is nothing to state.\n"
        "name: {}\ndigest: {}\n",
        version, r.measured_s, core::to_seconds(deck.time.warmup_ns), quoted(deck.name), quoted(r.digest));
    text += verdict_block(verdict) + throughput_block(r, verdict);
    text += power_block(deck, r, verdict) + efficiency_block(deck, r);
    text += latency_block(r, verdict) + objectives_block(deck, r);
    text += time_share_block(r) + pool_block(deck, r) + fabric_block(deck, r.fabric);
    text += requests_block(r) + services_block(deck, r, verdict);
    if (auto const warnings = warnings_of(deck, r, verdict); !warnings.empty()) {
        text += "warnings:\n";
        for (std::string const& warning : warnings) text += fmt::format("  - {}\n", quoted(warning));
    }
    return plain_numbers(text + performance_block(r.performance));
}

namespace {

//! "1.906e+05 output tokens/s at 0.8395 MW (facility): 2.27e+05 tokens/s/MW, 4.405 J per output token"
std::string headline(Results const& r, engine::Verdict const& verdict) {
    double const tokens_per_s = rate(r, Count::output_tokens);
    double const watts = facility_w(r);
    if (tokens_per_s == 0) return fmt::format("no output tokens, at {:.4g} MW (facility)", watts * 1e-6);
    std::string width;
    if (auto const& mean = verdict.output_tokens_per_s; mean && mean->half_width)
        width = fmt::format(" (+- {:.2g} %)", 100 * *mean->half_width / mean->mean);
    return fmt::format(
        "{:.4g} output tokens/s{} at {:.4g} MW (facility): {:.4g} tokens/s/MW, {:.4g} J per output token",
        tokens_per_s, width, watts * 1e-6, tokens_per_s / (watts * 1e-6), watts / tokens_per_s);
}

}  // namespace

std::string summary_text(config::Deck const& deck, Results const& r, engine::Verdict const& verdict) {
    auto const busiest =
        std::max_element(r.accelerator_ns.begin(), r.accelerator_ns.end()) - r.accelerator_ns.begin();
    std::string text = fmt::format(
        "{}: {}\nverdict: {}: {}\n  {}\n  most accelerator time: {}; {:.3g} x real time on {} ranks x {} "
        "threads\n",
        deck.name, headline(r, verdict), verdict.text, verdict.because, service_line(deck, r),
        llm::share_names[static_cast<std::size_t>(busiest)],
        quotient(r.performance.simulated_s, r.performance.wall_s).value_or(0), r.performance.ranks,
        r.performance.threads);
    for (std::string const& warning : warnings_of(deck, r, verdict))
        text += fmt::format("warning: {}\n", warning);
    return text + fmt::format("digest: {}\n", r.digest);
}

}  // namespace mw::app
