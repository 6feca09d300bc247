// Loads above capacity, objectives below what an idle site takes, and times of the run that do not fit its requests.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "feasibility_parts.hpp"

namespace mw::engine {

namespace {

//! From this load on queues are long, and the estimate's error counts.
constexpr double high_load = 0.9;

std::string bound_of(Bound bound) {
    switch (bound) {
        case Bound::prefill:
            return "its prefill instances";
        case Bound::decode:
            return "its decode instances";
        case Bound::network:
            return "the network adapters that carry its caches";
        case Bound::unified:
            break;
    }
    return "its instances";
}

std::string cure_of(Bound bound) {
    switch (bound) {
        case Bound::prefill:
            return ", more accelerators or a larger share of prefill instances";
        case Bound::decode:
            return ", more accelerators or a smaller share of prefill instances";
        case Bound::network:
            return " or a faster scale_out.link";
        case Bound::unified:
            break;
    }
    return " or more accelerators";
}

std::string rate_key(workload::ArrivalParams const& arrivals) {
    return arrivals.process == workload::Process::trace ? "arrivals.scale" : "arrivals.rate";
}

void warn_of_rate(serving::ServiceParams const& params, LoadEstimate const& load, Warnings& warnings) {
    double const share = load.load();
    if (share < high_load) return;
    std::string const facts = fmt::format(
        "service {}: {:.4g} requests/s are {} the {:.4g}/s that {} can serve by the estimate of `check`",
        params.name, load.offered_per_s,
        share < 2 ? fmt::format("{:.0f} % of", 100 * share) : fmt::format("{:.3g} times", share),
        load.capacity_per_s, bound_of(load.bound));
    std::string const cure =
        fmt::format("Use a lower {}{}", rate_key(params.workload.arrivals), cure_of(load.bound));
    warnings.push_back(
        share >= 1
            ? facts + ": requests pile up without end, and their latencies tell of time.duration. " + cure
            : facts + ", which may be off by 10 %: queues are long and take long to settle. " + cure);
}

void warn_of_concurrency(serving::ServiceParams const& params, LoadEstimate const& load, Warnings& warnings) {
    workload::ArrivalParams const& arrivals = params.workload.arrivals;
    if (arrivals.process != workload::Process::closed) return;
    auto const in_flight = static_cast<double>(arrivals.concurrency);
    if (in_flight < 1.1 * load.in_flight + 1) return;
    warnings.push_back(
        fmt::format("service {}: of {} requests in flight about {} are at work, limited by {}; the "
                    "others wait, and TTFT is mostly their wait. Use a lower arrivals.concurrency, or look "
                    "at throughput alone",
                    params.name, grouped(arrivals.concurrency), grouped(std::llround(load.in_flight)),
                    bound_of(load.bound)));
}

void warn_of_limits(serving::ServiceParams const& params, Warnings& warnings) {
    serving::SchedulerParams const& scheduler = params.scheduler;
    std::int64_t const each = 1 + params.speculative.draft_tokens;
    if (scheduler.policy != serving::SchedulerPolicy::mixed || !scheduler.chunked_prefill) return;
    if (scheduler.max_sequences * each < scheduler.max_batched_tokens) return;
    std::string const tokens = each > 1 ? fmt::format(" with {} tokens each in an iteration", each) : "";
    warnings.push_back(fmt::format(
        "service {}: max_sequences of {}{} fill max_batched_tokens of {}: a full batch leaves no "
        "room for prompts. Use a larger max_batched_tokens or a smaller max_sequences",
        params.name, grouped(scheduler.max_sequences), tokens, grouped(scheduler.max_batched_tokens)));
}

//! Prompts, and caches of disaggregated services, reach their instance at a window's end.
std::int64_t windows_to_first_token(serving::ServiceParams const& params) {
    return params.mode == serving::Mode::disaggregated ? 2 : 1;
}

void warn_of_window(config::TimeParams const& time, serving::ServiceParams const& params,
                    LoadEstimate const& load, Warnings& warnings) {
    constexpr double most = 0.2;  // of a first token's time
    constexpr double aimed = 0.05;
    double const window_s = core::to_seconds(time.window_ns);
    auto const windows = static_cast<double>(windows_to_first_token(params));
    bool const has_objective = params.ttft_objective_ns != core::never;
    double const objective_s = core::to_seconds(params.ttft_objective_ns);
    double const scale_s = has_objective ? std::min(objective_s, load.ttft_s) : load.ttft_s;
    if (scale_s > 0 && windows * window_s > most * scale_s)
        warnings.push_back(
            fmt::format("service {}: time.window of {} adds up to {} to each TTFT, {} of the {} {}. Use "
                        "time.window of {} or less",
                        params.name, duration_text(window_s), duration_text(windows * window_s),
                        percent(windows * window_s / scale_s), duration_text(scale_s),
                        has_objective && objective_s < load.ttft_s ? "that its objective allows"
                                                                   : "that an idle site takes",
                        duration_text(aimed * scale_s / windows)));
    bool const closed = params.workload.arrivals.process == workload::Process::closed;
    if (closed && load.life_s > 0 && 2 * window_s > aimed * load.life_s)
        warnings.push_back(
            fmt::format("service {}: a request of the closed loop is replaced up to two windows of {} after "
                        "its end, {} of the {} that it lives: "
                        "throughput is that much too low. Use time.window of {} or less",
                        params.name, duration_text(window_s), percent(2 * window_s / load.life_s),
                        duration_text(load.life_s), duration_text(0.005 * load.life_s)));
}

}  // namespace

void warn_of_load(ServiceModel const& service, LoadEstimate const& load, Warnings& warnings) {
    if (load.capacity_per_s <= 0) return;  // nothing fits, which is said
    warn_of_rate(service.params(), load, warnings);
    warn_of_concurrency(service.params(), load, warnings);
    warn_of_limits(service.params(), warnings);
}

void warn_of_objectives(ServiceModel const& service, LoadEstimate const& load, Warnings& warnings) {
    serving::ServiceParams const& params = service.params();
    if (load.capacity_per_s <= 0) return;
    double const ttft_s = core::to_seconds(params.ttft_objective_ns);
    double const tpot_s = core::to_seconds(params.tpot_objective_ns);
    if (params.ttft_objective_ns != core::never && ttft_s < load.ttft_s)
        warnings.push_back(fmt::format(
            "service {}: objectives.ttft of {} is less than the {} that a request of mean length ({:.4g} "
            "input tokens) takes on an "
            "idle site. Allow more, or use a faster layout",
            params.name, duration_text(ttft_s), duration_text(load.ttft_s), mean_input_tokens(service)));
    if (params.tpot_objective_ns != core::never && tpot_s < load.tpot_s && mean_output_tokens(service) > 1)
        warnings.push_back(
            fmt::format("service {}: objectives.tpot of {} is less than the {} that a token takes where a "
                        "sequence is alone: no load meets it. "
                        "Allow more, or use a faster layout",
                        params.name, duration_text(tpot_s), duration_text(load.tpot_s)));
}

void warn_of_times(config::TimeParams const& time, ServiceModel const& service, LoadEstimate const& load,
                   Warnings& warnings) {
    constexpr double least_lives = 3;
    serving::ServiceParams const& params = service.params();
    if (load.capacity_per_s <= 0) return;
    warn_of_window(time, params, load, warnings);
    if (params.workload.arrivals.finite() || load.life_s <= 0) return;
    double const duration_s = core::to_seconds(time.duration_ns);
    double const warmup_s = core::to_seconds(time.warmup_ns);
    if (duration_s < least_lives * load.life_s)
        warnings.push_back(fmt::format(
            "service {}: the measured {} are {:.2g} lives of a request ({} from arrival to last token): too "
            "few for steady means. Use "
            "time.duration of {} or more after a time.warmup of {}",
            params.name, duration_text(duration_s), duration_s / load.life_s, duration_text(load.life_s),
            duration_text(10 * load.life_s), duration_text(2 * load.life_s)));
    else if (load.life_s - warmup_s > 0.1 * duration_s)
        warnings.push_back(
            fmt::format("service {}: instances fill for about a life of a request, {}, of which time.warmup "
                        "leaves out {}: {} of the measured "
                        "period is not steady. Use time.warmup of {} or more",
                        params.name, duration_text(load.life_s), duration_text(warmup_s),
                        percent((load.life_s - warmup_s) / duration_s), duration_text(2 * load.life_s)));
}

}  // namespace mw::engine
