#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "megaweave/core/time.hpp"
#include "megaweave/fabric/params.hpp"

namespace mw::fabric {

using LinkIndex = std::int64_t;    //!< of a directed link, dense from 0
using BundleIndex = std::int64_t;  //!< of all parallel cables of one place and direction, dense from 0

//! A link takes `weight / full_weight` of a transfer's bytes. Shares of 1/2 to 1/16 are exact.
inline constexpr std::int32_t full_weight = 720'720;  // = lcm(1 … 16)

//! Who sends to whom, and what chooses among paths: every rank works the same path out from it.
struct Route {
    static constexpr std::int32_t undecided = -1;

    std::int32_t src{0};             //!< node
    std::int32_t dst{0};             //!< node; equal to src: inside a scale-up domain, no links
    std::int32_t rail{0};            //!< NIC within the node
    std::int32_t detour{undecided};  //!< sixteenths of the bytes that take detours (valiant, ugal)
    std::uint64_t hash{0};           //!< chooses ports, orders and intermediate switches

    friend bool operator==(Route const&, Route const&) = default;
};

struct Hop {
    LinkIndex link{0};
    std::int32_t weight{full_weight};

    friend bool operator==(Hop const&, Hop const&) = default;
};

//! The links between two nodes, from the source on; each link once. Branches of sprayed traffic follow one
//! another, with weights below `full_weight`. Reused from look-up to look-up, it allocates nothing.
class Path {
  public:
    void clear() { hops_.clear(); }
    //! Adds to the link's weight if the path has it.
    void add(LinkIndex link, std::int32_t weight = full_weight);
    [[nodiscard]] std::span<Hop const> hops() const& { return hops_; }
    [[nodiscard]] std::vector<Hop> hops() && { return std::move(hops_); }
    [[nodiscard]] std::size_t size() const { return hops_.size(); }
    [[nodiscard]] bool empty() const { return hops_.empty(); }
    //! Cables that a byte passes, on average over the branches, times `full_weight`.
    [[nodiscard]] std::int64_t length() const;

  private:
    std::vector<Hop> hops_;
};

//! Where a bundle ends: above the racks of these nodes. Level 0: in the node's rack.
struct Place {
    std::int64_t first_node{0};
    std::int64_t last_node{0};
    int level{0};
};

//! Parallel cables, one direction.
struct Bundle {
    int tier{0};             //!< 0: node to first switch; indexes `Topology::tiers`
    bool up{true};           //!< away from the nodes; between equals: towards the higher number
    std::int64_t index{0};   //!< of the node, leaf, pod, switch … that it begins with
    std::int64_t cables{0};  //!< that work
    std::int64_t capacity_bytes_per_s{0};
    Place from;
    Place to;
};

//! One tier of cables and the switches at their upper ends.
struct TierCount {
    std::string name;
    std::int64_t switches{0};
    std::int64_t cables{0};  //!< both directions in one; broken ones too
};

/*!
 * What every network can say of itself: how many links and bundles it has, who owns them, which path a transfer takes.
 *
 * Everything is arithmetic: no table grows with pairs of nodes (but in `explicit`, whose table is the input). A link is owned by a
 * node, whose rack answers for it. Thread-safe once built: all members are const.
 *
 * A node's NICs hang on one switch (rail: each on the switch of its rail; planes: each in its plane).
 *
 * Latency = host adapters + (cables - 1) switches + cables, a mean over the branches of sprayed traffic.
 *
 * Leaves out, in every topology: queueing, incast loss, ramp-up, imperfect spraying (packet-level runs show 8-9 % longer mean
 * completion on random traffic).
 */
class Topology {
  public:
    virtual ~Topology() = default;
    Topology(Topology const&) = delete;
    Topology& operator=(Topology const&) = delete;

    [[nodiscard]] std::int64_t nodes() const { return nodes_; }
    //! Switches of each tier and the cables below them, hosts first.
    [[nodiscard]] virtual std::vector<TierCount> tiers() const = 0;
    [[nodiscard]] std::int64_t switches() const;
    [[nodiscard]] std::int64_t cables() const;
    //! Ports that one switch must have, at the link rate (the most, where they differ).
    [[nodiscard]] virtual std::int64_t radix() const = 0;

    [[nodiscard]] virtual LinkIndex link_count() const = 0;
    [[nodiscard]] virtual std::int64_t capacity(LinkIndex link) const = 0;  //!< bytes/s; 0: broken
    [[nodiscard]] virtual BundleIndex bundle_count() const = 0;
    [[nodiscard]] virtual BundleIndex bundle_of(LinkIndex link) const = 0;
    [[nodiscard]] virtual Bundle bundle(BundleIndex index) const = 0;
    [[nodiscard]] virtual std::string bundle_name(BundleIndex index) const = 0;
    //! The node whose rack owns the bundle and its links.
    [[nodiscard]] virtual std::int64_t owner_of_bundle(BundleIndex index) const = 0;
    [[nodiscard]] std::int64_t owner_node(LinkIndex link) const { return owner_of_bundle(bundle_of(link)); }
    //! Appends the node's bundles in a fixed order.
    virtual void bundles_owned_by(std::int64_t node, std::vector<BundleIndex>& out) const = 0;

    //! Clears `path` and fills it; empty from a node to itself.
    virtual void path(Route const& route, Path& path) const = 0;
    //! The same by value, for tests and tables.
    [[nodiscard]] Path path(Route const& route) const;
    //! Into how many parts a transfer over that many NICs falls: sprayed 1, hashed one per NIC.
    [[nodiscard]] virtual std::int64_t pieces(std::int64_t nics) const { return sprays() ? 1 : nics; }
    [[nodiscard]] bool sprays() const { return routing_ != Routing::ecmp; }
    //! All weights of paths are multiples of full_weight / weight_unit(). 1: whole transfers on every link.
    [[nodiscard]] virtual std::int32_t weight_unit() const { return 1; }
    [[nodiscard]] Routing routing() const { return routing_; }
    //! Whoever starts a transfer chooses `Route::detour` by the links' load.
    [[nodiscard]] bool detours_by_load() const { return detours_by_load_; }
    [[nodiscard]] ClassTable const& classes() const { return classes_; }

    //! Adapters and switches of a path, without its cables.
    [[nodiscard]] virtual core::TimeNs box_latency_ns(Path const& path) const;
    [[nodiscard]] virtual core::TimeNs cable_latency_ns(LinkIndex link) const;
    //! One way, without serialisation and without regard to a layout; 0 inside a node.
    [[nodiscard]] core::TimeNs latency_ns(Path const& path) const;

  protected:
    Topology(NetworkParams const& params, std::int64_t nodes);

    std::int64_t nodes_;
    std::int64_t nics_per_node_;
    std::int64_t link_bytes_per_s_;
    Routing routing_;

  private:
    bool detours_by_load_;
    ClassTable classes_;
    core::TimeNs switch_ns_;
    core::TimeNs cable_ns_;
    core::TimeNs host_ns_;
};

/*!
 * The network that the parameters ask for, with its planes. Throws `core::InputError`, with all that is wrong, where it cannot be
 * built, or where its failures cut nodes off.
 */
[[nodiscard]] std::unique_ptr<Topology const> make_topology(NetworkParams const& params);

}  // namespace mw::fabric
