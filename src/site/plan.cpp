#include "megaweave/site/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "megaweave/core/error.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::site {

namespace {

constexpr std::int64_t rows_per_hall = 20;
constexpr double row_pitch_m = 3.0;  // rack, and half of a cold and a hot aisle
constexpr double hall_gap_m = 6.0;

//! Rows that make a roughly square floor, in steps of eight racks.
std::int64_t choose_row_length(std::int64_t racks, double width_m) {
    double const square = std::sqrt(static_cast<double>(racks) * row_pitch_m / width_m);
    return std::clamp<std::int64_t>(std::llround(square / 8.0) * 8, 8, 40);
}

fabric::NetworkParams with_endpoints(PlanParams const& params) {
    fabric::NetworkParams network = params.scale_out;
    network.endpoints = params.accelerators + params.scale_out.memory_nodes * params.rack.node.accelerators;
    network.nics_per_node = params.rack.node.accelerators;
    return network;
}

}  // namespace

Plan::Plan(PlanParams const& params)
    : params_{params},
      network_{fabric::make_topology(with_endpoints(params))},
      racks_{core::ceil_div(params.accelerators, params.rack.accelerators())},
      row_length_{choose_row_length(racks_, params.rack.width_m)} {
    std::int64_t first = 0;
    for (std::size_t s = 0; s < params.services.size(); ++s) {
        if (params.services[s].unit.prefill_instances > 0)
            place_units(core::ServiceId::of(s), params.services[s], first);
        else
            place_service(core::ServiceId::of(s), params.services[s], first);
        first += params.services[s].accelerators;
        cell_weights_.push_back(weigh_cells(core::ServiceId::of(s)));
    }
}

void Plan::place_service(core::ServiceId service, Placement const& placement,
                         std::int64_t first_accelerator) {
    std::int64_t const per_node = params_.rack.node.accelerators;
    std::int64_t const size = placement.per_instance;
    // Instances smaller than a node start anew in each node; larger ones at a node's edge.
    std::int64_t const stride = size <= per_node ? per_node : core::ceil_div(size, per_node) * per_node;
    std::int64_t const per_stride = size <= per_node ? per_node / size : 1;
    std::int64_t const begin = core::ceil_div(first_accelerator, per_node) * per_node;
    std::int64_t const end = std::min(first_accelerator + placement.accelerators, params_.accelerators);

    auto const first_instance = static_cast<std::uint32_t>(instances_.size());
    for (std::int64_t at = begin; at < end; at += stride)
        for (std::int64_t i = 0; i < per_stride && at + (i + 1) * size <= end; ++i) {
            InstancePlace& place = instances_.emplace_back();
            place.service = service;
            place.first_accelerator = at + i * size;
            place.accelerators = size;
            place.home = rack_of_node(node_of(place.first_accelerator));
        }
    auto const count = static_cast<std::int64_t>(instances_.size()) - first_instance;
    std::int64_t const needed = placement.prefill_share > 0 ? 2 : 1;
    if (count < needed)
        throw core::InputError(fmt::format(
            "service {}: {} accelerators hold {} instances of {} accelerators, but it needs at least {}. "
            "Give it more accelerators or less parallelism",
            service.index(), placement.accelerators, count, size, needed));
    used_ += count * size;
    place_cells(service, placement, first_instance);
}

// Unit by unit, each a cell: its prefill instances, then its decode instances. An instance does not straddle a node's edge needlessly.
void Plan::place_units(core::ServiceId service, Placement const& placement, std::int64_t first_accelerator) {
    std::int64_t const per_node = params_.rack.node.accelerators;
    std::int64_t const end = std::min(first_accelerator + placement.accelerators, params_.accelerators);
    std::int64_t at = core::ceil_div(first_accelerator, per_node) * per_node;
    std::size_t const first_cell = cells_.size();
    for (bool fits = true; fits;) {
        std::size_t const first_instance = instances_.size();
        auto const place = [&](std::int64_t size, bool prefill) {
            if (size > per_node || at % per_node + size > per_node)
                at = core::ceil_div(at, per_node) * per_node;
            instances_.push_back(
                {service, core::CellId::of(cells_.size()), rack_of_node(node_of(at)), at, size, prefill});
            at += size;
        };
        for (std::int64_t i = 0; i < placement.unit.prefill_instances; ++i)
            place(placement.unit.prefill_size, true);
        for (std::int64_t i = 0; i < placement.unit.decode_instances; ++i)
            place(placement.per_instance, false);
        fits = at <= end;
        if (!fits) {
            instances_.resize(first_instance);
            break;
        }
        for (std::size_t i = first_instance; i < instances_.size(); ++i) used_ += instances_[i].accelerators;
        CellPlace& cell = cells_.emplace_back();
        cell.service = service;
        cell.home = instances_[first_instance].home;
        cell.first_instance = static_cast<std::uint32_t>(first_instance);
        cell.last_instance = static_cast<std::uint32_t>(instances_.size());
        cell.number = static_cast<std::uint32_t>(cells_.size() - first_cell - 1);
    }
    if (cells_.size() == first_cell)
        throw core::InputError(fmt::format(
            "service {}: {} accelerators do not hold one unit of {} prefill instances of {} and {} decode "
            "instances of {}. "
            "Give it more accelerators or less parallelism",
            service.index(), placement.accelerators, placement.unit.prefill_instances,
            placement.unit.prefill_size, placement.unit.decode_instances, placement.per_instance));
    for (std::size_t c = first_cell; c < cells_.size(); ++c)
        cells_[c].count = static_cast<std::uint32_t>(cells_.size() - first_cell);
}

void Plan::place_cells(core::ServiceId service, Placement const& placement, std::uint32_t first_instance) {
    auto const count = static_cast<std::int64_t>(instances_.size()) - first_instance;
    bool const disaggregated = placement.prefill_share > 0;
    std::int64_t const least = disaggregated ? 2 : 1;
    std::int64_t const cells =
        std::clamp<std::int64_t>(core::ceil_div(count, placement.cell_instances), 1, count / least);
    for (std::int64_t c = 0; c < cells; ++c) {
        CellPlace cell;
        cell.service = service;
        cell.first_instance = first_instance + static_cast<std::uint32_t>(count * c / cells);
        cell.last_instance = first_instance + static_cast<std::uint32_t>(count * (c + 1) / cells);
        cell.number = static_cast<std::uint32_t>(c);
        cell.count = static_cast<std::uint32_t>(cells);
        cell.home = instances_[cell.first_instance].home;

        std::int64_t const size = cell.last_instance - cell.first_instance;
        std::int64_t const prefill =
            disaggregated
                ? std::clamp<std::int64_t>(std::llround(placement.prefill_share * static_cast<double>(size)),
                                           1, size - 1)
                : 0;
        for (std::int64_t i = 0; i < size; ++i) {
            InstancePlace& place = instances_[cell.first_instance + static_cast<std::size_t>(i)];
            place.cell = core::CellId::of(cells_.size());
            place.prefill = (i + 1) * prefill / size > i * prefill / size;  // evenly among them
        }
        cells_.push_back(cell);
    }
}

std::vector<std::uint64_t> Plan::weigh_cells(core::ServiceId service) const {
    struct Pools {
        std::uint64_t prefill{0};
        std::uint64_t decode{0};
    };
    std::vector<Pools> cells;
    Pools all;
    for (CellPlace const& cell : cells_) {
        if (cell.service != service) continue;
        Pools& pools = cells.emplace_back();
        for (std::uint32_t i = cell.first_instance; i < cell.last_instance; ++i)
            ++(instances_[i].prefill ? pools.prefill : pools.decode);
        all.prefill += pools.prefill;
        all.decode += pools.decode;
    }
    std::vector<std::uint64_t> weights;
    std::uint64_t factor = 0;
    for (Pools const& cell : cells) {
        // Over the common denominator P D; without prefill instances all of them do both.
        weights.push_back(all.prefill == 0 ? cell.decode
                                           : std::min(cell.prefill * all.decode, cell.decode * all.prefill));
        factor = std::gcd(factor, weights.back());
    }
    if (std::ranges::all_of(weights, [&](std::uint64_t weight) { return weight == weights.front(); }))
        return {};
    for (std::uint64_t& weight : weights) weight /= factor;
    return weights;
}

std::int64_t Plan::accelerators_in(core::RackId rack) const {
    std::int64_t const size = params_.rack.accelerators();
    return std::min(size, params_.accelerators - rack.index() * size);
}

std::int64_t Plan::nodes_in(core::RackId rack) const {
    return core::ceil_div(accelerators_in(rack), params_.rack.node.accelerators);
}

std::int64_t Plan::nodes() const {
    return core::ceil_div(params_.accelerators, params_.rack.node.accelerators);
}

core::RackId Plan::rack_of_memory(std::int64_t memory_node) const {
    std::int64_t const from_the_end = (memory_nodes() - 1 - memory_node) / params_.rack.nodes;
    return core::RackId::of(static_cast<std::size_t>(std::max<std::int64_t>(0, racks_ - 1 - from_the_end)));
}

std::int64_t Plan::memory_nodes_in(core::RackId rack) const {
    std::int64_t count = 0;
    for (std::int64_t m = 0; m < memory_nodes(); ++m) count += rack_of_memory(m) == rack ? 1 : 0;
    return count;
}

std::int64_t Plan::halls() const {
    return core::ceil_div(core::ceil_div(racks_, row_length_), rows_per_hall);
}

RackPlace Plan::place(core::RackId rack) const {
    std::int64_t const row = rack.index() / row_length_;
    std::int64_t const place = rack.index() % row_length_;
    std::int64_t const hall = row / rows_per_hall;
    auto const halls_across = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(halls()))));
    double const hall_width = static_cast<double>(row_length_) * params_.rack.width_m + hall_gap_m;
    double const hall_depth = static_cast<double>(rows_per_hall) * row_pitch_m + hall_gap_m;

    std::int64_t const hall_row = hall / halls_across;
    RackPlace where;
    where.hall = static_cast<std::int32_t>(hall);
    where.row = static_cast<std::int32_t>(row % rows_per_hall);
    where.name = fmt::format("H{}-R{:02}-{:02}", hall + 1, where.row + 1, place + 1);
    where.position_m = {static_cast<double>(hall % halls_across) * hall_width +
                            (static_cast<double>(place) + 0.5) * params_.rack.width_m,
                        static_cast<double>(hall_row) * hall_depth +
                            static_cast<double>(where.row) * row_pitch_m + 0.5 * params_.rack.depth_m,
                        0.0};
    where.size_m = {params_.rack.width_m, params_.rack.depth_m, params_.rack.height_m};
    return where;
}

std::vector<fabric::BundleIndex> Plan::bundles_of(core::RackId rack) const {
    std::vector<fabric::BundleIndex> bundles;
    for (std::int64_t node = first_node(rack); node < first_node(rack) + nodes_in(rack); ++node)
        network_->bundles_owned_by(node, bundles);
    for (std::int64_t m = 0; m < memory_nodes(); ++m)
        if (rack_of_node(memory_node(m)) == rack) network_->bundles_owned_by(memory_node(m), bundles);
    return bundles;
}

bool Plan::same_scale_up_domain(std::int64_t a, std::int64_t b) const {
    return a / params_.rack.scale_up_domain == b / params_.rack.scale_up_domain;
}

}  // namespace mw::site
