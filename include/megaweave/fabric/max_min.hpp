#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace mw::fabric {

//! More than any share or demand: the limit of a flow that no link binds, the demand of one that takes all it
//! can get.
inline constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();

/*!
 * Max-min fair shares of link capacity between flows with a demand, in integers, by synchronous rounds.
 *
 * In a round, with r(l) what is left of link l and n(l) its open flows:
 *
 *     share(l) = floor(r(l) / n(l))                    limit(f) = min over the links of f of share(l)
 *     demand(f) <= limit(f)                            f is fixed at its demand
 *     min(demand, limit) = share(l) for every open f   l is a bottleneck: its flows are fixed at the share
 *
 * All decisions of a round rest on the state that the round began with (Jacobi), so neither the order of
 * flows nor the way in which links are dealt to several solvers can change a rate. The link of the smallest
 * share is a bottleneck or has a flow that its demand fixes: every round fixes something. Shares never fall,
 * so no link is ever above its capacity. A link whose demands sum to at most its capacity never binds and is
 * left out.
 *
 * Units are the caller's: bytes of one window, or bytes/s.
 * Source: Bertsekas & Gallager, Data Networks, 6.5.2 (water filling).
 * Validity: capacities and demands up to 2^62. Rounding down loses less than one unit for each flow at its
 * bottleneck, which flows fixed later may pick up: against real-valued shares, about 9 units at most in 6,000
 * random networks of up to 16 flows. That is below 10^-6 of a link for budgets in bytes of a 1 ms window;
 * choose finer units where it matters.
 * Leaves out: weights (a flow that lists a link twice counts twice there), round-trip bias, ramp-up.
 * Worked: links of 10 and 7; A on both, B on the first, C on the second with demand 2: C = 2, then A = B = 5;
 * round 1 fixes C.
 *
 * Several solvers (partitions) share a problem so: every link is in exactly one solver; a flow is added, with
 * the same demand, to every solver that has a link of it. Each round, everywhere: measure(); exchange limit()
 * of the open shared flows into lower_limit(); settle(); exchange newly_fixed_rate() into fix(). Rates and
 * rounds are then those of the single solver, bit for bit.
 *
 * Memory is kept from problem to problem. Not thread-safe; one object per thread.
 */
class MaxMinSolver {
  public:
    //! Forgets links and flows, keeps the memory.
    void clear();
    //! Index of a link with this capacity >= 0; indices count from 0.
    std::uint32_t add_link(std::int64_t capacity);
    //! Index of a flow that wants `demand` >= 0 over these links (none: it gets its demand). `shared`: other
    //! solvers hold links of it.
    std::uint32_t add_flow(std::int64_t demand, std::span<std::uint32_t const> links, bool shared);
    //! After all adds, before the first round.
    void start();

    //! First half of a round: shares of links, limits of open flows.
    void measure();
    //! The smallest share that this solver sees on the flow's path, or `unlimited`. Valid between measure()
    //! and settle().
    [[nodiscard]] std::int64_t limit(std::uint32_t flow) const { return flows_[flow].limit; }
    //! Another solver's limit of the same flow.
    void lower_limit(std::uint32_t flow, std::int64_t elsewhere);
    //! Second half: fixes what can be fixed.
    void settle();
    //! The rate if this solver fixed the flow in this round, otherwise -1.
    [[nodiscard]] std::int64_t newly_fixed_rate(std::uint32_t flow) const;
    //! Another solver fixed the flow in this round. Harmless if this one did too, at the same rate.
    void fix(std::uint32_t flow, std::int64_t rate);

    [[nodiscard]] bool is_open(std::uint32_t flow) const { return flows_[flow].rate < 0; }
    [[nodiscard]] bool is_shared(std::uint32_t flow) const { return flows_[flow].shared; }
    [[nodiscard]] std::int64_t open_flows() const { return open_flows_; }
    [[nodiscard]] std::int64_t rate(std::uint32_t flow) const { return flows_[flow].rate; }
    [[nodiscard]] int rounds() const { return rounds_; }
    [[nodiscard]] std::size_t link_count() const { return links_.size(); }
    [[nodiscard]] std::size_t flow_count() const { return flows_.size(); }

    //! start() and all rounds, for a problem that is whole in this solver. Returns the rounds it took.
    int solve();

  private:
    struct Link {
        std::int64_t left{0};       // capacity not yet fixed
        std::int64_t share{0};      // `unlimited`: cannot bind, or (while settling) is no bottleneck
        std::uint32_t open{0};      // flows not yet fixed
        std::uint32_t matching{0};  // of those, the ones that would be content with `share`
    };
    struct Flow {
        std::int64_t demand{0};
        std::int64_t limit{unlimited};
        std::int64_t rate{-1};   // < 0: open
        std::uint32_t first{0};  // of its links in path_; after start() only those that can bind
        std::uint32_t size{0};
        int fixed_in_round{0};
        bool shared{false};
    };

    void close(Flow& flow, std::int64_t rate);
    [[nodiscard]] std::span<std::uint32_t const> path(Flow const& flow) const {
        return {path_.data() + flow.first, flow.size};
    }

    std::vector<Link> links_;
    std::vector<Flow> flows_;
    std::vector<std::uint32_t> path_;
    std::vector<std::uint32_t> active_links_;  // those with open flows that can bind
    std::vector<std::uint32_t> active_flows_;  // open, in order, and those closed since the last measure()
    std::int64_t open_flows_{0};
    int rounds_{0};
};

}  // namespace mw::fabric
