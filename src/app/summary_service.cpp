#include "summary_service.hpp"

#include <algorithm>
#include <array>

#include "megaweave/core/survival.hpp"
#include "yaml_text.hpp"

namespace mw::app {

namespace {

using engine::Count;
using engine::Results;
using engine::ServiceResults;

constexpr double s_per_ns = 1e-9;
struct Quantile {
    char const* name;
    double q;
};
constexpr std::array<Quantile, 3> quantiles = {{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}}};

std::optional<double> seconds(std::optional<double> ns) {
    if (!ns) return {};
    return *ns * s_per_ns;
}

//! "name: {mean: …, half_width: …, p50: …}" of what has happened; null where nothing has.
template <class AnyHistogram>
std::string seconds_of(char const* name, AnyHistogram const& histogram, std::string const& more = "") {
    bool const empty = histogram.count() == 0;
    auto const text = [&](double ns) { return empty ? std::string{"null"} : number(ns * s_per_ns); };
    std::string line = fmt::format("{}: {{mean: {}{}", name, text(histogram.mean()), more);
    for (Quantile const& quantile : quantiles)
        line += fmt::format(", {}: {}", quantile.name, text(histogram.quantile(quantile.q)));
    return line + "}";
}

//! The same where some of it has not yet ended.
std::string seconds_of(char const* name, core::Survival const& survival, std::string const& more = "") {
    std::string line = fmt::format("{}: {{mean: {}{}", name, number(seconds(survival.mean())), more);
    for (Quantile const& quantile : quantiles)
        line += fmt::format(", {}: {}", quantile.name, number(seconds(survival.quantile(quantile.q))));
    return line + "}";
}

//! ", at_least: {p50: …}" for the quantiles that are not known.
std::string lower_bounds(core::Survival const& survival) {
    std::string bounds;
    for (Quantile const& quantile : quantiles)
        if (survival.count() > 0 && !survival.quantile(quantile.q))
            bounds += fmt::format("{}{}: {}", bounds.empty() ? "" : ", ", quantile.name,
                                  number(seconds(survival.at_least(quantile.q))));
    return bounds.empty() ? "" : "{" + bounds + "}";
}

std::string half_width(std::optional<core::BatchMean> const& mean) {
    return ", half_width: " + number(mean ? mean->half_width : std::nullopt);
}

core::Survival ttft_of(ServiceResults const& service) {
    return {service.ttft, service.ttft_open, service.rejected};
}

core::Survival e2e_of(ServiceResults const& service) {
    return {service.e2e, service.e2e_open, service.rejected};
}

bool has_objective(serving::ServiceParams const& service) {
    return service.ttft_objective_ns != core::never || service.tpot_objective_ns != core::never;
}

std::optional<double> met_fraction(ServiceResults const& service, bool objective) {
    if (!objective) return {};
    return quotient(static_cast<double>(service.met), static_cast<double>(service.decided()));
}

//! Only services with objectives count.
ServiceResults judged_services(config::Deck const& deck, Results const& r) {
    ServiceResults judged;
    for (std::size_t s = 0; s < r.services.size(); ++s)
        if (has_objective(deck.services[s])) judged.merge(r.services[s]);
    return judged;
}

std::string decided_lines(ServiceResults const& service, bool objective, double measured_s,
                          char const* indent) {
    auto const arrived = static_cast<double>(service.arrived);
    auto const known = [&](double value) { return objective ? std::optional{value} : std::nullopt; };
    auto const bound = [&](std::int64_t met) {
        return objective ? quotient(static_cast<double>(met), arrived) : std::nullopt;
    };
    return fmt::format(
        "{0}met_fraction: {1}\n{0}met: {2}\n{0}decided: {3}\n{0}late: {4}\n{0}undecided: {5}\n"
        "{0}met_fraction_bounds: {{low: {6}, high: {7}}}\n{0}goodput_tokens_per_s: {8}\n",
        indent, number(met_fraction(service, objective)), objective ? fmt::format("{}", service.met) : "null",
        service.decided(), service.late, service.undecided(), number(bound(service.met)),
        number(bound(service.met + service.undecided())),
        number(known(static_cast<double>(service.goodput_tokens) / measured_s), 8));
}

std::string parts_line(ServiceResults const& service, char const* indent) {
    std::string text = fmt::format("{}parts_s:\n", indent);
    for (std::size_t p = 0; p < service.parts.size(); ++p)
        text += fmt::format("{}  {}\n", indent, seconds_of(serving::ttft_part_names[p], service.parts[p]));
    return text;
}

}  // namespace

ServiceResults all_services(Results const& results) {
    ServiceResults all;
    for (ServiceResults const& service : results.services) all.merge(service);
    return all;
}

bool has_objectives(config::Deck const& deck) {
    return std::ranges::any_of(deck.services, has_objective);
}

std::string verdict_block(engine::Verdict const& verdict) {
    return fmt::format("verdict: {}\nverdict_because: {}\n", quoted(verdict.text), quoted(verdict.because));
}

std::string latency_block(Results const& r, engine::Verdict const& verdict) {
    ServiceResults const all = all_services(r);
    core::Survival const ttft = ttft_of(all);
    core::Survival const e2e = e2e_of(all);
    std::string text =
        "latency:  # inputs/README.md, \"What the summary counts\", has the populations\n  "
        "# ttft_s, e2e_s: of arrivals of the measured period; null where too few have ended to know\n";
    text += "  " + seconds_of("ttft_s", ttft, half_width(verdict.ttft_s)) + "\n";
    text += "  " + seconds_of("e2e_s", e2e) + "\n";
    if (std::string const bounds = lower_bounds(ttft); !bounds.empty())
        text += fmt::format("  ttft_s_at_least: {}\n", bounds);
    if (std::string const bounds = lower_bounds(e2e); !bounds.empty())
        text += fmt::format("  e2e_s_at_least: {}\n", bounds);
    text +=
        "  # tpot_s, longest_gap_s: of requests completed in the measured period; itl_s: of tokens given in "
        "it\n";
    text += "  " + seconds_of("tpot_s", all.tpot, half_width(verdict.tpot_s)) + "\n";
    text += "  " + seconds_of("itl_s", all.token_gaps) + "\n";
    text += "  " + seconds_of("longest_gap_s", all.longest_gap) + "\n";
    text +=
        "  # of arrivals of the measured period whose first token was given; the means of parts_s add up to "
        "it\n";
    text += "  " + seconds_of("given_ttft_s", all.ttft) + "\n";
    text += parts_line(all, "  ");
    text += "  " + seconds_of("contention_s", all.contention) + "  # of transfer\n";
    text += "  completed_requests:  # in the measured period\n";
    text += fmt::format("    count: {}\n", all.completions);
    text += "    " + seconds_of("ttft_s", all.completed_ttft) + "\n";
    return text + "    " + seconds_of("e2e_s", all.completed_e2e) + "\n";
}

std::string objectives_block(config::Deck const& deck, Results const& r) {
    bool const objective = has_objectives(deck);
    return "objectives:  # of requests that arrived in the measured period; shares are of those decided\n" +
           decided_lines(objective ? judged_services(deck, r) : all_services(r), objective, r.measured_s,
                         "  ");
}

std::string requests_block(Results const& r) {
    return fmt::format(
        "requests:  # that arrived in the measured period\n  arrived: {}\n  completed: {}\n  rejected: {}\n  "
        "preempted: {}\n  in_flight: {}\n  mean_in_flight: {}  # over time, whenever they arrived\n",
        r.counts[Count::cohort_arrived], r.counts[Count::cohort_completed], r.counts[Count::cohort_rejected],
        r.counts[Count::preemptions], r.in_flight, number(r.mean_in_flight));
}

std::string services_block(config::Deck const& deck, Results const& r, engine::Verdict const& verdict) {
    std::string text = "services:\n";
    for (std::size_t s = 0; s < r.services.size(); ++s) {
        ServiceResults const& service = r.services[s];
        engine::ServiceVerdict const& judged = verdict.services[s];
        text += fmt::format("  - name: {}\n    verdict: {}\n", quoted(deck.services[s].name),
                            engine::load_state_names[static_cast<std::size_t>(judged.state)]);
        if (!judged.resource.empty()) text += fmt::format("    resource: {}\n", judged.resource);
        text += fmt::format(
            "    verdict_because: {}\n    arrived: {}\n    rejected: {}\n    completed: {}\n    "
            "completed_output_tokens_per_s: {}\n",
            quoted(judged.because), service.arrived, service.rejected, service.completions,
            number(static_cast<double>(service.output_tokens) / r.measured_s, 8));
        text += decided_lines(service, has_objective(deck.services[s]), r.measured_s, "    ");
        for (std::string const& line :
             {seconds_of("ttft_s", ttft_of(service)), seconds_of("e2e_s", e2e_of(service)),
              seconds_of("tpot_s", service.tpot), seconds_of("itl_s", service.token_gaps),
              seconds_of("longest_gap_s", service.longest_gap),
              seconds_of("queue_wait_s", service.queue_wait)})
            text += "    " + line + "\n";
        text += parts_line(service, "    ");
    }
    return text;
}

namespace {

//! "p50 0.065 s", "p50 over 14.7 s" where only a bound is known.
std::string quantile_text(core::Survival const& survival, Quantile const& quantile) {
    if (auto const value = seconds(survival.quantile(quantile.q)))
        return fmt::format("{} {:.3g} s", quantile.name, *value);
    if (auto const bound = seconds(survival.at_least(quantile.q)))
        return fmt::format("{} over {:.3g} s", quantile.name, *bound);
    return fmt::format("{} never", quantile.name);
}

}  // namespace

std::string service_line(config::Deck const& deck, Results const& r) {
    ServiceResults const all = all_services(r);
    core::Survival const ttft = ttft_of(all);
    std::string text = ttft.count() == 0       ? "no arrivals"
                       : all.ttft.count() == 0 ? "no first tokens"
                                               : fmt::format("TTFT {}, {}", quantile_text(ttft, quantiles[0]),
                                                             quantile_text(ttft, quantiles[2]));
    text += all.tpot.count() == 0
                ? "; TPOT not known"
                : fmt::format("; TPOT p50 {:.3g} ms, p99 {:.3g} ms", all.tpot.quantile(0.5) * 1e-6,
                              all.tpot.quantile(0.99) * 1e-6);
    if (!has_objectives(deck)) return text + "; no objectives";
    ServiceResults const judged = judged_services(deck, r);
    if (judged.decided() == 0) return text + "; no request's objectives are decided";
    text += fmt::format("; objectives met by {:.1f} % of {} decided requests",
                        100 * met_fraction(judged, true).value_or(0), judged.decided());
    if (judged.undecided() > 0) text += fmt::format(" ({} undecided)", judged.undecided());
    if (judged.rejected > 0) text += fmt::format(", {} turned away", judged.rejected);
    return text;
}

}  // namespace mw::app
