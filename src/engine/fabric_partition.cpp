#include "fabric_partition.hpp"

#include <algorithm>

#include "megaweave/core/check.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::engine {

FabricPartition::FabricPartition(site::Plan const& plan, site::Partition const& partition,
                                 parallel::Comm& comm)
    : plan_{&plan}, partition_{&partition}, comm_{&comm}, first_rack_{partition.first_rack(comm.rank())} {
    for (std::int64_t r = 0; r < partition.rack_count(comm.rank()); ++r) {
        first_bundle_.push_back(bundles_.size());
        for (fabric::BundleIndex const bundle :
             plan.bundles_of(core::RackId::of(static_cast<std::size_t>(first_rack_ + r)))) {
            bundle_places_.emplace(bundle, bundles_.size());
            bundles_.push_back(bundle);
        }
    }
    first_bundle_.push_back(bundles_.size());
    bundle_bytes_.assign(bundles_.size(), 0);
}

int FabricPartition::rank_of_link(fabric::LinkIndex link) const {
    return partition_->rank_of(plan_->rack_of_link(link));
}

void FabricPartition::participants(Transfer const& transfer, std::vector<int>& ranks) const {
    ranks.assign(1, partition_->rank_of(transfer.home));
    for (fabric::LinkIndex const link : transfer.path.view()) ranks.push_back(rank_of_link(link));
    std::ranges::sort(ranks);
    ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
}

std::uint32_t FabricPartition::own_link(fabric::LinkIndex link) {
    auto const [at, inserted] = link_numbers_.try_emplace(link, static_cast<std::uint32_t>(links_.size()));
    if (inserted) {
        fabric::Clos const& clos = plan_->clos();
        links_.push_back({clos.capacity(link), bundle_places_.at(clos.bundle_of(link))});
    }
    return at->second;
}

void FabricPartition::join(Transfer const& transfer) {
    Active& active = active_.emplace_back();
    sorted_ = false;
    active.transfer = transfer;
    active.home_here = partition_->rank_of(transfer.home) == comm_->rank();
    for (fabric::LinkIndex const link : transfer.path.view()) {
        int const rank = rank_of_link(link);
        if (rank == comm_->rank()) {
            active.links[active.link_count++] = own_link(link);
            continue;
        }
        auto const known = std::span{active.partners}.first(active.partner_count);
        if (std::ranges::find(known, rank) == known.end()) active.partners[active.partner_count++] = rank;
    }
    // The home learns the rates although it may own no link of the path, and the owners must tell it.
    int const home = partition_->rank_of(transfer.home);
    auto const known = std::span{active.partners}.first(active.partner_count);
    if (home != comm_->rank() && std::ranges::find(known, home) == known.end())
        active.partners[active.partner_count++] = home;
}

core::TimeNs FabricPartition::next_event_ns(core::TimeNs now_ns) const {
    core::TimeNs next = core::never;
    for (Active const& active : active_)
        next = std::min(next, std::max(now_ns, active.transfer.present_from_ns));
    return next;
}

std::vector<Arrival> const& FabricPartition::advance(core::TimeNs start_ns, core::TimeNs end_ns) {
    arrivals_.clear();
    if (active_.empty()) return arrivals_;
    if (!sorted_) std::ranges::sort(active_, {}, [](Active const& a) { return a.transfer.id; });
    sorted_ = true;
    ++window_;
    pose(start_ns, end_ns);
    gather_neighbours();
    solve();
    move_bytes(start_ns, end_ns);
    return arrivals_;
}

//! States the window's problem: budgets in bytes, demands in bytes.
void FabricPartition::pose(core::TimeNs start_ns, core::TimeNs end_ns) {
    solver_.clear();
    std::array<std::uint32_t, 6> path{};
    for (Active& active : active_) {
        Transfer const& transfer = active.transfer;
        core::TimeNs const present_ns = end_ns - std::max(start_ns, transfer.present_from_ns);
        active.demand = present_ns <= 0
                            ? 0
                            : std::min(transfer.bytes_left,
                                       core::mul_div(transfer.bytes_per_s, present_ns, core::ns_per_s));
        if (active.demand == 0) continue;
        for (std::uint8_t i = 0; i < active.link_count; ++i) {
            Link& link = links_[active.links[i]];
            if (link.window != window_) {
                link.window = window_;
                link.solver_link = solver_.add_link(
                    core::mul_div(link.capacity_bytes_per_s, end_ns - start_ns, core::ns_per_s));
            }
            path[i] = link.solver_link;
        }
        active.flow = solver_.add_flow(active.demand, std::span{path}.first(active.link_count),
                                       active.partner_count > 0);
    }
    solver_.start();
}

void FabricPartition::gather_neighbours() {
    for (Neighbour& neighbour : neighbours_) neighbour.open.clear();
    for (std::uint32_t i = 0; i < active_.size(); ++i) {
        Active const& active = active_[i];
        if (active.demand == 0) continue;
        for (std::uint8_t p = 0; p < active.partner_count; ++p) {
            auto at = std::ranges::lower_bound(neighbours_, active.partners[p], {}, &Neighbour::rank);
            if (at == neighbours_.end() || at->rank != active.partners[p])
                at = neighbours_.insert(at, Neighbour{active.partners[p], {}, {}, {}});
            at->open.push_back(i);
        }
    }
}

void FabricPartition::solve() {
    int round = 0;
    while (solver_.open_flows() > 0) {
        ++round;
        solver_.measure();
        swap_limits();
        solver_.settle();
        swap_fixed();
    }
    rounds_ += round;
}

void FabricPartition::swap_all() {
    swaps_.clear();
    for (Neighbour& neighbour : neighbours_) {
        if (neighbour.send.empty()) continue;
        neighbour.receive.resize(neighbour.send.size());
        swaps_.push_back({neighbour.rank, neighbour.send, neighbour.receive});
    }
    if (!swaps_.empty()) comm_->swap(swaps_);
}

//! First half of a round: every partition must see the smallest share along the whole path.
void FabricPartition::swap_limits() {
    for (Neighbour& neighbour : neighbours_) {
        neighbour.send.clear();
        for (std::uint32_t const i : neighbour.open) neighbour.send.push_back(solver_.limit(active_[i].flow));
    }
    swap_all();
    for (Neighbour& neighbour : neighbours_)
        for (std::size_t k = 0; k < neighbour.send.size(); ++k)
            solver_.lower_limit(active_[neighbour.open[k]].flow, neighbour.receive[k]);
    // Flows that their demand fixes are fixed by everybody alike: no need to tell.
    for (Neighbour& neighbour : neighbours_)
        std::erase_if(neighbour.open,
                      [&](std::uint32_t i) { return active_[i].demand <= solver_.limit(active_[i].flow); });
}

//! Second half: a bottleneck in one partition fixes flows in the others.
void FabricPartition::swap_fixed() {
    for (Neighbour& neighbour : neighbours_) {
        neighbour.send.clear();
        for (std::uint32_t const i : neighbour.open)
            neighbour.send.push_back(solver_.newly_fixed_rate(active_[i].flow));
    }
    swap_all();
    for (Neighbour& neighbour : neighbours_)
        for (std::size_t k = 0; k < neighbour.send.size(); ++k)
            if (neighbour.receive[k] >= 0) solver_.fix(active_[neighbour.open[k]].flow, neighbour.receive[k]);
    // Only now: what one neighbour fixed is open no longer for the others either.
    for (Neighbour& neighbour : neighbours_)
        std::erase_if(neighbour.open, [&](std::uint32_t i) { return !solver_.is_open(active_[i].flow); });
}

void FabricPartition::move_bytes(core::TimeNs start_ns, core::TimeNs end_ns) {
    std::size_t kept = 0;
    for (Active& active : active_) {
        Transfer& transfer = active.transfer;
        std::int64_t const granted = active.demand == 0 ? 0 : solver_.rate(active.flow);
        for (std::uint8_t i = 0; i < active.link_count; ++i)
            bundle_bytes_[links_[active.links[i]].bundle] += granted;
        transfer.bytes_left -= granted;
        if (transfer.bytes_left == 0 && active.demand > 0) {
            // Unthrottled to the end, it ended when its line rate says; otherwise some time in this window.
            core::TimeNs const from_ns = std::max(start_ns, transfer.present_from_ns);
            core::TimeNs const at_ns = from_ns + core::mul_div(granted, core::ns_per_s, transfer.bytes_per_s);
            if (active.home_here) arrivals_.push_back({transfer, std::min(at_ns, end_ns)});
        } else {
            active_[kept++] = active;
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
    auto const local = static_cast<std::size_t>(rack.index() - first_rack_);
    return std::span{bundle_bytes_}.subspan(first_bundle_[local],
                                            first_bundle_[local + 1] - first_bundle_[local]);
}

}  // namespace mw::engine
