#include "megaweave/engine/memory_need.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "power_bins.hpp"

namespace mw::engine {

namespace {

constexpr double request_bytes = 1400;
constexpr double series_bytes = 64;
constexpr double rack_bytes = 40e3;
constexpr double instance_bytes = 2e3;
constexpr double link_bytes = 250;

using workload::Process;

//! Requests that instances with full batches complete in a second: an iteration for each token of an answer.
double completion_rate(ServiceModel const& model, Deployment::Service const& service) {
    auto const sequences = static_cast<double>(model.instance(false).scheduler.max_sequences);
    auto const decoding = static_cast<double>(service.instances - service.prefill_instances);
    llm::Batch batch;
    batch.decode_sequences = 1;
    batch.context_tokens = std::llround(service.input_tokens);
    batch.sampled_tokens = batch.emitted_tokens = 1;
    double const iteration_s = std::max(1e-6, core::to_seconds(model.timing()(batch).duration_ns));
    return decoding * sequences / (iteration_s * std::max(1.0, service.output_tokens));
}

std::string arrivals_key(std::size_t service, workload::ArrivalParams const& arrivals) {
    std::string const block = fmt::format("services[{}].workload.arrivals", service);
    switch (arrivals.process) {
        case Process::closed:
            return block + ".concurrency";
        case Process::burst:
            return block + ".requests";
        case Process::trace:
            return block + ".scale";
        case Process::poisson:
        case Process::gamma:
            break;
    }
    return block + ".rate";
}

}  // namespace

double most_in_flight(ServiceModel const& model, Deployment::Service const& service, double run_s) {
    workload::ArrivalParams const& arrivals = model.params().workload.arrivals;
    auto const requests = static_cast<double>(arrivals.requests);
    if (arrivals.process == Process::burst) return requests;
    auto const at_once = static_cast<double>(arrivals.concurrency);
    if (arrivals.process == Process::closed) return requests > 0 ? std::min(at_once, requests) : at_once;
    bool const once =
        arrivals.process == Process::trace && (!arrivals.repeat || model.trace()->one_instant());
    if (once) return static_cast<double>(model.trace()->requests().size()) * std::max(1.0, arrivals.scale);
    double const excess = service.requests_per_s - 2 * completion_rate(model, service);
    double const batches = static_cast<double>(service.instances) *
                           static_cast<double>(model.instance(false).scheduler.max_sequences);
    return std::min(service.requests_per_s * run_s, batches + std::max(0.0, excess) * run_s);
}

std::vector<MemoryNeed> memory_needs(World const& world, Deployment const& deployment) {
    config::TimeParams const& time = world.deck().time;
    double const run_s = core::to_seconds(time.warmup_ns) + core::to_seconds(time.duration_ns);
    std::vector<MemoryNeed> needs;
    double instances = 0;
    for (std::size_t s = 0; s < deployment.services.size(); ++s) {
        ServiceModel const& model = world.service(core::ServiceId::of(s));
        double const requests = most_in_flight(model, deployment.services[s], run_s);
        needs.push_back({arrivals_key(s, model.params().workload.arrivals),
                         fmt::format("{:.3g} requests in flight", requests), requests * request_bytes});
        instances += static_cast<double>(deployment.services[s].instances);
    }
    auto const bins = static_cast<double>(swing_bins(time.sample_ns).count);
    double const samples = static_cast<double>(time.duration_ns) / static_cast<double>(time.sample_ns);
    needs.push_back({"time.duration", fmt::format("the power of {:.3g} samples", samples),
                     samples * (1 + bins) * series_bytes});
    auto const racks = static_cast<double>(deployment.racks);
    needs.push_back({"time.sample",
                     fmt::format("a sample's power in steps of 25 ms of {} racks", deployment.racks),
                     8 * bins * racks});
    needs.push_back({"cluster.accelerators",
                     fmt::format("{} racks, {:.0f} instances and {} links", deployment.racks, instances,
                                 deployment.links),
                     racks * rack_bytes + instances * instance_bytes +
                         link_bytes * static_cast<double>(deployment.links)});
    return needs;
}

}  // namespace mw::engine
