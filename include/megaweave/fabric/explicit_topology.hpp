#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "megaweave/fabric/explicit.hpp"
#include "megaweave/fabric/topology.hpp"

namespace mw::fabric {

/*!
 * A network that files write out, as the engine uses it.
 *
 * Ends in the routes file are node numbers from 0; every ordered pair of different nodes needs a route (so the table grows with the
 * square of the nodes, up to `most_nodes`). All NICs of a node take its one route: link capacities are those of all cables together.
 * Latency is the sum of the links', as stated. A link belongs to the first node whose route uses it, and is drawn from the place of
 * the nodes that send over it to the place of those that receive. Routing, failures and planes are the files' business.
 *
 * Leaves out: switches, which the files do not name: their power and count are 0.
 * Worked: nodes 0 and 1 joined by links a (0 to 1) and b (1 to 0): routes `0,1,a` and `1,0,b`, two bundles.
 */
class ExplicitTopology final : public Topology {
  public:
    static constexpr std::int64_t most_nodes = 4'096;

    //! Throws `core::InputError` for mistakes in the files and for pairs without a route.
    explicit ExplicitTopology(NetworkParams const& params);
    using Topology::path;

    [[nodiscard]] std::vector<TierCount> tiers() const override;
    [[nodiscard]] std::int64_t radix() const override { return 0; }
    [[nodiscard]] LinkIndex link_count() const override { return std::ssize(capacity_); }
    [[nodiscard]] std::int64_t capacity(LinkIndex link) const override { return capacity_[index(link)]; }
    [[nodiscard]] BundleIndex bundle_count() const override { return link_count(); }
    [[nodiscard]] BundleIndex bundle_of(LinkIndex link) const override { return link; }
    [[nodiscard]] Bundle bundle(BundleIndex index) const override;
    [[nodiscard]] std::string bundle_name(BundleIndex bundle) const override { return names_[index(bundle)]; }
    [[nodiscard]] std::int64_t owner_of_bundle(BundleIndex bundle) const override;
    void bundles_owned_by(std::int64_t node, std::vector<BundleIndex>& out) const override;
    void path(Route const& route, Path& path) const override;
    [[nodiscard]] std::int64_t pieces(std::int64_t /*nics*/) const override { return 1; }
    [[nodiscard]] core::TimeNs box_latency_ns(Path const& /*path*/) const override { return 0; }
    [[nodiscard]] core::TimeNs cable_latency_ns(LinkIndex link) const override {
        return latency_ns_[index(link)];
    }

  private:
    //! Nodes that use a link, as far as a picture needs them.
    struct Use {
        std::int64_t first_src, last_src, first_dst, last_dst;
        bool at_src, at_dst;  // it is the first (last) link of all its routes
    };
    [[nodiscard]] static std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }
    void read_routes(ExplicitNetwork const& network);
    void note_use(std::int64_t src, std::int64_t dst, std::vector<std::uint32_t> const& route);

    std::vector<std::string> names_;
    std::vector<std::int64_t> capacity_;
    std::vector<core::TimeNs> latency_ns_;
    std::vector<std::uint32_t> links_;  // of all routes, by (src, dst)
    std::vector<std::uint64_t> first_;  // of each route in links_, one more than pairs
    std::vector<Use> uses_;             // by link
    std::vector<std::pair<std::int64_t, BundleIndex>> owners_;  // (node, link), ascending
};

}  // namespace mw::fabric
