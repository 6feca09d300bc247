#include "megaweave/llm/iteration.hpp"

#include <doctest/doctest.h>

#include <numeric>

#include "reference.hpp"

using doctest::Approx;
using mw::hardware::Precision;
using mw::llm::Batch;
using mw::llm::IterationCost;
using mw::llm::IterationModel;
using mw::llm::Parallelism;
using mw::llm::Share;

namespace {

IterationModel model_70b(Parallelism const& layout,
                         mw::hardware::RackParams const& rack = reference::h100()) {
    return {reference::llama_70b(), Precision::fp8, Precision::fp8, layout, rack};
}

double ms(IterationCost const& cost, Share share) {
    return 1e3 * mw::core::to_seconds(cost.share(share));
}

}  // namespace

TEST_CASE("437 sequences of 1,024 tokens on two H100: the worked times") {
    auto const cost = model_70b({.tensor = 2})(Batch{437, 437 * 1024, 0, 0, 437});
    CHECK(ms(cost, Share::compute) == Approx(1e3 * 2 * 69.503e9 * 437 / 2 / (0.55 * 1979e12)).epsilon(1e-4));
    CHECK(ms(cost, Share::hbm) == Approx(1e3 * 163840.0 * 437 * 1025 / 2 / (0.82 * 3.35e12)));
    CHECK(ms(cost, Share::scale_up) == Approx(160 * (437 * 8192 * 2 / (0.75 * 450e9) * 1e3 + 0.006)));
    CHECK(ms(cost, Share::overhead) == Approx(0.8));
    CHECK(mw::core::to_seconds(cost.duration_ns) == Approx(46.4e-3).epsilon(2e-3));
}

TEST_CASE("the shares add up to the duration to the nanosecond and none is negative") {
    auto rack = reference::h100();
    rack.accelerator.efficiency.iteration_ns = 7'200'000;
    auto const model = model_70b({.tensor = 8, .pipeline = 3}, rack);
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
    auto rack = reference::h100();
    auto const cost = model_70b({.tensor = 2, .pipeline = 4}, rack)(Batch{2, 2 * 1024, 0, 0, 2});
    CHECK(ms(cost, Share::idle) == Approx(0.5e3 * mw::core::to_seconds(cost.duration_ns)).epsilon(1e-6));
}

TEST_CASE("FP4 weights on an accelerator without FP4 compute at FP8's rate and still take fewer bytes") {
    auto const fp4 = IterationModel{
        reference::llama_70b(), Precision::fp4, Precision::fp8, {.tensor = 8}, reference::h100()};
    auto const fp8 = model_70b({.tensor = 8});
    Batch const prompt{0, 0, 8192, 8192 * 4096, 1};
    CHECK(fp4(prompt).share(Share::compute) == fp8(prompt).share(Share::compute));
    Batch const decode{1, 1024, 0, 0, 1};
    CHECK(fp4(decode).share(Share::hbm) < 0.62 * static_cast<double>(fp8(decode).share(Share::hbm)));
}

TEST_CASE("hidden communication costs no time but still moves its bytes") {
    auto rack = reference::h100();
    Batch const batch{64, 64 * 1024, 0, 0, 64};
    auto const exposed = model_70b({.tensor = 8}, rack)(batch);
    rack.accelerator.efficiency.communication_overlap = 1;
    auto const hidden = model_70b({.tensor = 8}, rack)(batch);
    CHECK(hidden.duration_ns + exposed.share(Share::scale_up) ==
          Approx(static_cast<double>(exposed.duration_ns)));
    CHECK(hidden.share(Share::scale_up) == 0);
    CHECK(hidden.scale_up_bytes == exposed.scale_up_bytes);
}

TEST_CASE("GQA decode turns memory-bound with context while latent attention on NVL72 stays compute-bound") {
    auto const llama = model_70b({.tensor = 8})(Batch{16, 16 * 131072, 0, 0, 16});
    CHECK(llama.share(Share::compute) == 0);
    Parallelism const wide{.expert = 72, .attention_data = 72};
    IterationModel const deepseek{reference::deepseek_v3(), Precision::fp8, Precision::fp8, wide,
                                  reference::gb200()};
    auto const cost = deepseek(Batch{2160, 2160 * 131072, 0, 0, 2160});
    CHECK(ms(cost, Share::compute) > 0.8e3 * mw::core::to_seconds(cost.duration_ns));
}
