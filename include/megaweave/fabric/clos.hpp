#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "megaweave/fabric/failures.hpp"
#include "megaweave/fabric/topology.hpp"

namespace mw::fabric {

/*!
 * A folded Clos of identical switches with k ports, in 2 to 4 tiers: how many there are, which links a path takes.
 *
 *     leaf: d = round(k o / (1 + o)) ports down, u = k - d up; floor(d / NICs per node) whole nodes each
 *     2 tiers: up to k leaves below ceil(leaves u / k) switches
 *     3 tiers: P <= k equal pods of l <= k/2 leaves and s = ceil(l u / (k/2)) second-tier switches, each with
 *              k/2 ports up, to C = ceil(P s (k/2) / k) cores
 *     4 tiers: the same once more: up to k superpods of up to k/2 pods
 *     rail:    a leaf takes one NIC of each of d nodes; the leaves of these nodes, one per rail, are one block
 *
 * The cables of a block are dealt round robin to the switches above, so every leaf reaches every second-tier
 * switch of its pod, and every pod every core. In a Clos filled exactly, this is the usual wiring: core c
 * serves second-tier switch c mod s in every pod (part-filled, a core may meet others). A pod is no larger than
 * it must be: a part-filled Clos has about N(2T-1)/k switches, as a full one.
 *
 * Routing. adaptive: packets are sprayed over all shortest paths, so the parallel cables of a bundle act as
 * one link of their joint capacity, and a path names at most 2T bundles. ecmp: a link per cable; the hash
 * chooses a port at every branch (up at each tier, then among the cables down to the right switch), and
 * collisions show. In rail, NIC r talks to NIC r: within a block through one switch.
 *
 * Failures. adaptive: a bundle loses the capacity of its broken cables and of those to broken switches; that two leaves may lack
 * cables to different switches is left out. ecmp: the hash is drawn anew until all cables work.
 *
 * Source: Clos 1953; Al-Fares et al., SIGCOMM 2008 (fat tree of identical switches); rail: NVIDIA DGX SuperPOD reference
 * architecture; counts in physics.md, section 4.
 * Leaves out: queueing, incast loss, spraying's imperfect balance (packet-level runs show 8-9 % longer mean
 * completion on random traffic). A leaf whose d is no multiple of the NICs per node leaves the odd ports dark.
 * Worked: k = 144, 1:1: 576 NICs in 2 tiers take 8 + 4 = 12 switches, 10,368 take 144 + 72 = 216; 41,472 in 3
 * tiers take 576 + 576 + 288 = 1,440. Across 3 tiers: 1,000 + 5 x 300 + 6 x 50 = 2,800 ns.
 */
class Clos final : public Topology {
  public:
    static constexpr int host = 0;   //!< tiers of cables: node to leaf,
    static constexpr int leaf = 1;   //!< leaf to second tier (or top),
    static constexpr int pod = 2;    //!< pod to third tier (or top),
    static constexpr int super = 3;  //!< superpod to top

    explicit Clos(NetworkParams const& params);
    using Topology::path;

    [[nodiscard]] std::int64_t leaves() const { return blocks_[1] * rails_; }
    [[nodiscard]] std::int64_t pods() const { return blocks_[2]; }  //!< 1 in 2 tiers
    //! Of rail: the block of leaves.
    [[nodiscard]] std::int64_t leaf_of(std::int64_t node) const { return node / nodes_below_[1]; }
    [[nodiscard]] std::int64_t pod_of(std::int64_t node) const { return node / nodes_below_[2]; }

    using Topology::switches;
    [[nodiscard]] std::int64_t switches(int tier) const;  //!< 1: leaves, 2: second tier …
    using Topology::cables;
    [[nodiscard]] std::int64_t cables(int tier) const;  //!< both directions in one
    //! Ends of cables with a transceiver; `at_host` false: the host's cable is copper.
    [[nodiscard]] std::int64_t optical_ends(bool at_host) const;

    [[nodiscard]] std::vector<TierCount> tiers() const override;
    [[nodiscard]] std::int64_t radix() const override { return radix_; }
    [[nodiscard]] LinkIndex link_count() const override { return link_base_[2 * levels()]; }
    [[nodiscard]] std::int64_t capacity(LinkIndex link) const override;
    [[nodiscard]] BundleIndex bundle_count() const override { return bundle_base_[2 * levels()]; }
    [[nodiscard]] Bundle bundle(BundleIndex index) const override;
    [[nodiscard]] BundleIndex bundle_of(LinkIndex link) const override;
    [[nodiscard]] std::string bundle_name(BundleIndex index) const override;
    [[nodiscard]] std::int64_t owner_of_bundle(BundleIndex index) const override;
    void bundles_owned_by(std::int64_t node, std::vector<BundleIndex>& out) const override;
    void path(Route const& route, Path& path) const override;

    //! Largest number of NICs for these parameters.
    [[nodiscard]] static std::int64_t most_endpoints(NetworkParams const& params);

  private:
    static constexpr std::size_t most_tiers = 4;

    struct Spot {
        std::size_t stage;  // 2 x tier of cables, + 1 downwards
        std::int64_t block;
    };

    void lay_out(NetworkParams const& params);
    void break_things(FailureParams const& failures);
    [[nodiscard]] std::size_t levels() const { return static_cast<std::size_t>(tiers_); }
    [[nodiscard]] Spot spot_of(BundleIndex bundle) const;
    [[nodiscard]] std::int64_t first_node(Spot spot) const {
        return spot.block * nodes_below_[spot.stage / 2];
    }
    [[nodiscard]] Place place(std::size_t tier, std::int64_t block) const;
    [[nodiscard]] LinkIndex link(std::size_t stage, std::int64_t block, std::int64_t port) const;
    [[nodiscard]] std::size_t turn(std::int64_t src, std::int64_t dst) const;
    void hashed_path(Route const& route, Path& path) const;
    [[nodiscard]] bool try_hash(Route const& route, std::uint64_t hash, Path& path) const;

    // Cables and switches by number, for failures; tier of cables >= 1.
    [[nodiscard]] std::int64_t cable_id(std::size_t tier, std::int64_t block, std::int64_t port) const;
    [[nodiscard]] CableEnds ends(std::int64_t cable) const;
    [[nodiscard]] std::string switch_name(std::int64_t number) const;
    [[nodiscard]] std::string cable_name(std::int64_t cable) const;
    [[nodiscard]] bool works(std::size_t tier, std::int64_t block, std::int64_t port) const;

    int tiers_;
    std::int64_t radix_;
    std::int64_t rails_;  // leaves of a block: 1, or one per NIC
    // By tier, nodes being 0 and the switches at the top `tiers_`.
    std::array<std::int64_t, most_tiers + 1> blocks_{};       // how many: nodes, leaves, pods …
    std::array<std::int64_t, most_tiers + 1> children_{};     // blocks of the tier below in each
    std::array<std::int64_t, most_tiers + 1> nodes_below_{};  // of a full block
    std::array<std::int64_t, most_tiers + 1> switches_in_{};  // of its tier, in a block
    std::array<std::int64_t, most_tiers + 1> ports_{};        // cables up of a block
    std::array<std::int64_t, most_tiers + 2> switch_base_{};
    std::array<std::int64_t, most_tiers + 1> cable_base_{};
    std::array<std::int64_t, 2 * most_tiers + 1> bundle_base_{};
    std::array<std::int64_t, 2 * most_tiers + 1> link_base_{};
    Failures failures_;
    std::vector<std::int64_t> cables_lost_;  // by block, leaves first; empty: none
    std::array<std::int64_t, most_tiers + 1> lost_base_{};
};

}  // namespace mw::fabric
