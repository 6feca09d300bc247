#include "megaweave/fabric/fair_shares.hpp"

#include <algorithm>
#include <functional>

#include "megaweave/core/check.hpp"

namespace mw::fabric {

void FairShares::push(Event event) {
    events_.push_back(event);
    std::ranges::push_heap(events_, std::greater<>{});
}

//! Prepares a link for the replay. False: there is nothing that it could do otherwise than before.
bool FairShares::disturb(std::uint32_t l) {
    Link& link = links_[l];
    if (link.mark == Mark::settled || (link.mark == Mark::calm && link.level == never && slack(link)))
        return false;
    link.stale = true;
    if (link.mark == Mark::disturbed) return true;
    link.mark = Mark::disturbed;
    link.candidate = never;
    disturbed_.push_back(l);
    if (link.level != never) push({link.level, Kind::lapse, l});
    return true;
}

//! Flows of the link may take less: it blocks where it did, later, or never.
void FairShares::relieve(std::uint32_t l) {
    Link& link = links_[l];
    bool const first = link.mark == Mark::calm;
    if (first && link.level == never) return;
    if (!disturb(l) || !first || slack(link)) return;
    link.candidate = link.level;
    push({link.level, Kind::block, l});
}

//! Flows of the link may take more from this level on: it may block at any level from here.
void FairShares::burden(std::uint32_t l, std::int64_t level) {
    Link& link = links_[l];
    if (!disturb(l) || link.queued || slack(link)) return;
    link.queued = true;
    push({level, Kind::look, l});
}

std::vector<std::uint32_t> const& FairShares::update() {
    for (std::uint32_t const l : changed_links_) {
        Link& link = links_[l];
        if (link.burdened)
            burden(l, 0);
        else
            relieve(l);
        link.changed = link.burdened = false;
    }
    changed_links_.clear();
    replay();
    finish();
    return news_;
}

void FairShares::replay() {
    while (!events_.empty()) {
        std::ranges::pop_heap(events_, std::greater<>{});
        Event const event = events_.back();
        events_.pop_back();
        Link& link = links_[event.link];
        if (event.kind == Kind::look) link.queued = false;
        if (link.mark == Mark::settled) continue;
        switch (event.kind) {
            case Kind::block:
                if (link.candidate != event.level) continue;  // found anew since
                if (link.stale)
                    look(event.link, event.level);
                else
                    block(event.link, event.level);
                break;
            case Kind::lapse:
                lapse(event.link, event.level);
                break;
            case Kind::look:
                look(event.link, event.level);
                break;
        }
    }
}

//! Finds the link's candidate, given what is known at this level.
void FairShares::look(std::uint32_t l, std::int64_t level) {
    Link& link = links_[l];
    std::int64_t const found = first_block(link, level);
    link.stale = false;
    if (found == level) {
        link.candidate = level;
        block(l, level);
        return;
    }
    if (link.candidate == found) return;  // that event is on its way
    link.candidate = found;
    if (found != never) push({found, Kind::block, l});
}

//! Stops the link's flows here.
void FairShares::block(std::uint32_t l, std::int64_t level) {
    links_[l].mark = Mark::settled;
    links_[l].level = level;
    visits_ += static_cast<std::int64_t>(links_[l].members.size());
    for (Member const member : links_[l].members) {
        Flow& flow = flows_[member.flow];
        if (flow.part == Part::stopped || (flow.part == Part::as_before && flow.level <= level)) continue;
        bool const gets_less = flow.content_at > level;
        if (gets_less) uncount(flow, l);
        flow.part = Part::stopped;
        flow.level = level;
        touch(member.flow);
        if (!gets_less) continue;
        count(flow, l);
        for (Hop const hop : hops(flow)) relieve(hop.link);
    }
}

//! History has the link stop flows at this level, but it does not.
void FairShares::lapse(std::uint32_t l, std::int64_t level) {
    Link& link = links_[l];
    link.level = never;
    visits_ += static_cast<std::int64_t>(link.members.size());
    for (Member const member : link.members) {
        Flow& flow = flows_[member.flow];
        if (flow.part != Part::as_before || flow.level != level || flow.content_at <= level) continue;
        if (held_elsewhere(flow, l, level)) {
            link.stale = true;
            if (link.tally != no_tally) {
                uncount(tallies_[link.tally], stop_of(flow, level, member.step));
                count(tallies_[link.tally], stop_of(flow, never, member.step));
            }
            continue;
        }
        uncount(flow, l);
        flow.part = Part::open;
        flow.level = never;
        touch(member.flow);
        count(flow, l);
        for (Hop const hop : hops(flow))
            if (hop.link != l) burden(hop.link, level);
    }
}

bool FairShares::held_elsewhere(Flow const& flow, std::uint32_t l, std::int64_t level) const {
    return std::ranges::any_of(hops(flow), [&](Hop const hop) {
        Link const& other = links_[hop.link];
        return hop.link != l && other.level == level && other.mark != Mark::disturbed;
    });
}

void FairShares::finish() {
    for (std::uint32_t const l : disturbed_) {
        Link& link = links_[l];
        if (link.mark != Mark::settled) link.level = never;
        link.mark = Mark::calm;
        link.stale = false;
    }
    disturbed_.clear();
    news_.clear();
    for (std::uint32_t const f : touched_) {
        Flow& flow = flows_[f];
        flow.part = Part::as_before;
        flow.touched = false;
        std::int64_t const rate = flow.level >= flow.content_at ? flow.demand : flow.weight * flow.level;
        if (rate == flow.rate) continue;
        flow.rate_before = flow.rate;
        flow.rate = rate;
        news_.push_back(f);
    }
    touched_.clear();
}

}  // namespace mw::fabric
