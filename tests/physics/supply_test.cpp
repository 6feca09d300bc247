#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "megaweave/plant/power_quality.hpp"
#include "run_deck.hpp"

// Stores at the racks and batteries of the UPS: what they smooth, what they bridge, and what happens when they are empty.

using namespace mw;
using engine::Consumer;
using engine::Count;

namespace {

test::DeckRun ride(std::vector<config::Override> const& overrides = {}) {
    return test::run_deck("../small/ride_through.yaml", overrides);
}

std::vector<config::Override> calm(char const* storage) {
    return {{"facility.grid", "{event: {start: 900 s, duration: 1 s}}"},
            {"services[0].workload.arrivals", "{process: gamma, rate: 20 /s, cv: 4}"},
            {"facility.delivery", storage}};
}

double largest_swing_w(std::vector<double> const& watts, double step_s, double from_hz, double to_hz) {
    double largest = 0;
    for (plant::SpectrumLine const& line : plant::spectrum(watts, step_s, from_hz, to_hz))
        largest = std::max(largest, line.amplitude_w);
    return largest;
}

//! Sum over the samples that end in (from, to], times their length.
double integral(test::DeckRun const& run, char const* column, double from_s, double to_s) {
    double sum = 0;
    double const step_s = core::to_seconds(run.deck.time.sample_ns);
    for (std::size_t i = 0; i < run.sample_ns.size(); ++i) {
        double const t_s = core::to_seconds(run.sample_ns[i] - run.deck.time.warmup_ns);
        if (t_s > from_s + 1e-9 && t_s <= to_s + 1e-9) sum += run.facility.at(column)[i] * step_s;
    }
    return sum;
}

}  // namespace

TEST_CASE("Stores at the racks slow the ramps of facility power, change no token, and cost their losses") {
    auto const bare = ride(calm("{ups: eco}"));
    auto const smooth =
        ride(calm("{ups: eco, rack_storage: {capacity: 0.5 kWh, discharge: 40 kW, smoothing: 10 s}}"));
    CHECK(smooth.results.counts.values == bare.results.counts.values);
    CHECK(smooth.results.boards_energy_uj == bare.results.boards_energy_uj);
    auto const ramp = [](test::DeckRun const& run) {
        return plant::ramp_rates(run.results.facility_series_w, run.results.series_step_s).up_w_per_s;
    };
    MESSAGE("steepest rise: ", ramp(bare), " W/s, with stores ", ramp(smooth));
    CHECK(ramp(smooth) < 0.3 * ramp(bare));
    auto const swing = [](test::DeckRun const& run, double from_hz, double to_hz) {
        return largest_swing_w(run.results.fine_series_w, run.results.fine_step_s, from_hz, to_hz);
    };
    // First order, 10 s: a swing at f is divided by about 2 pi f 10 s, or 6 at 0.1 Hz and 31 at 0.5 Hz.
    MESSAGE("swing at 0.1-0.5 Hz: ", swing(bare, 0.1, 0.5), " W, with stores ", swing(smooth, 0.1, 0.5));
    CHECK(swing(smooth, 0.1, 0.5) < swing(bare, 0.1, 0.5) / 4);
    CHECK(swing(smooth, 0.5, 2) < swing(bare, 0.5, 2) / 10);

    // Fine steps are parts of samples.
    auto const& fine_w = bare.results.fine_series_w;
    REQUIRE(fine_w.size() == 4 * bare.results.facility_series_w.size());
    for (std::size_t i = 0; i < bare.results.facility_series_w.size(); ++i)
        REQUIRE((fine_w[4 * i] + fine_w[4 * i + 1] + fine_w[4 * i + 2] + fine_w[4 * i + 3]) / 4 ==
                doctest::Approx(bare.results.facility_series_w[i]).epsilon(1e-9));
}

TEST_CASE("Boards' swings show in steps of 25 ms when samples are coarser") {
    auto const fine = ride({{"facility", "{cooling: liquid}"}, {"time.sample", "25 ms"}});
    auto const coarse = ride({{"facility", "{cooling: liquid}"}, {"time.sample", "500 ms"}});
    REQUIRE(coarse.results.fine_series_w.size() == fine.results.facility_series_w.size());
    CHECK(coarse.results.fine_step_s == doctest::Approx(0.025));
    auto const swing = [](std::vector<double> const& watts) { return largest_swing_w(watts, 0.025, 1, 20); };
    MESSAGE("largest swing at 1-20 Hz: ", swing(fine.results.facility_series_w), " W from samples of 25 ms, ",
            swing(coarse.results.fine_series_w), " W from bins in samples of 500 ms");
    // Hosts, fans and the UPS are even within a coarse sample: a little less.
    CHECK(swing(coarse.results.fine_series_w) ==
          doctest::Approx(swing(fine.results.facility_series_w)).epsilon(0.15));
}

TEST_CASE("Stores and batteries carry the site while the utility gives nothing, until generators run") {
    auto const run = ride({{"facility.delivery.battery.autonomy", "30 s"}});
    CHECK(run.results.dark_s == 0);
    CHECK(run.results.counts[Count::cohort_rejected] == 0);
    CHECK(integral(run, "facility_power_w", 10, 25) == 0);
    CHECK(integral(run, "facility_power_w", 25, 40) > 0);
    double const tokens = integral(run, "output_tokens_per_s", 10, 25);
    CHECK(tokens == doctest::Approx(1.5 * integral(run, "output_tokens_per_s", 0, 10)).epsilon(0.2));
    // What the consumers took is what the stores gave, and shows in their charge.
    double needed_j = 0;
    for (char const* column : engine::consumer_columns)
        if (std::string{column} != "storage_w") needed_j += integral(run, column, 10, 25);
    CHECK(needed_j == doctest::Approx(-integral(run, "storage_w", 10, 25)).epsilon(1e-6));
    auto const& stored_j = run.facility.at("stored_j");
    CHECK(stored_j[99] - stored_j[249] == doctest::Approx(needed_j).epsilon(1e-5));
    CHECK(integral(run, "cooling_w", 10, 25) == 0);
    // And all the time: the change of charge is the energy stored.
    CHECK(run.results.stored_at_end_uj - run.results.stored_at_start_uj ==
          run.results.energy_uj[Consumer::storage]);
}

TEST_CASE(
    "When the batteries are empty the site goes dark, comes back with the generators, and loses no request") {
    auto const run = ride();
    MESSAGE("dark for ", run.results.dark_s, " s");
    CHECK(run.results.dark_s > 0.5);
    CHECK(run.results.dark_s < 5);
    double const dark_from_s = 25 - run.results.dark_s;
    for (char const* column :
         {"facility_power_w", "board_power_w", "output_tokens_per_s", "scale_out_switch_w"})
        CHECK(integral(run, column, dark_from_s, 25) == 0);
    CHECK(integral(run, "output_tokens_per_s", 25, 30) == 0);  // restarting
    CHECK(integral(run, "board_power_w", 25.1, 30) > 0);
    CHECK(integral(run, "output_tokens_per_s", 30, 31) > 0);
    // Turned away: those that came in between, 20 a second, and nobody else; who was in flight is served later.
    double const away_s = run.results.dark_s + 5;
    auto const rejected = static_cast<double>(run.results.counts[Count::cohort_rejected]);
    CHECK(std::abs(rejected - 20 * away_s) < 4 * std::sqrt(20 * away_s));
    CHECK(run.results.counts[Count::cohort_arrived] == run.results.counts[Count::cohort_completed] +
                                                           run.results.counts[Count::cohort_rejected] +
                                                           run.results.in_flight);
    auto const waited = std::ranges::count_if(run.requests, [&](engine::RequestRecord const& request) {
        double const from_s = core::to_seconds(request.arrival_ns - run.deck.time.warmup_ns);
        double const to_s = core::to_seconds(request.completed_ns - run.deck.time.warmup_ns);
        return from_s < dark_from_s && to_s > 30;
    });
    CHECK(waited > 20);
}

TEST_CASE("A restart while the site is dark changes nothing") {
    auto const whole = ride();
    engine::World const world{whole.deck};
    parallel::Comm comm;
    parallel::Team team{1};
    for (double const at_s : {20.0, 24.6, 27.0}) {  // on batteries, dark, restarting
        CAPTURE(at_s);
        test::Stopper stopper{whole.deck.time.warmup_ns + core::from_seconds(at_s) + 7 * core::ns_per_ms};
        engine::Simulation first{world, comm, team};
        REQUIRE(first.run(stopper) == engine::Outcome::stopped);
        engine::Simulation second{world, comm, team};
        second.restore(stopper.state());
        test::DeckRun rest;
        test::Keeper keeper{rest};
        rest.deck = whole.deck;
        second.run(keeper);
        CHECK(second.results().digest == whole.results.digest);
    }
}
