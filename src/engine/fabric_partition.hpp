#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "megaweave/engine/results.hpp"
#include "megaweave/fabric/adaptive_routing.hpp"
#include "megaweave/fabric/link_load.hpp"
#include "megaweave/fabric/max_min.hpp"
#include "megaweave/fabric/priority_shares.hpp"
#include "megaweave/parallel/comm.hpp"
#include "megaweave/parallel/team.hpp"
#include "megaweave/site/partition.hpp"
#include "megaweave/site/plan.hpp"
#include "scale_out_pattern.hpp"
#include "transfer.hpp"

namespace mw::engine {

/*!
 * The links that a partition owns, the transfers and standing demands that use them, and their fair shares of each window's bytes.
 *
 * A link belongs to the rank of its owner rack; a transfer is known to the ranks of its links and to its home. In a window a link has
 * capacity x window bytes, a transfer wants min(bytes left, line rate x time present), a standing demand rate x window. The shares are
 * those of `fabric::MaxMinSolver`, which depend on nothing but the problem: the same bytes for any partition, and after a restart. Bytes
 * on a link never exceed its budget. A transfer that ends inside a window leaves its share to the others; one that appears inside it has
 * a weight in proportion to the time that it is present (in sixteenths, so shares come in steps of 16 bytes).
 *
 * When in the window it ended: filling is a picture of time. When a transfer has its bytes, the others on its links have the level that it
 * came to, or less; so the links have carried a known load, and that takes load / capacity of the window. The latest of its links, and
 * not before its line rate allows, is its end (exact for flows that share one link from the window's start).
 *
 * A window is taken in two steps; "window" below and above is such a step. Bytes of a step are a looser bound than rates at every
 * moment, so transfers come out early, in proportion to the step: against the exact form, quickstart's KV caches at 90 % link load take
 * 1.4 % less time in the mean at steps of 0.5 ms, 2.9 % at 1 ms (`tests/parallel/engine`).
 *
 * A standing demand's burst share: of each link, with the transfers there at the rates that they have, the level x at which one more flow
 * of its weights, at its line rate, and they would fill it (transfers above x share with it); the smallest of its links, at
 * most its line rate. Other standing demands are left out: their bursts fall beside it.
 * Worked: a link of 400 GB/s, a transfer that has 300 of them, line rate 400: x = 200; with a transfer that wants no more than 50: 350.
 *
 * One rank alone keeps the shares up to date (`fabric::FairShares`): a window costs what changed in it, and a standing demand that
 * nothing touches costs nothing. Several ranks may each do so for the whole network: nothing is swapped, and where thousands of demands
 * stand a change costs microseconds on each, while rounds would pose them all in every window. Or they find shares in synchronous
 * rounds, every window anew: partitions swap limits and fixed levels of the flows that they have in common, pairwise, and no other rank
 * takes part; work is then spread, whatever the number of ranks.
 *
 * Transfers inside a scale-up domain have no links: they run at their line rate, known to their home alone.
 */
class FabricPartition {
  public:
    //! Bytes are counted by bundle and by label, of which there are `labels`.
    //! `tells_use`: grants say how full the links of standing demands are.
    FabricPartition(site::Plan const& plan, site::Partition const& partition, parallel::Comm& comm,
                    std::size_t labels = 1, bool tells_use = false, Sharing sharing = Sharing::by_plan);

    //! Rounds with thousands of links or flows are spread over a rank's threads; the team must outlive the partition.
    void share_work(parallel::Team& team);
    //! Ranks that must know of a transfer (its home's among them), ascending.
    void participants(Transfer const& transfer, std::vector<int>& ranks) const;
    void participants(StandingDemand const& demand, std::vector<int>& ranks) const;
    //! A transfer that concerns this rank joins.
    void join(Transfer const& transfer);
    //! A standing demand that concerns this rank begins, at the next window that is advanced; all participants must say so alike, as
    //! of the calls below. Its weights are exact in parts of the network's own unit where no instance spans scale-up domains.
    void begin(StandingDemand const& demand);
    void change(std::uint64_t standing, std::int64_t bytes_per_s);
    void end(std::uint64_t standing);
    //! Ranks that know of a demand that began here, ascending.
    void participants(std::uint64_t standing, std::vector<int>& ranks) const;
    //! Those of a home rack, for checkpoints; and back after they began.
    [[nodiscard]] std::vector<StandingState> standing_of_home(core::RackId rack) const;
    void apply(StandingState const& state);
    void apply(DemandChange const& demand) { change(demand.id, demand.bytes_per_s); }
    //! Of the window that was advanced last: homes here, what differs from the window before.
    [[nodiscard]] std::vector<Grant> const& grants() const { return grants_; }
    //! What it was granted at the end of the last window that was advanced, as a share of what it would like (1: all of it), and in
    //! bytes of a step.
    [[nodiscard]] double granted_share(std::uint64_t standing) const;
    [[nodiscard]] std::int64_t granted_bytes(std::uint64_t standing) const;

    //! Gives a transfer that starts at home here its detours, where these go by load (and the latency of its way). Loads are those at the
    //! end of the window before last: each window's exchange brings those of the window that had closed.
    void choose_way(Transfer& transfer);
    //! Of own links, for all ranks with the next exchange.
    [[nodiscard]] std::vector<LoadNews>& load_news() { return load_news_; }
    void apply(LoadNews const& news) { loads_[static_cast<std::size_t>(news.link)] = news.load; }
    //! What all ranks know of a rack's links, and its links' own news, for checkpoints; and back.
    [[nodiscard]] std::vector<LoadNews> known_loads(core::RackId rack) const;
    [[nodiscard]] std::vector<LoadNews> load_news_of(core::RackId rack) const;
    void restore_loads(std::vector<LoadNews> const& known, std::vector<LoadNews> const& news);

    //! Earliest time at which a transfer wants bytes, or core::never. Standing demands make no events.
    [[nodiscard]] core::TimeNs next_event_ns(core::TimeNs now_ns) const;
    //! Moves the bytes of the window [start, end). Ended transfers of home racks here, in order of id. Collective among neighbours.
    //! Windows are equally long; over those that are left out, standing demands go on as they were. `checked`: the shares of the
    //! window's last step are held against the definition of fairness (same on all ranks).
    std::vector<Arrival> const& advance(core::TimeNs start_ns, core::TimeNs end_ns, bool checked = false);
    //! What the check of the last window found here: links owned here, flows at home here.
    [[nodiscard]] FairnessCount fairness() const { return fairness_; }

    //! Bundles owned here, rack by rack, in recording order.
    [[nodiscard]] std::vector<fabric::BundleIndex> const& bundles() const { return bundles_; }
    //! Where each of this partition's racks begins in it, and the end.
    [[nodiscard]] std::vector<std::size_t> const& first_bundles() const { return first_bundle_; }
    [[nodiscard]] std::size_t labels() const { return labels_; }
    [[nodiscard]] std::int64_t active() const { return static_cast<std::int64_t>(active_.size()); }
    //! Of those, the ones whose home is here: each transfer counts once over all ranks.
    [[nodiscard]] std::int64_t active_at_home() const;
    //! Of the swaps with neighbours; 0 on one rank.
    [[nodiscard]] std::int64_t rounds() const { return rounds_; }
    //! Transfers at home in one rack, for checkpoints.
    [[nodiscard]] std::vector<Transfer> of_home(core::RackId rack) const;
    //! Bytes counted on the bundles of one rack, label by label; whoever reads them sets them back to 0.
    [[nodiscard]] std::span<std::int64_t> bundle_bytes_of(core::RackId rack);
    //! The same without what standing demands moved since it was last counted: to be saved, and restored, beside their states.
    [[nodiscard]] std::span<std::int64_t> saved_bytes_of(core::RackId rack);

  private:
    static constexpr std::uint32_t no_flow = ~std::uint32_t{0};
    static constexpr std::uint32_t no_link = ~std::uint32_t{0};
    static constexpr std::size_t elsewhere = ~std::size_t{0};  //!< of bundles: another rank counts
    static constexpr int most_that_each_know_all = 64;
    static constexpr std::int64_t whole_window = 16;
    static constexpr std::int64_t steps = 2;  //!< of a window
    static constexpr std::int64_t whole_load = 1 << 16;
    static constexpr std::int64_t uses_told = 16;  //!< that grants tell apart

    struct Link {
        fabric::LinkIndex index;
        std::int64_t capacity_bytes_per_s;
        std::size_t bundle;            //!< place in bundles_, or elsewhere
        std::int64_t budget{0};        //!< of a window, in the solver's units
        std::int64_t posed{-1};        //!< problem in which it was last given to the solver …
        std::uint32_t solver_link{0};  //!< … as this link
        std::int64_t window{-1};       //!< in which …
        std::int64_t left{0};          //!< … layers so far left this of its budget
        fabric::LinkLoad told{};       //!< to all ranks
        bool stands{false};            //!< a standing demand may use it
        std::int64_t ample{0};         //!< with so much left, it holds no burst of these back
        std::int64_t taken{0};         //!< by transfers
        std::uint32_t first_claim{0};  //!< of the transfers on it …
        std::uint32_t claims{0};       //!< … so many
    };
    //! A transfer on a link that holds bursts of standing demands back.
    struct Claim {
        std::uint32_t link;
        std::int64_t content_at;  //!< the level at which it has what it has
        std::int64_t bytes;       //!< of the link, in the solver's units
        std::int64_t units;       //!< the same for a step of the level
        std::size_t layer;
    };
    //! What the solver is told of a transfer or a standing demand.
    struct Flow {
        std::vector<fabric::LinkUse> links;  //!< owned here; weights in the solver's units
        std::vector<int> partners;           //!< other ranks that have a part
        TrafficLabel label{0};
        bool home_here{false};
        bool explained{false};  //!< its share, by a full link or its own demand (check_shares)
        std::int64_t demand{0};
        std::size_t layer{0};  //!< of its class' priority, among those that the classes have
        std::int64_t class_weight{1};
        std::int64_t weight{
            whole_window};  //!< its class', times the part of the window that it is present, in parts of whole_window
        std::int64_t weight_told{0};    //!< to shares_
        std::uint32_t flow{no_flow};    //!< of the solver
        core::TimeNs end_offset_ns{0};  //!< into the window, if it ends in it
        std::int64_t least_load{
            whole_load};  //!< of its links, in parts of whole_load of a window (an ending transfer: up to its end)
    };
    struct Active : Flow {
        Transfer transfer;
        bool ends{false};  //!< in this window
    };
    struct Standing : Flow {
        std::uint64_t id{0};
        core::RackId home;
        std::int64_t bytes_per_s{0};
        std::int64_t line_bytes_per_s{0};
        std::int64_t granted{0};           //!< bytes of a window
        std::int64_t line{0};              //!< bytes of a window at its line rate
        std::int64_t burst{0};             //!< of a window, at most its line rate's
        bool touched{false};               //!< it is in touched_ …
        bool bursts{false};                //!< … since its burst may be another
        core::TimeNs counted_until_ns{0};  //!< its bytes are in bundle_bytes_ up to here
        Grant told{};                      //!< to its home
    };
    //! Open flows in common with one other rank: transfers, then standing demands, in order of id.
    struct Neighbour {
        int rank;
        std::vector<Flow const*> open;
        std::vector<std::int64_t> send;
        std::vector<std::int64_t> receive;
    };

    [[nodiscard]] fabric::Path const& path_of(Transfer const& transfer) const;
    [[nodiscard]] int rank_of_link(fabric::LinkIndex link) const;
    std::uint32_t own_link(fabric::LinkIndex link);
    void set_class(Flow& flow, TrafficLabel label);
    void use_link(Flow& flow, fabric::LinkIndex link, std::int64_t weight);
    void set_home(Flow& flow, core::RackId home);
    [[nodiscard]] std::vector<Standing>::const_iterator find(std::uint64_t standing) const;
    [[nodiscard]] std::int64_t budget_of(Link const& link) const;
    void sort();
    void step(core::TimeNs start_ns, core::TimeNs end_ns, bool checked);
    void want(core::TimeNs start_ns, core::TimeNs end_ns);
    void share_alone();
    void update_flow(Flow& flow);
    void share_with_neighbours();
    void pose(std::size_t layer);
    void pose(Flow& flow);
    void take_from_links(std::size_t layer);
    void meet_neighbours(Flow const& flow);
    void time_ends(core::TimeNs start_ns);
    void swap_ends();
    template <class Do>
    void for_wanting(Do what);
    void check_shares();
    void swap_explained();
    [[nodiscard]] std::int64_t load_at(std::uint32_t link, std::int64_t level, std::size_t layer) const;
    void swap_limits();
    void swap_fixed();
    void swap_all();
    [[nodiscard]] std::int64_t rate(Flow const& flow) const;
    void grant_standing(core::TimeNs start_ns);
    void number_standing();
    void number(std::uint32_t standing);
    void touch(std::uint32_t standing);
    void forget_places();
    void touch_those_on(std::vector<Claim> const& claims);
    void list_standing_of_links();
    template <class Do>
    void for_changed(Do what);
    template <class Do>
    void for_touched(Do what);
    void count_bytes(Standing& standing, core::TimeNs until_ns);
    void count(Flow const& flow, fabric::LinkUse use, std::int64_t bytes) {
        std::size_t const bundle = links_[use.link].bundle;
        if (bundle != elsewhere) bundle_bytes_[bundle * labels_ + flow.label] += bytes;
    }
    void add_all_ranks(std::vector<int>& ranks) const;
    void find_bursts();
    void claim_links();
    void find_uses();
    [[nodiscard]] std::int64_t burst_level(Flow const& flow, fabric::LinkUse use) const;
    void swap_bursts();
    [[nodiscard]] double use_of(Standing const& standing) const;
    void tell_homes();
    void measure_loads();
    void move_bytes(core::TimeNs start_ns);

    site::Plan const* plan_;
    site::Partition const* partition_;
    parallel::Comm* comm_;
    std::vector<fabric::BundleIndex> bundles_;
    std::size_t labels_;
    bool tells_use_;
    bool knows_all_;  //!< all links of the network are in links_, and shares_ has them
    std::vector<std::int64_t> bundle_bytes_;  //!< [bundle x label]
    std::vector<std::size_t> first_bundle_;   //!< by local rack, one more than racks
    std::int64_t first_rack_;
    std::int32_t weight_unit_;  //!< of the paths' weights; link budgets are given to the solver in its units

    std::vector<std::uint32_t> link_numbers_;  //!< place in links_ of each link of the network, or no_link
    std::unordered_map<fabric::BundleIndex, std::size_t> bundle_places_;
    std::vector<Link> links_;
    std::vector<Active> active_;      //!< by transfer id
    std::vector<Standing> standing_;  //!< by id
    bool sorted_{true};
    bool standing_changed_{false};        //!< since the last window: any of them may have
    std::vector<std::uint32_t> changed_;  //!< else these, places in standing_
    bool all_touched_{false};             //!< since homes were told, any of them may have got another share
    std::vector<std::uint32_t> touched_;  //!< else these
    std::vector<std::size_t> first_on_link_;  //!< of each of links_ and the end: standing_on_link_
    std::vector<std::uint32_t> standing_on_link_;
    bool transfer_ended_{false};  //!< in the last window: its share is free in the next
    bool stepped_{false};         //!< shares were found since homes were told

    std::vector<std::int64_t> layer_priorities_;  //!< that classes have, ascending
    fabric::PriorityShares shares_;               //!< who knows all: its links are links_
    std::vector<fabric::MaxMinSolver> solvers_;   //!< in rounds; one for each layer
    std::int64_t posed_{0};                       //!< problems so far
    fabric::AdaptiveRouting choose_detour_;
    std::vector<fabric::LinkLoad> loads_;  //!< of all links, as told; none where detours do not go by load
    std::vector<LoadNews> load_news_;
    std::vector<std::uint32_t> loaded_;  //!< own links that told of a load
    std::vector<std::uint32_t>
        standing_of_flow_;  //!< one rank: place + 1 in standing_ of a flow of shares_; 0: a transfer
    std::vector<fabric::LinkUse> uses_;
    mutable fabric::Path path_;  //!< reused
    std::vector<Neighbour> neighbours_;
    std::vector<parallel::Swap> swaps_;
    std::vector<Arrival> arrivals_;
    std::vector<Claim> claims_;             //!< by link, then level
    std::vector<std::int64_t> link_loads_;  //!< reused, of links_
    std::vector<Grant> grants_;
    core::TimeNs window_ns_{0};  //!< of a step
    core::TimeNs now_ns_{0};     //!< end of the last step
    std::int64_t window_{0};
    std::int64_t rounds_{0};
    FairnessCount fairness_;  //!< of the last window that was checked
};

//! Places in standing_ whose demand may differ from the last window's.
template <class Do>
void FabricPartition::for_changed(Do what) {
    if (standing_changed_)
        for (std::uint32_t s = 0; s < standing_.size(); ++s) what(s);
    else
        for (std::uint32_t const s : changed_) what(s);
}

}  // namespace mw::engine
