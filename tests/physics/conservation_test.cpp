#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "run_deck.hpp"

// What no parameter can break: Little's law, and the books of requests, tokens, time and energy.

using namespace mw;
using engine::Consumer;
using engine::Count;

namespace {

void check_little(test::DeckRun const& run) {
    engine::Results const& results = run.results;
    double const measured_s = results.measured_s;
    double const in_flight = run.mean("requests_in_flight");
    double const rate = static_cast<double>(results.counts[Count::cohort_arrived]) / measured_s;
    double const stay_s = results.services[0].completed_e2e.mean() * 1e-9;
    // The stays that end in the period T sum to L T, but for what the requests in flight at its two ends spent outside it: sums of L ages
    // with the same mean and a scatter of about W sqrt(L) each. Arrivals and completions of the period differ by the change of L, about
    // sqrt(2 L). Relative to L T = lambda W T, either is W / T sqrt(2 / L).
    double const sigma = 2 * stay_s / measured_s * std::sqrt(2 / in_flight);
    MESSAGE("in flight ", in_flight, ", rate x stay ", rate * stay_s, ", sigma ", 100 * sigma, " %");
    CHECK(sigma < 0.01);
    CHECK(std::abs(rate * stay_s / in_flight - 1) < 3 * sigma);
}

void check_books(test::DeckRun const& run) {
    engine::Results const& r = run.results;
    CHECK(r.counts[Count::cohort_arrived] ==
          r.counts[Count::cohort_completed] + r.counts[Count::cohort_rejected] + r.in_flight);
    CHECK(r.in_flight >= 0);

    // Time: the shares of all accelerators are the measured period, to the nanosecond.
    core::TimeNs total_ns = 0;
    for (core::TimeNs const share : r.accelerator_ns) {
        CHECK(share >= 0);
        total_ns += share;
    }
    CHECK(total_ns == r.accelerators * run.deck.time.duration_ns);

    // Energy: the parts are the whole, exactly; the recorded powers are the same, to single precision.
    double facility_j = 0;
    for (double const w : run.facility.at("facility_power_w"))
        facility_j += w * core::to_seconds(run.deck.time.sample_ns);
    CHECK(static_cast<double>(r.energy_uj.sum()) * 1e-6 == doctest::Approx(facility_j).epsilon(1e-6));
    CHECK(r.it_energy_uj < r.energy_uj.sum());
    for (std::int64_t const part : r.energy_uj.values) CHECK(part >= 0);
    for (std::size_t i = 0; i < run.sample_ns.size(); ++i) {
        double parts_w = 0;
        for (char const* column : engine::consumer_columns)
            if (auto const at = run.facility.find(column); at != run.facility.end()) parts_w += at->second[i];
        REQUIRE(parts_w == doctest::Approx(run.facility.at("facility_power_w")[i]).epsilon(1e-6));
    }

    // Requests that are listed are those that are counted.
    std::int64_t tokens = 0;
    for (engine::RequestRecord const& q : run.requests) {
        tokens += q.output_tokens;
        REQUIRE(q.arrival_ns < q.first_token_ns);
        REQUIRE(q.first_token_ns <= q.completed_ns);
    }
    CHECK(std::ssize(run.requests) == r.counts[Count::measured_completions]);
    CHECK(tokens == r.services[0].output_tokens);
}

}  // namespace

TEST_CASE("Disaggregated: requests in flight are arrivals times stay, and all books balance") {
    auto const run = test::run_deck("disaggregated.yaml", {{"time.duration", "600 s"}});
    check_little(run);
    check_books(run);
    CHECK(run.results.fabric.kv_bytes > 0);
}

TEST_CASE("Unified: requests in flight are arrivals times stay, and all books balance") {
    auto const run = test::run_deck("unified.yaml", {{"time.duration", "600 s"}});
    check_little(run);
    check_books(run);
    CHECK(run.results.fabric.kv_bytes == 0);
}

TEST_CASE("Tokens emitted are those of completed requests and of those in flight") {
    // From the start on, so that nothing is left out; outputs of 100 tokens, each of up to K requests in flight has had 0 to 99.
    for (std::string const deck : {"unified.yaml", "disaggregated.yaml"}) {
        CAPTURE(deck);
        auto const run =
            test::run_deck(deck, {{"time.warmup", "0 s"},
                                  {"time.duration", "60 s"},
                                  {"services[0].workload.output", "{distribution: fixed, tokens: 100}"},
                                  {"services[0].workload.arrivals", "{process: closed, concurrency: 50}"}});
        engine::Counts const& counts = run.results.counts;
        std::int64_t const beyond = counts[Count::output_tokens] - 100 * counts[Count::completions];
        CHECK(counts[Count::completions] > 500);
        CHECK(beyond >= 0);
        CHECK(beyond <= 99 * run.results.in_flight);
        // Closed: whoever finishes is replaced when the news are home, two windows later at most.
        CHECK(run.results.in_flight <= 50);
        CHECK(run.mean("requests_in_flight") > 49);
    }
}

TEST_CASE("An idle site draws the sum of its idle parts, and the window has no part in it") {
    std::vector<config::Override> overrides{{"time.warmup", "0 s"},
                                            {"time.duration", "10 s"},
                                            {"services[0].workload.arrivals.rate", "0.000001 /s"}};
    auto const run = test::run_deck("disaggregated.yaml", overrides);
    REQUIRE(run.results.counts[Count::arrivals] == 0);
    engine::Energies const& uj = run.results.energy_uj;
    config::ClusterParams const& cluster = run.deck.cluster;
    hardware::NodeParams const& node = cluster.rack.node;
    auto const joules = [](double watts) { return std::llround(watts * 10 * 1e6); };
    // 128 accelerators, all with a model, in 16 nodes.
    CHECK(uj[Consumer::accelerator_idle] == joules(128 * cluster.rack.accelerator.resident_idle_w));
    CHECK(uj[Consumer::accelerator_compute] == 0);
    CHECK(uj[Consumer::accelerator_memory] == 0);
    CHECK(uj[Consumer::host] == joules(16 * node.host_idle_w));
    CHECK(uj[Consumer::nic] == joules(128 * node.nic_idle_w));
    CHECK(uj[Consumer::scale_up] == joules(16 * node.scale_up_switch_w));
    // Clos of radix 64, 3 tiers: 4 leaves of 4 nodes with 128 cables up to 4 switches with 128 up to 2 cores: 10 switches, and 3 x 128
    // cables with two ends. 64 ports of 400 Gb/s are 25.6 Tb/s.
    double const scale = 64 * 400e9 / 8 / cluster.network_switch.bytes_per_s;
    CHECK(uj[Consumer::scale_out_switch] == joules(10 * scale * cluster.network_switch.idle_w));
    CHECK(uj[Consumer::optics] == joules(2 * 3 * 128 * cluster.optics.port_w_per_800g / 2));
    CHECK(uj[Consumer::memory_pool] == 0);
    CHECK(run.results.accelerator_ns[llm::index_of(llm::Share::idle)] == 128 * 10 * core::ns_per_s);

    overrides.push_back({"time.window", "2 ms"});
    CHECK(test::run_deck("disaggregated.yaml", overrides).results.energy_uj.values == uj.values);
}
