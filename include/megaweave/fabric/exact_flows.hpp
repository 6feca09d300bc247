#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "megaweave/fabric/link_load.hpp"

namespace mw::fabric {

//! One transfer over given links.
struct FlowSpec {
    std::int64_t bytes{0};
    double start_s{0};
    std::vector<std::uint32_t> links{};  //!< each once; none: it ends when it starts
    double latency_s{0};                 //!< of the whole path, added to the end of sending
    //! Of each link, what it carries of a byte, in parts of the network's `weight_unit`; none: all of it.
    std::vector<std::int32_t> weights{};
    std::int64_t priority{0};  //!< strict: 0 shares first
    std::int64_t weight{1};    //!< of its share within a priority
};

//! What flows share.
struct FlowNetwork {
    std::vector<std::int64_t> capacity_bytes_per_s{};  //!< of each link, positive
    std::int32_t weight_unit{1};
};

//! Chooses links by load when a flow starts.
class FlowRouter {
  public:
    using Loads = std::function<LinkLoad(std::uint32_t link)>;

    FlowRouter() = default;
    virtual ~FlowRouter() = default;
    FlowRouter(FlowRouter const&) = delete;
    FlowRouter& operator=(FlowRouter const&) = delete;

    //! Fills the flow's links, their weights and its latency. First and last link do not depend on the choice.
    virtual void choose(std::uint32_t flow, Loads const& loads, FlowSpec& spec) const = 0;
};

/*!
 * Finish times of flows: links are shared max-min fairly at every moment, and every start and finish shares
 * anew. This is the exact, event-driven form of the engine's windowed sharing.
 *
 *     finish = the time at which the integral of the flow's rate reaches its bytes, plus the path's latency
 *
 * Rates come from `FairShares`, so an event costs what it changes, in units of 2^-s bytes/s, with the largest s
 * that keeps capacities (times weights) below 2^52: 2^-16 bytes/s for 400 Gb/s links, so rounding costs less than
 * 1e-12 of a link. Bytes left are brought up to date only when a flow's rate changes. Events closer than 1e-13
 * (relative) are one.
 *
 * Priorities and weights are those of `PriorityShares`.
 *
 * Groups. A link that all flows that ever use it cannot fill, because they enter (or leave) the network through
 * links that together are no faster, is left out: the upper tiers of a sprayed network with full bisection.
 * Flows that share no link that is left, and no flow that shares one with both, do not see each other. They
 * form groups; groups may be solved in any order, by any thread or rank, to the same bits. Within a group events
 * follow one another: one group is one core's work.
 *
 * With a router, flows that start at one moment choose one after another, in their order, and each sees the shares of those before it;
 * which links a flow will use is then not known, so all flows are one group.
 *
 * Source: fluid max-min model, as SimGrid's CM02 without its correction factors. Validity: transfers much
 * longer than a round trip. Leaves out: packets, headers, start-up of congestion control (see `Transport`); a
 * path's latency does not delay the bytes' claim on its links.
 * Worked: 100 and 300 bytes start together on one link of 100 bytes/s: both at 50 until 2 s, then 200 bytes
 * alone: 2 s and 4 s.
 */
class ExactFlows {
  public:
    //! All must outlive this object. Without a router, the flows' own links hold.
    ExactFlows(FlowNetwork const& network, std::vector<FlowSpec> const& flows,
               FlowRouter const* router = nullptr);

    using Group = std::vector<std::uint32_t>;  //!< indices of flows, ascending
    //! In order of their first flow. Every flow is in one.
    [[nodiscard]] std::vector<Group> const& groups() const { return groups_; }
    //! Finish time [s] of each flow of a group, in its order. Thread-safe.
    [[nodiscard]] std::vector<double> solve(Group const& group) const;
    //! A guess at what a group costs, for sharing out the work.
    [[nodiscard]] static double cost(Group const& group) { return static_cast<double>(group.size()); }

  private:
    void find_groups();
    void number_links();
    void leave_out_idle_links();

    FlowNetwork const* network_;
    std::vector<FlowSpec> const* flows_;
    FlowRouter const* router_;
    std::size_t layers_{1};  // of priorities
    int shift_{0};
    std::vector<std::uint32_t> numbers_;  // of links in their groups; ~0: cannot bind, left out
    std::vector<Group> groups_;
};

//! Finish time [s] of every flow, in their order: all groups, one after another.
[[nodiscard]] std::vector<double> finish_times(FlowNetwork const& network, std::vector<FlowSpec> const& flows,
                                               FlowRouter const* router = nullptr);

}  // namespace mw::fabric
