// KV blocks in a memory pool: where they lie, what is asked of the pool, and that nothing is lost. By hand, a byte a token and a
// nanosecond a byte (instance_harness.hpp).
#include <doctest/doctest.h>

#include <utility>

#include "instance_harness.hpp"

using namespace mw;
using test::Harness;
using test::Seen;

namespace {

serving::Request request(std::uint64_t id, core::TimeNs arrival_ns, std::int32_t input, std::int32_t output) {
    serving::Request r;
    r.id = id;
    r.arrival_ns = arrival_ns;
    r.input_tokens = input;
    r.output_tokens = output;
    return r;
}

serving::InstanceParams params(std::int64_t hbm_blocks, std::int64_t pool_blocks) {
    serving::InstanceParams p;
    p.scheduler.block_tokens = 4;
    p.scheduler.watermark = 0;
    p.scheduler.max_sequences = 8;
    p.scheduler.max_batched_tokens = 64;
    p.kv_blocks = hbm_blocks + pool_blocks;
    p.pool_blocks = pool_blocks;
    return p;
}

core::TimeNs cost_ns(llm::Batch batch) {
    batch.pool_share = 0;
    batch.pool_tokens = 0;
    return test::synthetic_cost(batch).duration_ns;
}

llm::Batch prompt(std::int64_t tokens, std::int64_t found = 0) {
    llm::Batch batch;
    batch.prefill_tokens = tokens - found;
    batch.prefill_past = found;
    batch.prefill_pairs =
        batch.prefill_tokens * found + batch.prefill_tokens * (batch.prefill_tokens + 1) / 2;
    batch.prefill_squares = batch.prefill_tokens * batch.prefill_tokens;
    batch.prefill_chunks = 1;
    batch.sampled_tokens = 1;
    batch.emitted_tokens = 1;
    batch.new_requests = 1;
    return batch;
}

llm::Batch step(std::int64_t sequences, std::int64_t context) {
    llm::Batch batch{sequences, context, 0, 0, sequences};
    batch.emitted_tokens = sequences;
    return batch;
}

core::TimeNs time_of(std::vector<test::Happening> const& log, Seen what, std::uint64_t id) {
    for (test::Happening const& happening : log)
        if (happening.what == what && happening.id == id) return happening.time_ns;
    return -1;
}

std::vector<serving::Request> random_requests(test::Dice& dice, std::int64_t most_tokens) {
    std::vector<serving::Request> requests;
    core::TimeNs now = 0;
    for (std::uint64_t id = 0; id < 25; ++id) {
        now += dice.between(0, 20'000);
        requests.push_back(request(id, now, static_cast<std::int32_t>(dice.between(1, most_tokens / 2)),
                                   static_cast<std::int32_t>(dice.between(1, most_tokens / 2))));
        requests.back().prefix_tokens = static_cast<std::int32_t>(dice.between(0, most_tokens / 4));
    }
    return requests;
}

}  // namespace

TEST_CASE("Blocks fill HBM first, and attention asks the pool for the share that lies there") {
    // 2 + 2 blocks of 4 tokens. 15 tokens of prompt take all four, half of them in the pool. Decode sees 16 tokens: 8 from the pool.
    Harness<serving::Instance> run{{params(2, 2), {}, {request(0, 0, 15, 2)}}};
    auto const& log = run.run();
    core::TimeNs const first_ns = cost_ns(prompt(15));
    CHECK(time_of(log, Seen::first_token, 0) == first_ns);
    CHECK(time_of(log, Seen::completed, 0) == first_ns + cost_ns(step(1, 16)) + 8);
    CHECK(run.front().pool_blocks() == 0);
}

TEST_CASE("A pool makes room for batches and for contexts that HBM cannot hold") {
    std::vector<serving::Request> const two{request(0, 0, 8, 2), request(1, 0, 8, 2)};
    Harness<serving::Instance> alone{{params(3, 0), {}, two}};
    Harness<serving::Instance> with_pool{{params(3, 3), {}, two}};
    // Three blocks hold one request, six hold both: the second prompt does not wait for the first to end.
    auto const& waited = alone.run();
    auto const& together = with_pool.run();
    CHECK(time_of(waited, Seen::first_token, 1) > time_of(waited, Seen::completed, 0));
    CHECK(time_of(together, Seen::first_token, 1) <= time_of(together, Seen::completed, 0));
    Harness<serving::Instance> large{{params(3, 3), {}, {request(0, 0, 20, 2)}}};
    CHECK(large.run().size() == 2);
    CHECK(large.count(Seen::rejected) == 0);
}

TEST_CASE("Swapping moves a sequence out and in instead of processing it again") {
    // As in the case of recomputation: request 1 gives way with 7 tokens cached, which move out, and in when request 0 has gone.
    std::vector<serving::Request> const two{request(0, 0, 4, 7), request(1, 0, 4, 7)};
    serving::InstanceParams p = params(4, 0);
    p.swap_blocks = 4;
    Harness<serving::Instance> run{{p, {}, two}};
    auto const& log = run.run();
    CHECK(run.front().counts().preemptions == 1);
    CHECK(run.front().counts().input_tokens == 8);
    CHECK(run.front().counts().output_tokens == 14);
    CHECK(run.front().pool_blocks() == 0);
    core::TimeNs const out_ns = time_of(log, Seen::completed, 0);
    // Tokens 4 to 6 of request 1 follow, beside 8 to 10 tokens of context; 7 bytes come in with the first of them.
    core::TimeNs resumed_ns = out_ns + 7;
    for (std::int64_t context = 8; context <= 10; ++context) resumed_ns += cost_ns(step(1, context));
    CHECK(time_of(log, Seen::completed, 1) == resumed_ns);

    p.swap_blocks = 1;  // no room for two blocks
    Harness<serving::Instance> full{{p, {}, two}};
    full.run();
    CHECK(full.front().counts().input_tokens == 8 + 8);
}

TEST_CASE("A prefix that lies in the pool is fetched before its prompt's first iteration ends") {
    serving::Request hit = request(0, 0, 15, 1);
    hit.prefix_tokens = 8;
    for (bool const in_pool : {false, true}) {
        serving::InstanceParams p = params(8, 0);
        if (in_pool) p.scheduler.prefix_cache = serving::PrefixCache::pool;
        Harness<serving::Instance> run{{p, {}, {hit}}};
        CHECK(time_of(run.run(), Seen::first_token, 0) == cost_ns(prompt(15, 8)) + (in_pool ? 8 : 0));
    }
}

TEST_CASE("A cold instance loads its weights before it serves whoever came meanwhile") {
    serving::InstanceParams p = params(8, 0);
    p.load_bytes = 1000;
    for (std::int64_t const save_every : {0, 1}) {
        Harness<serving::Instance> run{{p, {}, {request(0, 50, 5, 1)}, 0, save_every}};
        // A nanosecond of its own, then a thousand bytes.
        CHECK(time_of(run.run(), Seen::first_token, 0) == 1001 + cost_ns(prompt(5)));
        CHECK(run.front().counts().iterations == 1);
    }
}

TEST_CASE(
    "Whatever lies in HBM and pool, no block, token or request is lost, and a saved state goes on alike") {
    for (std::uint64_t trial = 0; trial < 300; ++trial) {
        CAPTURE(trial);
        test::Dice dice{trial};
        serving::InstanceParams p = params(dice.between(4, 30), dice.between(0, 30));
        bool const swaps = dice.one_in(2);
        if (swaps) {
            p.kv_blocks -= std::exchange(p.pool_blocks, 0);
            p.swap_blocks = dice.between(0, 40);
        }
        p.scheduler.watermark = dice.one_in(2) ? 0.1 : 0.0;
        p.scheduler.chunked_prefill = !dice.one_in(4);
        if (dice.one_in(3)) p.scheduler.policy = serving::SchedulerPolicy::prefill_first;
        if (dice.one_in(3)) p.scheduler.prefix_cache = serving::PrefixCache::pool;
        p.scheduler.max_batched_tokens = dice.between(8, 64);
        auto const requests = random_requests(dice, p.kv_blocks * 4);
        test::Trial const one{p, {}, requests};
        Harness<serving::Instance> run{one};
        auto const log = run.run();  // audits after every event
        CHECK(run.count(Seen::completed) == 25);
        CHECK(run.used_blocks() == 0);
        CHECK(run.front().pool_blocks() == 0);
        CHECK(run.census() == 0);
        test::Trial saved = one;
        saved.save_every = 3;
        Harness<serving::Instance> again{saved};
        CHECK(again.run() == log);
    }
}
