#include <doctest/doctest.h>

#include <cmath>

#include "run_deck.hpp"

// What a transport does to a run: to the all-to-all of an instance over 4 nodes, whose time is known in closed form, and to KV caches.

using namespace mw;
using doctest::Approx;

namespace {

constexpr double layers = 58;

struct AllToAll {
    double iteration_s;
    double scale_out_s;  // of an iteration
};

AllToAll all_to_all(std::string const& transport) {
    auto const run = test::run_deck("all_to_all.yaml", {{"cluster.scale_out.transport", transport}});
    double all_ns = 0;
    for (core::TimeNs const part : run.results.accelerator_ns) all_ns += static_cast<double>(part);
    double const iteration_s =
        run.results.measured_s / static_cast<double>(run.results.counts[engine::Count::iterations]);
    auto const waiting = run.results.accelerator_ns[llm::index_of(llm::Share::scale_out)];
    return {iteration_s, iteration_s * static_cast<double>(waiting) / all_ns};
}

}  // namespace

TEST_CASE("Headers lengthen the bytes of an all-to-all by their share, and nothing else") {
    AllToAll const fluid = all_to_all("{kind: ideal}");
    AllToAll const packets =
        all_to_all("{kind: sprayed, payload: 4000 B, header: 400 B, spraying_loss: 0, queueing: 0 s}");
    // What is not bytes: two collectives a layer.
    auto const deck = config::read_deck(std::string{MW_SOURCE_DIR} + "/tests/decks/physics/all_to_all.yaml");
    double const start_s = 2 * layers * core::to_seconds(deck.services[0].engine.collective_ns);
    CHECK(packets.scale_out_s - start_s == Approx(1.1 * (fluid.scale_out_s - start_s)).epsilon(0.001));
    CHECK(packets.iteration_s - packets.scale_out_s ==
          Approx(fluid.iteration_s - fluid.scale_out_s).epsilon(0.001));
}

TEST_CASE("Every collective that leaves its domain waits for queues, in proportion to the use of its links") {
    AllToAll const fluid = all_to_all("{kind: ideal}");
    double const queueing_s = 50e-6;
    AllToAll const queued = all_to_all("{kind: sprayed, header: 0 B, spraying_loss: 0, queueing: 50 us}");
    // A leaf's uplinks are the emptiest: 2 nodes' NICs below as many up, over which 2/3 of a node's bytes go; told to the sixteenth below, and
    // demands to the sixteenth.
    constexpr double node_bytes = 8 * 32 * 7168.0 * 3 * 8 * layers * 24 / 32;
    double const use = 2.0 / 3 * node_bytes / queued.iteration_s / 400e9;
    double const waited_s = (queued.scale_out_s - fluid.scale_out_s) / (2 * layers * queueing_s);
    MESSAGE("use of the uplinks ", use, ", as collectives see it ", waited_s);
    CHECK(waited_s > use / (1 + 1.0 / 16) - 1.0 / 16);
    CHECK(waited_s < use * (1 + 1.0 / 16));
}

TEST_CASE(
    "KV caches come later by what a transport adds, and a transport that adds nothing changes nothing") {
    auto const mean_s = [](std::string const& transport) {
        auto const run = test::run_deck(
            "disaggregated.yaml", {{"cluster.scale_out.transport", transport},
                                   {"services[0].workload.arrivals.rate", "1 /s"},  // seldom two at once
                                   {"time.duration", "20 s"}});
        double sum = 0;
        for (auto const& request : run.requests)
            sum += core::to_seconds(request.completed_ns - request.arrival_ns);
        return sum / static_cast<double>(run.requests.size());
    };
    double const ideal = mean_s("{kind: ideal}");
    CHECK(mean_s("{kind: sprayed, header: 0 B, spraying_loss: 0, queueing: 0 s}") == ideal);
    // Packets of half headers: a cache of 1,500 tokens, 160 kB each, takes 0.6 ms over 8 NICs, and as much again.
    double const halved = mean_s("{kind: sprayed, header: 4096 B}");
    MESSAGE("a request takes ", 1e3 * ideal, " ms, ", 1e3 * (halved - ideal), " ms more with headers");
    CHECK(halved - ideal > 0.3e-3);
}
