#include "tuned_limits.hpp"

#include <doctest/doctest.h>

#include "layout.hpp"
#include "megaweave/config/entries.hpp"

using namespace mw;
using hardware::Precision;

namespace {

config::Entries const& entries() {
    static config::Entries const all{};
    return all;
}

validation::Limits limits(char const* model, Precision weights, std::int64_t tensor, std::int64_t pipeline,
                          char const* rack, double input, double output) {
    llm::Formats const formats{weights, weights == Precision::bf16 ? Precision::bf16 : Precision::fp8};
    return validation::tuned_limits(*entries().model(model), formats, tensor, pipeline,
                                    entries().rack(rack)->accelerator, input, output);
}

}  // namespace

TEST_CASE(
    "the benchmark's limits for Llama-3.1-8B in FP8 on one H100 are those that its documentation prints") {
    auto const found = limits("llama-3.1-8b", Precision::fp8, 1, 1, "h100-sxm", 128, 128);
    CHECK(found.sequences == 4096);
    CHECK(found.tokens == 8192);
}

TEST_CASE("a long prompt's limits follow from memory, and are rounded up") {
    // 70.6e9 numbers at 1 B on two H100 of 85.52 GB: 95 % of 100.5 GB over 80 x 8 x 128 x 2 B for each of 2,500 tokens is 233 requests.
    auto const found = limits("llama-3.1-70b", Precision::fp8, 2, 1, "h100-sxm", 2000, 500);
    CHECK(found.sequences == 256);
    CHECK(found.tokens == 2048);  // 233 x 5 = 1,166
}

TEST_CASE("stages share the requests, and no limit falls below 64 requests and 2,048 tokens") {
    auto const one = limits("llama-3.1-8b", Precision::fp8, 1, 1, "h100-sxm", 2048, 2048);
    auto const two = limits("llama-3.1-8b", Precision::fp8, 1, 2, "h100-sxm", 2048, 2048);
    CHECK(one.sequences == 384);  // 274
    CHECK(two.sequences == 384);  // 577 / 2: twice the memory, half the requests for each stage
    auto const least = limits("llama-3.1-8b", Precision::fp8, 1, 1, "h100-sxm", 100000, 100);
    CHECK(least.sequences == 64);
    CHECK(least.tokens == 11264);  // 11.2 requests, each of 1,001 tokens an iteration
}

TEST_CASE("a model that leaves no memory for a request has no limits") {
    CHECK_THROWS_AS(limits("llama-3.1-405b", Precision::bf16, 4, 1, "h100-sxm", 128, 128),
                    validation::CannotRun);
}
