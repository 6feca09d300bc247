#include "megaweave/fabric/share_check.hpp"

#include <algorithm>
#include <utility>

namespace mw::fabric {

ShareCheck::ShareCheck(std::vector<std::int64_t> capacities, std::size_t levels)
    : capacities_{std::move(capacities)}, priorities_{levels}, states_(capacities_.size() * levels) {}

//! Content, or stopped.
std::int64_t ShareCheck::level_of(Flow const& flow) {
    return flow.rate >= flow.demand ? content_level(flow.demand, flow.weight) : flow.rate / flow.weight;
}

void ShareCheck::add(Flow const& flow) {
    std::int64_t const level = level_of(flow);
    for (LinkUse const use : flow.uses) {
        State& state = states_[use.link * priorities_ + flow.priority];
        state.load += core::Wide{flow.rate} * use.weight;
        if (level > state.highest) state.step = 0;
        state.highest = std::max(state.highest, level);
        if (level == state.highest && flow.rate < flow.demand)
            state.step += core::Wide{flow.weight} * use.weight;
    }
}

std::int64_t ShareCheck::overloaded() const {
    std::int64_t links = 0;
    for (std::size_t l = 0; l < capacities_.size(); ++l) {
        core::Wide load = 0;
        for (std::size_t p = 0; p < priorities_; ++p) load += states_[l * priorities_ + p].load;
        if (load > capacities_[l]) ++links;
    }
    return links;
}

bool ShareCheck::explains(Flow const& flow) const {
    if (flow.rate >= flow.demand) return flow.rate == flow.demand;
    std::int64_t const level = level_of(flow);
    return std::ranges::any_of(flow.uses, [&](LinkUse const use) {
        State const* const of_link = &states_[use.link * priorities_];
        core::Wide load = of_link[flow.priority].step;
        for (std::size_t p = 0; p <= flow.priority; ++p) load += of_link[p].load;
        return of_link[flow.priority].highest == level && load > capacities_[use.link];
    });
}

}  // namespace mw::fabric
