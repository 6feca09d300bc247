#include "check.hpp"

#include <algorithm>
#include <functional>

#include "checker.hpp"
#include "units.hpp"

namespace mw::config {

namespace {

void check_time(TimeParams const& time, Checker& check) {
    auto const whole_windows = [&](std::string const& path, core::TimeNs length_ns) {
        core::TimeNs const next_multiple_ns = (length_ns / time.window_ns + 1) * time.window_ns;
        check.expect(length_ns % time.window_ns == 0, {path, "time.window"},
                     path + " must be a multiple of time.window. With this window, write " +
                         format_quantity(1e-9 * static_cast<double>(next_multiple_ns), unit_named("ms")));
    };
    whole_windows("time.sample", time.sample_ns);
    whole_windows("time.duration", time.duration_ns);
    whole_windows("time.warmup", time.warmup_ns);
    check.expect(time.window_ns <= time.duration_ns, {"time.window", "time.duration"},
                 "time.window is longer than time.duration. The usual window is 1 ms");
    check.expect(time.sample_ns <= time.duration_ns, {"time.sample", "time.duration"},
                 "time.sample is longer than time.duration. Shorten it, so that there is a sample");
}

//! The plant is stepped, and the meters are read, at samples.
void check_control(Deck const& deck, Checker& check) {
    plant::ControlParams const& control = deck.facility.control;
    bool const budget = deck.facility.budget_w > 0 || control.row_budget_w > 0 || control.rack_budget_w > 0 ||
                        control.event_ns > 0;
    check.expect(
        !control.on() || budget, {"facility.control.policy", "facility.budget"},
        "facility.control has a policy, but no budget to keep: write facility.budget, or row_budget or "
        "rack_budget in facility.control");
    check.expect(!control.on() || control.period_ns % deck.time.sample_ns == 0,
                 {"facility.control.period", "time.sample"},
                 "facility.control.period must be a multiple of time.sample, at whose ends meters are read");
    check.expect(!deck.facility.thermal.on || deck.time.sample_ns <= core::ns_per_s,
                 {"facility.thermal", "time.sample"},
                 "facility.thermal needs a time.sample of at most 1 s: temperatures are stepped at samples");
}

void check_delivery(plant::DeliveryParams const& delivery, Checker& check) {
    auto const falls =
        std::adjacent_find(delivery.psu_load.begin(), delivery.psu_load.end(), std::greater_equal<>{});
    check.expect(falls == delivery.psu_load.end(), {"facility.delivery.psu_load"},
                 "facility.delivery.psu_load must rise from value to value");
}

}  // namespace

void check_clos(fabric::NetworkParams const& clos, Tree const& root, Problems& problems) {
    Checker check{root, problems};
    check_network(clos, check);
    check.expect(
        clos.link_bytes_per_s > 0, {"cluster.scale_out", "cluster.rack"},
        "missing key 'link' in cluster.scale_out. Write for example 'link: 400 Gb/s', or name a rack");
}

void check_deck(Deck const& deck, Tree const& root, Problems& problems) {
    Checker check{root, problems};
    check_time(deck.time, check);
    check_cluster(deck.cluster, check);
    check_services(deck, check);
    check_delivery(deck.facility.delivery, check);
    check_control(deck, check);
}

}  // namespace mw::config
