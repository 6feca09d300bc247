#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "megaweave/fabric/direct.hpp"

namespace mw::fabric {

/*!
 * Switches at the points of a box, numbered with the first side fastest; nodes fill them in order.
 *
 * Sides that the deck does not give are chosen as nearly equal as holds the endpoints: ceil of the root of what is left, side by
 * side. Worked: 100 switches in 3 dimensions: 5 x 5 x 4.
 */
class Lattice : public DirectNetwork {
  public:
    [[nodiscard]] std::vector<std::int64_t> const& sides() const { return sides_; }
    [[nodiscard]] std::int64_t switch_of(std::int64_t node) const override {
        return node / nodes_per_switch_;
    }
    [[nodiscard]] std::vector<TierCount> tiers() const override;
    [[nodiscard]] std::int64_t radix() const override;
    [[nodiscard]] Edge edge(EdgeIndex index) const override;
    [[nodiscard]] EdgeIndex reverse(EdgeIndex index) const override;

  protected:
    //! What leaves a switch: along which side, and by how much the coordinate grows (modulo the side).
    struct Port {
        std::size_t side;
        std::int64_t step;
    };

    Lattice(NetworkParams const& params, std::vector<Port> (*ports)(std::vector<std::int64_t> const&));

    [[nodiscard]] Place nodes_below(std::int64_t number) const override;
    [[nodiscard]] std::string switch_name(std::int64_t number) const override;
    [[nodiscard]] std::int64_t by_way_of(std::int64_t from, std::int64_t to,
                                         std::uint64_t hash) const override;
    void edges_from(std::int64_t number, std::vector<EdgeIndex>& out) const override;
    //! In every order of the sides along which the ends differ (up to `most`), starting with an order that the hash says.
    void shortest(std::int64_t from, std::int64_t to, std::uint64_t hash, std::size_t most,
                  Branches& out) const override;
    //! Along some side, both directions are equally short.
    [[nodiscard]] virtual bool two_ways(std::int64_t from, std::int64_t to) const = 0;
    //! Walks one side: appends edges, moves `at`. `coin` decides between equally short directions.
    virtual void walk(std::int64_t& at, std::int64_t to, std::size_t side, bool coin,
                      Branches& out) const = 0;

    [[nodiscard]] std::int64_t coordinate(std::int64_t number, std::size_t side) const {
        return number / stride_[side] % sides_[side];
    }
    [[nodiscard]] std::int64_t moved(std::int64_t number, std::size_t side, std::int64_t step) const;
    //! The edge from a switch by the port with this step along this side.
    [[nodiscard]] EdgeIndex edge_by(std::int64_t number, std::size_t side, std::int64_t step) const;

  private:
    std::vector<std::int64_t> sides_;
    std::vector<std::int64_t> stride_;
    std::vector<Port> ports_;
    std::int64_t nodes_per_switch_;
};

/*!
 * A torus: rings along every side.
 *
 *     switches = product of the sides k_i; cables = width x sum over sides of (k > 2: all switches, k = 2: half of them)
 *     diameter = sum of floor(k_i / 2) hops between switches
 *     bisection across an even side k_i > 2: 2 x width x switches / k_i cables
 *
 * Routing. adaptive: evenly over the orders in which the sides can be walked (O1TURN for two sides, six orders for three); where both
 * directions round a ring are equally short, half of the bytes go each way. ecmp: one such order by hash.
 *
 * Source: Dally & Towles, Principles and Practices of Interconnection Networks (2004), ch. 5; Seo et al., ISCA 2005 (O1TURN).
 * Leaves out: see `DirectNetwork`; shortest ways that turn more often than the sides demand.
 * Worked: 4 x 4 x 4: 64 switches, 192 cables, diameter 6, bisection 32 cables.
 */
class Torus final : public Lattice {
  public:
    explicit Torus(NetworkParams const& params);

  private:
    [[nodiscard]] bool two_ways(std::int64_t from, std::int64_t to) const override;
    void walk(std::int64_t& at, std::int64_t to, std::size_t side, bool coin, Branches& out) const override;
};

/*!
 * HyperX: all switches along a side are joined with each other; one side: a complete graph, all sides of 2: a hypercube.
 *
 *     cables = width x switches x sum of (S_i - 1) / 2;  diameter = number of sides
 *     bisection across an even side S_i: width x (S_i / 2)^2 x switches / S_i cables
 *
 * Routing. adaptive: evenly over the orders of the sides that differ. ecmp: one order by hash (of at most 16).
 *
 * Source: Ahn et al., HyperX: Topology, Routing, and Packaging of Efficient Large-Scale Networks, SC 2009.
 * Leaves out: see `DirectNetwork`.
 * Worked: 8 x 8: 64 switches, 64 x 14 / 2 = 448 cables, diameter 2, bisection 16 x 8 = 128 cables.
 */
class HyperX final : public Lattice {
  public:
    explicit HyperX(NetworkParams const& params);

  private:
    [[nodiscard]] bool two_ways(std::int64_t from, std::int64_t to) const override;
    void walk(std::int64_t& at, std::int64_t to, std::size_t side, bool coin, Branches& out) const override;
};

}  // namespace mw::fabric
