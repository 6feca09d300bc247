#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "megaweave/fabric/failures.hpp"
#include "megaweave/fabric/topology.hpp"

namespace mw::fabric {

using EdgeIndex = std::int64_t;  //!< of a directed edge between switches, dense from 0

//! The parallel cables from one switch to another.
struct Edge {
    std::int64_t from{0};
    std::int64_t to{0};
    int tier{1};
};

//! Ways between two switches, one after the other. Cleared, it keeps its memory.
class Branches {
  public:
    void clear();
    //! Starts a way; the last one may not be empty.
    void open() { ends_.push_back(edges_.size()); }
    void step(EdgeIndex edge) {
        edges_.push_back(edge);
        ends_.back() = edges_.size();
    }
    void drop_last();
    [[nodiscard]] std::size_t size() const { return ends_.size(); }
    [[nodiscard]] std::span<EdgeIndex const> operator[](std::size_t branch) const;

  private:
    std::vector<EdgeIndex> edges_;
    std::vector<std::size_t> ends_;
};

/*!
 * What torus, HyperX and dragonfly have in common: nodes hang on switches, switches are joined by edges of `width` cables.
 *
 * Bundles are the nodes' cables (up, then down), then the edges. A link is a bundle where traffic is sprayed, a cable under ecmp. An
 * edge is owned by the first node of the switch that it leaves.
 *
 * Routing
 *     adaptive   spreads a transfer evenly over its shortest ways, at most 16 of them (which ones, a hash says)
 *     ecmp       one shortest way and one cable of each edge, by hash; with hash collisions, as they come
 *     valiant    evenly over 8 ways by another switch, drawn by hash: shortest to there, shortest on. Circles are cut out
 *     ugal       a share of the bytes (Route::detour, in sixteenths) as valiant, the rest as adaptive; see `AdaptiveRouting`
 * Broken edges: ways that use one are left out; if none is left, detours are tried (64), then any shortest way that works is searched.
 *
 * Source: Valiant, SIAM J. Comput. 11 (1982); Singh, Load-Balanced Routing in Interconnection Networks (UGAL), 2005.
 * Leaves out: virtual channels and what they cost; decisions packet by packet.
 */
class DirectNetwork : public Topology {
  public:
    using Topology::path;
    [[nodiscard]] std::int64_t switch_count() const { return switches_; }
    [[nodiscard]] EdgeIndex edge_count() const { return edges_; }
    [[nodiscard]] virtual Edge edge(EdgeIndex index) const = 0;
    //! The same cables the other way.
    [[nodiscard]] virtual EdgeIndex reverse(EdgeIndex index) const = 0;
    [[nodiscard]] virtual std::int64_t switch_of(std::int64_t node) const = 0;
    //! Edge of a bundle, or -1: a node's cable.
    [[nodiscard]] EdgeIndex edge_of(BundleIndex bundle) const;
    [[nodiscard]] std::int64_t width() const { return width_; }

    [[nodiscard]] LinkIndex link_count() const override;
    [[nodiscard]] std::int64_t capacity(LinkIndex link) const override;
    [[nodiscard]] BundleIndex bundle_count() const override { return 2 * nodes_ + edges_; }
    [[nodiscard]] BundleIndex bundle_of(LinkIndex link) const override;
    [[nodiscard]] Bundle bundle(BundleIndex index) const override;
    [[nodiscard]] std::string bundle_name(BundleIndex index) const override;
    [[nodiscard]] std::int64_t owner_of_bundle(BundleIndex index) const override;
    void bundles_owned_by(std::int64_t node, std::vector<BundleIndex>& out) const override;
    void path(Route const& route, Path& path) const override;
    [[nodiscard]] std::int32_t weight_unit() const override { return sprays() ? full_weight : 1; }

  protected:
    static constexpr std::size_t most_branches = 16;

    DirectNetwork(NetworkParams const& params, std::int64_t switches, EdgeIndex edges, std::int64_t width);
    //! The last act of the most derived constructor: owners and failures.
    void settle(FailureParams const& failures);

    //! Above which nodes a switch stands; the first of them owns its edges. Nodes beyond the last: it has none.
    [[nodiscard]] virtual Place nodes_below(std::int64_t number) const = 0;
    [[nodiscard]] virtual std::string switch_name(std::int64_t number) const = 0;
    //! Appends up to `most` shortest ways, evenly among all.
    virtual void shortest(std::int64_t from, std::int64_t to, std::uint64_t hash, std::size_t most,
                          Branches& out) const = 0;
    //! A switch to go by, drawn by the hash.
    [[nodiscard]] virtual std::int64_t by_way_of(std::int64_t from, std::int64_t to,
                                                 std::uint64_t hash) const = 0;
    //! Appends the edges that leave a switch, in order.
    virtual void edges_from(std::int64_t number, std::vector<EdgeIndex>& out) const = 0;

  private:
    [[nodiscard]] Place place_of(std::int64_t number) const;
    [[nodiscard]] bool carries_nodes(std::int64_t number) const;
    [[nodiscard]] LinkIndex host_link(bool up, std::int64_t node, std::int64_t rail) const;
    [[nodiscard]] LinkIndex edge_link(EdgeIndex edge, std::uint64_t hash) const;
    [[nodiscard]] std::int64_t working_cables(EdgeIndex edge) const;
    [[nodiscard]] bool cable_works(EdgeIndex edge, std::int64_t cable) const;
    [[nodiscard]] bool works(std::span<EdgeIndex const> branch) const;
    void detours(std::int64_t from, std::int64_t to, std::uint64_t hash, std::size_t count,
                 Branches& out) const;
    void keep_working(Branches& branches) const;
    void any_way(std::int64_t from, std::int64_t to, std::uint64_t hash, Branches& out) const;
    void search(std::int64_t from, std::int64_t to, Branches& out) const;
    void add(Branches const& branches, std::int32_t weight, std::uint64_t hash, Path& path) const;

    std::int64_t switches_;
    EdgeIndex edges_;
    std::int64_t width_;
    std::int64_t default_detour_;
    std::vector<std::pair<std::int64_t, std::int64_t>> owners_;  // (node, switch), ascending
    Failures failures_;
    std::vector<EdgeIndex>
        forward_;  // edges with from < to: cables in order of number; empty: nothing broken
    std::vector<std::int32_t> working_;  // cables of each edge; empty: nothing broken
};

}  // namespace mw::fabric
