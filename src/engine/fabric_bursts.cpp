// What standing demands would be granted for a moment, and news of their shares for their homes.
#include <algorithm>
#include <tuple>

#include "fabric_partition.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::engine {

void FabricPartition::participants(std::uint64_t standing, std::vector<int>& ranks) const {
    ranks = find(standing)->partners;
    ranks.push_back(comm_->rank());
    std::ranges::sort(ranks);
}

std::vector<StandingState> FabricPartition::standing_of_home(core::RackId rack) const {
    std::vector<StandingState> states;
    for (Standing const& s : standing_)
        if (s.home == rack) states.push_back({s.id, s.bytes_per_s, s.granted, s.counted_until_ns});
    return states;
}

void FabricPartition::apply(StandingState const& state) {
    Standing& standing = standing_[static_cast<std::size_t>(find(state.id) - standing_.cbegin())];
    standing.bytes_per_s = state.bytes_per_s;
    standing.granted = state.granted;
    standing.counted_until_ns = state.counted_until_ns;
    standing.told.of_demand = standing.told.of_line = 0;  // whatever it is, its home will be told
    standing_changed_ = true;
}

//! The level of a demand that for a moment wants all it can get, beside the transfers that are there: those of layers above it first,
//! those below give way.
std::int64_t FabricPartition::burst_level(Flow const& flow, fabric::LinkUse use) const {
    Link const& link = links_[use.link];
    std::span const claims = std::span{claims_}.subspan(link.first_claim, link.claims);
    std::int64_t units = flow.weight * use.weight;
    std::int64_t left = budget(link);
    for (Claim const& claim : claims) {
        if (claim.layer < flow.layer) left -= claim.bytes;
        if (claim.layer == flow.layer) units += claim.units;
    }
    for (Claim const& claim : claims) {
        if (claim.layer != flow.layer) continue;
        if (left / units < claim.content_at) break;
        left -= claim.bytes;
        units -= claim.units;
    }
    return left / units;
}

//! At the end of a window, beside the transfers that go on.
void FabricPartition::find_bursts() {
    for (Claim const& claim : claims_) links_[claim.link].claims = 0;
    claims_.clear();
    for (Active const& active : active_) {
        std::int64_t const granted = rate(active);
        if (granted == 0) continue;
        for (fabric::LinkUse const use : active.links)
            if (links_[use.link].stands)
                claims_.push_back({use.link, fabric::content_level(granted, active.weight),
                                   granted * use.weight, active.weight * use.weight, active.layer});
    }
    std::ranges::sort(claims_, {}, [](Claim const& c) {
        return std::tuple{c.link, c.content_at, c.bytes, c.units, c.layer};
    });
    for (std::uint32_t c = 0; c < claims_.size(); ++c) {
        Link& link = links_[claims_[c].link];
        if (link.claims++ == 0) link.first_claim = c;
    }
    for (Standing& standing : standing_) {
        standing.burst = core::mul_div(standing.line_bytes_per_s, window_ns_, core::ns_per_s);
        if (standing.demand == 0) continue;
        for (fabric::LinkUse const use : standing.links)
            if (links_[use.link].claims > 0)
                standing.burst = std::min(standing.burst, standing.weight * burst_level(standing, use));
    }
    if (tells_use_) find_uses();
    if (comm_->size() > 1) swap_bursts();
}

//! How full the links of standing demands are, all that is there together.
void FabricPartition::find_uses() {
    link_loads_.assign(links_.size(), 0);
    auto const add = [&](Flow const& flow) {
        std::int64_t const granted = rate(flow);
        for (fabric::LinkUse const use : flow.links) link_loads_[use.link] += granted * use.weight;
    };
    for (Active const& active : active_) add(active);
    for (Standing const& standing : standing_) add(standing);
    for (Standing& standing : standing_) {
        standing.least_load = whole_load;
        for (fabric::LinkUse const use : standing.links)
            standing.least_load = std::min(
                standing.least_load, core::mul_div(whole_load, link_loads_[use.link], budget(links_[use.link])));
    }
}

//! The smallest over all ranks that own links of a demand, of its bursts and of its links' loads.
void FabricPartition::swap_bursts() {
    for (Neighbour& neighbour : neighbours_) {
        neighbour.open.clear();
        neighbour.send.clear();
    }
    for (Standing const& standing : standing_)
        if (standing.demand > 0) meet_neighbours(standing);
    for (Neighbour& neighbour : neighbours_)
        for (Flow const* const flow : neighbour.open)
            neighbour.send.insert(neighbour.send.end(),
                                  {static_cast<Standing const*>(flow)->burst, flow->least_load});
    swap_all();
    std::vector<std::size_t> next(neighbours_.size(), 0);
    for (Standing& standing : standing_) {
        if (standing.demand == 0) continue;
        for (int const partner : standing.partners) {
            auto const at = std::ranges::lower_bound(neighbours_, partner, {}, &Neighbour::rank);
            auto const n = static_cast<std::size_t>(at - neighbours_.begin());
            standing.burst = std::min(standing.burst, at->receive[next[n]++]);
            standing.least_load = std::min(standing.least_load, at->receive[next[n]++]);
        }
    }
}

//! To the sixteenth below, so that not every byte is news.
double FabricPartition::use_of(Standing const& standing) const {
    if (!tells_use_ || standing.demand == 0) return 0.0;
    return static_cast<double>(standing.least_load * uses_told / whole_load) / uses_told;
}

void FabricPartition::tell_homes() {
    for (Standing& standing : standing_) {
        if (!standing.home_here) continue;
        std::int64_t const line = core::mul_div(standing.line_bytes_per_s, window_ns_, core::ns_per_s);
        Grant const grant{standing.id, standing.home,
                          standing.demand == 0
                              ? 1.0
                              : static_cast<double>(standing.granted) / static_cast<double>(standing.demand),
                          line == 0 ? 1.0 : static_cast<double>(standing.burst) / static_cast<double>(line),
                          use_of(standing)};
        if (grant == standing.told) continue;
        standing.told = grant;
        grants_.push_back(grant);
    }
}

}  // namespace mw::engine
