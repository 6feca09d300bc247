// What standing demands would be granted for a moment, and news of their shares for their homes.
#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "fabric_partition.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::engine {

void FabricPartition::participants(std::uint64_t standing, std::vector<int>& ranks) const {
    if (knows_all_) return add_all_ranks(ranks);
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
    std::int64_t left = link.budget;
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

//! At the end of a window, beside the transfers that go on. Where these left, and leave, enough for all bursts, nothing changes.
void FabricPartition::find_bursts() {
    if (tells_use_) all_touched_ = true;
    list_standing_of_links();
    touch_those_on(claims_);
    claim_links();
    touch_those_on(claims_);
    for_touched([&](Standing& standing) {
        if (!std::exchange(standing.bursts, false) && !all_touched_) return;
        standing.burst = standing.line;
        if (standing.demand == 0) return;
        for (fabric::LinkUse const use : standing.links)
            if (links_[use.link].claims > 0)
                standing.burst = std::min(standing.burst, standing.weight * burst_level(standing, use));
    });
    if (tells_use_) find_uses();
    if (!knows_all_) swap_bursts();
}

void FabricPartition::claim_links() {
    for (Claim const& claim : claims_) links_[claim.link].claims = 0;
    claims_.clear();
    for (Active const& active : active_)
        for (fabric::LinkUse const use : active.links) links_[use.link].taken = 0;
    for (Active const& active : active_)
        for (fabric::LinkUse const use : active.links) links_[use.link].taken += rate(active) * use.weight;
    for (Active const& active : active_) {
        std::int64_t const granted = rate(active);
        if (granted == 0) continue;
        for (fabric::LinkUse const use : active.links) {
            Link const& link = links_[use.link];
            if (link.stands && link.budget - link.taken < link.ample)
                claims_.push_back({use.link, fabric::content_level(granted, active.weight),
                                   granted * use.weight, active.weight * use.weight, active.layer});
        }
    }
    std::ranges::sort(claims_, {}, [](Claim const& c) {
        return std::tuple{c.link, c.content_at, c.bytes, c.units, c.layer};
    });
    for (std::uint32_t c = 0; c < claims_.size(); ++c) {
        Link& link = links_[claims_[c].link];
        if (link.claims++ == 0) link.first_claim = c;
    }
}

/*!
 * Which standing demands use a link, and how much left of it is enough for each of them: units x (level of its line rate, and one
 * for rounding). Anew where there are others than before.
 */
void FabricPartition::list_standing_of_links() {
    if (!first_on_link_.empty()) return;
    first_on_link_.assign(links_.size() + 1, 0);
    for (Standing const& standing : standing_)
        for (fabric::LinkUse const use : standing.links) ++first_on_link_[use.link + 1];
    std::partial_sum(first_on_link_.begin(), first_on_link_.end(), first_on_link_.begin());
    standing_on_link_.resize(first_on_link_.back());
    std::vector<std::size_t> next = first_on_link_;
    for (std::uint32_t s = 0; s < standing_.size(); ++s) {
        Standing const& standing = standing_[s];
        std::int64_t const level = fabric::content_level(standing.line, standing.weight) + 1;
        for (fabric::LinkUse const use : standing.links) {
            standing_on_link_[next[use.link]++] = s;
            Link& link = links_[use.link];
            link.ample = std::max(link.ample, standing.weight * use.weight * level);
        }
    }
}

void FabricPartition::touch_those_on(std::vector<Claim> const& claims) {
    if (all_touched_) return;
    std::uint32_t last = no_link;
    for (Claim const& claim : claims) {
        if (std::exchange(last, claim.link) == claim.link) continue;  // claims come link by link
        for (std::size_t i = first_on_link_[claim.link]; i < first_on_link_[claim.link + 1]; ++i) {
            standing_[standing_on_link_[i]].bursts = true;
            touch(standing_on_link_[i]);
        }
    }
}

template <class Do>
void FabricPartition::for_touched(Do what) {
    if (all_touched_)
        for (Standing& standing : standing_) what(standing);
    else
        for (std::uint32_t const s : touched_) what(standing_[s]);
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
            standing.least_load =
                std::min(standing.least_load,
                         core::mul_div(whole_load, link_loads_[use.link], links_[use.link].budget));
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
        for (Flow const* const flow : neighbour.open) {
            // NOLINTNEXTLINE(cppcoreguidelines-pro-type-static-cast-downcast): only standing demands met
            auto const* const standing = static_cast<Standing const*>(flow);
            neighbour.send.insert(neighbour.send.end(), {standing->burst, standing->least_load});
        }
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
    std::int64_t const use = standing.least_load * uses_told / whole_load;
    return static_cast<double>(use) / uses_told;
}

void FabricPartition::tell_homes() {
    for_touched([&](Standing& standing) {
        if (!standing.home_here) return;
        Grant const grant{standing.id, standing.home,
                          standing.demand == 0
                              ? 1.0
                              : static_cast<double>(standing.granted) / static_cast<double>(standing.demand),
                          standing.line == 0
                              ? 1.0
                              : static_cast<double>(standing.burst) / static_cast<double>(standing.line),
                          use_of(standing)};
        if (grant.says(standing.told)) return;
        standing.told = grant;
        grants_.push_back(grant);
    });
    for (std::uint32_t const s : touched_) standing_[s].touched = false;
    touched_.clear();
    all_touched_ = false;
}

}  // namespace mw::engine
