// The level at which a link would block, given what is known of its flows.
#include <algorithm>

#include "megaweave/fabric/fair_shares.hpp"

namespace mw::fabric {

namespace {

//! A product that means something only where it does not overflow.
std::int64_t wrapping(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

}  // namespace

//! What a link that history blocks at `link_level`, or `never`, may expect of a flow.
FairShares::Stop FairShares::stop_of(Flow const& flow, std::int64_t link_level, std::int64_t step) {
    bool const stops = (flow.part == Part::stopped) | (flow.level < link_level);
    std::int64_t const past_stop = stops ? flow.level + 1 : never;
    bool const contents = flow.content_at < past_stop;
    std::int64_t const rate = contents ? flow.demand : wrapping(flow.weight, past_stop - 1);
    // The load is meaningless, and may wrap, where `until` is a level that the link cannot reach.
    return {contents ? flow.content_at : past_stop, wrapping(step, rate), step * flow.weight};
}

/*!
 * The first level >= `from` at which the link blocks, if flows that history stops elsewhere still stop there
 * and the others are stopped by nobody: a lower bound until these are known, and exact once all below it is.
 *
 * Load on trial at level t: what is stopped below t or content at t is fixed; the rest counts at t + 1. Start
 * with all that are not fixed at `from` as open, solve for t, fix what that t shows to be fixed, again.
 */
std::int64_t FairShares::first_block(Link& link, std::int64_t from) {
    if (link.tally != no_tally) {
        std::int64_t level = never;
        if (block_by_tally(link, from, level)) return level;
    }
    visits_ += static_cast<std::int64_t>(link.members.size());
    Tally tally = open_flows(link, from);
    std::int64_t result = never;
    while (tally.units > 0) {
        std::int64_t const left = link.capacity - tally.fixed;
        if (left < 0) {
            result = tally.level;
            break;
        }
        tally.level = std::max(tally.level, left / tally.units);
        if (tally.next > tally.level) {
            result = tally.level;
            break;
        }
        fix(tally);
    }
    if (tally.units == 0 && tally.fixed > link.capacity) result = tally.level;
    if (link.tally != no_tally || link.members.size() >= tally_from_) keep(link, tally);
    return result;
}

/*!
 * The same from the link's tally, if that can tell. No flow is fixed between `last` and `next`, so there the load on trial is fixed +
 * (t + 1) units. Below `last` it is at most most_fixed + last units: if that fits, the link does not block there.
 */
bool FairShares::block_by_tally(Link const& link, std::int64_t from, std::int64_t& level) {
    Tally& tally = tallies_[link.tally];
    std::int64_t const left = link.capacity - tally.fixed;
    if (left < 0) return false;
    if (from < tally.last &&
        core::Wide{tally.most_fixed} + core::Wide{tally.last} * tally.units > link.capacity)
        return false;
    std::int64_t const found = tally.units == 0 ? never : std::max(from, left / tally.units);
    if (tally.units == 0 ? tally.next != never : found < tally.last || found >= tally.next) return false;
    if (found != never) tally.level = found;
    level = found;
    return true;
}

FairShares::Tally FairShares::open_flows(Link const& link, std::int64_t from) {
    open_.clear();
    Tally tally;
    tally.level = from;
    for (Member const member : link.members) {
        Stop const stop = stop_of(flows_[member.flow], link.level, member.step);
        count(tally, stop);
        if (stop.until > from) open_.push_back(stop);
    }
    return tally;
}

//! Moves what is fixed at the tally's level out of the open flows.
void FairShares::fix(Tally& tally) {
    tally.next = never;
    std::erase_if(open_, [&](Stop const& stop) {
        if (stop.until > tally.level) {
            tally.next = std::min(tally.next, stop.until);
            return false;
        }
        tally.fixed += stop.load;
        tally.most_fixed += stop.units * stop.until;
        tally.units -= stop.units;
        tally.last = std::max(tally.last, stop.until);
        return true;
    });
}

void FairShares::keep(Link& link, Tally const& tally) {
    if (link.tally == no_tally) {
        link.tally = static_cast<std::uint32_t>(tallies_.size());
        tallies_.emplace_back();
    }
    tallies_[link.tally] = tally;
}

void FairShares::count(Tally& tally, Stop const& stop) {
    if (stop.until <= tally.level) {
        tally.fixed += stop.load;
        tally.most_fixed += stop.units * stop.until;
        tally.last = std::max(tally.last, stop.until);
    } else {
        tally.units += stop.units;
        tally.next = std::min(tally.next, stop.until);
    }
}

void FairShares::uncount(Tally& tally, Stop const& stop) {
    if (stop.until <= tally.level) {
        tally.fixed -= stop.load;
        tally.most_fixed -= stop.units * stop.until;
    } else {
        tally.units -= stop.units;
    }
}

//! Adds a flow to the tallies of its links, but for the one that stops it or lets it go, where nothing changes.
void FairShares::count(Flow const& flow, std::uint32_t but_for) {
    if (tallies_.empty()) return;
    for (Hop const hop : hops(flow)) {
        Link const& link = links_[hop.link];
        if (link.tally != no_tally && hop.link != but_for)
            count(tallies_[link.tally], stop_of(flow, link.level, hop.weight));
    }
}

void FairShares::uncount(Flow const& flow, std::uint32_t but_for) {
    if (tallies_.empty()) return;
    for (Hop const hop : hops(flow)) {
        Link const& link = links_[hop.link];
        if (link.tally != no_tally && hop.link != but_for)
            uncount(tallies_[link.tally], stop_of(flow, link.level, hop.weight));
    }
}

}  // namespace mw::fabric
