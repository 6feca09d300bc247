#include "megaweave/engine/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "load_trend.hpp"
#include "megaweave/core/survival.hpp"
#include "megaweave/llm/share_names.hpp"

namespace mw::engine {

namespace {

constexpr double turned_away_limit = 0.05;
constexpr double growth_of_arrivals = 0.005;
constexpr double growth_sigmas = 2;
constexpr double saturated = 0.99;
constexpr char const* more_instances =
    "Latencies depend on how long the run lasts: use more instances, or offer less load";
constexpr double lives_wanted = 3;
constexpr double halves_may_differ = 0.05;
constexpr double half_width_limit = 0.10;

std::string per_cent(double part) {
    return fmt::format("{:.3g} %", 100 * part);
}

std::string largest_share(Results const& r) {
    auto const last = r.accelerator_ns.begin() + llm::index_of(llm::Share::idle);
    return llm::share_names[static_cast<std::size_t>(std::max_element(r.accelerator_ns.begin(), last) -
                                                     r.accelerator_ns.begin())];
}

//! The resource that waiting requests are short of.
std::string waits_for(LoadTrend const& trend, std::int64_t instances, Results const& results) {
    auto const all = static_cast<double>(instances);
    if (trend.caches_moving > 0.5 * trend.waiting) return "scale_out";
    if (trend.starved_s > all * trend.half_s / 3) return "kv_capacity";
    if (trend.full > 0.25 * all) return "max_sequences";
    return largest_share(results);
}

bool grew(double before, double after, std::int64_t arrivals) {
    double const growth = after - before;
    auto const came = static_cast<double>(arrivals);
    return growth > growth_sigmas * std::sqrt(came) && growth > growth_of_arrivals * came;
}

std::string flow_text(LoadTrend const& t) {
    return fmt::format("in {:.4g} s {} requests came, {} were completed{}", t.seconds, t.arrivals,
                       t.completions,
                       t.rejections > 0 ? fmt::format(" and {} turned away", t.rejections) : "");
}

ServiceVerdict turned_away(LoadTrend const& t) {
    if (2 * t.shed > t.rejections)
        return {LoadState::overloaded, "power", flow_text(t) + ", for want of power",
                "Allow more power, or offer less load"};
    return {LoadState::overloaded, "kv_capacity", flow_text(t) + ", as they never fit an instance's KV cache",
            "Bound workload.input and output, or give an instance more KV blocks"};
}

ServiceVerdict judge_service(serving::ServiceParams const& service, LoadTrend const& t,
                             std::int64_t instances, Results const& r) {
    using enum LoadState;
    if (static_cast<double>(t.rejections) >= turned_away_limit * static_cast<double>(t.arrivals) &&
        t.rejections > 0)
        return turned_away(t);
    if (r.drained)
        return {steady, "", fmt::format("a workload with an end was served: {}", flow_text(t)), ""};
    workload::ArrivalParams const& arrivals = service.workload.arrivals;
    bool const closed = arrivals.process == workload::Process::closed;
    bool const piles_up =
        grew(t.waiting_first, t.waiting_last, t.arrivals) && t.waiting_last > t.waiting_middle;
    // At the limit chance decides for minutes whether the queue grows.
    if (!closed && !arrivals.finite() && t.prefill_busy > saturated &&
        t.prompts_waiting > 2 * t.prefill_instances)
        return {
            overloaded, "prefill",
            fmt::format("{}; the {:.0f} prefill instances are busy {} of the time and {:.4g} prompts wait",
                        flow_text(t), t.prefill_instances, per_cent(t.prefill_busy), t.prompts_waiting),
            more_instances};
    if (closed ? t.waiting > std::max(t.running, 1.0) : piles_up)
        return {overloaded, waits_for(t, instances, r),
                closed ? fmt::format("of {} requests in flight {:.4g} wait and {:.4g} run", t.in_system,
                                     t.waiting, t.running)
                       : fmt::format("{}; {:.4g} wait at the end, {:.4g} did at the start", flow_text(t),
                                     t.waiting_last, t.waiting_first),
                more_instances};
    if (arrivals.finite())
        return {
            filling, "",
            fmt::format("a workload with an end has not ended: {}; {} are open", flow_text(t), t.in_system),
            ""};
    if (!closed && grew(t.in_system_first, t.in_system_last, t.arrivals))
        return {filling, "",
                fmt::format("{}; {:.4g} are in flight at the end, {:.4g} were at the start", flow_text(t),
                            t.in_system_last, t.in_system_first),
                ""};
    return {steady, "", flow_text(t), ""};
}

//! Mean time from arrival to last token; by Little's law where too few have ended.
std::optional<double> life_s(Results const& r) {
    ServiceResults all;
    for (ServiceResults const& service : r.services) all.merge(service);
    if (auto const mean = core::Survival{all.e2e, all.e2e_open, 0}.mean()) return *mean * 1e-9;
    auto const completions = static_cast<double>(r.counts[Count::measured_completions]);
    if (completions > 0) return r.mean_in_flight * r.measured_s / completions;
    return {};
}

struct Series {
    std::vector<double> seconds;
    std::vector<double> tokens;
    std::vector<double> joules;
    std::vector<double> ttft_s;
    std::vector<double> first_tokens;
    std::vector<double> tpot_s;
    std::vector<double> tpot_samples;
};

Series series_of(std::vector<SiteSample> const& samples) {
    Series series;
    for (SiteSample const& sample : samples) {
        series.seconds.push_back(core::to_seconds(sample.length_ns));
        series.tokens.push_back(static_cast<double>(sample.output_tokens));
        series.joules.push_back(static_cast<double>(sample.energy_uj) * 1e-6);
        series.ttft_s.push_back(core::to_seconds(sample.ttft_ns));
        series.first_tokens.push_back(static_cast<double>(sample.first_tokens));
        series.tpot_s.push_back(core::to_seconds(sample.tpot_ns));
        series.tpot_samples.push_back(static_cast<double>(sample.tpot_samples));
    }
    return series;
}

void doubt_halves(char const* what, std::vector<double> const& x, std::vector<double> const& seconds,
                  std::vector<std::string>& doubts) {
    std::size_t const half = x.size() / 2;
    std::span<double const> const all_x{x};
    std::span<double const> const all_s{seconds};
    auto const first = core::batch_mean(all_x.first(half), all_s.first(half));
    auto const second = core::batch_mean(all_x.subspan(half), all_s.subspan(half));
    if (!first || !second || !first->half_width || !second->half_width) return;
    double const noise = std::hypot(*first->half_width, *second->half_width);
    double const mean = 0.5 * (first->mean + second->mean);
    if (std::abs(second->mean - first->mean) <= std::max(halves_may_differ * mean, noise)) return;
    doubts.push_back(
        fmt::format("the halves of the measured period differ: {} {:.4g} in the first, {:.4g} in the second. "
                    "Use a longer "
                    "time.warmup and time.duration",
                    what, first->mean, second->mean));
}

void doubt_width(char const* what, std::optional<core::BatchMean> const& mean,
                 std::vector<std::string>& doubts) {
    if (!mean || !mean->half_width || *mean->half_width <= half_width_limit * mean->mean) return;
    doubts.push_back(fmt::format("the mean of {} is known to {} only (95 %): use a longer time.duration",
                                 what, per_cent(*mean->half_width / mean->mean)));
}

std::vector<std::string> find_doubts(Results const& r, Verdict const& verdict, Series const& series) {
    std::vector<std::string> doubts;
    // These means cover a whole workload, not a sample of a steady state; and no duration mends an overload.
    if (r.drained || verdict.state == LoadState::overloaded) return doubts;
    auto const life = life_s(r);
    if (life && r.measured_s < lives_wanted * *life)
        doubts.push_back(fmt::format(
            "the measured period of {:.4g} s is {:.2g} times the mean life of a request, {:.4g} s: use a "
            "time.duration of {:.3g} s or more, and as much warm-up as one life",
            r.measured_s, r.measured_s / *life, *life, lives_wanted * *life));
    if (!life && r.counts[Count::cohort_arrived] > r.counts[Count::cohort_rejected])
        doubts.emplace_back(
            "no request was completed in the measured period: it is shorter than the life of one. Use a "
            "longer "
            "time.duration");
    doubt_halves("output tokens/s", series.tokens, series.seconds, doubts);
    doubt_halves("facility watts", series.joules, series.seconds, doubts);
    if (auto const wave = wave_s(r.history.samples()))
        doubts.push_back(fmt::format(
            "requests are completed in waves, one each {:.3g} s: they move in lockstep, as with a fixed "
            "number in "
            "flight and equal lengths from a common start. Use lengths that vary, or a time.warmup and "
            "time.duration of many waves",
            *wave));
    doubt_width("output tokens/s", verdict.output_tokens_per_s, doubts);
    doubt_width("time to first token", verdict.ttft_s, doubts);
    return doubts;
}

}  // namespace

Verdict judge(config::Deck const& deck, Results const& results) {
    Verdict verdict;
    std::size_t worst = 0;
    for (std::size_t s = 0; s < deck.services.size(); ++s) {
        std::int64_t const instances = results.instances[s];
        LoadTrend const trend = trend_of(results.history, s, instances);
        verdict.services.push_back(judge_service(deck.services[s], trend, instances, results));
        if (verdict.services[s].state > verdict.services[worst].state) worst = s;
        // One instance in four or fewer holds the queue.
        if (trend.waiting > static_cast<double>(instances) && trend.unevenness > 4)
            verdict.doubts.push_back(
                fmt::format("service '{}': requests wait at few of its {} instances (mean square over "
                            "squared mean {:.3g}): the "
                            "router does not balance them",
                            deck.services[s].name, instances, trend.unevenness));
    }
    if (!verdict.services.empty()) {
        ServiceVerdict const& first = verdict.services[worst];
        verdict.state = first.state;
        verdict.because = fmt::format("service '{}': {}", deck.services[worst].name, first.because);
        verdict.cure = first.cure;
        verdict.text = load_state_names[static_cast<std::size_t>(first.state)];
        if (first.state == LoadState::overloaded)
            verdict.text += fmt::format(" ({}, {})", deck.services[worst].name, first.resource);
    }
    Series const series = series_of(results.history.samples());
    verdict.output_tokens_per_s = core::batch_mean(series.tokens, series.seconds);
    verdict.facility_w = core::batch_mean(series.joules, series.seconds);
    verdict.ttft_s = core::batch_mean(series.ttft_s, series.first_tokens);
    verdict.tpot_s = core::batch_mean(series.tpot_s, series.tpot_samples);
    for (std::optional<core::BatchMean>* mean :
         {&verdict.output_tokens_per_s, &verdict.facility_w, &verdict.ttft_s, &verdict.tpot_s})
        if (*mean && (results.drained || results.history.samples().size() < 2)) (*mean)->half_width.reset();
    for (std::string& doubt : find_doubts(results, verdict, series))
        verdict.doubts.push_back(std::move(doubt));
    return verdict;
}

}  // namespace mw::engine
