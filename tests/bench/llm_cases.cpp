#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "cases.hpp"
#include "megaweave/llm/iteration.hpp"

namespace mw::bench {

namespace {

//! `prefill` prompt tokens in one chunk beside 256 decoding sequences of 1,650 tokens.
void iteration_model(benchmark::State& state, std::vector<config::Override> const& changes,
                     std::int64_t prefill) {
    config::Deck const deck = reference_deck(changes);
    serving::ServiceParams const& service = deck.services[0];
    llm::IterationModel const model{service.model, service.weights, service.kv_cache, service.parallelism,
                                    deck.cluster.rack};
    llm::Batch batch{256, 256 * 1650, prefill, prefill * (prefill + 1) / 2, 256};
    for (auto _ : state) {
        batch.context_tokens += 256;
        if (batch.context_tokens > 256 * 4096) batch.context_tokens = 256;
        benchmark::DoNotOptimize(model(batch));
    }
    state.SetItemsProcessed(state.iterations());
}

}  // namespace

void register_llm() {
    std::vector<config::Override> const deepseek = {
        {"services[0].model", "deepseek-v3"},
        {"services[0].parallelism", "{tensor: 1, pipeline: 1, expert: 64, attention_data: 64}"}};
    std::vector<config::Override> const plain;
    benchmark::RegisterBenchmark("iteration_model/llama-3.1-70b/decode", iteration_model, plain, 0);
    benchmark::RegisterBenchmark("iteration_model/llama-3.1-70b/mixed", iteration_model, plain, 2048);
    benchmark::RegisterBenchmark("iteration_model/deepseek-v3/decode", iteration_model, deepseek, 0);
    benchmark::RegisterBenchmark("iteration_model/deepseek-v3/mixed", iteration_model, deepseek, 2048);
}

}  // namespace mw::bench
