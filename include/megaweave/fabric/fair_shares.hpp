#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "megaweave/core/integer.hpp"
#include "megaweave/fabric/link_load.hpp"
#include "megaweave/fabric/max_min.hpp"

namespace mw::fabric {

/*!
 * Max-min fair shares of a network whose flows come, go and change: the allocation of `MaxMinSolver`, bit for
 * bit, kept up to date at the cost of what a change reaches.
 *
 * The last filling is a history: at level B(l) link l stopped its flows. update() replays it with the changes,
 * from level 0 upwards, and looks only at *disturbed* links, those with a flow whose part in the new filling
 * differs from the history:
 *
 *     a link whose flows or capacity changed is disturbed at level 0
 *     a disturbed link blocks at c(l), the first level at which one step more would overload it, given what is
 *         known of its flows; those that history stops later, or never, deviate
 *     a disturbed link that passes B(l) without blocking lapses: flows that it alone stopped there go on, and deviate
 *     a flow that deviates disturbs its other links from this level on
 *
 * Levels are taken in order from a heap, so what happens at a level rests only on lower ones, which are final.
 * Where the deviation dies out, the replay ends: nothing else is visited. A link whose flows cannot ask for
 * more than its capacity never blocks and carries no disturbance.
 *
 * Cost of an update: flows on disturbed links, plus a heap operation for each disturbed link. Where a link would block is told by a
 * tally that is corrected flow by flow; the link's flows are counted anew only where the level passes one at which some become fixed.
 * Source: the order of levels is that of bottleneck structures (Ros-Giralt et al., SIGMETRICS 2019); the replay
 * is after Ramalingam & Reps, J. Algorithms 21 (1996), for shortest paths.
 * Validity, units, rounding: as `MaxMinSolver`. A flow must not name a link twice.
 * Worked: on a link of 12, A and B have 6 each; C joins: 4 each; C ends: 6 each again, and a flow elsewhere was
 * never looked at.
 *
 * Not thread-safe; one object per thread.
 */
class FairShares {
  public:
    //! Links keep a tally once they have `tally_from` flows; fewer are as quickly counted anew. The shares do not depend on it.
    explicit FairShares(std::size_t tally_from = 24) : tally_from_{tally_from} {}
    void reserve_links(std::size_t links) { links_.reserve(links); }
    //! Index of a link with this capacity >= 0; indices count from 0.
    std::uint32_t add_link(std::int64_t capacity);
    void set_capacity(std::uint32_t link, std::int64_t capacity);
    //! Handle of a flow that wants `demand` >= 0; handles of removed flows are used again.
    std::uint32_t add_flow(std::int64_t demand, std::span<LinkUse const> uses, std::int64_t weight = 1);
    void remove_flow(std::uint32_t flow);
    void set_demand(std::uint32_t flow, std::int64_t demand);

    //! Brings all rates up to date. Flows whose rate changed, each once (new ones start from 0), in no
    //! particular order; valid until the next call of update().
    std::vector<std::uint32_t> const& update();

    //! What the last update() returned.
    [[nodiscard]] std::vector<std::uint32_t> const& news() const { return news_; }
    //! As of the last update().
    [[nodiscard]] std::int64_t rate(std::uint32_t flow) const { return flows_[flow].rate; }
    //! The rate before the last update(), of a flow that it named.
    [[nodiscard]] std::int64_t rate_before(std::uint32_t flow) const { return flows_[flow].rate_before; }
    [[nodiscard]] std::int64_t demand(std::uint32_t flow) const { return flows_[flow].demand; }
    //! Units of a link in use once every flow has come to this level, or as far as it got.
    [[nodiscard]] std::int64_t load_at(std::uint32_t link, std::int64_t level) const;
    //! Appends what the link's flows take of it, as of the last update().
    void claims(std::uint32_t link, std::vector<Claim>& out) const;
    [[nodiscard]] std::size_t link_count() const { return links_.size(); }
    [[nodiscard]] std::size_t flows_on(std::uint32_t link) const { return links_[link].members.size(); }
    //! Links looked at since construction: what the updates cost.
    [[nodiscard]] std::int64_t visits() const { return visits_; }

  private:
    static constexpr std::int64_t never = unlimited;
    static constexpr std::uint32_t no_tally = ~std::uint32_t{0};

    enum class Part : std::uint8_t { as_before, open, stopped };  // of a flow in the replay
    enum class Mark : std::uint8_t { calm, disturbed, settled };  // of a link

    struct Hop {
        std::uint32_t link;
        std::uint32_t place;  // in the link's members
        std::int64_t weight;
    };
    struct alignas(64) Flow {  // a look at a link reads one of these for each of its flows
        std::int64_t demand{0};
        std::int64_t weight{1};
        std::int64_t content_at{0};
        std::int64_t level{never};  // at which it is stopped; may be stale while it is content
        std::int64_t rate{0};
        std::int64_t rate_before{0};
        std::uint32_t first_hop{0};
        std::uint16_t hops{0};
        std::uint16_t room{0};  // for hops
        Part part{Part::as_before};
        bool touched{false};
    };
    struct Member {
        std::uint32_t flow;
        std::uint32_t hop;
        std::int64_t step;  // of the link, for each unit of the flow's rate
    };
    struct Link {
        core::Wide wanted{0};  // the most that its flows can ask for
        std::int64_t capacity{0};
        std::int64_t level{never};  // at which it blocks; while it is disturbed: did, and has not lapsed
        std::vector<Member> members;
        std::int64_t candidate{never};
        std::uint32_t tally{no_tally};
        Mark mark{Mark::calm};
        bool stale{false};     // a flow of it deviated since the candidate was found
        bool queued{false};    // for another look at its candidate
        bool changed{false};   // since the last update() …
        bool burdened{false};  // … so that it may block earlier
    };
    //! How long a flow's load on a link grows.
    struct Stop {
        std::int64_t until;  // level from which its load is constant: above it stopped, or content at it
        std::int64_t load;   // that load
        std::int64_t units;  // what a step of the level takes until then
    };
    //! Load on a link: a flow counts as fixed from its `until` on. Kept for links of many flows, and corrected as their flows change.
    struct Tally {
        std::int64_t level{0};
        std::int64_t fixed{0};       // load of those fixed at this level …
        std::int64_t most_fixed{0};  // … and no less than they load the link with at any lower one
        std::int64_t units{0};       // what a step takes for the others
        std::int64_t last{0};        // no flow becomes fixed between this level …
        std::int64_t next{never};    // … and this
    };
    // In order of level; at one level first blocks, then lapses, then second looks, whose blocks come later.
    enum class Kind : std::uint8_t { block, lapse, look };
    struct Event {
        std::int64_t level;
        Kind kind;
        std::uint32_t link;
        friend auto operator<=>(Event const&, Event const&) = default;
    };

    [[nodiscard]] std::span<Hop const> hops(Flow const& flow) const {
        return {hops_.data() + flow.first_hop, flow.hops};
    }
    [[nodiscard]] bool slack(Link const& link) const { return link.wanted <= link.capacity; }
    enum class Change : std::uint8_t { less, more };  // load that a link must expect at some level
    void make_room(Flow& flow, std::size_t hops);
    void ask(Flow const& flow, Change change);
    void withdraw(Flow const& flow, Change change);
    void changed(std::uint32_t link, Change change);
    void touch(std::uint32_t flow);
    bool disturb(std::uint32_t link);
    void relieve(std::uint32_t link);
    void burden(std::uint32_t link, std::int64_t level);
    void push(Event event);
    [[nodiscard]] std::int64_t first_block(Link& link, std::int64_t from);
    [[nodiscard]] bool block_by_tally(Link const& link, std::int64_t from, std::int64_t& level);
    [[nodiscard]] Tally open_flows(Link const& link, std::int64_t from);
    void fix(Tally& tally);
    void keep(Link& link, Tally const& tally);
    [[nodiscard]] static Stop stop_of(Flow const& flow, std::int64_t link_level, std::int64_t step);
    static void count(Tally& tally, Stop const& stop);
    static void uncount(Tally& tally, Stop const& stop);
    void count(Flow const& flow, std::uint32_t but_for);
    void uncount(Flow const& flow, std::uint32_t but_for);
    void look(std::uint32_t link, std::int64_t level);
    void block(std::uint32_t link, std::int64_t level);
    void lapse(std::uint32_t link, std::int64_t level);
    [[nodiscard]] bool held_elsewhere(Flow const& flow, std::uint32_t link, std::int64_t level) const;
    void replay();
    void finish();

    std::size_t tally_from_;
    std::vector<Link> links_;
    std::vector<Flow> flows_;
    std::vector<Hop> hops_;  // of all flows; a handle keeps its place
    std::vector<std::uint32_t> free_flows_;
    std::vector<std::uint32_t> changed_links_;  // since the last update()
    std::vector<std::uint32_t> disturbed_;
    std::vector<std::uint32_t> touched_;
    std::vector<std::uint32_t> news_;
    std::vector<Event> events_;  // a heap, smallest first
    std::vector<Tally> tallies_;
    std::vector<Stop> open_;  // of the link that is being looked at
    std::int64_t visits_{0};
};

}  // namespace mw::fabric
