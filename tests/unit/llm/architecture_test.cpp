#include "megaweave/llm/architecture.hpp"

#include <doctest/doctest.h>

#include "reference.hpp"

using mw::hardware::Precision;

TEST_CASE("Llama-3.1-70B has 70.55 G parameters and 163,840 B of FP8 cache a token") {
    auto const model = reference::llama_70b();
    double const attention = 2.0 * 8192 * 128 * (64 + 8);  // query and output; key and value
    double const feed_forward = 3.0 * 8192 * 28672;        // gate, up, down
    double const table = 128256.0 * 8192;
    CHECK(mw::llm::total_parameters(model) == 80 * (attention + feed_forward) + 2 * table);
    CHECK(mw::llm::active_parameters(model) == 80 * (attention + feed_forward) + table);
    CHECK(mw::llm::total_parameters(model) == doctest::Approx(70.55e9).epsilon(1e-4));
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
    CHECK(intensity(reference::deepseek_v3()) == doctest::Approx(483.6).epsilon(1e-4));
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
    model.linear_layers = 10;
    CHECK(kv_bytes_per_token(model, Precision::fp8) == 40 * 2.0 * 8 * 128);
    CHECK(kv_bytes_per_sequence(model, Precision::fp8) == 30 * 128 * 2.0 * 8 * 128 + 10 * 8192.0 * 128 * 2);
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
              doctest::Approx(1e9 * reference::real(row, "params_total_computed_B")).epsilon(0.005));
        CHECK(active_parameters(model) ==
              doctest::Approx(1e9 * reference::real(row, "params_active_computed_B")).epsilon(0.005));
        // model_of() leaves hybrid layers uncounted, as the table's cache column does.
        CHECK(kv_bytes_per_token(model, Precision::fp8) == reference::real(row, "kv_bytes_per_token_fp8"));
    }
}
