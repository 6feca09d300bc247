#include "megaweave/llm/iteration.hpp"

#include <doctest/doctest.h>

#include <numeric>

#include "reference.hpp"

using doctest::Approx;
using mw::hardware::Precision;
using mw::llm::Batch;
using mw::llm::EngineParams;
using mw::llm::IterationCost;
using mw::llm::IterationModel;
using mw::llm::Parallelism;
using mw::llm::Share;

namespace {

IterationModel model_70b(Parallelism const& layout,
                         EngineParams const& engine = reference::ideal(reference::llama_70b())) {
    return {reference::llama_70b(), Precision::fp8, Precision::fp8, layout, reference::h100(), engine};
}

double ms(IterationCost const& cost, Share share) {
    return 1e3 * mw::core::to_seconds(cost.share(share));
}

}  // namespace

TEST_CASE("437 sequences of 1,024 tokens on two H100: the worked times") {
    auto const cost = model_70b({.tensor = 2})(Batch{437, 437 * 1024, 0, 0, 437});
    // 80 layers at FP8, the output head at BF16, half of each on an accelerator.
    double const layers = 80 * (2.0 * 8192 * 128 * 72 + 3.0 * 8192 * 28672);
    double const head = 128256.0 * 8192;
    double const compute_s = 2 * 437 / 2 / 0.55 * (layers / 1979e12 + head / 989e12);
    CHECK(ms(cost, Share::compute) == Approx(1e3 * compute_s));
    CHECK(ms(cost, Share::hbm) == Approx(1e3 * 163840.0 * 437 * 1025 / 2 / (0.82 * 3.35e12)));
    // One step between two ranks: all of 437 x 8,192 BF16 numbers, and one latency.
    CHECK(ms(cost, Share::scale_up) == Approx(160 * (437 * 8192 * 2 / (0.75 * 450e9) * 1e3 + 0.006)));
    CHECK(ms(cost, Share::overhead) == Approx(80 * 12 * 0.833e-3));  // 12 kernels a layer: 10 us
    CHECK(ms(cost, Share::compute) == Approx(28.33).epsilon(2e-4));
    CHECK(ms(cost, Share::hbm) == Approx(13.36).epsilon(4e-4));
    CHECK(ms(cost, Share::scale_up) == Approx(4.35).epsilon(1e-3));
    CHECK(mw::core::to_seconds(cost.duration_ns) == Approx(46.84e-3).epsilon(1e-4));
}

TEST_CASE("half of the cache in a pool: the worked bytes and what attention hides of them") {
    Batch batch{437, 437 * 1024, 0, 0, 437};
    auto const all = model_70b({.tensor = 2})(batch);
    batch.pool_share = 0.5;
    auto const half = model_70b({.tensor = 2})(batch);
    double const bytes = 163840.0 * 437 * 1025;  // of both accelerators
    CHECK(half.pool_bytes == Approx(bytes / 2));
    CHECK(half.pool_link_bytes == Approx(bytes / 4));
    CHECK(all.hbm_bytes - half.hbm_bytes == Approx(bytes / 2));
    CHECK(ms(half, Share::hbm) == Approx(0.5 * ms(all, Share::hbm)).epsilon(1e-6));
    CHECK(1e3 * mw::core::to_seconds(half.pool_hidden_ns) == Approx(ms(half, Share::hbm)).epsilon(1e-6));
    double const read_s = half.pool_link_bytes / 500e9;
    double const whole_s =
        mw::core::to_seconds(half.duration_ns) + read_s - mw::core::to_seconds(half.pool_hidden_ns);
    CHECK(read_s == Approx(36.7e-3).epsilon(1e-3));
    CHECK(whole_s == Approx(70.2e-3).epsilon(1e-3));
}

TEST_CASE("reads that are staged ahead hide behind all kernels, and pass HBM twice") {
    Batch batch{437, 437 * 1024, 0, 0, 437};
    batch.pool_share = 0.5;
    auto const llama = reference::llama_70b();
    auto const with = [&](double prefetch, mw::core::TimeNs latency_ns) {
        return IterationModel{llama,
                              Precision::fp8,
                              Precision::fp8,
                              {.tensor = 2},
                              reference::h100(),
                              reference::ideal(llama),
                              {prefetch, latency_ns}}(batch);
    };
    auto const direct = with(0, 0);
    auto const staged = with(1, 0);
    CHECK(staged.pool_hidden_ns == staged.duration_ns);  // no fixed cost of an iteration here
    CHECK(staged.hbm_bytes - direct.hbm_bytes == Approx(2 * direct.pool_bytes));
    // Half the cache is read from HBM, the other half is written and read there: three halves.
    CHECK(ms(staged, Share::hbm) == Approx(3 * ms(direct, Share::hbm)).epsilon(1e-6));
    // 80 layers wait 2 us each for their first bytes.
    CHECK(direct.pool_hidden_ns - with(0, 2'000).pool_hidden_ns == 160'000);
    CHECK(staged.pool_hidden_ns == with(1, 2'000).pool_hidden_ns);
}

TEST_CASE("a latent cache lies in the pool once, and every tensor rank reads it") {
    auto const deepseek = reference::deepseek_v3();
    Batch batch{64, 64 * 4096, 0, 0, 64};
    batch.pool_share = 0.25;
    auto const one =
        IterationModel{deepseek, Precision::fp8, Precision::fp8, {.tensor = 8}, reference::h100()}(batch);
    double const bytes = 61 * 576.0 * 64 * (4096 + 1);
    CHECK(one.pool_bytes == Approx(0.25 * 8 * bytes));
    CHECK(one.pool_link_bytes == Approx(0.25 * bytes));
}

TEST_CASE("the shares add up to the duration to the nanosecond and none is negative") {
    auto const model = model_70b({.tensor = 8, .pipeline = 3}, EngineParams{});
    for (std::int64_t n = 1; n < 400; ++n) {
        auto const cost = model(Batch{n, n * (300 + 7 * n), n * 13, n * 4001, n});
        CHECK(std::accumulate(cost.share_ns.begin(), cost.share_ns.end(), mw::core::TimeNs{0}) ==
              cost.duration_ns);
        for (auto const part : cost.share_ns) CHECK(part >= 0);
    }
}

TEST_CASE("a collective inside the domain is scale-up time, one that leaves it scale-out time") {
    Batch const batch{64, 64 * 1024, 0, 0, 64};
    auto const inside = model_70b({.tensor = 8})(batch);
    CHECK(inside.share(Share::scale_up) > 0);
    CHECK(inside.share(Share::scale_out) == 0);
    auto const outside = model_70b({.tensor = 16})(batch);
    CHECK(outside.share(Share::scale_up) == 0);
    CHECK(outside.share(Share::scale_out) > 0);
    CHECK(outside.scale_out_bytes > 0);
}

TEST_CASE("time and work grow with every part of a batch") {
    auto const model = model_70b({.tensor = 8});
    Batch const base{100, 100 * 2000, 512, 512 * 256, 100};
    auto const at = [&](Batch const& b) { return model(b).duration_ns; };
    auto more = base;
    more.context_tokens += 10'000;
    CHECK(at(more) > at(base));
    more = base;
    more.prefill_tokens += 512;
    CHECK(at(more) > at(base));
    more = base;
    more.prefill_pairs += 512 * 4096;
    CHECK(at(more) > at(base));
    CHECK(at(Batch{}) == 0);
}

TEST_CASE("two sequences in a pipeline of four leave every stage idle half of the time") {
    auto const cost = model_70b({.tensor = 2, .pipeline = 4})(Batch{2, 2 * 1024, 0, 0, 2});
    CHECK(ms(cost, Share::idle) == Approx(0.5e3 * mw::core::to_seconds(cost.duration_ns)).epsilon(1e-6));
}

TEST_CASE("FP4 weights on an accelerator without FP4 are unpacked to BF16, and still take fewer bytes") {
    auto const llama = reference::llama_70b();
    auto const with = [&](Precision weights, mw::hardware::RackParams const& rack) {
        return IterationModel{llama, weights, Precision::fp8, {.tensor = 8}, rack, reference::frictionless()};
    };
    Batch const prompt{0, 0, 8192, 8192 * 4096, 1};
    auto const compute = [&](Precision weights, mw::hardware::RackParams const& rack) {
        return with(weights, rack)(prompt).share(Share::compute);
    };
    CHECK(compute(Precision::fp4, reference::h100()) == compute(Precision::bf16, reference::h100()));
    // 2 x 68.45 G FLOPs a token more quickly by the ratio of the peaks; attention and head stay at BF16.
    double const layers_ns = 1e9 * 2 * 80 * 855'638'016.0 * 8192 / 8 / 0.55;
    CHECK(static_cast<double>(compute(Precision::fp4, reference::h100()) -
                              compute(Precision::fp8, reference::h100())) ==
          Approx(layers_ns * (1 / 989e12 - 1 / 1979e12)));
    // On a GB200 it is native: four times BF16's rate.
    CHECK(static_cast<double>(compute(Precision::bf16, reference::gb200()) -
                              compute(Precision::fp4, reference::gb200())) ==
          Approx(layers_ns * 0.55 / 0.45 * (1 / 2.5e15 - 1 / 10e15)));
    // Decode reads 0.5625 B a number in the layers and 2 B in the head, and 1,025 tokens of cache.
    Batch const decode{1, 1024, 0, 0, 1};
    double const bytes = 0.5625 * 80 * 855'638'016.0 + 2 * 128256.0 * 8192 + 163840.0 * 1025;
    CHECK(ms(with(Precision::fp4, reference::h100())(decode), Share::hbm) ==
          Approx(1e3 * bytes / 8 / (0.82 * 3.35e12)));
}

TEST_CASE("hidden communication costs no time but still moves its bytes") {
    auto engine = reference::ideal(reference::llama_70b());
    Batch const batch{64, 64 * 1024, 0, 0, 64};
    auto const exposed = model_70b({.tensor = 8}, engine)(batch);
    engine.communication_overlap = 1;
    auto const hidden = model_70b({.tensor = 8}, engine)(batch);
    CHECK(hidden.duration_ns + exposed.share(Share::scale_up) ==
          Approx(static_cast<double>(exposed.duration_ns)));
    CHECK(hidden.share(Share::scale_up) == 0);
    CHECK(hidden.scale_up_bytes == exposed.scale_up_bytes);
}

TEST_CASE("GQA decode turns memory-bound with context while latent attention on NVL72 stays compute-bound") {
    auto const llama = model_70b({.tensor = 8})(Batch{16, 16 * 131072, 0, 0, 16});
    CHECK(llama.share(Share::compute) == 0);
    Parallelism const wide{.expert = 72, .attention_data = 72};
    IterationModel const deepseek{reference::deepseek_v3(), Precision::fp8,
                                  Precision::fp8,           wide,
                                  reference::gb200(),       reference::ideal(reference::deepseek_v3())};
    auto const cost = deepseek(Batch{2160, 2160 * 131072, 0, 0, 2160});
    CHECK(ms(cost, Share::compute) > 0.8e3 * mw::core::to_seconds(cost.duration_ns));
}
