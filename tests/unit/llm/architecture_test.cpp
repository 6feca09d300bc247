#include "megaweave/llm/architecture.hpp"

#include <doctest/doctest.h>

#include "reference.hpp"

using doctest::Approx;
using mw::hardware::Precision;

namespace {

mw::llm::ModelParams qwen35() {
    mw::llm::ModelParams m;
    m.name = "qwen3.5-397b-a17b";
    m.layers = 60;
    m.hidden = 4096;
    m.heads = 32;
    m.kv_heads = 2;
    m.head_dim = 256;
    m.output_gate = true;
    m.moe_every = 1;
    m.routed_experts = 512;
    m.experts_per_token = 10;
    m.shared_experts = 1;
    m.moe_intermediate = 1024;
    m.shared_intermediate = 1024;
    m.vocabulary = 248320;
    return reference::with_linear_layers(m, 45);
}

}  // namespace

TEST_CASE("Llama-3.1-70B has 70.55 G parameters and 163,840 B of FP8 cache a token") {
    auto const model = reference::llama_70b();
    double const attention = 2.0 * 8192 * 128 * (64 + 8);  // query and output; key and value
    double const feed_forward = 3.0 * 8192 * 28672;        // gate, up, down
    double const table = 128256.0 * 8192;
    CHECK(mw::llm::total_parameters(model) == 80 * (attention + feed_forward) + 2 * table);
    CHECK(mw::llm::active_parameters(model) == 80 * (attention + feed_forward) + table);
    CHECK(mw::llm::total_parameters(model) == Approx(70.55e9).epsilon(1e-4));
    CHECK(mw::llm::kv_bytes_per_token(model, Precision::fp8) == 163840.0);
    CHECK(mw::llm::kv_bytes_per_token(model, Precision::fp4) == 0.5625 * 163840.0);
}

TEST_CASE("decode attention does 16, 32 and 484 FLOPs per byte of FP8 cache") {
    auto const intensity = [](auto const& model) {
        return decode_attention_intensity(model, Precision::fp8);
    };
    CHECK(intensity(reference::llama_70b()) == 16.0);
    CHECK(intensity(reference::llama_405b()) == 32.0);
    // 2 x 128 heads x (2 x 512 + 64) FLOPs over 512 + 64 bytes
    CHECK(intensity(reference::deepseek_v3()) == Approx(483.6).epsilon(1e-4));
}

TEST_CASE("every second layer of 48 is a mixture in 24, all but the first 3 of 61 in 58") {
    auto model = reference::deepseek_v3();
    CHECK(moe_layers(model) == 58);
    model.layers = 48;
    model.first_dense_layers = 0;
    model.moe_every = 2;
    CHECK(moe_layers(model) == 24);
    CHECK(moe_layers(reference::llama_70b()) == 0);
}

TEST_CASE("sliding windows and linear layers hold a constant, not a growing cache") {
    auto model = reference::llama_70b();
    model.sliding_layers = 30;
    model.sliding_window = 128;
    CHECK(kv_bytes_per_token(model, Precision::fp8) == 50 * 2.0 * 8 * 128);
    CHECK(window_bytes_per_token(model, Precision::fp8) == 30 * 2.0 * 8 * 128);
    CHECK(kv_bytes_per_sequence(model, Precision::fp8) == 128 * 30 * 2.0 * 8 * 128);
    auto const hybrid = qwen35();
    CHECK(kv_bytes_per_token(hybrid, Precision::fp8) == 15 * 2.0 * 2 * 256);
    double const state = 45 * (64 * 128 * 128 * 4.0 + 3 * 12288 * 2.0);
    CHECK(kv_bytes_per_sequence(hybrid, Precision::fp8) == state);
    CHECK(state == Approx(192.1e6).epsilon(1e-3));
    CHECK(linear_state_flops(hybrid) == 8.0 * 45 * 64 * 128 * 128);
}

TEST_CASE("Qwen3.5-397B-A17B has 396.3 G parameters, 16.3 G of them active") {
    auto const model = qwen35();
    // Query, key, value, gate, two gates a head; output; a convolution of four taps.
    double const linear = 4096.0 * (2 * 2048 + 2 * 8192 + 2 * 64) + 8192.0 * 4096 + 4.0 * (2 * 2048 + 8192);
    double const full = 4096.0 * 256 * (3 * 32 + 2 * 2);
    double const expert = 3.0 * 4096 * 1024;
    double const layers = 45 * linear + 15 * full + 60 * (expert + 4096.0 * 512);
    double const table = 248320.0 * 4096;
    CHECK(total_parameters(model) == layers + 60 * 512 * expert + 2 * table);
    CHECK(active_parameters(model) == layers + 60 * 10 * expert + table);
    CHECK(total_parameters(model) == Approx(396.3e9).epsilon(1e-3));
    CHECK(active_parameters(model) == Approx(16.3e9).epsilon(5e-3));
}

TEST_CASE("DeepSeek-V3's layer for multi-token prediction has 11.6 G parameters") {
    auto model = reference::deepseek_v3();
    CHECK(count_mtp_parameters(model).dense == 0.0);
    model.mtp_layers = 1;
    auto const mtp = count_mtp_parameters(model);
    double const attention =
        1536.0 * (7168 + 128 * 192) + 7168.0 * 576 + 512.0 * 128 * 256 + 128.0 * 128 * 7168;
    double const expert = 3.0 * 7168 * 2048;
    CHECK(mtp.attention == attention);
    CHECK(mtp.dense == attention + expert + 7168.0 * 256 + 2.0 * 7168 * 7168);
    CHECK(mtp.experts == 256 * expert);
    CHECK(mtp.dense + mtp.experts == Approx(11.6e9).epsilon(2e-3));
    // FP4 checkpoints hold it in BF16.
    CHECK(mtp_weight_bytes(model, Precision::fp4).total() == 2.0 * (mtp.dense + mtp.experts));
    CHECK(mtp_weight_bytes(model, Precision::fp8).total() ==
          mtp.dense + mtp.experts + mtp.router);  // router: 2 B
}

TEST_CASE("gpt-oss-120b's MXFP4 checkpoint takes 65.2 GB") {
    auto const model = reference::gpt_oss_120b();
    auto const bytes = weight_bytes(model, Precision::fp4);
    double const experts = 36 * 128 * 3.0 * 2880 * 2880;
    double const attention = 36 * 2880.0 * 64 * 2 * (64 + 8);
    CHECK(bytes.experts == experts * (0.5 + 1.0 / 32));
    CHECK(bytes.attention == 2.0 * attention);
    CHECK(bytes.dense == 2.0 * (attention + 36 * 2880.0 * 128));
    CHECK(bytes.head == 2.0 * 201088 * 2880);
    CHECK(bytes.total() == Approx(65.2e9).epsilon(2e-3));
    CHECK(bytes.total() == Approx(60.8 * 1073741824.0).epsilon(3e-3));    // as published, in GiB
    CHECK(weight_bytes(model, Precision::fp8).experts == bytes.experts);  // there is no other checkpoint
}

TEST_CASE("FP4 checkpoints of DeepSeek-V3 keep attention, router and tables in BF16") {
    auto model = reference::deepseek_v3();
    model.attention_weights[index_of(Precision::fp4)] = Precision::bf16;
    auto const counts = count_parameters(model);
    auto const bytes = weight_bytes(model, Precision::fp4);
    CHECK(bytes.attention == 2.0 * counts.attention);
    CHECK(bytes.dense == 2.0 * (counts.attention + counts.router) + 0.5625 * counts.feed_forward);
    CHECK(bytes.experts == 0.5625 * counts.experts);
    CHECK(bytes.expert * 58 * 256 == Approx(bytes.experts));
    CHECK(counts.dense == counts.attention + counts.feed_forward + counts.router);
}

TEST_CASE(
    "a token sees all of a full layer, a window of a sliding one, a part of a chunk, a choice of a sparse "
    "one") {
    CHECK(visible_layer_tokens(reference::gpt_oss_120b(), 4096) == 76032.0);
    CHECK(visible_layer_tokens(reference::gpt_oss_120b(), 100) == 3600.0);

    auto scout = reference::llama_70b();
    scout.layers = 48;
    scout.sliding_layers = 36;
    scout.sliding_window = 8192;
    scout.chunked_window = true;
    CHECK(visible_layer_tokens(scout, 65536) == 12 * 65536.0 + 36 * 4608.0);
    CHECK(visible_layer_tokens(scout, 8192) == 48 * 8192.0);

    auto sparse = reference::deepseek_v3();
    CHECK(index_bytes_per_context_token(sparse) == 0.0);
    CHECK(index_flops_per_context_token(sparse) == 0.0);
    sparse.sparse_tokens = 2048;
    sparse.index_heads = 64;
    sparse.index_head_dim = 128;
    CHECK(visible_layer_tokens(sparse, 1000) == 61 * 1000.0);
    CHECK(visible_layer_tokens(sparse, 100000) == 61 * 2048.0);
    CHECK(index_flops_per_context_token(sparse) == 61 * 2.0 * 64 * 128);
    CHECK(kv_bytes_per_token(sparse, Precision::fp8) == 61 * (576.0 + 132));
}

TEST_CASE("parameters and cache of every catalogue model agree with published counts within 0.5 %") {
    auto const rows = reference::read_csv(MW_SHARED_DIR "/catalogue/models.csv");
    if (rows.empty()) {
        MESSAGE("skipped: no ../shared/catalogue/models.csv");
        return;
    }
    CHECK(rows.size() >= 20);
    for (auto const& row : rows) {
        auto const model = reference::model_of(row);
        CAPTURE(model.name);
        CHECK(total_parameters(model) ==
              Approx(1e9 * reference::real(row, "params_total_computed_B")).epsilon(0.005));
        CHECK(active_parameters(model) ==
              Approx(1e9 * reference::real(row, "params_active_computed_B")).epsilon(0.005));
        // model_of() leaves hybrid layers uncounted, as the table's cache column does.
        CHECK(kv_bytes_per_token(model, Precision::fp8) == reference::real(row, "kv_bytes_per_token_fp8"));
    }
}
