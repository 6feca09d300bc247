#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

namespace mw::fabric {

//! More than any share or demand: the limit of a flow that no link binds, the demand of one that takes all it
//! can get.
inline constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();

//! A link that a flow crosses, and how many units of it each unit of the flow's rate takes (>= 1).
struct LinkUse {
    std::uint32_t link{0};
    std::int64_t weight{1};
};

//! The level at which a flow has its demand.
[[nodiscard]] constexpr std::int64_t content_level(std::int64_t demand, std::int64_t weight) {
    return demand / weight + (demand % weight != 0 ? 1 : 0);
}
//! The rate of a flow that is stopped at this level, or never (`unlimited`).
[[nodiscard]] constexpr std::int64_t rate_at(std::int64_t level, std::int64_t demand, std::int64_t weight) {
    return level >= content_level(demand, weight) ? demand : weight * level;
}

/*!
 * Max-min fair shares of link capacity between flows with demands and weights, in integers: the allocation,
 * and a solver that finds it in synchronous rounds.
 *
 * The allocation is what *integer filling* gives. A level s climbs from 0 in steps of one; an open flow f of
 * weight p(f) has the rate p(f) s. With u(f, l) the units of link l that a unit of f takes:
 *
 *     f is content at s    if demand(f) <= p(f) s; it then keeps its demand
 *     l blocks at s        if one step more for all its flows that neither are content nor were stopped below s
 *                          would load it above its capacity; it then stops them, at p(f) s
 *
 * so rate(f) = min(demand(f), p(f) min over its links of the level at which the link blocks). This has one
 * answer whatever is computed first, on which processor, and whatever the shares were before: a solver may
 * start from the last solution and visit only what a change can reach (`FairShares`), or work in rounds over
 * several processors (this one), and the bits agree.
 *
 * The rounds here, with r(l) what is left of link l and w(l) = sum of p u over its open flows:
 *
 *     share(l) = floor(r(l) / w(l)), the level at which l would block if none of its open flows were stopped elsewhere
 *     limit(f) = min over the links of f of share(l)
 *     demand(f) <= p(f) limit(f)          f is fixed at its demand
 *     limit(f) = share(l) for every open flow of l, none content     l blocks: its flows are fixed at p(f) share(l)
 *
 * All decisions of a round rest on the state that the round began with (Jacobi). Shares never fall. The link
 * of the smallest share blocks or has a content flow: every round fixes something. A link whose demands sum to
 * at most its capacity never blocks and is left out.
 *
 * Units are the caller's: bytes of one window, or bytes/s.
 * Source: Bertsekas & Gallager, Data Networks, 6.5.2 (water filling).
 * Validity: capacities up to 2^62, demands up to 2^62 or `unlimited`. A blocked link may keep less than one
 * unit unused for each of its flows (times weights): below 10^-6 of a link for budgets in bytes of a 1 ms
 * window; choose finer units where it matters.
 * Leaves out: round-trip bias, ramp-up. Strict priorities: give each class what the ones above it leave.
 * Worked: links of 10 and 7; A on both, B on the first, C on the second with demand 2: C = 2, then A = B = 5;
 * round 1 fixes C. With weight 3 for B and a unit of A taking 2 of the first link: level 2, A = 2, B = 6.
 *
 * Several solvers (partitions) share a problem so: every link is in exactly one solver; a flow is added, with
 * the same demand and weight, to every solver that has a link of it. Each round, everywhere: measure();
 * exchange limit() of the open shared flows into lower_limit(); settle(); exchange newly_fixed_level() into
 * fix(). Rates and rounds are then those of the single solver, bit for bit.
 *
 * Decisions of a round rest on the state that it began with, so links and flows may be looked at side by side (`share_work`); what
 * follows from them is done in order. Whoever does it, the bits are the same.
 *
 * Memory is kept from problem to problem. Calls are not thread-safe; one object per thread.
 */
class MaxMinSolver {
  public:
    //! Calls body(begin, end) over pieces of [0, count), on threads of the caller's choice; returns when all are done.
    using Loop =
        std::function<void(std::size_t count, std::function<void(std::size_t, std::size_t)> const& body)>;
    //! Rounds of at least this many links or flows are shared out; fewer are not worth waking a thread for.
    static constexpr std::size_t worth_sharing = 2048;
    //! Gives rounds to `loop` from now on.
    void share_work(Loop loop) { loop_ = std::move(loop); }

    //! Forgets links and flows, keeps the memory.
    void clear();
    //! Index of a link with this capacity >= 0; indices count from 0.
    std::uint32_t add_link(std::int64_t capacity);
    //! Index of a flow that wants `demand` >= 0 over these links (none: it gets its demand). `shared`: other
    //! solvers hold links of it. `weight` >= 1 is its part of a share.
    std::uint32_t add_flow(std::int64_t demand, std::span<LinkUse const> uses, bool shared,
                           std::int64_t weight);
    //! The same with weights of 1.
    std::uint32_t add_flow(std::int64_t demand, std::span<std::uint32_t const> links, bool shared);
    //! After all adds, before the first round.
    void start();

    //! First half of a round: shares of links, limits of open flows.
    void measure();
    //! The smallest share (a level) that this solver sees on the flow's path, or `unlimited`. Valid between
    //! measure() and settle().
    [[nodiscard]] std::int64_t limit(std::uint32_t flow) const { return flows_[flow].limit; }
    //! Its demand is within its limit: settle() fixes it, here and wherever else it is known. Valid as limit().
    [[nodiscard]] bool is_content(std::uint32_t flow) const {
        return flows_[flow].content_at <= flows_[flow].limit;
    }
    //! Another solver's limit of the same flow.
    void lower_limit(std::uint32_t flow, std::int64_t elsewhere);
    //! Second half: fixes what can be fixed.
    void settle();
    //! The level if this solver fixed the flow in this round, otherwise -1.
    [[nodiscard]] std::int64_t newly_fixed_level(std::uint32_t flow) const;
    //! Another solver fixed the flow in this round. Harmless if this one did too, at the same level.
    void fix(std::uint32_t flow, std::int64_t level);

    [[nodiscard]] bool is_open(std::uint32_t flow) const { return flows_[flow].level < 0; }
    [[nodiscard]] bool is_shared(std::uint32_t flow) const { return flows_[flow].shared; }
    [[nodiscard]] std::int64_t open_flows() const { return open_flows_; }
    //! -1 while it is open.
    [[nodiscard]] std::int64_t rate(std::uint32_t flow) const;
    [[nodiscard]] int rounds() const { return rounds_; }
    [[nodiscard]] std::size_t link_count() const { return links_.size(); }
    [[nodiscard]] std::size_t flow_count() const { return flows_.size(); }

    //! start() and all rounds, for a problem that is whole in this solver. Returns the rounds it took.
    int solve();

  private:
    struct Link {
        std::int64_t left{0};        // capacity not yet fixed
        std::int64_t share{0};       // the level at which it would block
        std::int64_t open_units{0};  // sum of p u over open flows: what one step takes
        std::int64_t tied_units{
            0};                     // the same over flows that another link stopped at the very level `share`
        std::uint32_t open{0};      // flows not yet fixed
        std::uint32_t matching{0};  // of those, the ones that are stopped at `share`, if at all
        bool binds{false};          // it can block
        bool blocks{false};         // it does, in this round
    };
    struct Flow {
        std::int64_t demand{0};
        std::int64_t weight{1};
        std::int64_t content_at{0};  // the level at which it has its demand
        std::int64_t limit{unlimited};
        std::int64_t level{-1};  // < 0: open; `unlimited`: it has its demand
        std::uint32_t first{0};  // of its links in path_; after start() only those that can bind
        std::uint32_t size{0};
        int fixed_in_round{0};
        bool shared{false};
    };

    [[nodiscard]] bool shared_out(std::vector<std::uint32_t> const& list) const {
        return loop_ && list.size() >= worth_sharing;
    }
    //! body(list[i]) for all of a list, in any order.
    template <class Body>
    void each(std::vector<std::uint32_t> const& list, Body const& body);
    void close(std::uint32_t at, std::int64_t level);
    [[nodiscard]] std::span<LinkUse const> path(Flow const& flow) const {
        return {path_.data() + flow.first, flow.size};
    }

    std::vector<Link> links_;
    std::vector<Flow> flows_;
    std::vector<LinkUse> path_;
    std::vector<std::uint32_t> active_links_;  // those with open flows that can bind
    std::vector<std::uint32_t> active_flows_;  // open, in order, and those closed since the last measure()
    enum class State : std::uint8_t { open, fixing, closed };
    std::vector<State> states_;  // of all flows, apart from them: what is done in order looks at nothing else
    std::int64_t open_flows_{0};
    int rounds_{0};
    Loop loop_;  //!< none: inline
};

}  // namespace mw::fabric
