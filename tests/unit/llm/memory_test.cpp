#include "megaweave/llm/memory.hpp"

#include <doctest/doctest.h>

#include "reference.hpp"

using doctest::Approx;
using mw::hardware::Precision;
using mw::llm::MemoryPlan;
using mw::llm::Parallelism;

namespace {

MemoryPlan plan(mw::llm::ModelParams const& model, Parallelism const& layout,
                mw::hardware::RackParams const& rack = reference::h100(),
                Precision weights = Precision::fp8) {
    return plan_memory(model, weights, Precision::fp8, layout, rack.accelerator, 16, 0.9, 8192);
}

}  // namespace

TEST_CASE("eight H100 hold 3.04 M tokens of Llama-3.1-70B's FP8 cache beside its FP8 weights") {
    auto const memory = plan(reference::llama_70b(), {.tensor = 8});
    double const weights = (68.452e9 + 4 * 1.05067e9) / 8;  // matrices at 1 B, tables at 2 B
    double const activations =
        8192 * 2.0 * (4 * 8192 + 2 * 28672.0 / 8) + 4.0 * 256 * 128256 / 8;  // vectors and logits
    CHECK(memory.weight_bytes_per_accelerator == Approx(weights).epsilon(1e-4));
    CHECK(memory.activation_bytes == Approx(activations));
    CHECK(memory.kv_bytes_per_accelerator == Approx(72e9 - weights - activations).epsilon(1e-4));
    CHECK(static_cast<double>(memory.kv_tokens) ==
          Approx((72e9 - weights - activations) / 20480).epsilon(1e-4));
    CHECK(static_cast<double>(memory.kv_tokens) == Approx(3.04e6).epsilon(2e-3));
    CHECK(memory.kv_blocks == memory.kv_tokens / 16);
}

TEST_CASE("a model that does not fit has no KV blocks") {
    CHECK(plan(reference::llama_405b(), {.tensor = 4}).kv_blocks == 0);
    CHECK(plan(reference::llama_405b(), {.tensor = 8}).kv_blocks > 0);
    CHECK(plan(reference::llama_405b(), {.tensor = 8}, reference::h100(), Precision::bf16).kv_blocks == 0);
}

TEST_CASE("tensor ranks replicate a latent cache, attention ranks add their own") {
    auto const model = reference::deepseek_v3();
    auto const tensor = plan(model, {.tensor = 32});
    auto const data = plan(model, {.expert = 32, .attention_data = 32});
    CHECK(tensor.kv_tokens == static_cast<std::int64_t>(tensor.kv_bytes_per_accelerator / (61 * 576)));
    CHECK(data.kv_tokens == 32 * static_cast<std::int64_t>(data.kv_bytes_per_accelerator / (61 * 576)));
    // All but the routed experts is replicated on attention ranks: 15.3 GB and tables, not a 32nd of them.
    CHECK(data.weight_bytes_per_accelerator - tensor.weight_bytes_per_accelerator ==
          Approx(31.0 / 32 * 18.97e9).epsilon(0.02));
}

TEST_CASE("a pipeline divides weights and cache alike") {
    auto const one = plan(reference::llama_70b(), {.tensor = 4});
    auto const two = plan(reference::llama_70b(), {.tensor = 4, .pipeline = 2});
    CHECK(two.weight_bytes_per_accelerator == Approx(one.weight_bytes_per_accelerator / 2));
    double const token = 163840.0 / 8;
    CHECK(two.kv_tokens == static_cast<std::int64_t>(two.kv_bytes_per_accelerator / token));
}
