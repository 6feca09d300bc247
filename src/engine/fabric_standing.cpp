// Standing demands, and shares kept up to date by a rank that knows all.
#include <algorithm>
#include <utility>

#include "fabric_partition.hpp"
#include "megaweave/core/check.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::engine {

void FabricPartition::begin(StandingDemand const& demand) {
    auto const at = std::ranges::lower_bound(standing_, demand.id, {}, &Standing::id);
    MW_EXPECT(at == standing_.end() || at->id != demand.id, "a standing demand begins once");
    MW_EXPECT(demand.bytes_per_s >= 0, "a demand is not negative");
    Standing standing;
    standing.id = demand.id;
    standing.bytes_per_s = demand.bytes_per_s;
    standing.home = demand.home;
    standing.line_bytes_per_s = demand.line_bytes_per_s;
    set_class(standing, demand.label);
    standing.weight = whole_window * standing.class_weight;
    for (LinkPart const& use : demand.uses) {
        MW_EXPECT(use.weight >= 1, "a standing demand loads the links that it names");
        use_link(standing, use.link, core::ceil_div(use.weight * weight_unit_, fabric::full_weight));
    }
    for (fabric::LinkUse const use : standing.links) links_[use.link].stands = true;
    set_home(standing, demand.home);
    standing.counted_until_ns = now_ns_;
    forget_places();
    standing_.insert(at, std::move(standing));
}

std::vector<FabricPartition::Standing>::const_iterator FabricPartition::find(std::uint64_t standing) const {
    auto const at = std::ranges::lower_bound(standing_, standing, {}, &Standing::id);
    MW_EXPECT(at != standing_.end() && at->id == standing, "a standing demand that began");
    return at;
}

void FabricPartition::change(std::uint64_t standing, std::int64_t bytes_per_s) {
    MW_EXPECT(bytes_per_s >= 0, "a demand is not negative");
    auto const place = static_cast<std::size_t>(find(standing) - standing_.cbegin());
    standing_[place].bytes_per_s = bytes_per_s;
    changed_.push_back(static_cast<std::uint32_t>(place));
}

void FabricPartition::end(std::uint64_t standing) {
    auto const place = static_cast<std::size_t>(find(standing) - standing_.cbegin());
    Standing& ending = standing_[place];
    count_bytes(ending, now_ns_);
    if (knows_all_ && ending.flow != no_flow) shares_.remove_flow(ending.flow);
    forget_places();
    standing_.erase(standing_.begin() + static_cast<std::ptrdiff_t>(place));
}

std::int64_t FabricPartition::granted_bytes(std::uint64_t standing) const {
    return find(standing)->granted;
}

double FabricPartition::granted_share(std::uint64_t standing) const {
    Standing const& s = *find(standing);
    return s.demand == 0 ? 1 : static_cast<double>(s.granted) / static_cast<double>(s.demand);
}

//! Tells the solver what changed, and nothing else.
void FabricPartition::share_alone() {
    for (Active& active : active_) update_flow(active);
    for_changed([&](std::uint32_t s) {
        update_flow(standing_[s]);
        number(s);
    });
    shares_.update();
}

void FabricPartition::update_flow(Flow& flow) {
    if (flow.flow != no_flow && flow.weight != flow.weight_told) {
        shares_.remove_flow(flow.flow);
        flow.flow = no_flow;
    }
    if (flow.flow != no_flow) {
        shares_.set_demand(flow.flow, flow.demand);
    } else if (flow.demand > 0) {
        flow.flow = shares_.add_flow(flow.demand, flow.links, flow.weight, flow.layer);
        flow.weight_told = flow.weight;
    }
}

//! Its bytes since they were last counted, at the rate that it has had since then.
void FabricPartition::count_bytes(Standing& standing, core::TimeNs until_ns) {
    if (standing.counted_until_ns == until_ns) return;
    std::int64_t const windows =
        standing.granted == 0 ? 0 : (until_ns - standing.counted_until_ns) / window_ns_;
    for (fabric::LinkUse const use : standing.links)
        count(standing, use, core::mul_div(windows * standing.granted, use.weight, weight_unit_));
    standing.counted_until_ns = until_ns;
}

void FabricPartition::grant_standing(core::TimeNs start_ns) {
    auto const grant = [&](Standing& standing) {
        std::int64_t const granted = rate(standing);
        if (granted == standing.granted) return;
        count_bytes(standing, start_ns);
        standing.granted = granted;
    };
    if (standing_changed_ || !knows_all_) {
        for (Standing& standing : standing_) grant(standing);
        if (knows_all_) number_standing();
        all_touched_ = true;
    } else {
        for (std::uint32_t const flow : shares_.news()) {
            if (flow >= standing_of_flow_.size() || standing_of_flow_[flow] == 0) continue;
            grant(standing_[standing_of_flow_[flow] - 1]);
            touch(standing_of_flow_[flow] - 1);
        }
        for (std::uint32_t const s : changed_) {
            standing_[s].bursts = true;
            touch(s);
        }
    }
    changed_.clear();
    standing_changed_ = false;
}

//! There will be others than before, and places in standing_ move.
void FabricPartition::forget_places() {
    standing_changed_ = true;
    all_touched_ = true;
    changed_.clear();
    for (std::uint32_t const s : touched_) standing_[s].touched = false;
    touched_.clear();
    first_on_link_.clear();
}

void FabricPartition::touch(std::uint32_t standing) {
    if (std::exchange(standing_[standing].touched, true)) return;
    touched_.push_back(standing);
}

void FabricPartition::number_standing() {
    standing_of_flow_.clear();
    for (std::uint32_t s = 0; s < standing_.size(); ++s) number(s);
}

void FabricPartition::number(std::uint32_t standing) {
    std::uint32_t const flow = standing_[standing].flow;
    if (flow == no_flow) return;
    if (flow >= standing_of_flow_.size()) standing_of_flow_.resize(flow + 1, 0);
    standing_of_flow_[flow] = standing + 1;
}

}  // namespace mw::engine
