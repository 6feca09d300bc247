#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "run_deck.hpp"

// A full instance against physics.md, section 1, written out here from the models' published numbers. Always n sequences of 32 + 2048
// tokens: a sequence takes one prompt iteration and 2047 decode iterations, at a mean context of 32 + 1024 tokens; the prompts
// of all are 1/2048 of the iterations and are counted as one more of the same (they take up to 3 times as long: + 0.1 %).
// Leaves nothing else out, so the emulator must agree to 1 %.

using namespace mw;

namespace {

constexpr double n = 128;                    // sequences
constexpr double context = 32 + 0.5 * 2048;  // tokens that a decode step reads, on average over a life
constexpr double fp8 = 1;                    // bytes
constexpr double bf16 = 2;

//! The slower of arithmetic and memory [s], of one accelerator.
double roofline_s(double flops, double flops_per_s, double bytes, double bytes_per_s) {
    return std::max(flops / flops_per_s, bytes / bytes_per_s);
}

struct Ceilings {
    double fp8_flops;
    double attention_flops;
    double hbm;
    double link;
    double collective_s;
    double iteration_s;
};

//! What an accelerator reaches, from the catalogue's peaks and shares.
Ceilings ceilings_of(config::Deck const& deck) {
    hardware::AcceleratorParams const& a = deck.cluster.rack.accelerator;
    hardware::EngineEfficiency const& e = a.efficiency;
    REQUIRE(e.communication_overlap == 0);
    REQUIRE(e.layer_ns == 0);
    auto const at = [](hardware::Precision p) { return hardware::index_of(p); };
    return {a.peak_flops[at(hardware::Precision::fp8)] * e.flops[at(hardware::Precision::fp8)],
            a.peak_flops[at(hardware::Precision::bf16)] * e.attention_flops,
            a.hbm_bytes_per_s * e.hbm,
            a.scale_up_bytes_per_s * e.link,
            core::to_seconds(e.collective_ns),
            core::to_seconds(e.iteration_ns)};
}

void check_throughput(test::DeckRun const& run, double iteration_s) {
    double const expected = n / iteration_s;
    double const emulated =
        static_cast<double>(run.results.counts[engine::Count::output_tokens]) / run.results.measured_s;
    MESSAGE("output tokens/s: emulated ", emulated, ", closed form ", expected);
    CHECK(emulated == doctest::Approx(expected).epsilon(0.01));
    // Every token but the first of each request comes one iteration after the one before.
    CHECK(run.results.services[0].tpot.mean() * 1e-9 == doctest::Approx(iteration_s).epsilon(0.01));
}

}  // namespace

TEST_CASE("A full instance of Llama-3.1-70B on 8 H100 makes what its rooflines allow") {
    auto const run = test::run_deck("saturated.yaml");
    Ceilings const c = ceilings_of(run.deck);
    double const t = 8;  // tensor ranks
    double const layers = 80;
    double const h = 8192;
    double const kv_width = 8 * 128;  // KV heads x head size
    // A layer: query and output 2 h^2, key and value 2 h kv, feed-forward 3 h f. 855.6 M a layer, 68.45 G in all.
    double const dense = layers * (2 * h * h + 2 * h * kv_width + 3 * h * 28672);
    double const head = 128256 * h;
    double const linear_s =
        roofline_s(2 * (dense + head) * n / t, c.fp8_flops, (dense * fp8 + head * bf16) / t, c.hbm);
    // Each token of context: 4 H d FLOPs, 2 H_kv d bytes, in every layer; 8 KV heads split over 8 ranks. One token is written.
    double const attention_s = roofline_s(4 * layers * h * context * n / t, c.attention_flops,
                                          2 * layers * kv_width * fp8 * (context + 1) * n / t, c.hbm);
    // Two all-reduces a layer of n h BF16 numbers in a ring: 2 (t - 1) / t of it over each link, and a latency each.
    double const reduce_s = 2 * layers * (2 * (t - 1) / t * n * h * bf16 / c.link + c.collective_s);
    check_throughput(run, linear_s + attention_s + reduce_s + c.iteration_s);
}

TEST_CASE(
    "A full instance of DeepSeek-V3 on 8 H200, attention data-parallel and experts spread, makes what its "
    "rooflines allow") {
    auto const run = test::run_deck(
        "saturated.yaml", {{"cluster.rack", "hgx-h200"},
                           {"services[0].model", "deepseek-v3"},
                           {"services[0].parallelism", "{tensor: 1, expert: 8, attention_data: 8}"}});
    Ceilings const c = ceilings_of(run.deck);
    double const g = 8;  // accelerators: n / g sequences and 256 / g experts on each
    double const layers = 61;
    double const moe = 58;
    double const h = 7168;
    double const heads = 128;
    double const latent = 512 + 64;  // cached values per token
    // Attention: query over rank 1536, key and value over rank 512, 128 + 64 per query and key head, 128 per value head.
    double const attention =
        1536 * (h + heads * 192) + h * latent + 512 * heads * (128 + 128) + heads * 128 * h;
    double const expert = 3 * h * 2048;
    // Dense: attention, 3 plain layers, a shared expert and a router of 256 in the others.
    double const dense = layers * attention + 3 * 3 * h * 18432 + moe * (expert + 256 * h);
    double const head = 129280 * h;
    // Every accelerator holds the dense part and reads 1/8 of the experts that 128 tokens of 8 touch: 256 (1 - (31/32)^128) = 251.6.
    double const touched = 256 * (1 - std::pow(1 - 8.0 / 256, n));
    double const linear_s = roofline_s(2 * (dense + head + moe * 8 * expert) * n / g, c.fp8_flops,
                                       dense * fp8 + head * bf16 + moe * touched / g * expert * fp8, c.hbm);
    // Absorbed latent attention: 2 H (2 r + d_rope) FLOPs and r + d_rope bytes a token of context and layer.
    double const attention_s =
        roofline_s(2 * layers * heads * (2 * 512 + 64) * context * n / g, c.attention_flops,
                   layers * latent * fp8 * (context + 1) * n / g, c.hbm);
    // Dispatch in FP8 and combine in BF16: 8 copies of each token, 7/8 of them leave; two collectives in each MoE layer.
    double const exchange_s =
        moe * (8 * (1 - 1 / g) * h * (fp8 + bf16) * n / g / c.link + 2 * c.collective_s);
    check_throughput(run, linear_s + attention_s + exchange_s + c.iteration_s);
}
