#include "summary_fabric.hpp"

#include <fmt/format.h>

#include <numeric>
#include <span>
#include <vector>

#include "megaweave/fabric/traffic.hpp"
#include "yaml_text.hpp"

namespace mw::app {

namespace {

using fabric::traffic_classes;
using Bytes = std::span<std::int64_t const>;

std::string tiers(engine::FabricResults const& fabric) {
    std::string text =
        "  tiers:  # shares of capacity, away from the nodes and towards them; peak: of a bundle in a "
        "sample\n";
    for (engine::TierUse const& tier : fabric.tiers)
        text += fmt::format(
            "    {}: {{up: {{mean: {:.6g}, peak: {:.6g}}}, down: {{mean: {:.6g}, peak: {:.6g}}}}}\n",
            tier.name, tier.mean[0], tier.peak[0], tier.mean[1], tier.peak[1]);
    return text;
}

std::int64_t sum(Bytes bytes) {
    return std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0});
}

//! By label to by class.
std::vector<std::int64_t> by_class(Bytes bytes) {
    std::vector<std::int64_t> classes(traffic_classes, 0);
    for (std::size_t label = 0; label < bytes.size(); ++label)
        classes[label % traffic_classes] += bytes[label];
    return classes;
}

std::string class_map(Bytes classes, double over, char const* format) {
    std::string text;
    for (std::size_t c = 0; c < classes.size(); ++c)
        if (classes[c] > 0)
            text += (text.empty() ? "" : ", ") + fmt::format("{}: ", fabric::traffic_names[c]) +
                    fmt::format(fmt::runtime(format), static_cast<double>(classes[c]) / over);
    return "{" + text + "}";
}

std::string traffic(config::Deck const& deck, engine::FabricResults const& fabric) {
    Bytes const all{fabric.entered};
    std::string text = fmt::format("  traffic_bytes: {}  # that left nodes for the network, by class\n",
                                   class_map(by_class(all), 1.0, "{:.0f}"));
    text += "  traffic_bytes_by_service:\n";
    for (std::size_t s = 0; s < deck.services.size(); ++s)
        text += fmt::format("    {}: {}\n", quoted(deck.services[s].name),
                            class_map(all.subspan(s * traffic_classes, traffic_classes), 1.0, "{:.0f}"));
    return text;
}

std::string bundle(config::Deck const& deck, engine::FabricResults const& fabric,
                   engine::BundleUse const& use) {
    Bytes const all{use.bytes};
    auto const total = static_cast<double>(sum(all));
    std::string services;
    for (std::size_t s = 0; s < deck.services.size(); ++s) {
        std::int64_t const mine = sum(all.subspan(s * traffic_classes, traffic_classes));
        if (mine > 0)
            services +=
                (services.empty() ? "" : ", ") +
                fmt::format("{}: {:.4g}", quoted(deck.services[s].name), static_cast<double>(mine) / total);
    }
    return fmt::format(
        "    - {{bundle: {}, tier: {}, full_share: {:.4g}, mean: {:.4g}, peak: {:.4g}, services: {{{}}}, "
        "classes: {}}}\n",
        quoted(use.name), fabric.tiers[static_cast<std::size_t>(use.tier)].name, use.full, use.mean, use.peak,
        services, class_map(by_class(all), total, "{:.4g}"));
}

}  // namespace

std::string fabric_block(config::Deck const& deck, engine::FabricResults const& fabric) {
    std::string text = fmt::format(
        "fabric:\n  bytes_transferred: {}\n  kv_bytes_transferred: {}\n  bytes_between_partitions: {}  # "
        "between racks, the smallest partitions\n"
        "  peak_link_utilisation: {:.6g}\n  mean_link_utilisation: {:.6g}\n",
        fabric.bytes, fabric.kv_bytes, fabric.bytes_between_racks, fabric.peak_utilisation,
        fabric.mean_utilisation);
    text += tiers(fabric) + traffic(deck, fabric);
    text += fabric.fullest.empty() ? "  fullest_bundles: []\n"
                                   : "  fullest_bundles:  # longest at 90 % or more over a sample, then by "
                                     "mean; with who loads them\n";
    for (engine::BundleUse const& use : fabric.fullest) text += bundle(deck, fabric, use);
    return text +
           fmt::format(
               "  fairness: {{shares_checked: {}, violations: {}}}  # at every sample, the warm-up's too\n",
               fabric.fairness.flows, fabric.fairness.violations);
}

}  // namespace mw::app
