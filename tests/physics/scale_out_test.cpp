#include <doctest/doctest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "run_deck.hpp"

// What the fabric grants to an expert-parallel all-to-all, against closed forms. 1,024 sequences on 32 accelerators of 4 nodes, two of them on
// each leaf: every accelerator sends its 32 tokens' 7,168 numbers to 8 experts in 58 layers, 1 byte there and 2 back, and 24 of 32
// accelerators are in other nodes. A node's other half of the instance is behind the leaf's uplinks, which carry 2 x 2/3 of a node's bytes.

using namespace mw;

namespace {

constexpr double layers = 58;
constexpr double node_bytes = 8 * 32 * 7168.0 * 3 * 8 * layers * 24 / 32;
constexpr double port_bytes_per_s = 50e9;

struct Run {
    test::DeckRun run;

    [[nodiscard]] double tokens_per_s() const {
        return static_cast<double>(run.results.counts[engine::Count::output_tokens]) / run.results.measured_s;
    }
    [[nodiscard]] double iteration_s() const {  // of one instance
        return run.results.measured_s * instances() /
               static_cast<double>(run.results.counts[engine::Count::iterations]);
    }
    [[nodiscard]] double instances() const {
        return static_cast<double>(run.results.accelerators) / accelerators;
    }
    [[nodiscard]] double scale_out_s() const {  // of an iteration
        double all = 0;
        for (core::TimeNs const ns : run.results.accelerator_ns) all += static_cast<double>(ns);
        return iteration_s() *
               static_cast<double>(run.results.accelerator_ns[llm::index_of(llm::Share::scale_out)]) / all;
    }
    [[nodiscard]] double start_s() const {  // of the collectives, whatever they carry
        return 2 * layers * run.deck.cluster.rack.accelerator.efficiency.launch_time *
               core::to_seconds(run.deck.services[0].engine.collective_ns);
    }
    //! Through its NICs, of what leaves a node.
    [[nodiscard]] double nominal_bytes_per_s() const {
        auto const& accelerator = run.deck.cluster.rack.accelerator;
        return 8 * accelerator.scale_out_bytes_per_s *
               std::min(1.0, accelerator.efficiency.link * run.deck.services[0].engine.link) * 24 / 31;
    }
    double accelerators{32};
};

//! Leaves of 2 nodes with `uplinks` cables up; the generic engine without imbalance of experts.
Run all_to_all(int uplinks, std::vector<config::Override> more = {}) {
    more.push_back({"cluster.scale_out.radix", std::to_string(16 + uplinks)});
    more.push_back({"cluster.scale_out.oversubscription", fmt::format("{}", 16.0 / uplinks)});
    return {test::run_deck("all_to_all.yaml", more)};
}

void check_close(double value, double expected, double tolerance) {
    CHECK_MESSAGE(std::abs(value / expected - 1) < tolerance, value, " against ", expected);
}

}  // namespace

TEST_CASE(
    "An all-to-all takes what its NICs take, until the uplinks that it crosses are narrower: then bytes over "
    "their capacity") {
    Run const wide = all_to_all(16);
    check_close(wide.scale_out_s(), wide.start_s() + node_bytes / wide.nominal_bytes_per_s(), 0.002);
    for (int const uplinks : {8, 4, 2}) {
        Run const run = all_to_all(uplinks);
        double const uplink_bytes_per_s = uplinks * port_bytes_per_s / (4.0 / 3);
        double const closed_s =
            run.start_s() + node_bytes / std::min(run.nominal_bytes_per_s(), uplink_bytes_per_s);
        MESSAGE((16 / uplinks), ":1: all-to-all of an iteration ", 1e3 * run.scale_out_s(),
                " ms, closed form ", 1e3 * closed_s, " ms; ", run.tokens_per_s(), " tokens/s");
        check_close(run.scale_out_s(), closed_s, 0.002);
        // The rest of the iteration does not change: throughput falls where the share is below 1, and only there.
        check_close(run.iteration_s() - run.scale_out_s(), wide.iteration_s() - wide.scale_out_s(), 0.01);
        if (uplink_bytes_per_s >= run.nominal_bytes_per_s())
            CHECK(run.run.results.counts.values == wide.run.results.counts.values);
        else
            CHECK(run.tokens_per_s() < 0.99 * wide.tokens_per_s());
    }
}

TEST_CASE("Instances that fill a link together take their bytes over their part of it") {
    // Two instances of 3 nodes on leaves of 2: the middle leaf's uplinks carry the bytes of one node of each.
    std::vector<config::Override> const six = {
        {"cluster.accelerators", "48"},
        {"services[0].parallelism", "{tensor: 1, attention_data: 24, expert: 24}"},
        {"services[0].scheduler", "{max_sequences: 768, max_batched_tokens: 49152}"},
        {"services[0].workload.arrivals.concurrency", "1536"},
        {"cluster.scale_out.link", "200 Gb/s"}};
    Run run = all_to_all(2, six);
    run.accelerators = 24;
    double const bytes = 8 * 32 * 7168.0 * 3 * 8 * layers * 16 / 24;
    double const uplinks_bytes_per_s = 2 * 25e9;
    double const closed_s = bytes / (uplinks_bytes_per_s / 2);
    MESSAGE("iteration ", 1e3 * run.iteration_s(), " ms, closed form ", 1e3 * closed_s, " ms");
    check_close(run.iteration_s(), closed_s, 0.005);
}

TEST_CASE(
    "Caches and all-to-alls slow each other on narrow uplinks, and a run that stops among them goes on to "
    "the same digest") {
    std::vector<config::Override> const overrides{{"time.duration", "3 s"}};
    auto const whole = test::run_deck("../small/experts.yaml", overrides);
    auto const wide = test::run_deck("../small/experts.yaml",
                                     {{"time.duration", "3 s"}, {"cluster.scale_out.oversubscription", "1"}});
    auto const waiting_s = [](test::DeckRun const& run) {
        return core::to_seconds(run.results.accelerator_ns[llm::index_of(llm::Share::scale_out)]);
    };
    MESSAGE("accelerators wait ", waiting_s(whole), " s for the fabric, with wide uplinks ", waiting_s(wide),
            " s");
    CHECK(waiting_s(whole) > 1.1 * waiting_s(wide));

    engine::World const world{whole.deck};
    parallel::Comm comm;
    parallel::Team team{1};
    test::Stopper stopper{whole.deck.time.warmup_ns + 1537 * core::ns_per_ms};
    engine::Simulation first{world, comm, team};
    REQUIRE(first.run(stopper) == engine::Outcome::stopped);
    engine::Simulation second{world, comm, team};
    second.restore(stopper.state());
    test::DeckRun rest;
    rest.deck = whole.deck;
    test::Keeper keeper{rest};
    second.run(keeper);
    CHECK(second.results().digest == whole.results.digest);
}
