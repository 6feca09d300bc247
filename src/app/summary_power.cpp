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

std::string budget_lines(config::Deck const& deck, engine::Results const& results) {
    double const budget_w = deck.facility.budget_w;
    if (budget_w <= 0) return {};
    return fmt::format(
        "  budget: {{facility_w: {:.8g}, oversubscription: {:.5g}}}  # provisioned over budget\n", budget_w,
        results.provisioned_w.back() / budget_w);
}

std::string store_lines(config::Deck const& deck, engine::Results const& results) {
    if (!deck.facility.stores()) return {};
    return fmt::format("  stores: {{start_j: {:.8g}, end_j: {:.8g}, dark_s: {:.6g}}}\n",
                       static_cast<double>(results.stored_at_start_uj) * 1e-6,
                       static_cast<double>(results.stored_at_end_uj) * 1e-6, results.dark_s);
}

}  // namespace mw::app
