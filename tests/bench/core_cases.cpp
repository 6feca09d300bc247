#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "cases.hpp"
#include "megaweave/core/histogram.hpp"
#include "megaweave/core/random.hpp"
#include "megaweave/engine/world.hpp"
#include "megaweave/site/partition.hpp"

namespace mw::bench {

namespace {

core::KeyedRandom const random{7};
constexpr std::size_t ring = 4096;  // of values prepared beforehand; a power of two

void philox(benchmark::State& state) {
    std::uint64_t index = 0;
    for (auto _ : state) benchmark::DoNotOptimize(random.uniform(core::Draw::test, 3, index++));
    state.SetItemsProcessed(state.iterations());
}

void quantile(benchmark::State& state, double (*law)(double)) {
    std::uint64_t index = 0;
    for (auto _ : state) benchmark::DoNotOptimize(law(random.uniform(core::Draw::test, 3, index++)));
    state.SetItemsProcessed(state.iterations());
}

//! Latencies of 1 ms to 10 s, log-uniform: every add lands somewhere else in 1,700 buckets.
void histogram_add(benchmark::State& state) {
    std::vector<std::int64_t> values(ring);
    for (std::size_t i = 0; i < ring; ++i)
        values[i] =
            static_cast<std::int64_t>(1e6 * std::pow(10.0, 4.0 * random.uniform(core::Draw::test, 0, i)));
    core::Histogram histogram;
    std::size_t i = 0;
    for (auto _ : state) histogram.add(values[i++ & (ring - 1)]);
    benchmark::DoNotOptimize(histogram);
    state.SetItemsProcessed(state.iterations());
}

void histogram_merge(benchmark::State& state) {
    core::Histogram part;
    for (std::size_t i = 0; i < ring; ++i)
        part.add(
            static_cast<std::int64_t>(1e6 * std::pow(10.0, 4.0 * random.uniform(core::Draw::test, 0, i))));
    core::Histogram all = part;
    for (auto _ : state) all.merge(part);
    benchmark::DoNotOptimize(all);
}

void rank_of(benchmark::State& state) {
    site::Plan const plan = engine::World{reference_deck()}.plan();
    site::Partition const partition{plan, static_cast<int>(state.range(0))};
    std::vector<core::RackId> racks(ring);
    for (std::size_t i = 0; i < ring; ++i)
        racks[i] =
            core::RackId::of(random.bits(core::Draw::test, 1, i) % static_cast<std::uint64_t>(plan.racks()));
    std::size_t i = 0;
    for (auto _ : state) benchmark::DoNotOptimize(partition.rank_of(racks[i++ & (ring - 1)]));
    state.SetItemsProcessed(state.iterations());
}

}  // namespace

void register_core() {
    benchmark::RegisterBenchmark("core/philox", philox);
    benchmark::RegisterBenchmark("core/normal_quantile", quantile, core::normal_quantile);
    benchmark::RegisterBenchmark("core/gamma_quantile/cv:2", quantile,
                                 [](double p) { return core::gamma_quantile(0.25, p); });
    benchmark::RegisterBenchmark("core/histogram_add", histogram_add);
    benchmark::RegisterBenchmark("core/histogram_merge", histogram_merge);
    benchmark::RegisterBenchmark("core/rank_of", rank_of)->ArgName("ranks")->Arg(1)->Arg(64)->Arg(1024);
}

}  // namespace mw::bench
