#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "cases.hpp"
#include "megaweave/workload/arrivals.hpp"

namespace mw::bench {

namespace {

using workload::Law;
using workload::LengthParams;
using workload::Process;

LengthParams length_law(Law law) {
    LengthParams params;
    params.law = law;
    params.tokens = 1500;
    params.max = 32768;
    params.median = 1500;
    params.sigma = 0.8;
    params.mean = 1500;
    params.file = std::string{MW_SOURCE_DIR} + "/tests/decks/good/lengths.csv";
    return params;
}

void length(benchmark::State& state, Law law) {
    workload::LengthLaw const lengths{length_law(law)};
    core::KeyedRandom const random{7};
    std::uint64_t index = 0;
    for (auto _ : state) benchmark::DoNotOptimize(lengths(random, core::Draw::input_length, 0, index++));
    state.SetItemsProcessed(state.iterations());
}

//! One of 64 cells of a service: next time and both lengths of a request. Lengths are fixed, so that the process is what shows.
void arrival(benchmark::State& state, Process process) {
    workload::WorkloadParams params;
    params.arrivals.process = process;
    params.arrivals.rate_per_s = 50'000;
    params.arrivals.cv = 2;
    params.arrivals.concurrency = 64 * 1000;
    params.arrivals.scale = 1000;
    params.input = params.output = length_law(process == Process::trace ? Law::trace : Law::fixed);
    workload::LengthLaw const lengths{params.input};
    std::unique_ptr<workload::Trace> trace;
    if (process == Process::trace)
        trace = std::make_unique<workload::Trace>(std::string{MW_SOURCE_DIR} + "/tests/decks/good/trace.csv",
                                                  workload::TraceFormat::csv);
    workload::ArrivalStream stream{params, lengths, lengths, trace.get(), 7, 5, {5, 64}};
    for (auto _ : state) {
        workload::Arrival const next = stream.take();
        benchmark::DoNotOptimize(next);
        stream.replace(next.time_ns);
    }
    state.SetItemsProcessed(state.iterations());
}

}  // namespace

void register_workload() {
    benchmark::RegisterBenchmark("lengths/fixed", length, Law::fixed);
    benchmark::RegisterBenchmark("lengths/uniform", length, Law::uniform);
    benchmark::RegisterBenchmark("lengths/lognormal", length, Law::lognormal);
    benchmark::RegisterBenchmark("lengths/exponential", length, Law::exponential);
    benchmark::RegisterBenchmark("lengths/quantiles", length, Law::quantiles);
    benchmark::RegisterBenchmark("arrivals/poisson", arrival, Process::poisson);
    benchmark::RegisterBenchmark("arrivals/gamma", arrival, Process::gamma);
    benchmark::RegisterBenchmark("arrivals/closed", arrival, Process::closed);
    benchmark::RegisterBenchmark("arrivals/trace", arrival, Process::trace);
}

}  // namespace mw::bench
