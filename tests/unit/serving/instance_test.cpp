#include "megaweave/serving/instance.hpp"

#include <doctest/doctest.h>

#include "instance_harness.hpp"
#include "megaweave/core/error.hpp"

// One rule at a time, by hand: each case shows its sum.

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

serving::InstanceParams params(std::int64_t kv_blocks, std::int64_t max_sequences, std::int64_t batched,
                               bool chunked) {
    serving::InstanceParams p;
    p.scheduler.block_tokens = 4;
    p.scheduler.watermark = 0;
    p.scheduler.max_sequences = max_sequences;
    p.scheduler.max_batched_tokens = batched;
    p.scheduler.chunked_prefill = chunked;
    p.kv_blocks = kv_blocks;
    return p;
}

//! Of an iteration with at most one chunk, of a request that is new if the chunk is its first; `fetched` join decode.
core::TimeNs cost_ns(std::int64_t decode, std::int64_t context, std::int64_t prefill, std::int64_t pairs,
                     std::int64_t sampled, std::int64_t fetched = 0) {
    llm::Batch batch{decode, context, prefill, pairs, sampled};
    batch.emitted_tokens = sampled;
    batch.new_requests = fetched;
    if (prefill > 0) {
        batch.prefill_chunks = 1;
        batch.prefill_past = (pairs - prefill * (prefill + 1) / 2) / prefill;
        batch.prefill_squares = prefill * prefill;
        batch.new_requests += batch.prefill_past == 0 ? 1 : 0;
    }
    return test::synthetic_cost(batch).duration_ns;
}

core::TimeNs time_of(std::vector<test::Happening> const& log, Seen what, std::uint64_t id) {
    for (test::Happening const& happening : log)
        if (happening.what == what && happening.id == id) return happening.time_ns;
    return -1;
}

}  // namespace

TEST_CASE("A lone request takes its prompt's iteration and one more for every further token") {
    // 5 prompt tokens see 1 + 2 + 3 + 4 + 5 = 15 tokens; then tokens 2 and 3 come with 6 and 7 tokens of context.
    Harness<serving::Instance> run{{params(10, 4, 16, true), {}, {request(0, 50, 5, 3)}}};
    auto const& log = run.run();
    core::TimeNs const first_ns = 50 + cost_ns(0, 0, 5, 15, 1);
    CHECK(time_of(log, Seen::first_token, 0) == first_ns);
    CHECK(time_of(log, Seen::completed, 0) == first_ns + cost_ns(1, 6, 0, 0, 1) + cost_ns(1, 7, 0, 0, 1));
    CHECK(run.front().counts().iterations == 3);
}

TEST_CASE("A request of one token is complete when its prompt is") {
    for (bool const prefill_only : {false, true}) {
        serving::InstanceParams p = params(10, 4, 16, true);
        p.prefill_only = prefill_only;
        p.first_token = llm::FirstToken::prefill;
        Harness<serving::Instance> run{{p, {}, {request(0, 0, 5, 1)}}};
        auto const& log = run.run();
        CHECK(time_of(log, Seen::first_token, 0) == cost_ns(0, 0, 5, 15, 1));
        CHECK(time_of(log, Seen::completed, 0) == cost_ns(0, 0, 5, 15, 1));
        CHECK(run.count(Seen::prefilled) == 0);
        CHECK(run.used_blocks() == 0);
    }
}

TEST_CASE(
    "Chunked prefill shares an iteration with decode, and decode's tokens come first out of the budget") {
    // Budget 6. Request 0 (2 tokens) is alone at first. Request 1 (9 tokens) comes while it runs: beside one decoding sequence there is
    // room for 5 of its tokens, then for 4.
    Harness<serving::Instance> run{{params(10, 4, 6, true), {}, {request(0, 0, 2, 4), request(1, 1, 9, 1)}}};
    auto const& log = run.run();
    core::TimeNs const t1 = cost_ns(0, 0, 2, 3, 1);
    core::TimeNs const t2 = t1 + cost_ns(1, 3, 5, 15, 1);
    core::TimeNs const t3 = t2 + cost_ns(1, 4, 4, 6 + 7 + 8 + 9, 2);
    core::TimeNs const t4 = t3 + cost_ns(1, 5, 0, 0, 1);
    CHECK(time_of(log, Seen::first_token, 0) == t1);
    CHECK(time_of(log, Seen::first_token, 1) == t3);
    CHECK(time_of(log, Seen::completed, 0) == t4);
}

TEST_CASE("Without chunked prefill a prompt runs whole, beyond the budget if it must, and decode pauses") {
    Harness<serving::Instance> run{{params(10, 4, 6, false), {}, {request(0, 0, 2, 2), request(1, 1, 9, 1)}}};
    auto const& log = run.run();
    core::TimeNs const t1 = cost_ns(0, 0, 2, 3, 1);
    core::TimeNs const t2 = t1 + cost_ns(0, 0, 9, 45, 1);
    core::TimeNs const t3 = t2 + cost_ns(1, 3, 0, 0, 1);
    CHECK(time_of(log, Seen::first_token, 1) == t2);
    CHECK(time_of(log, Seen::completed, 0) == t3);
}

TEST_CASE("When the cache is full, the sequence admitted last is preempted and recomputed") {
    // 4 blocks of 4 tokens. Request 0 finds the instance idle and starts at once; request 1 follows an iteration later. When request 0 has
    // 8 tokens cached and needs a third block, request 1 has 7 in two blocks, 4 of them generated and cached or about to be: it gives way.
    Harness<serving::Instance> run{{params(4, 4, 64, true), {}, {request(0, 0, 4, 7), request(1, 0, 4, 7)}}};
    auto const& log = run.run();
    CHECK(run.front().counts().preemptions == 1);
    CHECK(time_of(log, Seen::completed, 0) < time_of(log, Seen::completed, 1));
    for (test::Happening const& happening : log)
        if (happening.what == Seen::completed) CHECK(happening.preemptions == (happening.id == 1 ? 1 : 0));
    // Two prompts of 4, and once more the 4 + 4 tokens of request 1.
    CHECK(run.front().counts().input_tokens == 8 + 8);
    CHECK(run.front().counts().output_tokens == 14);
    CHECK(run.count(Seen::first_token) == 2);
}

TEST_CASE("A prompt in progress gives way before what decodes, and finds its prefix again") {
    // 6 blocks of 4, budget 6. Request 0 (8 tokens, 2 blocks) ends its prompt in the second iteration. Request 1 (16 tokens, 8 of them
    // found, 4 blocks) has 4 of the others processed beside it. Then request 0 needs a third block: request 1 gives way, and waits
    // until request 0 has gone.
    serving::Request second = request(1, 1, 16, 1);
    second.prefix_tokens = 8;
    Harness<serving::Instance> run{{params(6, 4, 6, true), {}, {request(0, 0, 8, 9), second}}};
    auto const& log = run.run();
    CHECK(run.front().counts().preemptions == 1);
    CHECK(time_of(log, Seen::first_token, 1) > time_of(log, Seen::completed, 0));
    // Admitted twice, it found its 8 tokens twice.
    CHECK(run.front().counts().cached_tokens == 16);
    CHECK(run.front().counts().input_tokens == 8 + 4 + 16 + 8);
}

TEST_CASE("What can never fit is rejected at once, and what just fits is served") {
    // 4 blocks of 4: input + output - 1 tokens pass through the cache, at most 16 of them.
    serving::InstanceParams const p = params(4, 4, 64, true);
    Harness<serving::Instance> run{
        {p, {}, {request(0, 0, 10, 7), request(1, 0, 10, 8), request(2, 0, 17, 1)}}};
    auto const& log = run.run();
    CHECK(time_of(log, Seen::completed, 0) > 0);
    CHECK(time_of(log, Seen::rejected, 1) == 0);
    CHECK(time_of(log, Seen::rejected, 2) == 0);
    CHECK(run.count(Seen::completed) == 1);
    CHECK(run.used_blocks() == 0);
}

TEST_CASE("With prompts first, chunks run alone while there are any, and decode goes on afterwards") {
    // Budget 6. Request 1 (9 tokens) comes while request 0's prompt runs: 6 and 3 of its tokens, then both decode.
    serving::InstanceParams p = params(10, 4, 6, true);
    p.scheduler.policy = serving::SchedulerPolicy::prefill_first;
    Harness<serving::Instance> run{{p, {}, {request(0, 0, 2, 2), request(1, 1, 9, 2)}}};
    auto const& log = run.run();
    core::TimeNs const t1 = cost_ns(0, 0, 2, 3, 1);
    core::TimeNs const t2 = t1 + cost_ns(0, 0, 6, 21, 0);
    core::TimeNs const t3 = t2 + cost_ns(0, 0, 3, 7 + 8 + 9, 1);
    CHECK(time_of(log, Seen::first_token, 1) == t3);
    CHECK(time_of(log, Seen::completed, 0) == t3 + cost_ns(2, 3 + 10, 0, 0, 2));
    CHECK(time_of(log, Seen::completed, 1) == time_of(log, Seen::completed, 0));
}

TEST_CASE("When output is reserved, a request waits until its last token has room, and none is preempted") {
    // 4 blocks of 4, as where the cache is full above: each request passes 4 + 7 - 1 = 10 tokens through the cache, 3 blocks.
    serving::InstanceParams p = params(4, 4, 64, true);
    p.scheduler.admission = serving::Admission::reserve_output;
    Harness<serving::Instance> run{{p, {}, {request(0, 0, 4, 7), request(1, 0, 4, 7)}}};
    auto const& log = run.run();
    CHECK(run.front().counts().preemptions == 0);
    CHECK(time_of(log, Seen::first_token, 1) == time_of(log, Seen::completed, 0) + cost_ns(0, 0, 4, 10, 1));
}

TEST_CASE("What a prompt finds in the prefix cache is seen but not processed, to the nearest whole block") {
    // 13 tokens, 7 of them found: the nearest whole blocks of 4 are 8, so 5 are processed, and see 9 + ... + 13. All 13 found: 12
    // are skipped, since the last must be processed to give a token.
    for (auto const& [found, skipped] :
         {std::pair{7, 8}, std::pair{5, 4}, std::pair{13, 12}, std::pair{1, 0}}) {
        CAPTURE(found);
        serving::Request r = request(0, 0, 13, 1);
        r.prefix_tokens = found;
        Harness<serving::Instance> run{{params(10, 4, 64, true), {}, {r}}};
        auto const& log = run.run();
        std::int64_t pairs = 0;
        for (std::int64_t token = skipped + 1; token <= 13; ++token) pairs += token;
        llm::Batch batch{0, 0, 13 - skipped, pairs, 1};
        batch.prefill_chunks = batch.new_requests = batch.emitted_tokens = 1;
        batch.prefill_past = skipped;
        batch.prefill_squares = (13 - skipped) * (13 - skipped);
        CHECK(time_of(log, Seen::first_token, 0) == test::synthetic_cost(batch).duration_ns);
        CHECK(run.front().counts().cached_tokens == skipped);
        CHECK(run.front().counts().input_tokens == 13);
    }
}

TEST_CASE("With drafts a sequence gains what is expected on the average, and never more than it has left") {
    // E = 1 + 0.8 = 1.8: sums 1.8, 3.6, 5.4, 7.2, 9.0 give gains of 1, 2, 2, 2, 1 or 2 tokens. After the prompt's token, 8 more
    // come in five iterations (7.2 in four), 7 in four.
    for (auto const& [output, iterations] :
         {std::pair{9, 5}, std::pair{8, 4}, std::pair{2, 1}, std::pair{3, 2}}) {
        CAPTURE(output);
        serving::InstanceParams p = params(10, 4, 64, true);
        p.speculative = {1, 0.8, 0};
        Harness<serving::Instance> run{{p, {}, {request(0, 0, 5, output)}}};
        auto const& log = run.run();
        CHECK(run.front().counts().iterations == 1 + iterations);
        CHECK(run.front().counts().output_tokens == output);
        CHECK(run.count(Seen::completed) == 1);
        // The first of them verifies 2 tokens that see the 5 of the prompt and themselves, and emits one.
        llm::Batch second{1, 7, 0, 0, 2};
        second.tokens_per_sequence = 2;
        second.emitted_tokens = 1;
        core::TimeNs const first_ns = cost_ns(0, 0, 5, 15, 1);
        if (output == 2)
            CHECK(time_of(log, Seen::completed, 0) == first_ns + test::synthetic_cost(second).duration_ns);
    }
}

TEST_CASE("The watermark holds back a new request, but never one that finds the instance empty") {
    // 10 blocks, watermark 3: beside the 4 blocks of request 0 only 3 may be taken, so the 4 of request 1 wait for its end.
    serving::InstanceParams p = params(10, 4, 64, true);
    p.scheduler.watermark = 0.25;
    Harness<serving::Instance> run{
        {p, {}, {request(0, 0, 13, 2), request(1, 1, 13, 1), request(2, 2, 40, 1)}}};
    auto const& log = run.run();
    core::TimeNs const done_0 = time_of(log, Seen::completed, 0);
    CHECK(time_of(log, Seen::first_token, 1) == done_0 + cost_ns(0, 0, 13, 91, 1));
    CHECK(time_of(log, Seen::completed, 2) > 0);  // all 10 blocks
}

TEST_CASE(
    "A prefill instance holds a finished prompt's blocks until they are released; decode waits for the "
    "cache") {
    serving::InstanceParams front = params(10, 4, 64, true);
    front.prefill_only = true;
    test::Trial trial{front, params(10, 4, 64, true), {request(0, 0, 5, 3)}, 10};
    Harness<serving::Instance> run{trial};
    auto const& log = run.run();
    core::TimeNs const prefilled = cost_ns(0, 0, 5, 15, 1);
    CHECK(time_of(log, Seen::prefilled, 0) == prefilled);
    CHECK(time_of(log, Seen::fetched, 0) == prefilled + 500);     // the message's way
    core::TimeNs const arrived = prefilled + 500 + 700 + 10 * 5;  // the cache of 5 tokens
    CHECK(time_of(log, Seen::completed, 0) == arrived + cost_ns(1, 6, 0, 0, 1, 1) + cost_ns(1, 7, 0, 0, 1));
    CHECK(run.front().counts().output_tokens == 1);
    CHECK(run.back().counts().output_tokens == 2);
    // 2 blocks on either side while the cache moves, none afterwards.
    bool both = false;
    std::vector<std::int64_t> const& gauges = run.gauges();
    for (std::size_t i = 0; i < gauges.size(); i += 7) both |= gauges[i + 3] == 2 && gauges[i + 6] == 2;
    CHECK(both);
    CHECK(run.used_blocks() == 0);
}

TEST_CASE("The client of a disaggregated service has its first token where the engine gives it out") {
    core::TimeNs const prefilled = cost_ns(0, 0, 5, 15, 1);
    core::TimeNs const arrived = prefilled + 500 + 700 + 10 * 5;
    auto const first_token = [&](llm::FirstToken where, std::int32_t output_tokens) {
        serving::InstanceParams front = params(10, 4, 64, true);
        front.prefill_only = true;
        front.first_token = where;
        serving::InstanceParams back = params(10, 4, 64, true);
        back.first_token = where;
        Harness<serving::Instance> run{{front, back, {request(0, 0, 5, output_tokens)}, 10}};
        auto const& log = run.run();
        CHECK(run.unaccounted() == 0);
        CHECK(run.used_blocks() == 0);
        CHECK(run.front().counts().output_tokens + run.back().counts().output_tokens == output_tokens);
        CHECK(time_of(log, Seen::completed, 0) >= time_of(log, Seen::first_token, 0));
        return time_of(log, Seen::first_token, 0);
    };
    CHECK(first_token(llm::FirstToken::prefill, 3) == prefilled);
    CHECK(first_token(llm::FirstToken::decode, 3) == arrived);
    // The decode instance starts from the caches of 4 of the 5 tokens, which come 10 ns earlier, and processes the fifth once more.
    CHECK(first_token(llm::FirstToken::resampled, 3) == arrived - 10 + cost_ns(1, 5, 0, 0, 1, 1));
    // A single token goes the same way.
    CHECK(first_token(llm::FirstToken::prefill, 1) == prefilled);
    CHECK(first_token(llm::FirstToken::decode, 1) == arrived);
}

TEST_CASE("A release of what nobody holds and an arrival that nobody asked for are contract violations") {
    struct Deaf final : serving::InstanceListener {
        void on_first_token(serving::Request const&, core::TimeNs) override {}
        void on_token_gaps(core::TimeNs, std::int64_t, core::TimeNs) override {}
        void on_completed(serving::Request const&, core::TimeNs) override {}
        void on_rejected(serving::Request const&, core::TimeNs) override {}
        void on_prefilled(serving::Request const&, serving::Slot, core::TimeNs) override {}
        void on_fetch(serving::Request const&, serving::Slot, serving::Slot, core::TimeNs) override {}
    } deaf;
    serving::InstanceParams const p = params(10, 4, 64, true);
    serving::Timing const timing{test::synthetic_cost};
    serving::Instance instance{p, timing};
    CHECK_THROWS_AS(instance.advance(deaf), core::ContractError);
    instance.submit(request(0, 0, 5, 3), 0, deaf);
    CHECK_THROWS_AS(instance.release(0, 1, deaf), core::ContractError);
    CHECK_THROWS_AS(instance.kv_arrived(0, {}, 1, deaf), core::ContractError);
}

TEST_CASE(
    "A scheduler that polls sees a new request before every n-th decode iteration, after a prompt and after "
    "a pause") {
    serving::InstanceParams p = params(100, 4, 64, true);
    p.scheduler.poll_iterations = 4;
    // Request 0 (5 tokens) finds the engine idle; the iteration after its prompt looks again, and the fourth after that one.
    // Request 1 (3 tokens) comes within the second decode iteration and waits for the fifth; request 2 finds the engine idle.
    auto const run_with = [&](std::int64_t poll) {
        p.scheduler.poll_iterations = poll;
        core::TimeNs const second_ns = cost_ns(0, 0, 5, 15, 1) + cost_ns(1, 6, 0, 0, 1) + 1;
        Harness<serving::Instance> run{
            {p, {}, {request(0, 0, 5, 12), request(1, second_ns, 3, 1), request(2, 1'000'000'000, 5, 1)}}};
        auto const& log = run.run();
        CHECK(time_of(log, Seen::first_token, 2) == 1'000'000'000 + cost_ns(0, 0, 5, 15, 1));
        return time_of(log, Seen::first_token, 1);
    };
    core::TimeNs decoding_ns = cost_ns(0, 0, 5, 15, 1);
    for (std::int64_t context = 6; context < 8; ++context) decoding_ns += cost_ns(1, context, 0, 0, 1);
    CHECK(run_with(1) == decoding_ns + cost_ns(1, 8, 3, 6, 2));
    for (std::int64_t context = 8; context < 10; ++context) decoding_ns += cost_ns(1, context, 0, 0, 1);
    CHECK(run_with(4) == decoding_ns + cost_ns(1, 10, 3, 6, 2));
}
