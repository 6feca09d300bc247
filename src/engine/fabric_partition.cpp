#include "fabric_partition.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "megaweave/core/check.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::engine {

namespace {

std::vector<std::int64_t> priorities_of(fabric::ClassTable const& classes) {
    std::vector<std::int64_t> found;
    for (fabric::ClassParams const& one : classes.of_class) found.push_back(one.priority);
    std::ranges::sort(found);
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

}  // namespace

FabricPartition::FabricPartition(site::Plan const& plan, site::Partition const& partition,
                                 parallel::Comm& comm, std::size_t labels, bool tells_use, Sharing sharing)
    : plan_{&plan},
      partition_{&partition},
      comm_{&comm},
      labels_{labels},
      tells_use_{tells_use},
      knows_all_{
          comm.size() == 1 || sharing == Sharing::each_all ||
          (sharing == Sharing::by_plan && comm.size() <= most_that_each_know_all && spans_domains(plan))},
      first_rack_{partition.first_rack(comm.rank())},
      weight_unit_{spans_domains(plan) ? fabric::full_weight : plan.network().weight_unit()},
      link_numbers_(static_cast<std::size_t>(plan.network().link_count()), no_link),
      layer_priorities_{priorities_of(plan.network().classes())},
      shares_{layer_priorities_.size()},
      solvers_(layer_priorities_.size()),
      choose_detour_{plan.network()} {
    if (plan.network().detours_by_load())
        loads_.resize(static_cast<std::size_t>(plan.network().link_count()));
    for (std::int64_t r = 0; r < partition.rack_count(comm.rank()); ++r) {
        first_bundle_.push_back(bundles_.size());
        for (fabric::BundleIndex const bundle :
             plan.bundles_of(core::RackId::of(static_cast<std::size_t>(first_rack_ + r)))) {
            bundle_places_.emplace(bundle, bundles_.size());
            bundles_.push_back(bundle);
        }
    }
    first_bundle_.push_back(bundles_.size());
    bundle_bytes_.assign(bundles_.size() * labels, 0);
}

fabric::Path const& FabricPartition::path_of(Transfer const& transfer) const {
    plan_->network().path(transfer.route, path_);
    return path_;
}

int FabricPartition::rank_of_link(fabric::LinkIndex link) const {
    return partition_->rank_of(plan_->rack_of_link(link));
}

void FabricPartition::add_all_ranks(std::vector<int>& ranks) const {
    ranks.resize(static_cast<std::size_t>(comm_->size()));
    std::iota(ranks.begin(), ranks.end(), 0);
}

void FabricPartition::participants(Transfer const& transfer, std::vector<int>& ranks) const {
    if (knows_all_) return add_all_ranks(ranks);
    ranks.assign(1, partition_->rank_of(transfer.home));
    for (fabric::Hop const& hop : path_of(transfer).hops()) ranks.push_back(rank_of_link(hop.link));
    std::ranges::sort(ranks);
    ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
}

void FabricPartition::participants(StandingDemand const& demand, std::vector<int>& ranks) const {
    if (knows_all_) return add_all_ranks(ranks);
    ranks.assign(1, partition_->rank_of(demand.home));
    for (LinkPart const& use : demand.uses) ranks.push_back(rank_of_link(use.link));
    std::ranges::sort(ranks);
    ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
}

std::uint32_t FabricPartition::own_link(fabric::LinkIndex link) {
    std::uint32_t& number = link_numbers_[static_cast<std::size_t>(link)];
    if (number == no_link) {
        number = static_cast<std::uint32_t>(links_.size());
        fabric::Topology const& network = plan_->network();
        auto const bundle = bundle_places_.find(network.bundle_of(link));
        MW_EXPECT(knows_all_ || bundle != bundle_places_.end(), "a link of this rank");
        links_.push_back(
            {link, network.capacity(link), bundle == bundle_places_.end() ? elsewhere : bundle->second});
        links_.back().budget = budget_of(links_.back());
        if (knows_all_) shares_.add_link(links_.back().budget);
    }
    return number;
}

//! Bytes of a window, in the solver's units.
std::int64_t FabricPartition::budget_of(Link const& link) const {
    return core::mul_div(link.capacity_bytes_per_s, window_ns_, core::ns_per_s) * weight_unit_;
}

void FabricPartition::use_link(Flow& flow, fabric::LinkIndex link, std::int64_t weight) {
    int const rank = knows_all_ ? comm_->rank() : rank_of_link(link);
    if (rank == comm_->rank())
        flow.links.push_back({own_link(link), weight});
    else if (std::ranges::find(flow.partners, rank) == flow.partners.end())
        flow.partners.push_back(rank);
}

//! The home learns the rates although it may own no link of the path, and the owners must tell it.
void FabricPartition::set_home(Flow& flow, core::RackId home) {
    int const rank = partition_->rank_of(home);
    flow.home_here = rank == comm_->rank();
    if (!knows_all_ && !flow.home_here && std::ranges::find(flow.partners, rank) == flow.partners.end())
        flow.partners.push_back(rank);
}

void FabricPartition::set_class(Flow& flow, TrafficLabel label) {
    fabric::ClassParams const& of = plan_->network().classes().of_class[class_of(label)];
    flow.label = label;
    flow.layer = static_cast<std::size_t>(std::ranges::lower_bound(layer_priorities_, of.priority) -
                                          layer_priorities_.begin());
    flow.class_weight = of.weight;
}

void FabricPartition::join(Transfer const& transfer) {
    Active& active = active_.emplace_back();
    sorted_ = false;
    active.transfer = transfer;
    set_class(active, transfer.label);
    for (fabric::Hop const& hop : path_of(transfer).hops())
        use_link(active, hop.link, hop.weight / (fabric::full_weight / weight_unit_));
    set_home(active, transfer.home);
}

core::TimeNs FabricPartition::next_event_ns(core::TimeNs now_ns) const {
    core::TimeNs next = core::never;
    for (Active const& active : active_)
        next = std::min(next, std::max(now_ns, active.transfer.present_from_ns));
    return next;
}

void FabricPartition::sort() {
    if (!sorted_) std::ranges::sort(active_, {}, [](Active const& a) { return a.transfer.id; });
    sorted_ = true;
}

std::vector<Arrival> const& FabricPartition::advance(core::TimeNs start_ns, core::TimeNs end_ns,
                                                     bool checked) {
    arrivals_.clear();
    grants_.clear();
    fairness_ = {};
    sort();
    std::int64_t const count = (end_ns - start_ns) % steps == 0 ? steps : 1;
    core::TimeNs const step_ns = (end_ns - start_ns) / count;
    for (std::int64_t i = 0; i < count; ++i)
        step(start_ns + i * step_ns, start_ns + (i + 1) * step_ns, checked && i + 1 == count);
    std::ranges::sort(arrivals_, {}, [](Arrival const& a) { return a.transfer.id; });
    if (std::exchange(stepped_, false) && !standing_.empty()) {
        find_bursts();
        tell_homes();
    }
    measure_loads();
    return arrivals_;
}

void FabricPartition::step(core::TimeNs start_ns, core::TimeNs end_ns, bool checked) {
    if (end_ns - start_ns != window_ns_) {
        MW_EXPECT(window_ns_ == 0 || standing_.empty(), "windows are equally long");
        window_ns_ = end_ns - start_ns;
        for (std::uint32_t l = 0; l < links_.size(); ++l) {
            links_[l].budget = budget_of(links_[l]);
            if (knows_all_) shares_.set_capacity(l, links_[l].budget);
        }
    }
    now_ns_ = end_ns;
    // Whoever shares a flow with a neighbour must meet it; else nothing new means nothing to do.
    if (active_.empty() &&
        (knows_all_ ? !standing_changed_ && changed_.empty() && !transfer_ended_ : standing_.empty())) {
        if (checked) check_shares();
        return;
    }
    ++window_;
    stepped_ = true;
    want(start_ns, end_ns);
    if (knows_all_)
        share_alone();
    else
        share_with_neighbours();
    grant_standing(start_ns);
    if (checked) check_shares();
    time_ends(start_ns);
    move_bytes(start_ns);
}

//! Demands in bytes of the window.
void FabricPartition::want(core::TimeNs start_ns, core::TimeNs end_ns) {
    for (Active& active : active_) {
        Transfer const& transfer = active.transfer;
        core::TimeNs const present_ns = end_ns - std::max(start_ns, transfer.present_from_ns);
        active.demand = present_ns <= 0
                            ? 0
                            : std::min(transfer.bytes_left,
                                       core::mul_div(transfer.bytes_per_s, present_ns, core::ns_per_s));
        active.weight = active.class_weight *
                        std::max<std::int64_t>(1, core::mul_div(whole_window, present_ns, window_ns_));
    }
    for_changed([&](std::uint32_t s) {
        Standing& standing = standing_[s];
        standing.demand = core::mul_div(standing.bytes_per_s, window_ns_, core::ns_per_s);
        standing.line = core::mul_div(standing.line_bytes_per_s, window_ns_, core::ns_per_s);
    });
}

std::int64_t FabricPartition::rate(Flow const& flow) const {
    if (flow.demand == 0) return 0;
    return knows_all_ ? shares_.rate(flow.flow) : solvers_[flow.layer].rate(flow.flow);
}

//! When in the window the transfers end that end in it.
void FabricPartition::time_ends(core::TimeNs start_ns) {
    bool shared = false;
    for (Active& active : active_) {
        Transfer const& transfer = active.transfer;
        active.ends = active.demand > 0 && rate(active) == transfer.bytes_left;
        if (!active.ends) continue;
        shared = true;
        core::TimeNs const from_ns = std::max(start_ns, transfer.present_from_ns) - start_ns;
        active.end_offset_ns =
            from_ns + core::mul_div(transfer.bytes_left, core::ns_per_s, transfer.bytes_per_s);
        std::int64_t const level = fabric::content_level(active.demand, active.weight);
        for (fabric::LinkUse const use : active.links) {
            std::int64_t const load = load_at(use.link, level, active.layer);
            std::int64_t const most = links_[use.link].budget;
            active.end_offset_ns = std::max(active.end_offset_ns, core::mul_div(window_ns_, load, most));
            active.least_load = std::min(active.least_load, core::mul_div(whole_load, load, most));
        }
        active.end_offset_ns = std::min(active.end_offset_ns, window_ns_);
    }
    if (shared && !knows_all_) swap_ends();
}

void FabricPartition::move_bytes(core::TimeNs start_ns) {
    transfer_ended_ = false;
    std::size_t kept = 0;
    for (Active& active : active_) {
        Transfer& transfer = active.transfer;
        std::int64_t const granted = rate(active);
        for (fabric::LinkUse const use : active.links)
            count(active, use, core::mul_div(granted, use.weight, weight_unit_));
        transfer.bytes_left -= granted;
        if (active.ends) {
            double const until_end = static_cast<double>(active.least_load) / whole_load *
                                     static_cast<double>(window_ns_) /
                                     static_cast<double>(std::max<core::TimeNs>(1, active.end_offset_ns));
            if (active.home_here)
                arrivals_.push_back({transfer, start_ns + active.end_offset_ns, std::min(1.0, until_end)});
            if (knows_all_) shares_.remove_flow(active.flow);
            transfer_ended_ = true;
        } else {
            if (&active_[kept] != &active) active_[kept] = std::move(active);
            ++kept;
        }
    }
    active_.resize(kept);
}

std::int64_t FabricPartition::active_at_home() const {
    return std::ranges::count_if(active_, &Active::home_here);
}

std::vector<Transfer> FabricPartition::of_home(core::RackId rack) const {
    std::vector<Transfer> transfers;
    for (Active const& active : active_)
        if (active.transfer.home == rack) transfers.push_back(active.transfer);
    return transfers;
}

std::span<std::int64_t> FabricPartition::bundle_bytes_of(core::RackId rack) {
    for (Standing& standing : standing_) count_bytes(standing, now_ns_);
    return saved_bytes_of(rack);
}

std::span<std::int64_t> FabricPartition::saved_bytes_of(core::RackId rack) {
    auto const local = static_cast<std::size_t>(rack.index() - first_rack_);
    return std::span{bundle_bytes_}.subspan(first_bundle_[local] * labels_,
                                            (first_bundle_[local + 1] - first_bundle_[local]) * labels_);
}

}  // namespace mw::engine
