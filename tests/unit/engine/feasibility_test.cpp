#include "megaweave/engine/feasibility.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "megaweave/config/deck.hpp"

using namespace mw;

// Every case names the file of ../shared/cases that it repeats, where there is one.

namespace {

using Overrides = std::vector<config::Override>;

//! One instance of Llama-3.1-70B on eight H100, 1,000 tokens in and 100 out, as the cases have it.
config::Deck deck_of(Overrides const& more) {
    Overrides all = {{"cluster.accelerators", "8"},
                     {"services[0].model", "llama-3.1-70b"},
                     {"services[0].parallelism.tensor", "8"},
                     {"services[0].workload.input.tokens", "1000"},
                     {"services[0].workload.output.tokens", "100"},
                     {"time.duration", "60 s"},
                     {"time.warmup", "10 s"}};
    all.insert(all.end(), more.begin(), more.end());
    return config::read_deck(std::string{MW_SOURCE_DIR} + "/tests/decks/good/minimal.yaml", all);
}

std::vector<std::string> warnings_of(Overrides const& more) {
    return engine::assess(engine::World{deck_of(more)}).warnings;
}

//! The warnings are one that has all the words.
void check_one(std::vector<std::string> const& warnings, std::vector<std::string> const& words) {
    for (std::string const& warning : warnings) INFO(warning);
    std::string all;
    for (std::string const& warning : warnings) all += warning + "\n";
    CAPTURE(all);
    CHECK(warnings.size() == 1);
    for (std::string const& word : words) {
        CAPTURE(word);
        CHECK(all.find(word) != std::string::npos);
    }
}

std::string const input = "services[0].workload.input";
std::string const arrivals = "services[0].workload.arrivals";

}  // namespace

TEST_CASE("a deck whose requests fit, at half of its capacity, is not warned of") {
    CHECK(warnings_of({{arrivals + ".rate", "8 /s"}}).empty());
}

TEST_CASE("runs/prompt_beyond_cache and physics/too_long_for_kv: 4,000,099 tokens do not fit 3,207,184") {
    Overrides const burst = {{arrivals, "{process: burst, requests: 1}"},
                             {input + ".tokens", "4000000"},
                             {"services[0].scheduler.max_model_len", "10000000"}};
    check_one(warnings_of(burst), {"service chat: all requests (4,000,099 tokens)",
                                   "the 3,207,184 tokens of KV cache", "are rejected", "kv_cache"});
    Overrides const closed = {{arrivals, "{process: closed, concurrency: 4}"},
                              {input + ".tokens", "4000000"},
                              {"services[0].scheduler.max_model_len", "10000000"}};
    check_one(warnings_of(closed), {"all requests"});
}

TEST_CASE("runs/rejected_not_in_met_fraction: 985 of 2,000 prompts and their outputs exceed 1,024 tokens") {
    // input + 10 - 1 > 1,024: prompts of 1,016 to 2,000.
    Overrides const deck = {{"services[0].scheduler.kv_blocks", "64"},
                            {arrivals + ".rate", "2 /s"},
                            {input, "{distribution: uniform, min: 1, max: 2000}"},
                            {"services[0].workload.output.tokens", "10"}};
    engine::World const world{deck_of(deck)};
    CHECK(engine::share_longer_than(world.service(core::ServiceId::of(0)), 1025) ==
          doctest::Approx(985.0 / 2000).epsilon(1e-12));
    check_one(warnings_of(deck), {"49 % of the requests", "the 1,024 tokens", "are rejected"});
}

TEST_CASE("two random lengths are taken together: two uniform laws on 1 to 1,000 exceed 1,500 in 12.5 %") {
    engine::World const world{
        deck_of({{input, "{distribution: uniform, min: 1, max: 1000}"},
                 {"services[0].workload.output", "{distribution: uniform, min: 1, max: 1000}"}})};
    // Pairs with a + b > 1500: the sum over a from 501 of a - 500, 500 x 501 / 2, of 10^6. Summed at 1,024 points: 0.1 % off.
    CHECK(engine::share_longer_than(world.service(core::ServiceId::of(0)), 1500) ==
          doctest::Approx(0.12525).epsilon(2e-3));
}

TEST_CASE(
    "runs/beyond_the_models_context: Llama-2-7B was made for 4,096 tokens; max_model_len rejects or allows "
    "more") {
    Overrides deck = {{"services[0].model", "llama-2-7b"},
                      {arrivals, "{process: burst, requests: 1}"},
                      {input + ".tokens", "200000"},
                      {"services[0].workload.output.tokens", "10"}};
    check_one(warnings_of(deck),
              {"all requests are longer than the 4,096 tokens", "llama-2-7b", "max_model_len: 4096"});
    deck.push_back({"services[0].scheduler.max_model_len", "4096"});
    check_one(warnings_of(deck),
              {"all requests are longer than scheduler.max_model_len of 4,096", "are rejected"});
    deck.back().value = "300000";
    CHECK(warnings_of(deck).empty());
}

TEST_CASE("models_traces/context_limit: a share of random prompts beyond the context is stated") {
    // Uniform on 1 to 262,144 with 100 of output: more than 131,072 - 100 in all but 130,972 of them, 50.04 %.
    check_one(warnings_of({{arrivals + ".rate", "0.05 /s"},
                           {"time.duration", "1000 s"},
                           {"time.warmup", "100 s"},
                           {input, "{distribution: uniform, min: 1, max: 262144}"}}),
              {"50 % of the requests", "131,072", "llama-3.1-70b"});
}

TEST_CASE("runs/more_blocks_than_memory: 10^9 blocks are 4,989 times what memory holds") {
    check_one(warnings_of({{"services[0].scheduler.kv_blocks", "1000000000"},
                           {arrivals, "{process: burst, requests: 1}"}}),
              {"4,989 times what memory holds (200,449 blocks)"});
}

TEST_CASE(
    "runs/overload_without_warning: 1,000 requests/s, and a million in flight, on an instance of about "
    "18/s") {
    Overrides const open = {{arrivals + ".rate", "1000 /s"}, {"services[0].objectives.ttft", "2 s"}};
    check_one(warnings_of(open), {"1000 requests/s are", "pile up without end", "arrivals.rate"});
    check_one(warnings_of({{arrivals, "{process: closed, concurrency: 1000000}"}}),
              {"of 1,000,000 requests in flight", "256 are at work"});
}

TEST_CASE(
    "physics/unstable_but_objectives_met: 500/s is above what 36 prefill instances take, and quickstart is "
    "well below") {
    std::string const quickstart = std::string{MW_SOURCE_DIR} + "/inputs/quickstart.yaml";
    engine::World const small{config::read_deck(quickstart, {{"cluster.accelerators", "576"}})};
    auto const unstable = engine::assess(small);
    CHECK(unstable.services[0].bound == engine::Bound::prefill);
    CHECK(unstable.services[0].capacity_per_s == doctest::Approx(492).epsilon(0.03));
    check_one(unstable.warnings, {"500 requests/s are 10", "its prefill instances", "pile up"});
    engine::World const whole{config::read_deck(quickstart)};
    auto const stable = engine::assess(whole);
    CHECK(stable.warnings.empty());
    // 1,024 accelerators have 64 prefill instances instead of 36.
    CHECK(stable.services[0].capacity_per_s ==
          doctest::Approx(unstable.services[0].capacity_per_s * 64 / 36).epsilon(1e-9));
}

TEST_CASE("runs/mooncake_hashes_dropped: 49 x 31 x 512 of 819,200 input tokens, 95 %") {
    std::string const path =
        (std::filesystem::temp_directory_path() / ("megaweave-hashes-" + std::to_string(getpid()) + ".jsonl"))
            .string();
    std::ofstream file{path};
    std::string hashes;
    for (int h = 0; h < 32; ++h) hashes += (h > 0 ? "," : "") + std::to_string(h);
    for (int i = 0; i < 50; ++i)
        file << "{\"timestamp\": " << 300 * i
             << ", \"input_length\": 16384, \"output_length\": 10, \"hash_ids\": [" << hashes << "]}\n";
    file.close();
    Overrides const deck = {
        {arrivals, "{process: trace, file: " + path + ", format: mooncake, repeat: false}"},
        {input, "{distribution: trace}"},
        {"services[0].workload.output", "{distribution: trace}"}};
    workload::Trace const trace{path, workload::TraceFormat::mooncake};
    CHECK(trace.reusable_tokens() == 49 * 31 * 512);
    auto const warnings = warnings_of(deck);
    std::filesystem::remove(path);
    CHECK(std::ranges::any_of(warnings, [](std::string const& warning) {
        return warning.find("95 % of its 819,200 input tokens (777,728 tokens)") != std::string::npos;
    }));
}

TEST_CASE("runs/budget_exceeded_silently: a budget below idle power cannot be kept") {
    check_one(warnings_of({{arrivals + ".rate", "8 /s"}, {"facility.budget", "3 kW"}}),
              {"facility.budget of 3 kW is below", "idle"});
}

TEST_CASE("edges/sample_of_years: windows and samples that do not fit the requests") {
    auto const rate = config::Override{arrivals + ".rate", "8 /s"};
    check_one(warnings_of({rate, {"time.window", "100 ms"}}), {"time.window of 100 ms", "TTFT", "or less"});
    check_one(warnings_of({rate, {"time.sample", "20 s"}}), {"time.sample of 20 s leaves 3 samples"});
}

TEST_CASE("a measured period of few lives, and a warm-up in which instances only fill, are told") {
    auto const rate = config::Override{arrivals + ".rate", "2 /s"};
    auto const longer = config::Override{"services[0].workload.output.tokens", "4000"};
    check_one(warnings_of({rate, longer}), {"lives of a request", "time.duration of"});
    check_one(warnings_of({rate, longer, {"time.duration", "400 s"}, {"time.warmup", "0 s"}}),
              {"time.warmup leaves out", "time.warmup of"});
}

TEST_CASE("objectives below what an idle site takes cannot be met at any load") {
    auto const rate = config::Override{arrivals + ".rate", "2 /s"};
    check_one(warnings_of({rate, {"services[0].objectives.ttft", "10 ms"}}),
              {"objectives.ttft of 10 ms is less than"});
    check_one(warnings_of({rate, {"services[0].objectives.tpot", "1 ms"}}),
              {"objectives.tpot of 1 ms is less than", "no load"});
}

TEST_CASE("drafts of a full batch that fill an iteration leave no room for prompts") {
    check_one(warnings_of({{arrivals + ".rate", "2 /s"},
                           {"services[0].speculative", "{draft_tokens: 4, acceptance: 0.7}"},
                           {"services[0].scheduler.max_batched_tokens", "1024"}}),
              {"max_sequences of 256 with 5 tokens each", "max_batched_tokens of 1,024"});
}
