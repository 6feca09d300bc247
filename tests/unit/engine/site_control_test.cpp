#include "site_control.hpp"

#include <doctest/doctest.h>

using namespace mw;
using namespace mw::engine;

namespace {

constexpr double idle_w = 140;
constexpr double tdp_w = 700;

}  // namespace

TEST_CASE("A governor's target is the boards' power less what the meter is above the budget's margin") {
    BudgetGovernor governor;
    // 1 MW budget less 3 %, 1.03 MW drawn, 600 kW of it by boards, 1.1 W at the meter for each: 600 - 60/1.1 = 545.45 kW.
    CHECK(governor.step(1e6, 0.03, 1.03e6, 600e3, 1.1, 100e3, 900e3) == doctest::Approx(600e3 - 60e3 / 1.1));
}

TEST_CASE("Room under a budget is given back half at a time, and never beyond what boards can draw") {
    BudgetGovernor governor;
    double const first_w = governor.step(1e6, 0, 1.1e6, 600e3, 1, 100e3, 900e3);
    CHECK(first_w == doctest::Approx(500e3));
    CHECK(governor.step(1e6, 0, 0.9e6, 400e3, 1, 100e3, 900e3) == doctest::Approx(550e3));  // half of 100 kW
    for (int i = 0; i < 20; ++i) governor.step(1e6, 0, 0.9e6, 400e3, 1, 100e3, 900e3);
    CHECK(governor.target_w() == 900e3);
}

TEST_CASE("No budget leaves the boards all that they can draw; an impossible one what they idle at") {
    BudgetGovernor governor;
    CHECK(governor.step(0, 0.03, 1e6, 500e3, 1, 100e3, 900e3) == 900e3);
    CHECK(governor.step(1e3, 0.03, 1e6, 500e3, 1, 100e3, 900e3) == 100e3);
}

TEST_CASE("Boards that keep to a target which proves too high get a lower one each period") {
    BudgetGovernor governor;
    governor.step(1e6, 0, 1.1e6, 600e3, 1, 100e3, 900e3);                                    // 500 kW
    CHECK(governor.step(1e6, 0, 1.02e6, 520e3, 1, 100e3, 900e3) == doctest::Approx(480e3));  // 500 - 20
    // Far above the target they are still settling: from what they draw.
    CHECK(governor.step(1e6, 0, 1.1e6, 600e3, 1, 100e3, 900e3) == doctest::Approx(500e3));
}

TEST_CASE("Proportional: one cap for every board. In order: the last class gets what the others leave") {
    std::array<double, most_classes> drew_w{};
    std::array<std::int64_t, most_classes> boards{};
    drew_w[0] = 5000;
    drew_w[1] = 4000;
    boards[0] = boards[1] = 10;
    ClassCaps const alike = share_out(7000, drew_w, boards, true, idle_w, tdp_w);
    CHECK(alike[0] == doctest::Approx(350));
    CHECK(alike[1] == doctest::Approx(350));
    ClassCaps const ordered = share_out(7000, drew_w, boards, false, idle_w, tdp_w);
    CHECK(ordered[0] == doctest::Approx(560));  // (7000 - 10 x 140) / 10
    CHECK(ordered[1] == doctest::Approx(200));  // (7000 - 5000) / 10
    ClassCaps const scarce = share_out(1000, drew_w, boards, false, idle_w, tdp_w);
    CHECK(scarce[0] == idle_w);
    CHECK(scarce[1] == idle_w);
}

TEST_CASE("Classes: by service under priority, prefill after decode under decode_first, one otherwise") {
    using enum plant::BudgetPolicy;
    CHECK(class_of(priority, 3, true) == 3);
    CHECK(class_of(priority, 100, false) == most_classes - 1);
    CHECK(class_of(decode_first, 3, false) == 0);
    CHECK(class_of(decode_first, 3, true) == 1);
    CHECK(class_of(proportional, 3, true) == 0);
}

TEST_CASE("A demand-response event lowers the site's budget while it lasts, and cannot raise it") {
    config::Deck deck;
    deck.time.warmup_ns = 10 * core::ns_per_s;
    deck.facility.budget_w = 1e6;
    deck.facility.control.event_start_ns = 5 * core::ns_per_s;
    deck.facility.control.event_ns = 2 * core::ns_per_s;
    deck.facility.control.event_budget_w = 0.8e6;
    CHECK(budget_w(deck, 14 * core::ns_per_s) == 1e6);
    CHECK(budget_w(deck, 15 * core::ns_per_s) == 0.8e6);
    CHECK(budget_w(deck, 17 * core::ns_per_s) == 1e6);
    deck.facility.control.event_budget_w = 2e6;
    CHECK(budget_w(deck, 15 * core::ns_per_s) == 1e6);
}
