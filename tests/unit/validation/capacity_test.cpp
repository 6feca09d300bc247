#include <doctest/doctest.h>

#include <string>

#include "megaweave/engine/world.hpp"
#include "one_experiment.hpp"

using namespace mw;

namespace {

//! Sequences that TensorRT-LLM's cache held at once, of prompt + answer + 1,000 tokens, iterations of two prompts, a cache in BF16.
struct Measured {
    char const* hardware;
    char const* model;
    hardware::Precision weights;
    std::int64_t tensor;
    std::int64_t prompt, answer;
    double share;
    double sequences;
};

// Source: github.com/ai-dynamo/aiconfigurator, tests of the key-value cache's oversubscription (TensorRT-LLM's own benchmark).
constexpr Measured measured[] = {
    {"h100-sxm", "llama-3.1-8b", hardware::Precision::bf16, 1, 2048, 2048, 0.8, 78},
    {"h100-sxm", "llama-3.1-8b", hardware::Precision::bf16, 2, 2048, 2048, 0.8, 173},
    {"h100-sxm", "llama-3.1-8b", hardware::Precision::bf16, 4, 2048, 2048, 0.8, 363},
    {"h100-sxm", "llama-3.1-8b", hardware::Precision::bf16, 4, 4096, 4096, 0.8, 201},
    {"h100-sxm", "qwen3-32b", hardware::Precision::fp8, 1, 2048, 2048, 0.8, 27},
    {"h100-sxm", "qwen3-32b", hardware::Precision::fp8, 2, 2048, 2048, 0.8, 75},
    {"h100-sxm", "qwen3-32b", hardware::Precision::fp8, 4, 2048, 4096, 0.8, 121},
    {"gb300-nvl72", "llama-3.1-8b", hardware::Precision::bf16, 1, 2048, 2048, 0.9, 372},
    {"gb300-nvl72", "llama-3.1-8b", hardware::Precision::bf16, 4, 4096, 4096, 0.9, 856},
    {"gb300-nvl72", "qwen3-32b", hardware::Precision::fp8, 1, 4096, 4096, 0.8, 84},
    {"gb300-nvl72", "qwen3-32b", hardware::Precision::fp8, 4, 2048, 2048, 0.9, 757},
};

double sequences_of(Measured const& m) {
    static config::Entries const entries{};
    auto setup = test::setup_of(m.model, m.weights, m.hardware, m.tensor, "tensorrt-llm", "1.0",
                                validation::Load::closed);
    setup.input_tokens = static_cast<double>(m.prompt);
    setup.output_tokens = static_cast<double>(m.answer);
    setup.concurrency = 1;
    auto const file = test::one_experiment(setup, "ttft_median", "ms");
    auto deck = validation::make_trial(file, file.experiments.front(), entries).deck;
    deck.services.front().kv_cache = hardware::Precision::bf16;
    deck.services.front().scheduler.memory_share = m.share;
    deck.services.front().scheduler.max_batched_tokens = 2 * m.prompt;
    engine::World const world{deck};
    auto const& memory = world.service(core::ServiceId::of(0)).memory();
    return static_cast<double>(memory.kv_tokens) / static_cast<double>(m.prompt + m.answer + 1000);
}

}  // namespace

TEST_CASE("the cache holds as many sequences as TensorRT-LLM's did") {
    for (Measured const& m : measured) {
        double const found = sequences_of(m);
        MESSAGE(std::string{m.model}, " on ", m.tensor, " ", std::string{m.hardware}, ": ", found,
                ", measured ", m.sequences);
        // Whole sequences were counted.
        CHECK(found > 0.95 * m.sequences);
        CHECK(found < 1.05 * (m.sequences + 1));
    }
}
