#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "megaweave/llm/iteration.hpp"
#include "reference.hpp"

// What an engine's entry changes, one parameter at a time, against an engine without friction.

using doctest::Approx;
using mw::hardware::Precision;
using mw::llm::Batch;
using mw::llm::EngineParams;
using mw::llm::IterationCost;
using mw::llm::IterationModel;
using mw::llm::Parallelism;
using mw::llm::Share;

namespace {

constexpr double layer_parameters = 80 * 855'638'016.0;  // Llama-3.1-70B without its head
constexpr double link = 0.75 * 450e9;

double s(IterationCost const& cost, Share share) {
    return mw::core::to_seconds(cost.share(share));
}

IterationCost llama(EngineParams const& engine, Batch const& batch, std::int64_t tensor = 8,
                    mw::hardware::RackParams const& rack = reference::h100()) {
    return IterationModel{reference::llama_70b(), Precision::fp8, Precision::fp8,
                          {.tensor = tensor},     rack,           engine}(batch);
}

//! A prompt alone, of which nothing is sampled and nothing before is seen: matrix products only.
Batch products(std::int64_t tokens) {
    return {0, 0, tokens, 0, 0};
}

}  // namespace

TEST_CASE("a product of n rows and c columns reaches n / (n + 40) c / (c + 500) of its rate") {
    auto engine = reference::frictionless();
    engine.half_rows = 40;
    engine.half_columns = 500;
    double const columns = 28672.0 / 8;
    for (std::int64_t const n : {1000, 2000, 8000}) {
        CAPTURE(n);
        auto const rows = static_cast<double>(n);
        double const large_s = 2 * layer_parameters * rows / 8 / (0.55 * 1979e12);
        CHECK(s(llama(reference::frictionless(), products(n)), Share::compute) == Approx(large_s));
        CHECK(s(llama(engine, products(n)), Share::compute) ==
              Approx(large_s * (rows + 40) / rows * (columns + 500) / columns));
    }
}

TEST_CASE("experts have their own rate: by the tokens of one expert and by its columns on one accelerator") {
    auto const model = reference::deepseek_v3();
    auto const time_s = [&](EngineParams const& engine, double share) {
        auto rack = reference::h100();
        rack.accelerator.efficiency.expert_flops = {share, share, share};
        IterationModel const iteration{model, Precision::fp8, Precision::fp8, {.tensor = 8}, rack, engine};
        return s(iteration(products(16'000)), Share::compute);
    };
    // 8 of 256 experts for each of 16,000 tokens: 500 rows; 2048 columns over 8 accelerators: 256.
    double const experts_s = 2 * 16'000 * 8 * 58 * 3.0 * 7168 * 2048 / 8 / (0.55 * 1979e12);
    auto engine = reference::frictionless();
    double const plain_s = time_s(engine, 1);
    CHECK(time_s(engine, 0.5) - plain_s == Approx(experts_s));
    engine.expert_flops = 0.8;
    CHECK(time_s(engine, 1) - plain_s == Approx(experts_s * 0.25));
    engine = reference::frictionless();
    engine.half_expert_rows = 20;
    CHECK(time_s(engine, 1) - plain_s == Approx(experts_s * 20 / 500));
    engine = reference::frictionless();
    engine.half_expert_columns = 64;
    CHECK(time_s(engine, 1) - plain_s == Approx(experts_s * 64 / 256));
}

TEST_CASE("factors of engine and accelerator multiply, and no efficiency passes 1") {
    auto engine = reference::frictionless();
    auto const compute_s = [&](double factor) {
        engine.flops = factor;
        return s(llama(engine, products(4000)), Share::compute);
    };
    CHECK(compute_s(0.5) == Approx(2 * compute_s(1)));
    CHECK(compute_s(3) == Approx(0.55 * compute_s(1)));  // 0.55 x 3 > 1
    engine = reference::frictionless();
    Batch const decode{1, 100'000, 0, 0, 0};
    double const kv_s = 163840.0 * 100'001 / 8 / (0.82 * 3.35e12);
    double const weights_s = layer_parameters / 8 / (0.82 * 3.35e12);
    CHECK(s(llama(engine, decode), Share::hbm) == Approx(kv_s + weights_s));
    engine.hbm = 0.5;
    CHECK(s(llama(engine, decode), Share::hbm) == Approx(kv_s + 2 * weights_s));
    engine.kv_hbm = 0.25;
    CHECK(s(llama(engine, decode), Share::hbm) == Approx(4 * kv_s + 2 * weights_s));
}

TEST_CASE("a quarter of a roofline's shorter side is not hidden, and the longer side has all of it") {
    auto engine = reference::frictionless();
    engine.roofline_blend = 0.25;
    Batch const decode{100, 100, 0, 0, 0};
    double const read_s = layer_parameters / 8 / (0.82 * 3.35e12);
    double const multiply_s = 2 * layer_parameters * 100 / 8 / (0.55 * 1979e12);
    REQUIRE(multiply_s < read_s);
    double const kv_s = 163840.0 * 200 / 8 / (0.82 * 3.35e12);
    CHECK(s(llama(engine, decode), Share::hbm) == Approx(read_s + 0.25 * multiply_s + kv_s));
    CHECK(llama(engine, decode).share(Share::compute) == 0);
    CHECK(s(llama(engine, products(4000)), Share::compute) == Approx(40 * multiply_s + 0.25 * read_s));
}

TEST_CASE("activations pass through HBM as often as the engine says") {
    auto engine = reference::frictionless();
    engine.activation_passes = 1.5;
    Batch const batch = products(4000);
    // Of an accelerator: 6 h and an eighth of 3 f + 2 x 80 heads, 2 B each, written and read.
    double const bytes = 4.0 * 4000 * 80 * (6.0 * 8192 + (3.0 * 28672 + 2.0 * 80 * 128) / 8);
    CHECK(s(llama(engine, batch), Share::hbm) - s(llama(reference::frictionless(), batch), Share::hbm) ==
          Approx(1.5 * bytes / (0.82 * 3.35e12)));
}

TEST_CASE("a kernel costs its start, in every layer") {
    auto engine = reference::frictionless();
    engine.kernel_ns = 1000;
    CHECK(llama(engine, products(1)).share(Share::overhead) == 80 * 12 * 1000);
}

TEST_CASE("a small all-reduce takes one step, a large one two, and switches that add need one for all") {
    auto engine = reference::frictionless();
    engine.collective_ns = 6'000;
    auto reducing = reference::h100();
    reducing.scale_up_reduces = true;
    for (std::int64_t const n : {1, 16, 40, 44, 256, 8192}) {
        CAPTURE(n);
        double const bytes = static_cast<double>(n) * 8192 * 2;
        double const one_step = 6e-6 + 7 * bytes / link;
        double const two_steps = 2 * 6e-6 + 2 * 7.0 / 8 * bytes / link;
        // 5.25 S = 6 us x link: S = 386 kB, 23.5 tokens.
        CHECK((one_step < two_steps) == (n < 24));
        CHECK(s(llama(engine, products(n)), Share::scale_up) ==
              Approx(160 * std::min(one_step, two_steps)).epsilon(1e-4));
        CHECK(s(llama(engine, products(n), 8, reducing), Share::scale_up) ==
              Approx(160 * (6e-6 + 9.0 / 8 * bytes / link)).epsilon(1e-4));
    }
    // Between two, one step moves S and a switch 1.5 S.
    CHECK(llama(engine, products(256), 2, reducing).share(Share::scale_up) ==
          llama(engine, products(256), 2).share(Share::scale_up));
}

TEST_CASE(
    "what exceeds 8 MiB goes round the library's ring, a step after the other, where the engine states its "
    "step") {
    auto engine = reference::frictionless();
    engine.collective_ns = 6'000;
    auto ring = engine;
    ring.ring_step_ns = 3'400;
    // 512 tokens of 16 kB are 8 MiB.
    CHECK(llama(ring, products(512)).share(Share::scale_up) ==
          llama(engine, products(512)).share(Share::scale_up));
    double const bytes = 513.0 * 8192 * 2;
    CHECK(s(llama(ring, products(513)), Share::scale_up) ==
          Approx(160 * (6e-6 + 14 * 3.4e-6 + 2 * 7.0 / 8 * bytes / link)).epsilon(1e-4));
    // Switches that add need no ring.
    auto reducing = reference::h100();
    reducing.scale_up_reduces = true;
    CHECK(llama(ring, products(513), 8, reducing).share(Share::scale_up) ==
          llama(engine, products(513), 8, reducing).share(Share::scale_up));
}

TEST_CASE("an all-reduce that leaves its domain lasts as long as its slower step, at least") {
    auto engine = reference::frictionless();
    engine.collective_ns = 6'000;
    // 16 ranks in two domains: 2 x 1/2 of an eighth of the bytes crosses, at a ninth of the scale-up rate.
    double const bytes = 4096.0 * 8192 * 2;
    double const inside = 12e-6 + 2 * 7.0 / 8 * bytes / link;
    double const across = 2 * 1.0 / 2 * bytes / 8 / (0.75 * 50e9);
    auto const cost = llama(engine, products(4096), 16);
    CHECK(cost.share(Share::scale_up) == 0);
    CHECK(s(cost, Share::scale_out) == Approx(160 * std::max(inside, across)));
}

TEST_CASE("the host's work on an iteration hides behind the device, as far as the engine overlaps them") {
    Batch batch{100, 100 * 1024, 1000, 500'500, 101};
    batch.new_requests = 1;
    auto engine = reference::frictionless();
    auto const device_ns = llama(engine, batch).duration_ns;
    engine.iteration_ns = 1'000'000;
    CHECK(llama(engine, batch).duration_ns == Approx(static_cast<double>(device_ns + 1'000'000)));
    // 101 x 8 us + 900 us + 1,100 tokens x 100 ns = 1.818 ms.
    engine.sequence_ns = 8'000;
    engine.request_ns = 900'000;
    engine.token_ns = 100;
    mw::core::TimeNs const host_ns = 1'818'000;
    REQUIRE(host_ns < device_ns);
    auto const overhead_ns = [&](double overlap) {
        engine.host_overlap = overlap;
        auto const cost = llama(engine, batch);
        CHECK(cost.duration_ns == device_ns + cost.share(Share::overhead));
        CHECK(static_cast<double>(cost.host_ns) ==
              Approx(static_cast<double>(cost.share(Share::overhead))).epsilon(1e-5));
        return cost.share(Share::overhead);
    };
    CHECK(overhead_ns(1) == Approx(1'000'000).epsilon(1e-5));
    CHECK(overhead_ns(0) == Approx(1'000'000.0 + host_ns).epsilon(1e-5));
    CHECK(overhead_ns(0.75) == Approx(1'000'000.0 + 0.25 * host_ns).epsilon(1e-5));
    // A host that is slower than the device sets the pace: 1.708 ms and 1,100 x 0.1 ms.
    engine.token_ns = 100'000;
    engine.host_overlap = 1;
    REQUIRE(device_ns < 111'708'000);
    CHECK(llama(engine, batch).duration_ns == Approx(1'000'000 + 111'708'000.0));
}

TEST_CASE("an accelerator's launches and its host's work take its own time over the engine's") {
    Batch const batch{100, 100 * 1024, 0, 0, 100};
    auto engine = reference::frictionless();
    auto rack = reference::h100();
    double const device_s = mw::core::to_seconds(llama(engine, batch, 8, rack).duration_ns);
    engine.kernel_ns = 4'000;
    engine.iteration_ns = 1'000'000;
    engine.sequence_ns = 10'000;
    engine.host_overlap = 0;
    auto const added_s = [&] {
        return mw::core::to_seconds(llama(engine, batch, 8, rack).duration_ns) - device_s;
    };
    double const launches_s = 80 * 12 * 4e-6;
    double const host_s = 1e-3 + 100 * 10e-6;
    CHECK(added_s() == Approx(launches_s + host_s));
    rack.accelerator.efficiency.launch_time = 0.5;
    rack.accelerator.efficiency.host_time = 1.5;
    CHECK(added_s() == Approx(0.5 * launches_s + 1.5 * host_s));
}

TEST_CASE("each attention rank has a host process of its own") {
    auto engine = reference::frictionless();
    Parallelism const wide{.expert = 8, .attention_data = 8};
    auto const duration_ns = [&] {
        IterationModel const iteration{reference::deepseek_v3(), Precision::fp8, Precision::fp8, wide,
                                       reference::h100(),        engine};
        return iteration(Batch{800, 800 * 1024, 0, 0, 800}).duration_ns;
    };
    auto const device_ns = duration_ns();
    engine.sequence_ns = 8'000;
    engine.host_overlap = 0;
    CHECK(duration_ns() - device_ns == Approx(100 * 8'000));
}

TEST_CASE("two halves of a batch take turns: of the collectives only what outlasts the kernels is seen") {
    auto engine = reference::frictionless();
    engine.kernel_ns = 1000;
    engine.collective_ns = 6'000;
    auto twice = engine;
    twice.interleaved_batches = 2;
    for (std::int64_t const n : {2, 4000}) {
        CAPTURE(n);
        auto const half = llama(engine, products(n / 2));
        auto const both = llama(twice, products(n));
        auto const messages_ns = half.share(Share::scale_up);
        auto const kernels_ns = half.duration_ns - messages_ns;
        REQUIRE(messages_ns < kernels_ns);
        CHECK(both.share(Share::scale_up) == 0);
        CHECK(both.duration_ns == Approx(2.0 * static_cast<double>(kernels_ns)));
        CHECK(both.hbm_bytes == Approx(2 * half.hbm_bytes));  // each half reads the weights
    }
    twice.collective_ns = engine.collective_ns = 60'000;
    auto const half = llama(engine, products(1));
    auto const messages_ns = half.share(Share::scale_up);
    auto const kernels_ns = half.duration_ns - messages_ns;
    REQUIRE(messages_ns > kernels_ns);
    CHECK(llama(twice, products(2)).duration_ns == Approx(2.0 * static_cast<double>(messages_ns)));
    // One token cannot be halved.
    CHECK(llama(twice, products(1)).duration_ns == half.duration_ns);
}

TEST_CASE("skewed experts: the busiest group multiplies more, and all together touch fewer") {
    auto const model = reference::deepseek_v3();
    Parallelism const wide{.expert = 8, .attention_data = 8};
    mw::llm::WorkCounter const even{model, Precision::fp8, Precision::fp8, wide, 8};
    mw::llm::WorkCounter const skewed{model, Precision::fp8, Precision::fp8, wide, 8, 0.6};
    mw::llm::ExpertUse const use{256, 8, 8, 0.6};
    Batch const batch{64, 64 * 1024, 0, 0, 64};
    REQUIRE(use.imbalance() > 1.1);
    CHECK(skewed(batch).experts.flops == Approx(use.imbalance() * even(batch).experts.flops));
    CHECK(skewed(batch).total_flops == Approx(even(batch).total_flops));
    double const expert = 58 * 3.0 * 7168 * 2048;
    CHECK(skewed(batch).experts.bytes ==
          Approx(expert * std::min(use.touched(64) / 8 * use.imbalance(), 256.0 / 8)));
    CHECK(even(batch).total_weight_bytes - skewed(batch).total_weight_bytes ==
          Approx(expert * (256 * (1 - std::pow(248.0 / 256, 64)) - use.touched(64))));
}

TEST_CASE("a model that is as new as the engine takes longer, and each span of months takes e of that away") {
    auto model = reference::llama_70b();
    auto engine = reference::frictionless();
    engine.kernel_ns = 5'000;
    engine.maturing = {.kernels = 0.5, .products = 1.5, .months = 4};
    auto const cost = [&](std::int64_t model_month, std::int64_t engine_month, Batch const& batch) {
        model.released_month = model_month;
        engine.released_month = engine_month;
        return IterationModel{model,         Precision::fp8,    Precision::fp8,
                              {.tensor = 8}, reference::h100(), engine}(batch);
    };
    Batch const prompt = products(8000);
    Batch const decode{1, 100, 0, 0, 0};
    auto const compute_s = [&](std::int64_t m, std::int64_t e) {
        return s(cost(m, e, prompt), Share::compute);
    };
    auto const overhead_s = [&](std::int64_t m, std::int64_t e) {
        return s(cost(m, e, decode), Share::overhead);
    };
    constexpr std::int64_t month = 12 * 2026 + 2;
    double const compute_of_old_s = compute_s(0, month);  // date unknown
    double const overhead_of_old_s = overhead_s(0, month);
    CHECK(compute_s(month, 0) == Approx(compute_of_old_s));
    CHECK(compute_s(month, month) == Approx(2.5 * compute_of_old_s));
    CHECK(overhead_s(month, month) == Approx(1.5 * overhead_of_old_s));
    CHECK(compute_s(month, month + 4) == Approx((1 + 1.5 / std::exp(1.0)) * compute_of_old_s));
    CHECK(compute_s(month, month - 7) ==
          Approx(2.5 * compute_of_old_s));  // the engine is older than the model
    CHECK(compute_s(month, month + 120) == Approx(compute_of_old_s));
    CHECK(s(cost(month, month, decode), Share::hbm) == Approx(s(cost(0, 0, decode), Share::hbm)));
}

TEST_CASE(
    "kernels of a prompt are launched one by one: where that takes longer than they run, it sets the pace") {
    auto engine = reference::frictionless();
    engine.launches = {.attention = 3,
                       .latent = 0,
                       .linear = 0,
                       .index = 0,
                       .dense = 2,
                       .experts = 0,
                       .fp4_experts = 0,
                       .shared = 0,
                       .norm = 0,
                       .quantise = 0};
    engine.launch_ns = 20'000;
    double const launching_s = 80 * 5 * 20e-6;
    auto const time_s = [&](Batch const& batch) {
        return mw::core::to_seconds(llama(engine, batch).duration_ns);
    };
    auto const bare_s = [&](Batch const& batch) {
        return mw::core::to_seconds(llama(reference::frictionless(), batch).duration_ns);
    };
    REQUIRE(bare_s(products(64)) < launching_s);
    CHECK(time_s(products(64)) == Approx(launching_s));
    REQUIRE(bare_s(products(8000)) > launching_s);
    CHECK(time_s(products(8000)) == Approx(bare_s(products(8000))));
    Batch const decode{100, 10'000, 0, 0, 0};  // graphs
    CHECK(time_s(decode) == Approx(bare_s(decode)));
    engine.sequence_ns = 10'000;  // the host does that too
    engine.host_overlap = 1;
    CHECK(time_s({0, 0, 64, 0, 10}) == Approx(launching_s + 1e-4));
}
