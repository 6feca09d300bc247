#include "megaweave/llm/memory.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "megaweave/llm/architecture.hpp"
#include "reference.hpp"

using doctest::Approx;
using mw::hardware::Precision;
using mw::llm::MemoryParams;
using mw::llm::MemoryPlan;
using mw::llm::MemoryRule;
using mw::llm::Parallelism;

namespace {

constexpr double mib = 1048576.0;

mw::hardware::AcceleratorParams h100() {
    auto accelerator = reference::h100().accelerator;
    accelerator.hbm_usable_bytes = 81559 * mib;
    return accelerator;
}

MemoryPlan plan(mw::llm::ModelParams const& model, Parallelism const& layout, MemoryParams const& memory = {},
                Precision weights = Precision::fp8) {
    return plan_memory(model, {weights, Precision::fp8}, layout, h100(), memory);
}

//! 45 of 60 layers keep 64 matrices of 128 x 128; the others have 2 KV heads of 256.
mw::llm::ModelParams hybrid() {
    auto model = reference::llama_70b();
    model.layers = 60;
    model.kv_heads = 2;
    model.head_dim = 256;
    return reference::with_linear_layers(model, 45);
}

}  // namespace

TEST_CASE("eight H100 hold 3.21 M tokens of Llama-3.1-70B's FP8 cache beside its FP8 weights") {
    auto const memory = plan(reference::llama_70b(), {.tensor = 8});
    double const weights = (68.452e9 + 4 * 1.05067e9) / 8;  // matrices at 1 B, tables at 2 B
    double const activations =
        8192 * 2.0 * (4 * 8192 + 2 * 28672.0 / 8) + 12.0 * 256 * 128256 / 8;  // vectors and logits
    double const left = 0.9 * 81559 * mib - weights - activations - 1.5e9;
    CHECK(memory.usable_bytes == Approx(85.52e9).epsilon(1e-4));
    CHECK(memory.weight_bytes_per_accelerator == Approx(weights).epsilon(1e-4));
    CHECK(memory.activation_bytes == Approx(activations));
    CHECK(memory.kv_bytes_per_accelerator == Approx(left).epsilon(1e-4));
    CHECK(memory.kv_bytes_per_token == 163840.0);
    CHECK(static_cast<double>(memory.kv_tokens) == Approx(left / 20480).epsilon(1e-4));
    CHECK(static_cast<double>(memory.kv_tokens) == Approx(3.21e6).epsilon(2e-3));
    CHECK(memory.kv_blocks == memory.kv_tokens / 16);
    CHECK(memory.max_sequences == 256);
}

TEST_CASE("the three rules take their share of the whole, of what is free, or leave activations outside") {
    auto const rule = [](MemoryRule which) {
        return plan(reference::llama_70b(), {.tensor = 4}, {.rule = which, .share = 0.8});
    };
    auto const total = rule(MemoryRule::of_total);
    double const rest = total.activation_bytes + 1.5e9;
    double const weights = total.weight_bytes_per_accelerator;
    CHECK(total.kv_bytes_per_accelerator == Approx(0.8 * total.usable_bytes - weights - rest));
    CHECK(rule(MemoryRule::of_free).kv_bytes_per_accelerator ==
          Approx(0.8 * (total.usable_bytes - weights - rest)));
    CHECK(rule(MemoryRule::weights_and_cache).kv_bytes_per_accelerator ==
          Approx(0.8 * total.usable_bytes - weights));
}

TEST_CASE("Llama-3.1-70B in FP8 runs on one H100, starved, by either rule") {
    auto const model = reference::llama_70b();
    auto const of_total = plan(model, {});
    auto const of_free = plan(model, {}, {.rule = MemoryRule::of_free, .share = 0.9});
    // 76.97 GB - 72.65 - 1.87 - 1.5 = 0.95 GB of 163,840 B; 0.9 x (85.52 - 72.65 - 1.87 - 1.5) = 8.55 GB.
    CHECK(static_cast<double>(of_total.kv_tokens) == Approx(0.95e9 / 163840).epsilon(0.02));
    CHECK(static_cast<double>(of_free.kv_tokens) == Approx(8.55e9 / 163840).epsilon(0.005));
}

TEST_CASE("a model that does not fit has no KV blocks") {
    CHECK(plan(reference::llama_405b(), {.tensor = 4}).kv_blocks == 0);
    CHECK(plan(reference::llama_405b(), {.tensor = 8}).kv_blocks > 0);
    CHECK(plan(reference::llama_405b(), {.tensor = 8}, {}, Precision::bf16).kv_blocks == 0);
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

TEST_CASE("short windows are set aside, long ones are cached like other layers") {
    auto model = reference::llama_70b();
    model.sliding_layers = 40;
    double const layer_token = 2.0 * 8 * 128;
    auto const all = plan(reference::llama_70b(), {.tensor = 8});

    model.sliding_window = 128;
    auto const brief = plan(model, {.tensor = 8});
    CHECK(brief.kv_bytes_per_token == 40 * layer_token);
    CHECK(brief.kv_bytes_per_accelerator ==
          Approx(all.kv_bytes_per_accelerator - 256 * 128 * 40 * layer_token / 8));

    model.sliding_window = 65536;  // 256 sequences would set aside 172 GB an accelerator
    auto const wide = plan(model, {.tensor = 8});
    CHECK(wide.kv_tokens == all.kv_tokens);

    model.sliding_window = 128;
    model.chunked_window = true;
    CHECK(plan(model, {.tensor = 8}).kv_tokens == all.kv_tokens);
}

TEST_CASE("an engine that frees no window's blocks caches short windows like other layers") {
    auto model = reference::llama_70b();
    auto const all = plan(model, {.tensor = 8});
    model.sliding_layers = 40;
    model.sliding_window = 128;
    CHECK(plan(model, {.tensor = 8}, {.frees_windows = false}).kv_tokens == all.kv_tokens);
}

TEST_CASE("logits are set aside in as many copies as the engine keeps") {
    auto const activations = [](double copies) {
        return plan(reference::llama_70b(), {.tensor = 8}, {.max_sequences = 2048, .logit_copies = copies})
            .activation_bytes;
    };
    CHECK(activations(3) - activations(0) == Approx(3 * 4.0 * 2048 * 128256 / 8));
    CHECK(activations(1) - activations(0) == Approx(4.0 * 2048 * 128256 / 8));
}

TEST_CASE(
    "where attention ranks' tokens are gathered, grouped products have room for all of them at one rank") {
    auto const model = reference::deepseek_v3();
    MemoryParams const memory{.max_batched_tokens = 8 * 8192, .logit_copies = 0};
    // 65,536 tokens of 8 experts each: FP8 in and BF16 out of 7,168, BF16 gate and value and FP8 product of 2,048.
    CHECK(plan(model, {.expert = 8, .attention_data = 8}, memory).activation_bytes ==
          Approx(65536.0 * 8 * (3 * 7168 + 5 * 2048)));
    // More ranks dispatch: as many pairs come to each as it sends.
    MemoryParams const wide{.max_batched_tokens = 64 * 8192, .logit_copies = 0};
    CHECK(plan(model, {.expert = 64, .attention_data = 64}, wide).activation_bytes ==
          Approx(8192.0 * 8 * (3 * 7168 + 5 * 2048)));
    // Tensor ranks hold every token's vectors, and their part of the experts' numbers.
    CHECK(plan(model, {.tensor = 8}, memory).activation_bytes ==
          Approx(65536.0 * 2 * (4 * 7168 + 2 * 18432 / 8)));
}

TEST_CASE("constant states take memory for every sequence, and limit how many run") {
    double const state = 45 * (64 * 128 * 128 * 4.0 + 3 * 12288 * 2.0);  // 192.1 MB
    CHECK(state == Approx(192.1e6).epsilon(1e-3));
    auto const some = plan(hybrid(), {.tensor = 4}, {.max_sequences = 64});
    CHECK(some.max_sequences == 64);
    auto const one = plan(hybrid(), {.tensor = 4}, {.max_sequences = 1});
    double const logits = 12.0 * 63 * 128256 / 4;
    CHECK(one.kv_bytes_per_accelerator - some.kv_bytes_per_accelerator == Approx(63 * state / 4 + logits));

    auto const many = plan(hybrid(), {.tensor = 4}, {.max_sequences = 2048});
    double const before =
        0.9 * many.usable_bytes - many.weight_bytes_per_accelerator - many.activation_bytes - 1.5e9;
    CHECK(many.max_sequences == static_cast<std::int64_t>(0.9 / 1.9 * before / (state / 4)));
    CHECK(many.kv_blocks > 0);
}

TEST_CASE("layers for multi-token prediction take weights and cache where they are loaded") {
    auto model = reference::deepseek_v3();
    model.mtp_layers = 1;
    Parallelism const layout{.tensor = 16};
    auto const without = plan(model, layout);
    auto const with = plan(model, layout, {.mtp_layers = true});
    CHECK(with.weight_bytes_per_accelerator - without.weight_bytes_per_accelerator ==
          Approx(11.6e9 / 16).epsilon(0.01));
    CHECK(without.kv_bytes_per_token == 61 * 576.0);
    CHECK(with.kv_bytes_per_token == 62 * 576.0);
}
