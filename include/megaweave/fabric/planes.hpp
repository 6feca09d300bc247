#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "megaweave/fabric/topology.hpp"

namespace mw::fabric {

/*!
 * P equal networks side by side; NIC r of a node is on plane r mod P. No cable joins planes. One plane per NIC is the "rail-only" network.
 *
 * adaptive: a node sprays over its NICs and so over the planes: a bundle is that of all planes together. ecmp: every plane has its own
 * links, and a NIC's traffic stays in its plane. Bundles, as recorded, are those of all planes in either case.
 *
 * Failures: those chosen at random differ from plane to plane; names carry the plane in front, such as "plane 2 leaf 3 port 1".
 *
 * Source: multi-plane Clos as in DeepSeek-V3's network (Zhao et al., ISCA 2025); rail-only: Wang et al., HOTI 2024.
 * Leaves out: traffic that crosses from one NIC to another inside a node.
 * Worked: 8 planes of 2-tier Clos with radix 64 hold 8 x 2,048 NICs in 8 x 96 switches; 3 tiers of one plane would need 1,280.
 */
class Planes final : public Topology {
  public:
    explicit Planes(NetworkParams const& params);
    using Topology::path;

    [[nodiscard]] std::vector<TierCount> tiers() const override;
    [[nodiscard]] std::int64_t radix() const override { return planes_[0]->radix(); }
    [[nodiscard]] LinkIndex link_count() const override;
    [[nodiscard]] std::int64_t capacity(LinkIndex link) const override;
    [[nodiscard]] BundleIndex bundle_count() const override { return planes_[0]->bundle_count(); }
    [[nodiscard]] BundleIndex bundle_of(LinkIndex link) const override;
    [[nodiscard]] Bundle bundle(BundleIndex index) const override;
    [[nodiscard]] std::string bundle_name(BundleIndex index) const override {
        return planes_[0]->bundle_name(index);
    }
    [[nodiscard]] std::int64_t owner_of_bundle(BundleIndex index) const override {
        return planes_[0]->owner_of_bundle(index);
    }
    void bundles_owned_by(std::int64_t node, std::vector<BundleIndex>& out) const override {
        planes_[0]->bundles_owned_by(node, out);
    }
    void path(Route const& route, Path& path) const override;
    [[nodiscard]] std::int32_t weight_unit() const override {
        return equal_ ? planes_[0]->weight_unit() : full_weight;
    }

  private:
    [[nodiscard]] std::int64_t count() const { return std::ssize(planes_); }

    std::vector<std::unique_ptr<Topology const>> planes_;
    bool equal_;  // nothing is broken, or all traffic keeps to its plane
};

}  // namespace mw::fabric
