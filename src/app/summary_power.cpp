#include "summary_power.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace mw::app {

std::string network_power_lines(config::Deck const& deck, engine::Results const& results) {
    auto const accelerators = static_cast<double>(results.accelerators);
    double const nic_w =
        static_cast<double>(results.energy_uj[engine::Consumer::nic]) * 1e-6 / results.measured_s;
    double all_w = nic_w;
    std::string tiers;
    for (engine::TierPower const& tier : results.network_power) {
        all_w += tier.switches_w + tier.optics_w;
        tiers += fmt::format(
            "      {}: {{switches_w: {:.8g}, optics_w: {:.8g}, switches: {}, optical_ends: {}}}\n", tier.name,
            tier.switches_w, tier.optics_w, tier.switches, tier.optical_ends);
    }
    return fmt::format(
        "  network:  # scale-out: parts of the breakdown's nic, scale_out_switch and optics\n    "
        "optics: {}\n    switch: {}\n    per_accelerator_w: {:.6g}\n    adapters_w: {:.8g}\n    tiers:  # "
        "switches at the upper ends of a tier's cables\n{}",
        deck.cluster.optics.name, deck.cluster.network_switch.name, all_w / accelerators, nic_w, tiers);
}

std::vector<plant::SpectrumLine> facility_spectrum(engine::Results const& results) {
    constexpr std::size_t most_samples = 4096;
    std::span<double const> const fine{results.fine_series_w};
    return plant::spectrum(fine.last(std::min(fine.size(), most_samples)), results.fine_step_s);
}

namespace {

constexpr double notable_share = 1e-4;  // of the facility's energy

double tokens_per_s(engine::Results const& r) {
    return static_cast<double>(r.counts[engine::Count::output_tokens]) / r.measured_s;
}

double share_of_time(engine::BudgetUse const& use, std::int64_t meters, engine::Results const& r) {
    return core::to_seconds(use.above_ns) / (r.measured_s * static_cast<double>(meters));
}

//! By samples, at the meter.
std::string above(engine::BudgetUse const& use, std::int64_t meters, engine::Results const& r) {
    return fmt::format(
        "{{share_of_time: {:.6g}, worst_w: {}, energy_above_j: {:.8g}}}", share_of_time(use, meters, r),
        use.worst_mw > 0 ? fmt::format("{:.8g}", static_cast<double>(use.worst_mw) * 1e-3) : "null",
        static_cast<double>(use.energy_above_uj) * 1e-6);
}

std::string budgets_of(char const* key, double budget_w, engine::BudgetUse const& use, std::int64_t meters,
                       engine::Results const& r) {
    if (budget_w <= 0) return {};
    return fmt::format(", {}: {{budget_w: {:.8g}, above: {}}}", key, budget_w, above(use, meters, r));
}

void warn_of_budget(std::string const& meter, engine::BudgetUse const& use, std::int64_t meters,
                    engine::Results const& r, std::vector<std::string>& warnings) {
    if (use.above_ns == 0) return;
    warnings.push_back(fmt::format(
        "{} more than the budget in {:.3g} % of the time: up to {:.4g} kW, {:.4g} kWh above it in all", meter,
        100 * share_of_time(use, meters, r), static_cast<double>(use.worst_mw) * 1e-6,
        static_cast<double>(use.energy_above_uj) * 1e-6 / 3.6e6));
}

}  // namespace

std::string budget_lines(config::Deck const& deck, engine::Results const& r) {
    plant::FacilityParams const& facility = deck.facility;
    std::string rest = budgets_of("rows", facility.control.row_budget_w, r.row_budgets, r.rows, r) +
                       budgets_of("racks", facility.control.rack_budget_w, r.rack_budgets, r.racks, r);
    if (!facility.budgeted() && rest.empty()) return {};
    std::string site;
    if (facility.budget_w > 0)
        site = fmt::format("facility_w: {:.8g}, oversubscription: {:.5g}, ", facility.budget_w,
                           r.provisioned_w.back() / facility.budget_w);
    return fmt::format(
        "  budget: {{{}above: {}{}}}  # oversubscription: provisioned over budget; above: samples in which a "
        "meter saw more than the budget in force\n",
        site, facility.budgeted() ? above(r.site_budget, 1, r) : "null", rest);
}

std::string store_lines(config::Deck const& deck, engine::Results const& r) {
    bool const grid = deck.facility.grid.on();
    if (!deck.facility.stores() && !grid) return {};
    std::string const dark = grid ? fmt::format("{:.6g}", r.dark_s) : "null";
    if (!deck.facility.stores())
        return fmt::format("  stores: {{start_j: null, end_j: null, taken_j: null, dark_s: {}}}\n", dark);
    double const taken_j = static_cast<double>(r.stored_at_end_uj - r.stored_at_start_uj) * 1e-6;
    return fmt::format(
        "  stores: {{start_j: {:.6f}, end_j: {:.6f}, taken_j: {:.6f}, dark_s: {}}}  # taken: the "
        "breakdown's "
        "storage over the period; what charging loses is conversion\n",
        static_cast<double>(r.stored_at_start_uj) * 1e-6, static_cast<double>(r.stored_at_end_uj) * 1e-6,
        taken_j, dark);
}

std::string efficiency_without_stores(config::Deck const& deck, engine::Results const& r) {
    if (!deck.facility.stores() || r.used_energy_uj() <= 0) return {};
    double const used_mw = static_cast<double>(r.used_energy_uj()) * 1e-12 / r.measured_s;
    return fmt::format(
        "  tokens_per_s_per_mw_without_stores: {:.8g}  # over what was used, whoever gave it\n",
        tokens_per_s(r) / used_mw);
}

std::vector<std::string> power_warnings(config::Deck const& deck, engine::Results const& r) {
    std::vector<std::string> warnings;
    warn_of_budget("the site drew", r.site_budget, 1, r, warnings);
    warn_of_budget("rows drew", r.row_budgets, r.rows, r, warnings);
    warn_of_budget("racks drew", r.rack_budgets, r.racks, r, warnings);
    auto const used_j = static_cast<double>(r.used_energy_uj()) * 1e-6;
    double const given_j = static_cast<double>(r.stored_at_start_uj - r.stored_at_end_uj) * 1e-6;
    if (!deck.facility.stores() || given_j <= notable_share * used_j) return warnings;
    auto const drawn_j = static_cast<double>(r.energy_uj.sum()) * 1e-6;
    double const tokens = tokens_per_s(r) * r.measured_s;
    warnings.push_back(fmt::format(
        "stores and batteries ended the measured period {:.4g} kWh emptier than they began, {:.3g} % of the "
        "energy "
        "that the facility used: tokens_per_s_per_mw is {} by the utility's meter, {:.4g} without them",
        given_j / 3.6e6, 100 * given_j / used_j,
        drawn_j > 0 ? fmt::format("{:.4g}", tokens / (drawn_j * 1e-6)) : "undefined",
        tokens / (used_j * 1e-6)));
    return warnings;
}

}  // namespace mw::app
