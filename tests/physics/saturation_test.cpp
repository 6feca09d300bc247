#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "run_deck.hpp"

// A full instance against physics.md, section 1, written out here from the models' published numbers. Always n sequences of 32 + 2048
// tokens: a sequence takes one prompt iteration and 2047 decode iterations, at a mean context of 32 + 1024 tokens; the prompts
// of all are 1/2048 of the iterations and are counted as one more of the same, and what the host does to begin them.
// Leaves nothing else out, so the emulator must agree to 0.5 %.

using namespace mw;

namespace {

constexpr double n = 128;                    // sequences
constexpr double context = 32 + 0.5 * 2048;  // tokens that a decode step reads, on average over a life
constexpr double fp8 = 1;                    // bytes
constexpr double bf16 = 2;

//! The slower of arithmetic and memory, and a part of the faster [s], of one accelerator.
double roofline_s(double flops, double flops_per_s, double bytes, double bytes_per_s, double blend = 0) {
    double const compute_s = flops / flops_per_s;
    double const memory_s = bytes / bytes_per_s;
    return std::max(compute_s, memory_s) + blend * std::min(compute_s, memory_s);
}

//! What an accelerator reaches with the deck's engine on large products, from the catalogue's peaks and shares.
struct Ceilings {
    double fp8_flops;
    double expert_flops;
    double bf16_flops;
    double attention_flops;
    double hbm;
    double kv_hbm;
    double link;
    double launch_time;  // of the accelerator, over the engine's
    double host_time;
    llm::EngineParams engine;

    //! Seconds of dense products of `rows` x `columns` on one accelerator.
    [[nodiscard]] double dense_s(double flops, double bytes, double rows, double columns) const {
        double const reached = rows / (rows + engine.half_rows) * columns_reached(columns);
        return roofline_s(flops, fp8_flops * reached, bytes, hbm, engine.roofline_blend);
    }
    [[nodiscard]] double columns_reached(double columns) const {
        return columns / (columns + engine.half_columns);
    }
    //! Of `numbers` in BF16 that are written and read between kernels.
    [[nodiscard]] double activations_s(double numbers) const {
        return engine.activation_passes * 2 * bf16 * numbers / hbm;
    }
    [[nodiscard]] double kernel_s() const { return launch_time * core::to_seconds(engine.kernel_ns); }
    [[nodiscard]] double collective_s() const { return launch_time * core::to_seconds(engine.collective_ns); }
    //! The host's work on `sequences` hides behind the device, as far as the engine lets it.
    [[nodiscard]] double iteration_s(double device_s, double sequences) const {
        return device_s + host_time * core::to_seconds(engine.iteration_ns) +
               exposed_s(device_s, sequences * static_cast<double>(engine.sequence_ns + engine.token_ns));
    }
    //! All sequences begin in the same iteration: what the host has to do more than the device lets it hide.
    [[nodiscard]] double begin_s(double device_s, double sequences) const {
        return exposed_s(device_s, sequences * static_cast<double>(engine.sequence_ns + 32 * engine.token_ns +
                                                                   engine.request_ns));
    }

  private:
    [[nodiscard]] double exposed_s(double device_s, double host_ns) const {
        double const host_s = host_time * 1e-9 * host_ns;
        return (1 - engine.host_overlap) * host_s + std::max(0.0, engine.host_overlap * host_s - device_s);
    }
};

Ceilings ceilings_of(config::Deck const& deck) {
    hardware::AcceleratorParams const& a = deck.cluster.rack.accelerator;
    hardware::KernelEfficiency const& e = a.efficiency;
    llm::EngineParams const& engine = deck.services[0].engine;
    REQUIRE(engine.communication_overlap == 0);
    REQUIRE(engine.interleaved_batches == 1);
    REQUIRE(engine.expert_skew == 0);
    REQUIRE(engine.stream_interval == 1);
    REQUIRE(!deck.cluster.rack.scale_up_reduces);
    auto const fp8_at = hardware::index_of(hardware::Precision::fp8);
    auto const bf16_at = hardware::index_of(hardware::Precision::bf16);
    double const fp8_flops = a.peak_flops[fp8_at] * e.flops[fp8_at] * engine.flops;
    return {fp8_flops,
            fp8_flops * e.expert_flops[fp8_at] * engine.expert_flops,
            a.peak_flops[bf16_at] * e.flops[bf16_at] * engine.flops,
            a.peak_flops[bf16_at] * e.attention_flops * engine.attention_flops,
            a.hbm_bytes_per_s * e.hbm * engine.hbm,
            a.hbm_bytes_per_s * e.kv_hbm * engine.kv_hbm,
            a.scale_up_bytes_per_s * e.link * engine.link,
            e.launch_time,
            e.host_time,
            engine};
}

void check_throughput(test::DeckRun const& run, double iteration_s, double begin_s) {
    double const expected = n / (iteration_s + begin_s / 2048);
    double const emulated =
        static_cast<double>(run.results.counts[engine::Count::output_tokens]) / run.results.measured_s;
    MESSAGE("output tokens/s: emulated ", emulated, ", closed form ", expected);
    CHECK(emulated == doctest::Approx(expected).epsilon(0.005));
    // Every token but the first of each request comes one iteration after the one before.
    CHECK(run.results.services[0].tpot.mean() * 1e-9 == doctest::Approx(iteration_s).epsilon(0.005));
}

}  // namespace

TEST_CASE("A full instance of Llama-3.1-70B on 8 H100 makes what its rooflines allow") {
    auto const run = test::run_deck("saturated.yaml");
    Ceilings const c = ceilings_of(run.deck);
    double const t = 8;  // tensor ranks
    double const layers = 80;
    double const h = 8192;
    double const f = 28672;
    double const kv_width = 8 * 128;  // KV heads x head size
    // A layer: query and output 2 h^2, key and value 2 h kv, feed-forward 3 h f. 855.6 M a layer, 68.45 G in all.
    double const attention = layers * (2 * h * h + 2 * h * kv_width);
    double const feed_forward = layers * 3 * h * f;
    double const head = 128256 * h;  // BF16
    double const linear_s =
        c.dense_s(2 * attention * n / t, attention * fp8 / t, n, f / t) +
        c.dense_s(2 * feed_forward * n / t, feed_forward * fp8 / t, n, f / t) +
        roofline_s(2 * head * n / t, c.bf16_flops * c.columns_reached(f / t), head * bf16 / t, c.hbm);
    // Each token of context: 4 H d FLOPs, 2 H_kv d bytes, in every layer; 8 KV heads split over 8 ranks. One token is written.
    double const attention_s = roofline_s(4 * layers * h * context * n / t, c.attention_flops,
                                          2 * layers * kv_width * fp8 * (context + 1) * n / t, c.kv_hbm);
    // 6 h of each token on every rank, 3 f and twice query, key and value split over them.
    double const activations_s = c.activations_s(n * layers * (6 * h + (3 * f + 2 * (h + 2 * kv_width)) / t));
    // A layer: kernels of attention, of the feed-forward, and 4 that quantise.
    llm::LaunchCounts const& launches = c.engine.launches;
    double const kernels_s =
        layers * (launches.attention + launches.dense + 4 * launches.quantise) * c.kernel_s();
    // Two all-reduces a layer of n h BF16 numbers, few enough for the engine's own: in two steps 2 (t - 1) / t of it over each link, in
    // one t - 1 times it.
    REQUIRE(n * h * bf16 < 8 * 1048576);
    double const reduced_s = n * h * bf16 / c.link;
    double const reduce_s =
        2 * layers *
        std::min(2 * (t - 1) / t * reduced_s + 2 * c.collective_s(), (t - 1) * reduced_s + c.collective_s());
    double const device_s = linear_s + attention_s + activations_s + kernels_s + reduce_s;
    check_throughput(run, c.iteration_s(device_s, n), c.begin_s(device_s, n));
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
    double const plain = 3;  // dense layers
    double const moe = layers - plain;
    double const k = 8;  // experts for each token
    double const h = 7168;
    double const heads = 128;
    double const f = 18432;
    double const f_e = 2048;
    double const latent = 512 + 64;  // cached values per token
    // Attention: query over rank 1536, key and value over rank 512, 128 + 64 per query and key head, 128 per value head.
    double const attention =
        layers * (1536 * (h + heads * 192) + h * latent + 512 * heads * (128 + 128) + heads * 128 * h);
    double const expert = 3 * h * f_e;
    // 3 plain layers, a shared expert and a router of 256 (BF16) in the others.
    double const feed_forward = plain * 3 * h * f + moe * expert;
    double const router = moe * 256 * h;
    double const head = 129280 * h;  // BF16
    double const own = n / g;        // sequences
    double const dense_s =
        c.dense_s(2 * attention * own, attention * fp8, own, f) +
        c.dense_s(2 * (feed_forward + router) * own, feed_forward * fp8 + router * bf16, own, f) +
        roofline_s(2 * head * own, c.bf16_flops * c.columns_reached(f), head * bf16, c.hbm);
    // Each accelerator reads 1/8 of the experts that 128 tokens of 8 touch: 256 (1 - (31/32)^128) = 251.6, with 4.1 tokens each.
    double const touched = 256 * (1 - std::pow(1 - k / 256, n));
    double const rows = n * k / touched;
    double const reached =
        rows / (rows + c.engine.half_expert_rows) * f_e / (f_e + c.engine.half_expert_columns);
    double const experts_s = roofline_s(2 * moe * k * expert * own, c.expert_flops * reached,
                                        moe * touched / g * expert * fp8, c.hbm, c.engine.roofline_blend);
    // Absorbed latent attention: 2 H (2 r + d_rope) FLOPs and r + d_rope bytes a token of context and layer.
    double const attention_s =
        roofline_s(2 * layers * heads * (2 * 512 + 64) * context * own, c.attention_flops,
                   layers * latent * fp8 * (context + 1) * own, c.kv_hbm);
    // 6 h, 3 f (of the shared expert in mixtures) and twice query and ranks of own tokens, 3 (h + f_e) of each expert's.
    double const activations_s = c.activations_s(
        own * (layers * (6 * h + 2 * (heads * 192 + 1536 + latent)) + 3 * (plain * f + moe * f_e)) +
        own * moe * k * 3 * (h + f_e));
    // Before products of narrower weights 4 kernels of attention quantise, 2 of the feed-forward, 2 of experts and 1 of the shared one.
    llm::LaunchCounts const& launches = c.engine.launches;
    double const kernels_s = (layers * (launches.latent + 4 * launches.quantise) +
                              plain * (launches.dense + 2 * launches.quantise) +
                              moe * (launches.experts + launches.shared + 3 * launches.quantise)) *
                             c.kernel_s();
    // Dispatch in FP8 and combine in BF16: 8 copies of each token, 7/8 of them leave; two collectives in each MoE layer.
    double const exchange_s =
        moe * (k * (1 - 1 / g) * h * (fp8 + bf16) * own / c.link + 2 * c.collective_s());
    double const device_s = dense_s + experts_s + attention_s + activations_s + kernels_s + exchange_s;
    check_throughput(run, c.iteration_s(device_s, own), c.begin_s(device_s, own));
}
