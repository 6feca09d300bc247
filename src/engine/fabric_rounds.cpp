// Shares of the window's bytes found together with other ranks, in synchronous rounds.
#include <algorithm>

#include "fabric_partition.hpp"

namespace mw::engine {

//! States the problem of a layer: what the ones above it left.
void FabricPartition::pose(std::size_t layer) {
    ++posed_;
    solvers_[layer].clear();
    for (Neighbour& neighbour : neighbours_) neighbour.open.clear();
    for (Active& active : active_)
        if (active.layer == layer) pose(active);
    for (Standing& standing : standing_)
        if (standing.layer == layer) pose(standing);
    solvers_[layer].start();
}

void FabricPartition::pose(Flow& flow) {
    if (flow.demand == 0) return;
    fabric::MaxMinSolver& solver = solvers_[flow.layer];
    uses_.clear();
    for (fabric::LinkUse const use : flow.links) {
        Link& link = links_[use.link];
        if (link.window != window_) {
            link.window = window_;
            link.left = link.budget;
        }
        if (link.posed != posed_) {
            link.posed = posed_;
            link.solver_link = solver.add_link(link.left);
        }
        uses_.push_back({link.solver_link, use.weight});
    }
    flow.flow = solver.add_flow(flow.demand, uses_, !flow.partners.empty(), flow.weight);
    meet_neighbours(flow);
}

void FabricPartition::share_work(parallel::Team& team) {
    if (team.threads() < 2) return;
    constexpr std::size_t grain = fabric::MaxMinSolver::worth_sharing / 4;
    for (fabric::MaxMinSolver& solver : solvers_)
        solver.share_work(
            [&team](std::size_t count, auto const& body) { team.for_ranges(count, grain, body); });
}

void FabricPartition::meet_neighbours(Flow const& flow) {
    for (int const partner : flow.partners) {
        auto at = std::ranges::lower_bound(neighbours_, partner, {}, &Neighbour::rank);
        if (at == neighbours_.end() || at->rank != partner)
            at = neighbours_.insert(at, Neighbour{partner, {}, {}, {}});
        at->open.push_back(&flow);
    }
}

// A rank is done with a layer when its own flows are. It then waits only for ranks that will come to the next layer: those that still
// share open flows of this one need nothing from it.
void FabricPartition::share_with_neighbours() {
    for (std::size_t layer = 0; layer < solvers_.size(); ++layer) {
        fabric::MaxMinSolver& solver = solvers_[layer];
        pose(layer);
        while (solver.open_flows() > 0) {
            ++rounds_;
            solver.measure();
            swap_limits();
            solver.settle();
            swap_fixed();
        }
        if (layer + 1 < solvers_.size()) take_from_links(layer);
    }
}

void FabricPartition::take_from_links(std::size_t layer) {
    auto const take = [&](Flow const& flow) {
        if (flow.layer != layer || flow.demand == 0) return;
        for (fabric::LinkUse const use : flow.links) links_[use.link].left -= use.weight * rate(flow);
    };
    for (Active const& active : active_) take(active);
    for (Standing const& standing : standing_) take(standing);
}

void FabricPartition::swap_all() {
    swaps_.clear();
    for (Neighbour& neighbour : neighbours_) {
        if (neighbour.send.empty()) continue;
        neighbour.receive.resize(neighbour.send.size());
        swaps_.push_back({neighbour.rank, neighbour.send, neighbour.receive});
    }
    if (!swaps_.empty()) comm_->swap(swaps_);
}

//! First half of a round: every partition must see the smallest share along the whole path.
void FabricPartition::swap_limits() {
    for (Neighbour& neighbour : neighbours_) {
        neighbour.send.clear();
        for (Flow const* const flow : neighbour.open)
            neighbour.send.push_back(solvers_[flow->layer].limit(flow->flow));
    }
    swap_all();
    for (Neighbour& neighbour : neighbours_)
        for (std::size_t k = 0; k < neighbour.send.size(); ++k)
            solvers_[neighbour.open[k]->layer].lower_limit(neighbour.open[k]->flow, neighbour.receive[k]);
    // Flows that their demand fixes are fixed by everybody alike: no need to tell.
    for (Neighbour& neighbour : neighbours_)
        std::erase_if(neighbour.open,
                      [&](Flow const* flow) { return solvers_[flow->layer].is_content(flow->flow); });
}

//! Second half: a bottleneck in one partition fixes flows in the others.
void FabricPartition::swap_fixed() {
    for (Neighbour& neighbour : neighbours_) {
        neighbour.send.clear();
        for (Flow const* const flow : neighbour.open)
            neighbour.send.push_back(solvers_[flow->layer].newly_fixed_level(flow->flow));
    }
    swap_all();
    for (Neighbour& neighbour : neighbours_)
        for (std::size_t k = 0; k < neighbour.send.size(); ++k)
            if (neighbour.receive[k] >= 0)
                solvers_[neighbour.open[k]->layer].fix(neighbour.open[k]->flow, neighbour.receive[k]);
    // Only now: what one neighbour fixed is open no longer for the others either.
    for (Neighbour& neighbour : neighbours_)
        std::erase_if(neighbour.open,
                      [&](Flow const* flow) { return !solvers_[flow->layer].is_open(flow->flow); });
}

//! Latest times, over all ranks that have a part, at which transfers that end could have had their bytes; and the least of links' loads.
void FabricPartition::swap_ends() {
    for (Neighbour& neighbour : neighbours_) {
        neighbour.open.clear();
        neighbour.send.clear();
    }
    std::vector<Active*> ending;
    for (Active& active : active_)
        if (active.ends) ending.push_back(&active);
    for (Active const* const active : ending) meet_neighbours(*active);
    for (Neighbour& neighbour : neighbours_)
        for (Flow const* const flow : neighbour.open)
            neighbour.send.insert(neighbour.send.end(), {flow->end_offset_ns, flow->least_load});
    swap_all();
    std::vector<std::size_t> next(neighbours_.size(), 0);
    for (Active* const active : ending)
        for (int const partner : active->partners) {
            auto const at = std::ranges::lower_bound(neighbours_, partner, {}, &Neighbour::rank);
            auto const n = static_cast<std::size_t>(at - neighbours_.begin());
            active->end_offset_ns = std::max(active->end_offset_ns, at->receive[next[n]++]);
            active->least_load = std::min(active->least_load, at->receive[next[n]++]);
        }
}

//! Loads of own links once the layers above are done and every flow of this one has come to a level, for links that ending
//! transfers use.
std::int64_t FabricPartition::load_at(std::uint32_t link, std::int64_t level, std::size_t layer) const {
    if (knows_all_) return shares_.load_at(link, level, layer);
    std::int64_t load = 0;
    auto const add = [&](Flow const& flow) {
        if (flow.layer > layer || flow.demand == 0) return;
        std::int64_t const moved =
            flow.layer < layer ? rate(flow)
                               : std::min(rate(flow), fabric::rate_at(level, flow.demand, flow.weight));
        for (fabric::LinkUse const use : flow.links)
            if (use.link == link) load += use.weight * moved;
    };
    for (Active const& active : active_) add(active);
    for (Standing const& standing : standing_) add(standing);
    return load;
}

}  // namespace mw::engine
