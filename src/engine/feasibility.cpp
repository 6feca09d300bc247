#include "megaweave/engine/feasibility.hpp"

#include <fmt/format.h>

#include <cmath>

#include "feasibility_parts.hpp"
#include "megaweave/engine/deployment.hpp"

namespace mw::engine {

namespace {

void warn_of_budget(World const& world, Warnings& warnings) {
    double const budget_w = world.deck().facility.budget_w;
    if (budget_w <= 0) return;
    double const idle_w = idle_facility_w(world);
    if (budget_w >= idle_w) return;
    warnings.push_back(
        fmt::format("facility.budget of {:.4g} kW is below the {:.4g} kW that the site draws when it is "
                    "idle: no control can keep it. Raise "
                    "it, or take fewer accelerators",
                    budget_w * 1e-3, idle_w * 1e-3));
}

void warn_of_samples(config::TimeParams const& time, Warnings& warnings) {
    if (4 * time.sample_ns <= time.duration_ns) return;
    warnings.push_back(
        fmt::format("time.sample of {} leaves {} samples of the measured {}: ramps, peaks and time series "
                    "say nothing. Use "
                    "time.sample of {} or less",
                    duration_text(core::to_seconds(time.sample_ns)), time.duration_ns / time.sample_ns,
                    duration_text(core::to_seconds(time.duration_ns)),
                    duration_text(core::to_seconds(time.duration_ns) / 10)));
}

//! That are expected to arrive.
double requests_of_run(config::TimeParams const& time, ServiceModel const& service,
                       LoadEstimate const& load) {
    workload::ArrivalParams const& arrivals = service.params().workload.arrivals;
    if (arrivals.requests > 0) return static_cast<double>(arrivals.requests);
    if (load.offered_per_s == 0 && service.trace() != nullptr)
        return static_cast<double>(service.trace()->requests().size());
    double const per_s = load.offered_per_s > 0 ? load.offered_per_s : load.capacity_per_s;
    return static_cast<double>(arrivals.concurrency) +
           per_s * core::to_seconds(time.warmup_ns + time.duration_ns);
}

}  // namespace

std::string grouped(std::int64_t number) {
    std::string text = std::to_string(number);
    std::size_t const first = text.front() == '-' ? 1 : 0;
    for (std::size_t at = text.size(); at > first + 3; at -= 3) text.insert(at - 3, ",");
    return text;
}

std::string percent(double share) {
    return share >= 0.095 ? fmt::format("{:.0f} %", 100 * share) : fmt::format("{:.2g} %", 100 * share);
}

std::string duration_text(double seconds) {
    if (seconds == 0) return "0 s";
    if (seconds >= 1000) return fmt::format("{:.0f} s", seconds);
    if (seconds < 1e-3) return fmt::format("{:.3g} us", seconds * 1e6);
    return seconds < 1 ? fmt::format("{:.3g} ms", seconds * 1e3) : fmt::format("{:.3g} s", seconds);
}

Feasibility assess(World const& world) {
    Feasibility all;
    for (std::size_t s = 0; s < world.services(); ++s) {
        ServiceModel const& service = world.service(core::ServiceId::of(s));
        LoadEstimate const load = estimate_load(world, core::ServiceId::of(s));
        all.services.push_back(load);
        warn_of_lengths(service, requests_of_run(world.deck().time, service, load), all.warnings);
        warn_of_memory(service, all.warnings);
        warn_of_hashes(service, all.warnings);
        warn_of_load(service, load, all.warnings);
        warn_of_objectives(service, load, all.warnings);
        warn_of_times(world.deck().time, service, load, all.warnings);
    }
    warn_of_budget(world, all.warnings);
    warn_of_samples(world.deck().time, all.warnings);
    return all;
}

}  // namespace mw::engine
