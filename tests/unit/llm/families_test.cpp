#include <doctest/doctest.h>

#include <cmath>

#include "megaweave/llm/architecture.hpp"
#include "megaweave/llm/work.hpp"
#include "reference.hpp"

// Counts that depend on the family of a model: kernels, narrow experts, windows, chunks, chosen tokens, constant states.

using doctest::Approx;
using mw::hardware::Precision;
using mw::llm::Batch;
using mw::llm::count_kernels;
using mw::llm::Layout;
using mw::llm::WorkCounter;

namespace {

mw::llm::ModelParams qwen3_30b() {
    mw::llm::ModelParams m;
    m.layers = 48;
    m.hidden = 2048;
    m.heads = 32;
    m.kv_heads = 4;
    m.head_dim = 128;
    m.moe_every = 1;
    m.routed_experts = 128;
    m.experts_per_token = 8;
    m.moe_intermediate = 768;
    m.vocabulary = 151936;
    return m;
}

//! DeepSeek-V3.2: V3 whose attention reads 2,048 tokens that an index of 64 heads of 128 chooses.
mw::llm::ModelParams deepseek_v32() {
    auto m = reference::deepseek_v3();
    m.sparse_tokens = 2048;
    m.index_heads = 64;
    m.index_head_dim = 128;
    return m;
}

//! Three layers in four keep a state of 64 heads of 128 x 128 each, as in Qwen3.5-397B-A17B.
mw::llm::ModelParams mostly_linear() {
    return reference::with_linear_layers(reference::llama_70b(), 60);
}

mw::llm::Work fp8_work(mw::llm::ModelParams const& model, Batch const& batch) {
    return WorkCounter{model, Precision::fp8, Precision::fp8, {}, 8}(batch);
}

}  // namespace

TEST_CASE(
    "kernels of a layer: attention 5, latent and linear 9; feed-forward 3, experts 7 or in FP4 5, shared 2") {
    auto const llama = reference::llama_70b();
    CHECK(count_kernels(llama, Precision::bf16) == 80 * (5 + 3));
    // One more before each product quantises its input: two in attention, two in the feed-forward.
    CHECK(count_kernels(llama, Precision::fp8) == 80 * (7 + 5));
    auto const deepseek = reference::deepseek_v3();
    CHECK(count_kernels(deepseek, Precision::bf16) == 61 * 9 + 3 * 3 + 58 * (7 + 2));
    CHECK(count_kernels(deepseek, Precision::fp8) == 61 * 13 + 3 * 5 + 58 * (9 + 3));
    CHECK(count_kernels(deepseek_v32(), Precision::fp8) - count_kernels(deepseek, Precision::fp8) == 61 * 3);
    CHECK(count_kernels(mostly_linear(), Precision::bf16) == 60 * 9 + 20 * 5 + 80 * 3);
    CHECK(count_kernels(reference::gpt_oss_120b(), Precision::fp4) == 36 * (5 + 7));
    CHECK(count_kernels(reference::gpt_oss_120b(), Precision::bf16) == 36 * (5 + 7));
    // Queries and keys normalised: two more; across tensor ranks also one small collective a layer.
    auto normed = llama;
    normed.query_norm = mw::llm::QueryNorm::all;
    CHECK(count_kernels(normed, Precision::bf16) == 80 * (5 + 3 + 2));
    CHECK(WorkCounter{normed, Precision::fp8, Precision::fp8, {.tensor = 4}, 8}(Batch{4, 400, 0, 0, 4})
              .tensor.small == 80);
    CHECK(WorkCounter{normed, Precision::fp8, Precision::fp8, {.tensor = 1}, 8}(Batch{4, 400, 0, 0, 4})
              .tensor.small == 0);
    // Fitted counts need not be whole.
    CHECK(count_kernels(llama, Precision::fp8, {.attention = 4.5, .dense = 2.25, .quantise = 1.5}) ==
          doctest::Approx(80 * (4.5 + 3 + 2.25 + 3)));
    // A stage of a pipeline launches its own layers' only.
    WorkCounter const count{llama, Precision::fp8, Precision::fp8, {.pipeline = 4}, 8};
    CHECK(count(Batch{4, 400, 0, 0, 4}).kernels == 80 * 12 / 4);
}

TEST_CASE("experts are spread where tensor parallelism would leave fewer than 256 columns of them") {
    CHECK(Layout(qwen3_30b(), {.tensor = 2}, 8).expert == 1);                  // 384 columns
    CHECK(Layout(qwen3_30b(), {.tensor = 4}, 8).expert == 4);                  // 192
    CHECK(Layout(reference::deepseek_v3(), {.tensor = 8}, 8).expert == 1);     // 256
    CHECK(Layout(reference::deepseek_v3(), {.tensor = 16}, 16).expert == 16);  // 128
    CHECK(Layout(reference::gpt_oss_120b(), {.tensor = 8}, 8).expert == 1);    // 360
    CHECK(Layout(reference::llama_70b(), {.tensor = 8}, 8).expert == 1);
    CHECK(Layout(qwen3_30b(), {.tensor = 6}, 8).expert == 1);  // 128 experts do not divide by 6
    // Spread experts are whole; the busiest accelerator has one at least.
    WorkCounter const two{qwen3_30b(), Precision::fp8, Precision::fp8, {.tensor = 2}, 8};
    WorkCounter const four{qwen3_30b(), Precision::fp8, Precision::fp8, {.tensor = 4}, 8};
    CHECK(two.expert_columns() == 384);
    CHECK(four.expert_columns() == 768);
    double const expert = 48 * 3.0 * 2048 * 768;
    Batch const one{1, 1024, 0, 0, 1};
    CHECK(two(one).experts.bytes == Approx(8 * expert / 2));
    CHECK(four(one).experts.bytes == Approx(8 * expert / 4));
    Batch many{16, 16 * 1024, 0, 0, 16};
    CHECK(four(many).experts.bytes == Approx(128 * (1 - std::pow(120.0 / 128, 16)) / 4 * expert));
}

TEST_CASE("columns of a dense product: the feed-forward's, attention's where all layers are mixtures") {
    WorkCounter const llama{reference::llama_70b(), Precision::fp8, Precision::fp8, {.tensor = 8}, 8};
    CHECK(llama.columns() == 28672.0 / 8);
    // (q + k + v + o) / 2 = h d (2 x 32 + 2 x 4) / (2 h)
    WorkCounter const qwen{qwen3_30b(), Precision::fp8, Precision::fp8, {.tensor = 2}, 8};
    CHECK(qwen.columns() == Approx(0.5 * 128 * (2 * 32 + 2 * 4) / 2));
}

TEST_CASE(
    "activations of a mixture: k (3 h + 3 f_e) numbers a token and layer, shared experts as dense ones") {
    auto const work = fp8_work(reference::deepseek_v3(), Batch{10, 10'240, 0, 0, 10});
    double const heads = 128 * 192 + 1536 + 512 + 64;  // queries; compressed queries, cache and rope
    double const numbers =
        61 * (6.0 * 7168 + 2 * heads) + 3 * 3.0 * 18432 + 58 * (3.0 * 2048 + 8 * (3.0 * 7168 + 3.0 * 2048));
    CHECK(work.activation_bytes == Approx(4.0 * 10 * numbers));
}

TEST_CASE("sliding layers see their window, whole ones everything") {
    auto const model = reference::gpt_oss_120b();
    auto const work = fp8_work(model, Batch{10, 10 * 4096, 0, 0, 10});
    CHECK(work.decode_attention.flops == Approx(10 * 4.0 * 64 * 64 * (18 * 4096 + 18 * 128)));
    CHECK(work.decode_attention.bytes == Approx(10 * 1024.0 * (18 * 4097 + 18 * 129)));
}

TEST_CASE("a chunked layer sees half of its chunk and more, the less the longer the context") {
    auto model = reference::llama_70b();
    model.sliding_layers = 60;
    model.sliding_window = 8192;
    model.chunked_window = true;
    auto const visible = [&](std::int64_t context) {
        return fp8_work(model, Batch{2, 2 * context, 0, 0, 2}).decode_attention.flops / (2 * 4.0 * 64 * 128);
    };
    CHECK(visible(4096) == Approx(80 * 4096));
    CHECK(visible(8192) == Approx(80 * 8192));
    CHECK(visible(65536) == Approx(20 * 65536 + 60 * 4096 * (1 + 8192.0 / 65536)));
    model.chunked_window = false;
    CHECK(visible(65536) == Approx(20 * 65536 + 60 * 8192));
}

TEST_CASE("sparse attention reads 2,048 tokens, and its index a short key of every one") {
    for (std::int64_t const context : {1000, 100'000}) {
        CAPTURE(context);
        Batch const batch{4, 4 * context, 0, 0, 4};
        auto const c = static_cast<double>(context);
        double const chosen = std::min(c, 2048.0);
        auto const work = fp8_work(deepseek_v32(), batch);
        // Latent attention 2 x 128 x (2 x 512 + 64) FLOPs and 576 B; the index 2 x 64 x 128 FLOPs and 128 + 4 B.
        CHECK(work.decode_attention.flops ==
              Approx(4 * 61 * (2.0 * 128 * 1088 * chosen + 2.0 * 64 * 128 * c)));
        CHECK(work.decode_attention.bytes == Approx(4 * 61 * (576 * (chosen + 1) + 132 * c)));
    }
    // A prompt of 10,000 tokens behind 90,000: each of its tokens sees 2,048 of 95,000 on average.
    Batch const prompt{0, 0, 10'000, 950'000'000, 0};
    CHECK(fp8_work(deepseek_v32(), prompt).prefill_attention.flops ==
          Approx(1e4 * 61 * (2.0 * 128 * 320 * 2048 + 2.0 * 64 * 128 * 95'000)));
}

TEST_CASE(
    "linear layers have a constant state: 8 FLOPs a number and token, read and written by each sequence") {
    double const numbers = 64.0 * 128 * 128;
    double const state = 60 * (numbers * 4 + 3 * (2 * 16 * 128 + 64 * 128) * 2.0);
    for (std::int64_t const context : {1000, 100'000}) {
        CAPTURE(context);
        auto const c = static_cast<double>(context);
        auto const work = fp8_work(mostly_linear(), Batch{10, 10 * context, 0, 0, 10});
        CHECK(work.decode_attention.flops == Approx(10 * (20 * 4.0 * 64 * 128 * c + 60 * 8 * numbers)));
        CHECK(work.decode_attention.bytes == Approx(10 * (2048.0 * 20 * (c + 1) + 2 * state)));
    }
}
