#include "megaweave/fabric/lattice.hpp"

#include <algorithm>
#include <cstdlib>

#include "direct_checks.hpp"
#include "megaweave/core/check.hpp"
#include "megaweave/core/hash.hpp"

namespace mw::fabric {

namespace {

using Sides = std::vector<std::int64_t>;

}  // namespace

Lattice::Lattice(NetworkParams const& params, std::vector<Port> (*ports)(Sides const&))
    : DirectNetwork{params, lattice_switches(lattice_sides(params)),
                    lattice_switches(lattice_sides(params)) * std::ssize(ports(lattice_sides(params))),
                    params.lattice.width},
      sides_{lattice_sides(params)},
      ports_{ports(sides_)},
      nodes_per_switch_{nics_per_switch(params) / params.nics_per_node} {
    std::int64_t stride = 1;
    for (std::int64_t const side : sides_) {
        stride_.push_back(stride);
        stride *= side;
    }
}

std::vector<TierCount> Lattice::tiers() const {
    return {{"host", switch_count(), nodes_ * nics_per_node_}, {"fabric", 0, edge_count() / 2 * width()}};
}

std::int64_t Lattice::radix() const {
    return nodes_per_switch_ * nics_per_node_ + std::ssize(ports_) * width();
}

std::int64_t Lattice::moved(std::int64_t number, std::size_t side, std::int64_t step) const {
    std::int64_t const from = coordinate(number, side);
    std::int64_t const to = (from + step + sides_[side]) % sides_[side];
    return number + (to - from) * stride_[side];
}

EdgeIndex Lattice::edge_by(std::int64_t number, std::size_t side, std::int64_t step) const {
    auto const port = std::ranges::find_if(
        ports_, [&](Port const& p) { return p.side == side && (p.step - step) % sides_[side] == 0; });
    MW_EXPECT(port != ports_.end(), "a switch has a port for every step along a side");
    return number * std::ssize(ports_) + (port - ports_.begin());
}

Edge Lattice::edge(EdgeIndex index) const {
    std::int64_t const from = index / std::ssize(ports_);
    Port const& port = ports_[static_cast<std::size_t>(index % std::ssize(ports_))];
    return {from, moved(from, port.side, port.step), 1};
}

EdgeIndex Lattice::reverse(EdgeIndex index) const {
    Port const& port = ports_[static_cast<std::size_t>(index % std::ssize(ports_))];
    return edge_by(edge(index).to, port.side, -port.step);
}

Place Lattice::nodes_below(std::int64_t number) const {
    return {number * nodes_per_switch_, (number + 1) * nodes_per_switch_ - 1, 1};
}

std::string Lattice::switch_name(std::int64_t number) const {
    std::string name = "switch ";
    for (std::size_t side = 0; side < sides_.size(); ++side)
        name += (side == 0 ? "" : "-") + std::to_string(coordinate(number, side));
    return name;
}

void Lattice::edges_from(std::int64_t number, std::vector<EdgeIndex>& out) const {
    for (std::int64_t port = 0; port < std::ssize(ports_); ++port)
        out.push_back(number * std::ssize(ports_) + port);
}

//! Any switch but the ends, if there is one.
std::int64_t Lattice::by_way_of(std::int64_t from, std::int64_t to, std::uint64_t hash) const {
    if (switch_count() <= 2) return to;
    auto middle = static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(switch_count() - 2));
    for (std::int64_t const end : {std::min(from, to), std::max(from, to)}) middle += middle >= end ? 1 : 0;
    return middle;
}

void Lattice::shortest(std::int64_t from, std::int64_t to, std::uint64_t hash, std::size_t most,
                       Branches& out) const {
    std::vector<std::size_t> order;
    for (std::size_t side = 0; side < sides_.size(); ++side)
        if (coordinate(from, side) != coordinate(to, side)) order.push_back(side);
    std::size_t orders = 1;
    for (std::size_t i = 2; i <= order.size(); ++i) orders *= i;
    std::uint64_t const skip = core::mix(hash) % orders;
    for (std::uint64_t i = 0; i < skip; ++i) std::next_permutation(order.begin(), order.end());
    std::size_t const ways = orders * (two_ways(from, to) ? 2 : 1);
    for (std::size_t branch = 0; branch < std::min(ways, most); ++branch) {
        std::int64_t at = from;
        out.open();
        for (std::size_t const side : order) {
            bool const coin = ((core::mix(hash ^ (side + 1)) + branch / orders) & 1U) != 0;
            walk(at, to, side, coin, out);
        }
        std::next_permutation(order.begin(), order.end());  // after the last comes the first
    }
}

Torus::Torus(NetworkParams const& params)
    : Lattice{checked_lattice(params, "torus"), [](Sides const& sides) {
                  std::vector<Port> ports;
                  for (std::size_t side = 0; side < sides.size(); ++side) {
                      if (sides[side] >= 2) ports.push_back({side, 1});
                      if (sides[side] >= 3) ports.push_back({side, -1});
                  }
                  return ports;
              }} {
    settle(params.failures);
}

bool Torus::two_ways(std::int64_t from, std::int64_t to) const {
    for (std::size_t side = 0; side < sides().size(); ++side) {
        std::int64_t const apart = coordinate(to, side) - coordinate(from, side);
        if (apart != 0 && 2 * std::abs(apart) == sides()[side] && sides()[side] > 2) return true;
    }
    return false;
}

void Torus::walk(std::int64_t& at, std::int64_t to, std::size_t side, bool coin, Branches& out) const {
    std::int64_t const length = sides()[side];
    std::int64_t const ahead = (coordinate(to, side) - coordinate(at, side) + length) % length;
    bool const forward = 2 * ahead < length || (2 * ahead == length && coin);
    for (std::int64_t left = forward ? ahead : length - ahead; left > 0; --left) {
        std::int64_t const step = forward ? 1 : -1;  // the same edge on a side of 2
        out.step(edge_by(at, side, step));
        at = moved(at, side, step);
    }
}

HyperX::HyperX(NetworkParams const& params)
    : Lattice{checked_lattice(params, "HyperX"), [](Sides const& sides) {
                  std::vector<Port> ports;
                  for (std::size_t side = 0; side < sides.size(); ++side)
                      for (std::int64_t step = 1; step < sides[side]; ++step) ports.push_back({side, step});
                  return ports;
              }} {
    settle(params.failures);
}

bool HyperX::two_ways(std::int64_t /*from*/, std::int64_t /*to*/) const {
    return false;
}

void HyperX::walk(std::int64_t& at, std::int64_t to, std::size_t side, bool /*coin*/, Branches& out) const {
    std::int64_t const step = coordinate(to, side) - coordinate(at, side);
    out.step(edge_by(at, side, step));
    at = moved(at, side, step);
}

}  // namespace mw::fabric
