#include "megaweave/llm/work.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "megaweave/core/error.hpp"
#include "reference.hpp"

using doctest::Approx;
using mw::hardware::Precision;
using mw::llm::Batch;
using mw::llm::Parallelism;
using mw::llm::WorkCounter;

namespace {

WorkCounter counter(mw::llm::ModelParams const& model, Parallelism const& layout, std::int64_t domain = 8,
                    Precision weights = Precision::fp8) {
    return {model, weights, Precision::fp8, layout, domain};
}

}  // namespace

TEST_CASE("437 decoding sequences of Llama-3.1-70B on two ranks: the worked numbers") {
    auto const work = counter(reference::llama_70b(), {.tensor = 2})(Batch{437, 437 * 1024, 0, 0, 437});
    double const dense = 80 * (2.0 * 8192 * 128 * 72 + 3.0 * 8192 * 28672);
    double const head = 128256.0 * 8192;
    CHECK(work.linear().flops == Approx(2 * (dense + head) * 437 / 2));
    CHECK(work.linear().flops == Approx(3.037e13).epsilon(1e-3));
    CHECK(work.linear().bytes == Approx((dense + 2 * head) / 2));
    CHECK(work.decode_attention.flops == Approx(4.0 * 80 * 64 * 128 * 437 * 1024 / 2));
    CHECK(work.decode_attention.bytes ==
          Approx(163840.0 * 437 * 1025 / 2));  // a token read for each of context, one written
    CHECK(work.tensor.count == 160);
    CHECK(work.tensor.scale_up_bytes == Approx(160 * 437 * 8192 * 2.0));  // 2 (t-1)/t = 1
    CHECK(work.tensor.scale_out_bytes == 0);
    // Written and read at 2 B: 6 h on each rank, half of 3 f and of 2 x (64 + 16) heads: 8,192,000 numbers a token.
    CHECK(work.activation_bytes ==
          Approx(4.0 * 437 * 80 * (6.0 * 8192 + (3.0 * 28672 + 2.0 * 80 * 128) / 2)));
    CHECK(work.activation_bytes == Approx(14.32e9).epsilon(1e-3));
    CHECK(work.total_flops == Approx(2 * (work.linear().flops + work.decode_attention.flops)));
    CHECK(work.total_hbm_bytes ==
          Approx(2 * (work.linear().bytes + work.decode_attention.bytes + work.activation_bytes)));
    CHECK(work.total_scale_up_bytes == Approx(2 * work.tensor.scale_up_bytes));
}

TEST_CASE("a whole prompt of n tokens makes n (n + 1) / 2 pairs of 4 H d FLOPs in each layer") {
    std::int64_t const n = 1000;
    auto const work = counter(reference::llama_70b(), {.tensor = 8})(Batch{0, 0, n, n * (n + 1) / 2, 1});
    CHECK(work.prefill_attention.flops == Approx(4.0 * 80 * 64 * 128 * 500'500 / 8));
    // It reads 500.5 + 500 visible tokens once and writes 1000, an eighth on each rank.
    CHECK(work.prefill_attention.bytes == Approx(163840.0 * 2000.5 / 8));
    CHECK(work.decode_attention.flops == 0);
}

TEST_CASE("a grouped-query cache is split over at most its KV heads and a latent one over none") {
    Batch const batch{16, 16 * 4096, 0, 0, 16};
    auto const bytes = [&](auto const& model, std::int64_t tensor) {
        return counter(model, {.tensor = tensor}, 72)(batch).decode_attention.bytes;
    };
    auto const llama = reference::llama_70b();
    CHECK(bytes(llama, 8) == Approx(bytes(llama, 1) / 8));
    CHECK(bytes(llama, 16) == Approx(bytes(llama, 8)));
    auto const deepseek = reference::deepseek_v3();
    CHECK(bytes(deepseek, 8) == bytes(deepseek, 1));
    // All replicas are read: totals count them.
    auto const total = [&](std::int64_t tensor) {
        return counter(deepseek, {.tensor = tensor}, 72)(batch).total_hbm_bytes;
    };
    // So are activations as wide as the model: 6 h in 61 layers, 3 h for each of 8 experts in 58.
    double const whole = 6.0 * 7168 * 61 + 3.0 * 7168 * 8 * 58;
    CHECK(total(8) - total(1) == Approx(7 * (bytes(deepseek, 1) + 4 * whole * 16)));
}

TEST_CASE("one token touches k experts, many touch all, and 32 of them 163 of 256") {
    // 256 (1 - (1 - 8/256)^32) = 163.3
    auto const one_rank = counter(reference::deepseek_v3(), {});
    double const per_expert = 58 * 3.0 * 7168 * 2048;
    auto const touched = [&](std::int64_t n) {
        return one_rank(Batch{n, n, 0, 0, 0}).experts.bytes / per_expert;
    };
    CHECK(touched(1) == Approx(8));
    CHECK(touched(32) == Approx(256 * (1 - std::pow(1 - 8.0 / 256, 32))));
    CHECK(touched(32) == Approx(163.3).epsilon(1e-3));
    CHECK(touched(100'000) == Approx(256));
    // 32 tokens use 8 each: an expert that is used at all has 1.57 of them.
    CHECK(one_rank(Batch{32, 32, 0, 0, 0}).expert_rows == Approx(256 / 163.3).epsilon(1e-3));
    CHECK(one_rank(Batch{32, 32, 0, 0, 0}).experts.flops == Approx(2 * 32 * 8 * per_expert));
}

TEST_CASE("experts spread over 32 ranks: each reads its own, and one at least when any is touched") {
    auto const spread = counter(reference::deepseek_v3(), {.expert = 32, .attention_data = 32});
    double const per_expert = 58 * 3.0 * 7168 * 2048;
    CHECK(spread(Batch{100'000, 100'000, 0, 0, 0}).experts.bytes / per_expert == Approx(8));
    CHECK(spread(Batch{1, 1, 0, 0, 0}).experts.bytes / per_expert == Approx(1));
}

TEST_CASE(
    "dispatch and combine move n k h (1 + 2) (1 - 1/e) bytes inside a domain, less across domains with a "
    "node limit") {
    auto model = reference::deepseek_v3();
    Parallelism const layout{.expert = 32, .attention_data = 32};
    Batch const batch{3200, 3200 * 1024, 0, 0, 3200};  // 100 a rank
    auto const inside = counter(model, layout, 72)(batch);
    CHECK(inside.expert.scale_up_bytes == Approx(58 * 100 * 8 * 7168 * 3.0 * 31 / 32));
    CHECK(inside.expert.scale_out_bytes == 0);
    CHECK(inside.expert.count == 116);
    // Four nodes of 8, decode alone: eight copies of each token, one to each expert.
    auto const direct = counter(model, layout, 8)(batch);
    CHECK(direct.expert.scale_out_bytes == Approx(58 * 100 * 8 * 7168 * 3.0 * 31 / 32));
    CHECK(direct.expert.scale_up_bytes == 0);
    // With prompts: one copy to each node, 4 (1 - (3/4)^8) = 3.6 distinct ones, three quarters of them remote.
    Batch const prompts{0, 0, 3200, 3200 * 512, 1};
    auto const across = counter(model, layout, 8)(prompts);
    CHECK(across.expert.scale_out_bytes ==
          Approx(58 * 100 * 7168 * 3.0 * 4 * (1 - std::pow(0.75, 8)) * 0.75));
    CHECK(across.expert.scale_up_bytes == Approx(58 * 100 * 8 * 7168 * 3.0 * 7 / 8));
    model.node_limit = 2;
    CHECK(counter(model, layout, 8)(prompts).expert.scale_out_bytes ==
          Approx(58 * 100 * 7168 * 3.0 * 2 * 0.75));
    // BF16 weights dispatch two bytes.
    CHECK(counter(model, layout, 72, Precision::bf16)(batch).expert.scale_up_bytes ==
          Approx(inside.expert.scale_up_bytes * 4 / 3));
}

TEST_CASE("an all-reduce that leaves its domain sends each accelerator's share across") {
    Batch const batch{64, 64 * 1024, 0, 0, 64};
    auto const work = counter(reference::llama_405b(), {.tensor = 16}, 8)(batch);
    double const bytes = 64 * 16384 * 2.0;
    CHECK(work.tensor.scale_up_bytes == Approx(252 * 2 * 7.0 / 8 * bytes));
    CHECK(work.tensor.scale_out_bytes == Approx(252 * 2 * 1.0 / 2 * bytes / 8));
}

TEST_CASE("the busiest of 8 attention ranks holds two of 9 sequences") {
    auto const work =
        counter(reference::deepseek_v3(), {.expert = 8, .attention_data = 8})(Batch{9, 9 * 1000, 0, 0, 9});
    double const per_token = 61 * 576.0;
    CHECK(work.decode_attention.bytes == Approx(2 * per_token * 1001));
    CHECK(work.total_attention_flops == Approx(9 * 1000 * 61 * 2.0 * 128 * 1088));
}

TEST_CASE(
    "prompts are not cut between attention ranks: of 3 on 8 ranks, each rank has one at most and the busiest "
    "a third of the tokens") {
    WorkCounter const count = counter(reference::deepseek_v3(), {.expert = 8, .attention_data = 8});
    Batch batch{0, 0, 3000, 3 * 1000 * 1001 / 2, 3};
    CHECK(count(batch).rows == doctest::Approx(3000.0 / 8));  // no number of prompts given: even
    batch.prefill_chunks = 3;
    CHECK(count(batch).rows == doctest::Approx(3000.0 / 3));
    batch.prefill_chunks = 16;
    CHECK(count(batch).rows == doctest::Approx(3000.0 / 8));
    batch.prefill_chunks = 17;
    CHECK(count(batch).rows == doctest::Approx(3000.0 * 3 / 17));
    // Experts share all tokens evenly whoever brought them.
    CHECK(count(batch).experts.flops ==
          doctest::Approx(count(Batch{0, 0, 3000, 3 * 1000 * 1001 / 2, 3}).experts.flops));
}

TEST_CASE("a pipeline of four reads its weights once for each of four micro-batches") {
    auto const model = reference::llama_70b();
    Batch const batch{64, 64 * 1024, 0, 0, 0};
    auto const one = counter(model, {})(batch);
    auto const four = counter(model, {.pipeline = 4})(batch);
    CHECK(four.micro_batches == 4);
    CHECK(four.linear().bytes == Approx(one.linear().bytes / 4));
    CHECK(four.linear().flops == Approx(one.linear().flops / 16));
    CHECK(four.pipeline.scale_up_bytes == Approx(16 * 8192 * 2.0));
    CHECK(four.total_flops == Approx(one.total_flops));
    CHECK(four.total_hbm_bytes - one.total_hbm_bytes == Approx(3 * one.linear().bytes));
    CHECK(counter(model, {.pipeline = 4})(Batch{2, 2048, 0, 0, 0}).micro_batches == 2);
}

TEST_CASE("an empty batch is no work") {
    CHECK(counter(reference::llama_70b(), {})(Batch{}).total_flops == 0);
}

TEST_CASE("an impossible layout is a broken contract") {
    CHECK_THROWS_AS(counter(reference::llama_70b(), {.tensor = 0}), mw::core::ContractError);
    CHECK_THROWS_AS(counter(reference::llama_70b(), {.expert = 2}), mw::core::ContractError);
    CHECK_THROWS_AS(counter(reference::deepseek_v3(), {.tensor = 3, .expert = 8}), mw::core::ContractError);
}
