// What comes, goes and changes between two updates.
#include <algorithm>
#include <limits>

#include "megaweave/core/check.hpp"
#include "megaweave/fabric/fair_shares.hpp"

namespace mw::fabric {

std::uint32_t FairShares::add_link(std::int64_t capacity) {
    MW_EXPECT(capacity >= 0, "a link's capacity is not negative");
    links_.emplace_back().capacity = capacity;
    return static_cast<std::uint32_t>(links_.size() - 1);
}

void FairShares::set_capacity(std::uint32_t link, std::int64_t capacity) {
    MW_EXPECT(capacity >= 0, "a link's capacity is not negative");
    if (capacity == links_[link].capacity) return;
    changed(link, capacity < links_[link].capacity ? Change::more : Change::less);
    links_[link].capacity = capacity;
}

std::uint32_t FairShares::add_flow(std::int64_t demand, std::span<LinkUse const> uses, std::int64_t weight) {
    MW_EXPECT(demand >= 0 && weight >= 1, "a flow's demand is not negative and its weight at least 1");
    if (free_flows_.empty()) {
        free_flows_.push_back(static_cast<std::uint32_t>(flows_.size()));
        flows_.emplace_back();
    }
    std::uint32_t const f = free_flows_.back();
    free_flows_.pop_back();
    Flow& flow = flows_[f];
    flow.demand = demand;
    flow.weight = weight;
    flow.content_at = content_level(demand, weight);
    flow.level = never;
    flow.rate = 0;
    flow.part = Part::open;
    for (LinkUse const use : uses) __builtin_prefetch(&links_[use.link]);
    make_room(flow, uses.size());
    for (std::size_t i = 0; i < uses.size(); ++i) {
        LinkUse const use = uses[i];
        MW_EXPECT(use.link < links_.size() && use.weight >= 1, "a flow names a link that was added");
        Link& link = links_[use.link];
        auto const hop = static_cast<std::uint32_t>(flow.first_hop + i);
        hops_[hop] = {use.link, static_cast<std::uint32_t>(link.members.size()), use.weight};
        link.members.push_back({f, hop, use.weight});
    }
    ask(flow, Change::more);
    touch(f);
    return f;
}

void FairShares::make_room(Flow& flow, std::size_t hops) {
    MW_EXPECT(hops <= std::numeric_limits<std::uint16_t>::max(), "a path has fewer links than 65,536");
    if (hops > flow.room) {
        flow.first_hop = static_cast<std::uint32_t>(hops_.size());
        flow.room = static_cast<std::uint16_t>(hops);
        hops_.resize(hops_.size() + hops);
    }
    flow.hops = static_cast<std::uint16_t>(hops);
}

void FairShares::remove_flow(std::uint32_t f) {
    Flow& flow = flows_[f];
    for (Hop const hop : hops(flow)) __builtin_prefetch(&links_[hop.link]);
    withdraw(flow, Change::less);
    for (Hop const hop : hops(flow)) {
        auto& members = links_[hop.link].members;
        Member const last = members.back();
        members[hop.place] = last;
        hops_[last.hop].place = hop.place;
        members.pop_back();
    }
    flow.hops = 0;
    flow.part = Part::as_before;
    flow.rate = 0;
    flow.demand = flow.content_at = 0;  // if it was touched: a flow of nothing
    free_flows_.push_back(f);
}

void FairShares::set_demand(std::uint32_t f, std::int64_t demand) {
    MW_EXPECT(demand >= 0, "a flow's demand is not negative");
    Flow& flow = flows_[f];
    if (demand == flow.demand) return;
    Change const change = demand > flow.demand ? Change::more : Change::less;
    withdraw(flow, change);
    flow.demand = demand;
    flow.content_at = content_level(demand, flow.weight);
    // While it was content, nobody kept its level up to date.
    if (flow.part == Part::as_before) {
        flow.level = never;
        for (Hop const hop : hops(flow)) flow.level = std::min(flow.level, links_[hop.link].level);
    }
    ask(flow, change);
    touch(f);
}

//! Tells a flow's links of it as it is now.
void FairShares::ask(Flow const& flow, Change change) {
    for (Hop const hop : hops(flow)) {
        Link& link = links_[hop.link];
        link.wanted += static_cast<core::Wide>(hop.weight * flow.weight) * flow.content_at;
        if (link.tally != no_tally) count(tallies_[link.tally], stop_of(flow, link.level, hop.weight));
        changed(hop.link, change);
    }
}

//! Takes back what they were told.
void FairShares::withdraw(Flow const& flow, Change change) {
    for (Hop const hop : hops(flow)) {
        Link& link = links_[hop.link];
        link.wanted -= static_cast<core::Wide>(hop.weight * flow.weight) * flow.content_at;
        if (link.tally != no_tally) uncount(tallies_[link.tally], stop_of(flow, link.level, hop.weight));
        changed(hop.link, change);
    }
}

void FairShares::changed(std::uint32_t l, Change change) {
    Link& link = links_[l];
    link.burdened = link.burdened || change == Change::more;
    if (link.changed) return;
    link.changed = true;
    changed_links_.push_back(l);
}

void FairShares::touch(std::uint32_t f) {
    if (flows_[f].touched) return;
    flows_[f].touched = true;
    touched_.push_back(f);
}

std::int64_t FairShares::load_at(std::uint32_t link, std::int64_t level) const {
    std::int64_t load = 0;
    for (Member const member : links_[link].members) {
        Flow const& flow = flows_[member.flow];
        load +=
            member.step * std::min(flow.rate, level >= flow.content_at ? flow.demand : flow.weight * level);
    }
    return load;
}

void FairShares::claims(std::uint32_t link, std::vector<Claim>& out) const {
    for (Member const member : links_[link].members)
        out.push_back(
            {flows_[member.flow].rate, flows_[member.flow].weight, member.step * flows_[member.flow].weight});
}

}  // namespace mw::fabric
