// Shares of a window's bytes held against the definition of max-min fairness.
#include <algorithm>
#include <vector>

#include "fabric_partition.hpp"
#include "megaweave/fabric/share_check.hpp"

namespace mw::engine {

template <class Do>
void FabricPartition::for_wanting(Do what) {
    for (Active& active : active_)
        if (active.demand > 0) what(active);
    for (Standing& standing : standing_)
        if (standing.demand > 0) what(standing);
}

void FabricPartition::check_shares() {
    std::vector<std::int64_t> budgets;
    budgets.reserve(links_.size());
    for (Link const& link : links_) budgets.push_back(link.budget);
    fabric::ShareCheck check{std::move(budgets), solvers_.size()};
    auto const stated = [&](Flow const& flow) {
        return fabric::ShareCheck::Flow{rate(flow), flow.demand, flow.weight, flow.links, flow.layer};
    };
    for_wanting([&](Flow const& flow) { check.add(stated(flow)); });
    if (!knows_all_ || comm_->rank() == 0) fairness_.violations += check.overloaded();
    for_wanting([&](Flow& flow) { flow.explained = check.explains(stated(flow)); });
    if (!knows_all_) swap_explained();
    for_wanting([&](Flow const& flow) {
        if (!flow.home_here) return;
        ++fairness_.flows;
        fairness_.violations += flow.explained ? 0 : 1;
    });
}

//! The link that explains a share may be another rank's.
void FabricPartition::swap_explained() {
    for (Neighbour& neighbour : neighbours_) {
        neighbour.open.clear();
        neighbour.send.clear();
    }
    for_wanting([&](Flow const& flow) { meet_neighbours(flow); });
    for (Neighbour& neighbour : neighbours_)
        for (Flow const* const flow : neighbour.open) neighbour.send.push_back(flow->explained ? 1 : 0);
    swap_all();
    std::vector<std::size_t> next(neighbours_.size(), 0);
    for_wanting([&](Flow& flow) {
        for (int const partner : flow.partners) {
            auto const at = std::ranges::lower_bound(neighbours_, partner, {}, &Neighbour::rank);
            std::size_t& place = next[static_cast<std::size_t>(at - neighbours_.begin())];
            if (at->receive[place++] != 0) flow.explained = true;
        }
    });
}

}  // namespace mw::engine
