#include "megaweave/llm/speculation.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
#include "reference.hpp"

using doctest::Approx;
using mw::hardware::Precision;
using namespace mw::llm;

namespace {

IterationModel model() {
    auto const llama = reference::llama_70b();
    return {llama, Precision::fp8, Precision::fp8, {.tensor = 2}, reference::h100(), reference::ideal(llama)};
}

Batch verification(std::int64_t sequences, std::int64_t drafts) {
    Batch batch{sequences, sequences * 1024, 0, 0, sequences * (1 + drafts)};
    batch.tokens_per_sequence = 1 + drafts;
    return batch;
}

}  // namespace

TEST_CASE("a sequence gains 1 + a + a^2 + ... tokens") {
    CHECK(expected_tokens(0, 0.9) == 1.0);
    CHECK(expected_tokens(1, 0.8) == 1.8);
    CHECK(expected_tokens(3, 0.7) == Approx((1 - std::pow(0.7, 4)) / (1 - 0.7)));
    CHECK(expected_tokens(3, 0.7) == Approx(2.533));
    CHECK(expected_tokens(5, 1.0) == 6.0);
    CHECK(expected_tokens(5, 0.0) == 1.0);
    CHECK_THROWS_AS(static_cast<void>(expected_tokens(1, 1.5)), mw::core::ContractError);
}

TEST_CASE("a draft costs a layer and the output head") {
    // Llama-3.1-70B: 80 equal layers and a head of 128,256 x 8,192 out of 69.5e9 parameters that multiply.
    double const head = 128'256. * 8'192 / (80. * 855'654'400. + 128'256. * 8'192);
    CHECK(draft_cost(reference::llama_70b()) == Approx(head + (1 - head) / 80).epsilon(1e-3));
}

TEST_CASE("verification multiplies all tokens, reads the weights and the cache once") {
    WorkCounter const count{reference::llama_70b(), Precision::fp8, Precision::fp8, {.tensor = 2}, 8};
    Work const plain = count(Batch{64, 64 * 1024, 0, 0, 64});
    Work const drafts = count(verification(64, 3));
    CHECK(drafts.linear().flops == Approx(4 * plain.linear().flops));
    CHECK(drafts.linear().bytes == Approx(plain.linear().bytes));
    CHECK(drafts.decode_attention.flops == Approx(4 * plain.decode_attention.flops));
    CHECK(drafts.decode_attention.bytes == Approx(plain.decode_attention.bytes).epsilon(0.01));
    CHECK(drafts.tensor.scale_up_bytes == Approx(4 * plain.tensor.scale_up_bytes));
}

TEST_CASE("d drafts add d passes of the draft layer, and prompts none") {
    SpeculativeIteration const iteration{model(), 0.05};
    IterationCost const whole = iteration(verification(64, 3));
    IterationCost const verify = model()(verification(64, 3));
    IterationCost const pass = model()(Batch{64, 64 * 1024, 0, 0, 64});
    CHECK(whole.duration_ns ==
          Approx(static_cast<double>(verify.duration_ns) + 3 * 0.05 * static_cast<double>(pass.duration_ns)));
    CHECK(whole.flops == Approx(verify.flops + 3 * 0.05 * pass.flops));
    CHECK(whole.weight_bytes == Approx(verify.weight_bytes + 3 * 0.05 * pass.weight_bytes));
    CHECK(whole.logits == Approx(verify.logits + 3 * 0.05 * pass.logits));
    mw::core::TimeNs sum = 0;
    for (auto const share : whole.share_ns) sum += share;
    CHECK(sum == whole.duration_ns);
    Batch const prompt{0, 0, 100, 5050, 1};
    CHECK(iteration(prompt).duration_ns == model()(prompt).duration_ns);
}
