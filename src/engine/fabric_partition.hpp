#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "megaweave/fabric/max_min.hpp"
#include "megaweave/parallel/comm.hpp"
#include "megaweave/site/partition.hpp"
#include "megaweave/site/plan.hpp"
#include "transfer.hpp"

namespace mw::engine {

//! A transfer that ended in this window, for its home rack.
struct Arrival {
    Transfer transfer;
    core::TimeNs at_ns{0};  //!< its last byte left
};

/*!
 * The links that a partition owns, the transfers that use them, and their fair shares of each window's bytes.
 *
 * A link belongs to the rank of its owner rack; a transfer is known to the ranks of its links and to its home. In a window a link has
 * capacity x window bytes, a transfer wants min(bytes left, line rate x time present); the max-min shares are found by synchronous
 * rounds: partitions swap limits and fixed rates of the transfers that they have in common, pairwise, and no other rank takes part.
 * All integers, all decisions from the state at the start of a round: the same bytes for any partition. Bytes on a link never exceed
 * its budget. A transfer that ends inside a window leaves its share to the others.
 *
 * Transfers inside a scale-up domain have no links: they run at their line rate, known to their home alone.
 */
class FabricPartition {
  public:
    FabricPartition(site::Plan const& plan, site::Partition const& partition, parallel::Comm& comm);

    //! Ranks that must know of a transfer (its home's among them), ascending.
    void participants(Transfer const& transfer, std::vector<int>& ranks) const;
    //! A transfer that concerns this rank joins.
    void join(Transfer const& transfer);
    //! Earliest time at which a transfer wants bytes, or core::never.
    [[nodiscard]] core::TimeNs next_event_ns(core::TimeNs now_ns) const;
    //! Moves the bytes of the window [start, end). Ended transfers of home racks here, in order of id. Collective among neighbours.
    std::vector<Arrival> const& advance(core::TimeNs start_ns, core::TimeNs end_ns);

    //! Bundles owned here, rack by rack, in recording order.
    [[nodiscard]] std::vector<fabric::BundleIndex> const& bundles() const { return bundles_; }
    [[nodiscard]] std::int64_t active() const { return static_cast<std::int64_t>(active_.size()); }
    //! Of those, the ones whose home is here: each transfer counts once over all ranks.
    [[nodiscard]] std::int64_t active_at_home() const;
    [[nodiscard]] std::int64_t rounds() const { return rounds_; }
    //! Transfers at home in one rack, for checkpoints.
    [[nodiscard]] std::vector<Transfer> of_home(core::RackId rack) const;
    //! Bytes counted on the bundles of one rack; whoever reads them sets them back to 0.
    [[nodiscard]] std::span<std::int64_t> bundle_bytes_of(core::RackId rack);

  private:
    struct Link {
        std::int64_t capacity_bytes_per_s;
        std::size_t bundle;            //!< place in bundles_
        std::int64_t window{-1};       //!< in which it was last given to the solver …
        std::uint32_t solver_link{0};  //!< … as this link
    };
    struct Active {
        Transfer transfer;
        std::array<std::uint32_t, 6> links{};  //!< owned here
        std::uint8_t link_count{0};
        std::array<int, 7> partners{};  //!< other ranks that have a part
        std::uint8_t partner_count{0};
        bool home_here{false};
        std::int64_t demand{0};
        std::uint32_t flow{0};  //!< of the solver; undefined while demand is 0
    };
    //! Open flows in common with one other rank, in order of transfer id.
    struct Neighbour {
        int rank;
        std::vector<std::uint32_t> open;  //!< places in active_
        std::vector<std::int64_t> send;
        std::vector<std::int64_t> receive;
    };

    [[nodiscard]] int rank_of_link(fabric::LinkIndex link) const;
    std::uint32_t own_link(fabric::LinkIndex link);
    void pose(core::TimeNs start_ns, core::TimeNs end_ns);
    void gather_neighbours();
    void solve();
    void swap_limits();
    void swap_fixed();
    void swap_all();
    void move_bytes(core::TimeNs start_ns, core::TimeNs end_ns);

    site::Plan const* plan_;
    site::Partition const* partition_;
    parallel::Comm* comm_;
    std::vector<fabric::BundleIndex> bundles_;
    std::vector<std::int64_t> bundle_bytes_;
    std::vector<std::size_t> first_bundle_;  //!< by local rack, one more than racks
    std::int64_t first_rack_;

    std::unordered_map<fabric::LinkIndex, std::uint32_t> link_numbers_;  //!< looked up only, never walked
    std::unordered_map<fabric::BundleIndex, std::size_t> bundle_places_;
    std::vector<Link> links_;
    std::vector<Active> active_;  //!< by transfer id
    bool sorted_{true};
    fabric::MaxMinSolver solver_;
    std::vector<Neighbour> neighbours_;
    std::vector<parallel::Swap> swaps_;
    std::vector<Arrival> arrivals_;
    std::int64_t window_{0};
    std::int64_t rounds_{0};
};

}  // namespace mw::engine
