// Loads that links tell all ranks, and the detours that transfers choose by them.
#include <algorithm>

#include "fabric_partition.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::engine {

void FabricPartition::choose_way(Transfer& transfer) {
    if (loads_.empty() || transfer.route.src == transfer.route.dst) return;
    transfer.route.detour =
        choose_detour_(transfer.route, transfer.bytes_per_s,
                       [this](fabric::LinkIndex link) { return loads_[static_cast<std::size_t>(link)]; });
    core::TimeNs const latency_ns = plan_->latency_ns(transfer.route, path_);
    transfer.present_from_ns += latency_ns - transfer.latency_ns;
    transfer.latency_ns = latency_ns;
}

//! What one more transfer would have met in the last step on own links, where that changed.
void FabricPartition::measure_loads() {
    if (loads_.empty()) return;
    struct OnLink {
        std::uint32_t link;
        fabric::Claim claim;
    };
    std::vector<OnLink> claims;
    auto const add = [&](Flow const& flow) {
        std::int64_t const granted = rate(flow);
        if (granted == 0) return;
        for (fabric::LinkUse const use : flow.links)
            if (links_[use.link].bundle != elsewhere)
                claims.push_back({use.link, {granted, flow.weight, flow.weight * use.weight}});
    };
    for (Active const& active : active_) add(active);
    for (Standing const& standing : standing_) add(standing);
    for (std::uint32_t const link : loaded_) claims.push_back({link, {0, 1, 0}});  // they may be idle now
    std::ranges::stable_sort(claims, {}, &OnLink::link);
    loaded_.clear();
    fabric::ClassTable const& classes = plan_->network().classes();
    std::int64_t const weight = whole_window * classes[TrafficClass::kv].weight;
    std::vector<fabric::Claim> of_link;
    for (std::size_t i = 0; i < claims.size();) {
        std::uint32_t const l = claims[i].link;
        of_link.clear();
        for (; i < claims.size() && claims[i].link == l; ++i) of_link.push_back(claims[i].claim);
        Link& link = links_[l];
        fabric::LinkLoad const load =
            fabric::link_load(link.budget, of_link, {0, weight, weight * weight_unit_});
        if (!load.idle()) loaded_.push_back(l);
        if (load == link.told) continue;
        link.told = load;
        load_news_.push_back({link.index, load});
    }
}

std::vector<LoadNews> FabricPartition::known_loads(core::RackId rack) const {
    std::vector<LoadNews> known;
    for (Link const& link : links_) {
        if (loads_.empty() || plan_->rack_of_link(link.index) != rack) continue;
        fabric::LinkLoad const load = loads_[static_cast<std::size_t>(link.index)];
        if (!load.idle()) known.push_back({link.index, load});
    }
    std::ranges::sort(known, {}, &LoadNews::link);
    return known;
}

std::vector<LoadNews> FabricPartition::load_news_of(core::RackId rack) const {
    std::vector<LoadNews> news;
    for (LoadNews const& one : load_news_)
        if (plan_->rack_of_link(one.link) == rack) news.push_back(one);
    std::ranges::sort(news, {}, &LoadNews::link);
    return news;
}

void FabricPartition::restore_loads(std::vector<LoadNews> const& known, std::vector<LoadNews> const& news) {
    for (auto const* const told : {&known, &news})
        for (LoadNews const& one : *told) {
            std::uint32_t const link = own_link(one.link);
            links_[link].told = one.load;
            loaded_.push_back(link);
        }
    load_news_.insert(load_news_.end(), news.begin(), news.end());
}

}  // namespace mw::engine
