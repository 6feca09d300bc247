#include <doctest/doctest.h>

#include "one_experiment.hpp"

using namespace mw;
using hardware::Precision;
using test::setup_of;
using validation::Load;
using validation::Setup;

namespace {

serving::ServiceParams service_of(Setup const& setup) {
    static config::Entries const entries{};
    auto const file = test::one_experiment(setup, "output_throughput_total", "tok/s");
    return validation::make_trial(file, file.experiments.front(), entries).deck.services.front();
}

}  // namespace

TEST_CASE(
    "a closed loop follows the published recipe that its row matches, other loads the engine's defaults") {
    auto const scheduler_of = [](Load load, double concurrency, char const* version) {
        auto setup = setup_of("deepseek-v3", Precision::fp4, "b200-sxm", 8, "sglang", version, load);
        setup.concurrency = concurrency;
        return service_of(setup).scheduler;
    };
    // SemiAnalysisAI/InferenceX, benchmarks/dsr1_fp4_b200.sh
    auto const quiet = scheduler_of(Load::closed, 4, "lmsysorg/sglang:v0.5.6-cu129-amd64");
    CHECK(quiet.poll_iterations == 10);
    CHECK(quiet.max_batched_tokens == 16384);
    CHECK(quiet.memory_share == 0.85);
    CHECK(scheduler_of(Load::closed, 16, "0.5.6").poll_iterations == 30);
    CHECK(scheduler_of(Load::closed, 16, "0.4.1").poll_iterations == 1);
    auto const defaults = scheduler_of(Load::max, 0, "0.5.6");
    CHECK(defaults.poll_iterations == 1);
    CHECK(defaults.memory_share == 0.88);
}

TEST_CASE(
    "TensorRT-LLM's maxima run with the limits that its benchmark chooses, prompts whole once it runs "
    "PyTorch") {
    auto setup = setup_of("llama-3.1-8b", Precision::fp8, "h100-sxm", 1, "tensorrt-llm", "0.17", Load::max);
    setup.input_tokens = setup.output_tokens = 128;
    auto const compiled = service_of(setup).scheduler;
    CHECK(compiled.max_sequences == 4096);
    CHECK(compiled.max_batched_tokens == 8192);
    CHECK(compiled.memory_share == 0.95);
    CHECK(compiled.logit_copies == 3);
    CHECK(!compiled.frees_windows);

    setup.engine_version = "0.20";
    setup.input_tokens = 20000;
    setup.output_tokens = 2000;
    auto const pytorch = service_of(setup).scheduler;
    CHECK(pytorch.max_sequences == 64);  // 50 fit
    CHECK(pytorch.max_batched_tokens == 20064);
    CHECK(pytorch.logit_copies == 0);

    // That is Dynamo's version, not TensorRT-LLM's.
    setup.engine = "dynamo-trt";
    setup.engine_version = "nvcr.io#nvidia/ai-dynamo/tensorrtllm-runtime:0.5.1-rc0.pre3";
    CHECK(service_of(setup).scheduler.logit_copies == 0);
}

TEST_CASE("limits that a table of the benchmark states stand before those that it would choose") {
    auto const scheduler = service_of(setup_of("llama-3.1-70b", Precision::fp8, "h100-sxm", 4, "tensorrt-llm",
                                               "0.14.0", Load::max))
                               .scheduler;
    CHECK(scheduler.max_sequences == 2048);
    CHECK(scheduler.max_batched_tokens == 1024);
    CHECK(scheduler.memory_share == 0.9);
}

TEST_CASE(
    "mixtures of experts in TensorRT-LLM 1.0's maxima are spread over tensor ranks, dense models are not") {
    auto const mixture = service_of(
        setup_of("llama-4-scout", Precision::fp4, "b200-sxm", 4, "tensorrt-llm", "1.0", Load::max));
    CHECK(mixture.parallelism.tensor == 1);
    CHECK(mixture.parallelism.attention_data == 4);
    CHECK(mixture.parallelism.expert == 4);
    CHECK(mixture.kv_cache == Precision::fp8);
    auto const dense = service_of(
        setup_of("llama-3.1-70b", Precision::fp4, "b200-sxm", 4, "tensorrt-llm", "1.0", Load::max));
    CHECK(dense.parallelism.tensor == 4);
    CHECK(dense.parallelism.attention_data == 1);
    // Every rank has a scheduler of its own with the benchmark's limits.
    CHECK(mixture.scheduler.max_sequences % 4 == 0);
    CHECK(mixture.scheduler.max_sequences >= 4 * 64);
}

TEST_CASE("of two recipes that match, the first by name holds") {
    auto const cache = [](char const* version) {
        return service_of(setup_of("llama-4-scout", Precision::fp8, "h100-sxm", 4, "tensorrt-llm", version,
                                   Load::max))
            .kv_cache;
    };
    CHECK(cache("0.21") == Precision::bf16);
    CHECK(cache("1.0") == Precision::bf16);
    CHECK(cache("0.17") == Precision::fp8);
}

TEST_CASE(
    "DeepSeek-R1's own FP8 checkpoint asks for no FP8 cache, so its maxima on Hopper had BF16 and half the "
    "requests") {
    auto const service =
        service_of(setup_of("deepseek-r1", Precision::fp8, "h200-sxm", 8, "tensorrt-llm", "1.1", Load::max));
    CHECK(service.kv_cache == Precision::bf16);
    // 0.95 (8 x 150.8 GB - 671 GB of weights) / (2 x 61 x 7,168 x 2 B x 2,048 tokens) = 142 of each of eight schedulers.
    CHECK(service.scheduler.max_sequences == 8 * 160);
}
