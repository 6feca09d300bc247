#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "megaweave/hardware/power_cap.hpp"
#include "run_deck.hpp"

// Budgets, heat and the accounts of power: what a site's control promises, a failing plant, and what adds up to what.

using namespace mw;
using engine::Count;

namespace {

//! Longest time [s] for which the mean over `mean_s` lies above the limit, from a time after the warm-up on.
double longest_above_s(std::vector<double> const& watts, std::vector<double> const& limit_w, double sample_s,
                       double mean_s) {
    auto const span = static_cast<std::size_t>(mean_s / sample_s + 0.5);
    std::size_t longest = 0;
    std::size_t now = 0;
    for (std::size_t i = span; i <= watts.size(); ++i) {
        double const mean_w = std::accumulate(watts.begin() + static_cast<std::ptrdiff_t>(i - span),
                                              watts.begin() + static_cast<std::ptrdiff_t>(i), 0.0) /
                              static_cast<double>(span);
        now = mean_w > limit_w[i - 1] ? now + 1 : 0;
        longest = std::max(longest, now);
    }
    return static_cast<double>(longest) * sample_s;
}

double sum_range(std::vector<double> const& values, double from_s, double to_s, double sample_s) {
    auto const at = [&](double s) {
        return values.begin() + static_cast<std::ptrdiff_t>(s / sample_s + 0.5);
    };
    return std::accumulate(at(from_s), at(to_s), 0.0) / ((to_s - from_s) / sample_s);
}

test::DeckRun small(std::string const& deck, std::vector<config::Override> const& overrides = {}) {
    return test::run_deck("../small/" + deck, overrides);
}

}  // namespace

TEST_CASE(
    "A site is never above its budget, nor above a demand-response event's, for longer than the stated lag") {
    auto const run = small("demand_response.yaml");
    auto const& control = run.deck.facility.control;
    hardware::PowerCapParams const cap{1, run.deck.cluster.boards.cap_average_ns,
                                       run.deck.cluster.boards.cap_lag_ns};
    // Meters are read once a period, and boards then settle.
    double const lag_s = core::to_seconds(control.period_ns + cap.settling_ns());
    double const sample_s = core::to_seconds(run.deck.time.sample_ns);
    auto const& facility_w = run.facility.at("facility_power_w");
    double const above_s = longest_above_s(facility_w, run.facility.at("budget_w"), sample_s,
                                           core::to_seconds(control.period_ns));
    MESSAGE("above its budget for at most ", above_s, " s, lag ", lag_s, " s");
    CHECK(above_s <= lag_s);
    // The budget binds: without control the site would draw more; and the event is felt, and ends.
    auto const free =
        small("demand_response.yaml", {{"facility.control.policy", "none"}, {"time.duration", "20 s"}});
    CHECK(free.mean("facility_power_w") > 1.02 * run.deck.facility.budget_w);
    double const before_w = sum_range(facility_w, 10, 30, sample_s);
    double const during_w = sum_range(facility_w, 35, 60, sample_s);
    double const after_w = sum_range(facility_w, 70, 90, sample_s);
    MESSAGE("before, in and after the event: ", before_w, ", ", during_w, ", ", after_w, " W");
    CHECK(before_w > 0.9 * run.deck.facility.budget_w);
    CHECK(during_w < control.event_budget_w);
    CHECK(during_w > 0.9 * control.event_budget_w);
    CHECK(after_w > 0.9 * run.deck.facility.budget_w);
    CHECK(run.results.counts[Count::cohort_rejected] == 0);
}

TEST_CASE("Boards that prompts heat up again and again pass their cap for no longer than the stated lag") {
    // One instance on eight boards: bursts of prompts, near TDP, between decode and nothing to do.
    constexpr double cap_w = 420;
    auto const boards = [](char const* limits) {
        return test::run_deck("../../../inputs/studies/h100_chassis.yaml",
                              {{"cluster.boards", limits},
                               {"time", "{duration: 40 s, warmup: 1 s, window: 1 ms, sample: 25 ms}"},
                               {"services[0].workload.arrivals", "{process: gamma, rate: 6 /s, cv: 5}"}});
    };
    auto const run = boards("{power_cap: 420 W}");
    double const sample_s = core::to_seconds(run.deck.time.sample_ns);
    auto const& limits = run.deck.cluster.boards;
    hardware::PowerCapParams const cap{cap_w, limits.cap_average_ns, limits.cap_lag_ns};
    auto const above = [&](test::DeckRun const& one, double limit_w) {
        auto const& all_w = one.first_rack.at("accelerator_power_w");
        return longest_above_s(all_w, std::vector<double>(all_w.size(), 8 * limit_w), sample_s,
                               core::to_seconds(cap.average_ns));
    };
    double const lag_s = core::to_seconds(cap.settling_ns());
    auto const free = boards("{power_cap: 700 W}");
    MESSAGE("above the cap by 2 % for at most ", above(run, 1.02 * cap_w), " s, lag ", lag_s,
            " s; without it for ", above(free, 1.02 * cap_w), " s");
    CHECK(above(free, 1.02 * cap_w) > lag_s);
    CHECK(above(run, cap_w) > 0);  // it is passed, as on real boards
    CHECK(above(run, 1.02 * cap_w) <= lag_s);
}

TEST_CASE(
    "Shedding turns arrivals of the last service away, and only those; priority keeps the first service "
    "fast") {
    std::vector<config::Override> const shorter{
        {"time.duration", "25 s"},
        {"facility.control.event", "{start: 0 s, duration: 25 s, budget: 180 kW}"}};
    auto const with = [&](char const* policy) {
        auto overrides = shorter;
        overrides.push_back({"facility.control.policy", policy});
        return small("demand_response.yaml", overrides);
    };
    auto const alike = with("proportional");
    auto const shed = with("shed");
    auto const priority = with("priority");
    CHECK(alike.results.counts[Count::cohort_rejected] == 0);
    CHECK(shed.results.counts[Count::cohort_rejected] > 0);
    CHECK(shed.results.services[1].completions < alike.results.services[1].completions);
    auto const tpot = [](test::DeckRun const& run) { return run.results.services[0].tpot.mean() * 1e-6; };
    MESSAGE("TPOT of the first service [ms]: ", tpot(alike), " proportional, ", tpot(shed), " shed, ",
            tpot(priority), " priority");
    CHECK(tpot(priority) < tpot(alike));
    for (auto const* run : {&alike, &shed, &priority})
        CHECK(run->mean("facility_power_w") < run->deck.facility.control.event_budget_w * 1.03);
}

TEST_CASE("Two minutes without cooling: clocks fall, everything recovers, no request is lost") {
    auto const run = small("cooling_failure.yaml");
    double const sample_s = core::to_seconds(run.deck.time.sample_ns);
    auto const& loop_c = run.facility.at("loop_temperature_c");
    auto const& clock = run.facility.at("clock_share");
    double const hottest_c = *std::ranges::max_element(loop_c);
    double const slowest = *std::ranges::min_element(clock);
    MESSAGE("loop up to ", hottest_c, " degC, clock down to ", slowest);
    CHECK(sum_range(loop_c, 5, 19, sample_s) == doctest::Approx(45).epsilon(0.01));
    // First law: the racks' liquid heat over two minutes, in a store of nameplate x 25 s / 10 K.
    auto const during = [&](char const* column) {
        return sum_range(run.facility.at(column), 20, 140, sample_s);
    };
    double const liquid_w = run.deck.cluster.rack.liquid_heat_share *
                            (during("it_power_w") - during("scale_out_switch_w") - during("optics_w"));
    CHECK(hottest_c - 45 ==
          doctest::Approx(liquid_w * 120 / (run.results.provisioned_w[2] * 25 / 10)).epsilon(0.01));
    CHECK(slowest < 0.9);
    CHECK(sum_range(clock, 5, 19, sample_s) == 1);
    CHECK(clock.back() == 1);
    CHECK(loop_c.back() < 60);
    CHECK(run.results.counts[Count::cohort_rejected] == 0);
    CHECK(run.results.counts[Count::cohort_arrived] ==
          run.results.counts[Count::cohort_completed] + run.results.in_flight);
    double const before = sum_range(run.facility.at("requests_in_flight"), 5, 19, sample_s);
    double const after = sum_range(run.facility.at("requests_in_flight"), 190, 219, sample_s);
    CHECK(after < 1.3 * before);
}

TEST_CASE("In one rack prompts' accelerators get hotter than those that decode, and they alone slow down") {
    auto const at_supply = [](char const* supply) {
        return small("cooling_failure.yaml", {{"time", "{duration: 40 s, warmup: 60 s, sample: 500 ms}"},
                                              {"services[0].mode", "disaggregated"},
                                              {"services[0].workload.arrivals.rate", "300 /s"},
                                              {"facility.cooling.supply", supply},
                                              {"facility.thermal", "{loop: 25 s, hall: 600 s}"}});
    };
    auto const cool = at_supply("45 degC");
    auto const warm = at_supply("62 degC");
    auto const last = [](test::DeckRun const& run, char const* column) {
        return run.first_rack.at(column).back();
    };
    auto const tpot_ms = [](test::DeckRun const& run) { return run.results.services[0].tpot.mean() * 1e-6; };
    MESSAGE("hottest die ", last(warm, "hottest_die_c"), " degC, mean ", last(warm, "die_temperature_c"),
            ", clock ", last(warm, "clock_share"), ", TPOT ", tpot_ms(cool), " and ", tpot_ms(warm), " ms");
    CHECK(last(cool, "clock_share") == 1);
    CHECK(last(warm, "hottest_die_c") > 84);
    CHECK(last(warm, "die_temperature_c") < 84);
    CHECK(last(warm, "clock_share") < 1);
    CHECK(tpot_ms(warm) == doctest::Approx(tpot_ms(cool)).epsilon(0.02));
}

TEST_CASE("Rows and racks keep to budgets of their own, without one for the site") {
    // All eight racks stand in one row; IT less the network is the row's meter.
    auto const racks_w = [](char const* budgets) {
        auto const run =
            small("demand_response.yaml", {{"time.duration", "20 s"}, {"facility.control", budgets}});
        return run.mean("it_power_w") - run.mean("scale_out_switch_w") - run.mean("optics_w");
    };
    double const free_w = racks_w("{policy: none}");
    double const row_w = racks_w("{policy: proportional, row_budget: 160 kW}");
    double const rack_w = racks_w("{policy: proportional, rack_budget: 19 kW}");
    MESSAGE("racks draw ", free_w, " W freely, ", row_w, " with 160 kW a row, ", rack_w,
            " with 19 kW a rack");
    CHECK(free_w > 175e3);
    CHECK(row_w < 160e3);
    CHECK(row_w > 0.93 * 160e3);
    CHECK(rack_w < 8 * 19e3);
    CHECK(rack_w > 0.88 * 8 * 19e3);
}

TEST_CASE("A restart in the middle of an event and of a failure changes nothing") {
    for (auto const& [deck, block] : {std::pair{"demand_response.yaml", "facility.control.event"},
                                      std::pair{"cooling_failure.yaml", "facility.thermal.failure"}}) {
        CAPTURE(deck);
        bool const event = std::string{block} == "facility.control.event";
        std::vector<config::Override> overrides{{"time.duration", "8 s"}, {"time.warmup", "2 s"}};
        overrides.push_back(event ? config::Override{block, "{start: 1 s, duration: 4 s, budget: 170 kW}"}
                                  : config::Override{block, "{start: 1 s, duration: 4 s}"});
        overrides.push_back(event ? config::Override{"facility.control.policy", "shed"}
                                  : config::Override{"facility.thermal.loop", "1 s"});
        auto const whole = small(deck, overrides);

        engine::World const world{whole.deck};
        parallel::Comm comm;
        parallel::Team team{1};
        test::Stopper stopper{whole.deck.time.warmup_ns + 3 * core::ns_per_s + 7 * core::ns_per_ms};
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
}

TEST_CASE("Boards, racks, IT and facility contain each other, to the microjoule") {
    auto const run = small("demand_response.yaml", {{"time.duration", "5 s"}});
    engine::Results const& r = run.results;
    using engine::Consumer;
    CHECK(r.boards_energy_uj > 0);
    CHECK(r.boards_energy_uj < r.racks_energy_uj);
    CHECK(r.racks_energy_uj + r.energy_uj[Consumer::scale_out_switch] + r.energy_uj[Consumer::optics] ==
          r.it_energy_uj);
    CHECK(r.it_energy_uj + r.energy_uj[Consumer::cooling] < r.energy_uj.sum());
    for (std::size_t b = 1; b < r.provisioned_w.size(); ++b)
        CHECK(r.provisioned_w[b - 1] < r.provisioned_w[b]);
    CHECK(r.facility_series_w.size() == 20);
    // In service: not those that queue, and counted over time, not at samples' ends.
    CHECK(r.mean_in_service < 1.01 * (run.mean("requests_in_flight")));
    CHECK(r.mean_in_service > 0.5 * run.mean("requests_in_flight"));
}
