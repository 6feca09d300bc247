#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "run_deck.hpp"

// A memory pool of the site: nodes of memory on the scale-out network. What its links grant, against closed forms. Four instances of 8 H100, one
// to a node, with 8 NICs of 50 GB/s each; a memory node has as many.

using namespace mw;
using doctest::Approx;

namespace {

using Overrides = std::vector<config::Override>;

constexpr double node_bytes_per_s = 8 * 50e9;
constexpr double instances = 4;

double first_token_s(Overrides const& overrides) {
    auto const run = test::run_deck("site_pool.yaml", overrides);
    auto const first = std::ranges::min_element(run.requests, {}, &engine::RequestRecord::first_token_ns);
    REQUIRE(first != run.requests.end());
    return core::to_seconds(first->first_token_ns);
}

//! Cold instances, and requests short enough that some complete soon.
Overrides cold(std::string const& bandwidth, Overrides more = {}) {
    more.push_back({"services[0].start", "cold"});
    more.push_back({"cluster.memory_pool.bandwidth", bandwidth});
    more.push_back({"services[0].workload.output", "{distribution: fixed, tokens: 20}"});
    more.push_back({"time.warmup", "0 s"});
    return more;
}

double weight_bytes() {  // of an instance
    auto const deck = config::read_deck(std::string{MW_SOURCE_DIR} + "/tests/decks/physics/site_pool.yaml");
    engine::World const world{deck};
    return 8 * world.service(core::ServiceId{0}).memory().weight_bytes_per_accelerator;
}

}  // namespace

TEST_CASE("As many memory nodes stand on the network as NICs carry the pool's bandwidth") {
    std::string const path = std::string{MW_SOURCE_DIR} + "/tests/decks/physics/site_pool.yaml";
    // 400 GB/s are one node's 8 NICs; 401 GB/s take another.
    for (auto const& [bandwidth, nodes] : {std::pair{"400 GB/s", 1}, std::pair{"401 GB/s", 2}}) {
        auto const deck = config::read_deck(path, {{"cluster.memory_pool.bandwidth", bandwidth}});
        engine::World const world{deck};
        CHECK(world.plan().memory_nodes() == nodes);
        CHECK(world.plan().network().nodes() == 4 + nodes);
        CHECK(world.plan().nodes() == 4);
        // 8 TB for 32 accelerators, 8 of them an instance's.
        auto const& instance = world.service(core::ServiceId{0}).instance(false);
        CHECK(instance.kv_blocks - 1000 == instance.pool_blocks);
        auto const block_bytes = static_cast<double>(world.service(core::ServiceId{0}).kv_bytes(16));
        CHECK(instance.pool_blocks == static_cast<std::int64_t>(8e12 / 4 / block_bytes));
    }
}

TEST_CASE("Instances that start cold share the NICs of the memory nodes, as bytes over their rate") {
    double const one = first_token_s(cold("400 GB/s"));
    double const two = first_token_s(cold("800 GB/s"));
    double const four = first_token_s(cold("1600 GB/s"));
    double const load_s = instances * weight_bytes() / node_bytes_per_s;  // through one memory node
    MESSAGE("first token after ", one, ", ", two, ", ", four, " s; all weights through one node: ", load_s,
            " s");
    // What is not loading (the prompts, and at most a window of delay) is the same in all.
    CHECK(one - four == Approx(load_s * 3 / 4).epsilon(0.01));
    CHECK(two - four == Approx(load_s / 4).epsilon(0.01));
}

TEST_CASE("Weights cross the network once for each instance, under a class of their own") {
    auto const run = test::run_deck("site_pool.yaml", cold("400 GB/s"));
    auto const weights =
        run.results.fabric.entered.at(static_cast<std::size_t>(fabric::TrafficClass::weights));
    CHECK(static_cast<double>(weights) == Approx(instances * weight_bytes()).epsilon(1e-9));
}

TEST_CASE("Caches behind one memory node come at its NICs' rate; behind four, at the readers' own") {
    struct Reads {
        double bytes_per_s;
        double waiting;  // share of accelerator time
    };
    auto const reads = [](std::string const& bandwidth) {
        auto const run = test::run_deck("site_pool.yaml", {{"cluster.memory_pool.bandwidth", bandwidth}});
        double all_ns = 0;
        for (core::TimeNs const part : run.results.accelerator_ns) all_ns += static_cast<double>(part);
        auto const waiting = run.results.accelerator_ns[llm::index_of(llm::Share::memory_pool)];
        return Reads{
            static_cast<double>(run.results.counts[engine::Count::pool_bytes]) / run.results.measured_s,
            static_cast<double>(waiting) / all_ns};
    };
    Reads const one = reads("400 GB/s");
    Reads const four = reads("1600 GB/s");
    MESSAGE("one memory node: ", one.bytes_per_s, " B/s, waiting ", one.waiting, "; four: ", four.bytes_per_s,
            " B/s, waiting ", four.waiting);
    CHECK(one.bytes_per_s == Approx(node_bytes_per_s).epsilon(0.01));
    // Nobody is in another's way: bytes come at a node's rate whenever they are waited for, but for the end of a window, and while kernels run.
    CHECK(four.bytes_per_s > 0.95 * four.waiting * instances * node_bytes_per_s);
    CHECK(four.bytes_per_s < instances * node_bytes_per_s);
    CHECK(four.waiting < one.waiting);
}
