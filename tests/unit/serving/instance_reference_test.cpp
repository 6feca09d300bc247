#include <doctest/doctest.h>

#include <array>

#include "instance_harness.hpp"
#include "reference_batcher.hpp"

// The batcher against a naive one, on random workloads: every time, count and gauge must be the same, exactly.

using namespace mw;
using test::Harness;
using test::Seen;

namespace {

serving::InstanceParams random_params(test::Dice& dice) {
    serving::InstanceParams params;
    params.scheduler.block_tokens = std::int64_t{1} << dice.between(0, 4);
    params.kv_blocks = dice.between(1, 200 / params.scheduler.block_tokens + 4);
    params.scheduler.max_sequences = dice.between(1, 9);
    params.scheduler.max_batched_tokens = params.scheduler.max_sequences + dice.between(0, 60);
    params.scheduler.chunked_prefill = !dice.one_in(3);
    if (dice.one_in(3)) params.scheduler.policy = serving::SchedulerPolicy::prefill_first;
    if (dice.one_in(4)) params.scheduler.admission = serving::Admission::reserve_output;
    params.scheduler.watermark = 0.05 * static_cast<double>(dice.between(0, 3));
    return params;
}

serving::SpeculativeParams random_speculation(test::Dice& dice) {
    if (!dice.one_in(3)) return {};
    return {dice.between(1, 5), 0.25 * static_cast<double>(dice.between(0, 4)), 0};
}

std::vector<serving::Request> random_requests(test::Dice& dice) {
    std::vector<serving::Request> requests(static_cast<std::size_t>(dice.between(1, 40)));
    std::int64_t const mean_gap_ns = dice.between(0, 20'000);
    std::int64_t const longest_output = dice.between(1, 60);
    bool const prefixes = dice.one_in(2);
    core::TimeNs at_ns = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        requests[i].id = i;
        requests[i].arrival_ns = at_ns;
        requests[i].input_tokens = static_cast<std::int32_t>(dice.between(1, 70));
        if (prefixes)
            requests[i].prefix_tokens = static_cast<std::int32_t>(dice.between(0, requests[i].input_tokens));
        requests[i].output_tokens =
            static_cast<std::int32_t>(dice.one_in(5) ? 1 : dice.between(1, longest_output));
        if (!dice.one_in(3)) at_ns += dice.between(0, 2 * mean_gap_ns);
    }
    return requests;
}

test::Trial random_trial(std::uint64_t number, bool disaggregated) {
    test::Dice dice{number};
    test::Trial trial;
    trial.front = random_params(dice);
    trial.front.speculative = random_speculation(dice);
    if (disaggregated) {
        trial.front.prefill_only = true;
        trial.back = random_params(dice);
        trial.back->kv_blocks = trial.front.kv_blocks;  // pools of one service have the same memory
        trial.back->scheduler.block_tokens = trial.front.scheduler.block_tokens;
        trial.back->speculative = trial.front.speculative;
        trial.fetch_ns_per_token = dice.between(0, 400);
        constexpr std::array ways = {llm::FirstToken::decode, llm::FirstToken::resampled,
                                     llm::FirstToken::prefill};
        trial.front.first_token = trial.back->first_token = ways[number % ways.size()];
    }
    trial.requests = random_requests(dice);
    return trial;
}

struct Total {
    std::int64_t completed{0};
    std::int64_t rejected{0};
    std::int64_t preempted{0};
};

void compare(test::Trial const& trial, Total& total) {
    Harness<serving::Instance> instance{trial};
    Harness<test::ReferenceBatcher> reference{trial};
    bool const same_log = instance.run() == reference.run();
    REQUIRE(same_log);
    REQUIRE(instance.gauges() == reference.gauges());
    REQUIRE(instance.gaps() == reference.gaps());
    REQUIRE(instance.unaccounted() == 0);
    REQUIRE(instance.used_blocks() == 0);
    REQUIRE(instance.census() == 0);
    std::int64_t const completed = instance.count(Seen::completed);
    std::int64_t const rejected = instance.count(Seen::rejected);
    REQUIRE(completed + rejected == std::ssize(trial.requests));
    REQUIRE(instance.count(Seen::first_token) == completed);
    total.completed += completed;
    total.rejected += rejected;
    total.preempted +=
        instance.front().counts().preemptions + (trial.back ? instance.back().counts().preemptions : 0);
}

}  // namespace

TEST_CASE("A unified instance does what the rules say, sequence by sequence, on 3,000 random workloads") {
    Total total;
    for (std::uint64_t number = 0; number < 3000; ++number) {
        CAPTURE(number);
        compare(random_trial(number, false), total);
    }
    // The trials reach all that they are for.
    CHECK(total.completed > 30'000);
    CHECK(total.rejected > 1'000);
    CHECK(total.preempted > 1'000);
}

TEST_CASE("A prefill and a decode instance hand over as the rules say, on 3,000 random workloads") {
    Total total;
    for (std::uint64_t number = 0; number < 3000; ++number) {
        CAPTURE(number);
        compare(random_trial(number + 1'000'000, true), total);
    }
    CHECK(total.completed > 30'000);
    CHECK(total.rejected > 1'000);
    CHECK(total.preempted > 1'000);
}

TEST_CASE("An instance that is saved and read back after any event goes on as if nothing had happened") {
    for (std::uint64_t number = 0; number < 400; ++number) {
        CAPTURE(number);
        test::Trial trial = random_trial(number + 2'000'000, number % 2 == 1);
        Harness<serving::Instance> whole{trial};
        trial.save_every = 1 + static_cast<std::int64_t>(number % 7);
        Harness<serving::Instance> saved{trial};
        bool const same_log = whole.run() == saved.run();
        REQUIRE(same_log);
        REQUIRE(whole.gauges() == saved.gauges());
        REQUIRE(whole.gaps() == saved.gaps());
    }
}

TEST_CASE(
    "Tokens processed and generated are those of the requests, and more only where preemption recomputes") {
    for (std::uint64_t number = 0; number < 500; ++number) {
        CAPTURE(number);
        test::Trial const trial = random_trial(number + 3'000'000, false);
        Harness<serving::Instance> instance{trial};
        std::int64_t output = 0;
        std::int64_t input = 0;
        for (test::Happening const& happening : instance.run()) {
            serving::Request const& request = trial.requests[happening.id];
            if (happening.what != Seen::completed) continue;
            REQUIRE(happening.generated == request.output_tokens);
            output += request.output_tokens;
            input += request.input_tokens;
        }
        serving::InstanceCounts const& counts = instance.front().counts();
        REQUIRE(counts.output_tokens == output);
        if (counts.preemptions == 0)
            REQUIRE(counts.input_tokens == input);
        else
            REQUIRE(counts.input_tokens > input);
    }
}
