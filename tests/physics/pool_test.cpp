#include <doctest/doctest.h>

#include <fmt/format.h>

#include <algorithm>

#include "megaweave/llm/architecture.hpp"
#include "run_deck.hpp"

// Instances whose caches lie in a memory pool: capacity, bandwidth and watts against closed forms.

using namespace mw;
using doctest::Approx;

namespace {

using Overrides = std::vector<config::Override>;

struct Pool {
    double bytes_per_s;
    double waiting;  // share of accelerator time
    double watts;
    double tokens_per_s;
};

Pool decode(Overrides const& overrides = {}) {
    auto const run = test::run_deck("pool_decode.yaml", overrides);
    double all_ns = 0;
    for (core::TimeNs const part : run.results.accelerator_ns) all_ns += static_cast<double>(part);
    auto const waiting = run.results.accelerator_ns[llm::index_of(llm::Share::memory_pool)];
    return {static_cast<double>(run.results.counts[engine::Count::pool_bytes]) / run.results.measured_s,
            static_cast<double>(waiting) / all_ns, run.mean("memory_pool_w"),
            static_cast<double>(run.results.counts[engine::Count::output_tokens]) / run.results.measured_s};
}

Overrides bandwidth(std::string const& value) {
    return {{"cluster.memory_pool.bandwidth", value}, {"cluster.memory_pool.link", value}};
}

}  // namespace

TEST_CASE("A pool adds its capacity, part by part, to what the instances' HBM holds") {
    auto deck = config::read_deck(std::string{MW_SOURCE_DIR} + "/tests/decks/physics/pool_decode.yaml");
    engine::World const world{deck};
    // 1 TB for 8 accelerators, 2 of them an instance's, 163,840 B a token, 16 tokens a block.
    auto const& instance = world.service(core::ServiceId{0}).instance(false);
    CHECK(instance.pool_blocks == static_cast<std::int64_t>(1e12 / 4 / (163'840 * 16)));
    CHECK(instance.kv_blocks == 300 + instance.pool_blocks);
}

TEST_CASE(
    "Four instances that starve keep the pool busy while any of them waits, and little time is left for "
    "else") {
    auto const starve = [](double limit) {
        Pool const starved = decode(bandwidth(fmt::format("{} GB/s", limit * 1e-9)));
        CHECK(starved.waiting > 0.75);
        CHECK(starved.bytes_per_s <= 1.0001 * limit);
        return starved;
    };
    for (double const limit : {10e9, 5e9}) CHECK(starve(limit).bytes_per_s == Approx(limit).epsilon(1e-3));
    // Of more it rests while all four do something beside reading: for all of that time, if they keep step.
    for (double const limit : {50e9, 25e9}) {
        Pool const starved = starve(limit);
        CHECK(starved.bytes_per_s >= starved.waiting * limit);
    }
    Pool const starved = decode(bandwidth("50 GB/s"));
    // 50 W/TB, 8 links of 50 GB/s with two ends of 2.4 W at 100 GB/s, and 12 pJ a bit.
    CHECK(starved.watts == Approx(50 + 8 * 2 * 2.4 * 0.5 + starved.bytes_per_s * 8 * 12e-12).epsilon(0.005));
    Pool const ample = decode(bandwidth("20 TB/s"));
    CHECK(ample.waiting < 0.01);
    CHECK(ample.tokens_per_s > 5 * starved.tokens_per_s);
}

TEST_CASE("The accelerators' links bound what a wide pool gives them") {
    // 8 links of 5 GB/s, which rest while an iteration does what has to follow its reads.
    Pool const narrow =
        decode({{"cluster.memory_pool.bandwidth", "400 GB/s"}, {"cluster.memory_pool.link", "5 GB/s"}});
    CHECK(narrow.waiting > 0.75);
    CHECK(narrow.bytes_per_s == Approx(narrow.waiting * 40e9).epsilon(0.02));
}

TEST_CASE("Instances that start cold serve when their weights have come over their links") {
    auto const run = test::run_deck("pool_decode.yaml",
                                    {{"services[0].start", "cold"},
                                     {"cluster.memory_pool.link", "20 GB/s"},
                                     {"services[0].workload.output", "{distribution: fixed, tokens: 20}"},
                                     {"time.warmup", "0 s"}});
    auto const first = std::ranges::min_element(run.requests, {}, &engine::RequestRecord::first_token_ns);
    REQUIRE(first != run.requests.end());
    double const weights = 36.3e9;  // on each of two accelerators
    CHECK(core::to_seconds(first->first_token_ns) > weights / 20e9);
    CHECK(core::to_seconds(first->first_token_ns) < weights / 20e9 + 1.0);
    CHECK(run.results.counts[engine::Count::pool_bytes] > std::llround(8 * weights));
}
