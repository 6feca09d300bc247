#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "megaweave/core/time.hpp"
#include "megaweave/fabric/params.hpp"

namespace mw::fabric {

using LinkIndex = std::int64_t;    //!< of a directed link, dense from 0
using BundleIndex = std::int64_t;  //!< of all parallel cables of one tier, place and direction, dense from 0

//! The links from one node to another, in order. Empty inside a node.
struct Path {
    std::array<LinkIndex, 6> links{};
    std::uint8_t size{0};

    void push(LinkIndex link) { links[size++] = link; }
    [[nodiscard]] std::span<LinkIndex const> view() const { return {links.data(), size}; }
};

//! Where a cable lies. host: node to leaf; leaf: leaf to the pod's second tier; pod: second tier to core.
enum class Tier : std::uint8_t { host, leaf, pod };

//! Parallel cables of a node, a leaf or a whole pod, one direction.
struct Bundle {
    Tier tier{Tier::host};
    bool up{true};          //!< away from the nodes
    std::int64_t index{0};  //!< of the node, leaf or pod
    std::int64_t capacity_bytes_per_s{0};
};

/*!
 * A folded Clos of identical switches with k ports: how many there are, which links a path takes, and how
 * long it is.
 *
 *     leaf: d = round(k o / (1 + o)) ports down, u = k - d up; floor(d / NICs per node) whole nodes each
 *     2 tiers: up to k leaves below ceil(leaves u / k) switches
 *     3 tiers: P <= k equal pods of l <= k/2 leaves and s = ceil(l u / (k/2)) second-tier switches, each with
 *              k/2 ports up, to C = ceil(P s (k/2) / k) cores
 *
 * The cables of a stage are dealt round robin to the switches above, so every leaf reaches every second-tier
 * switch of its pod, and every pod every core. In a Clos filled exactly, this is the usual wiring: core c
 * serves second-tier switch c mod s in every pod (part-filled, a core may meet others). A pod is no larger than it must be: a part-filled Clos has
 * about N(2T-1)/k switches, as a full one.
 *
 * Routing. adaptive: packets are sprayed over all shortest paths, so the parallel cables of a bundle act as
 * one link of their joint capacity, and a path names at most 6 bundles. ecmp: a link per cable; the hash
 * chooses a port at every branch (up at the leaf, up at the second tier, then among the cables down to the
 * right switch), and collisions show.
 *
 * Latency = host adapters + (2i-1) switches + 2i cables, for a path that turns at tier i.
 *
 * Source: Clos 1953; Al-Fares et al., SIGCOMM 2008 (fat tree of identical switches); counts in physics.md,
 * section 4.
 * Leaves out: queueing, incast loss, spraying's imperfect balance (packet-level runs show 8-9 % longer mean
 * completion on random traffic), failures, several planes. A leaf whose d is no multiple of the NICs per node
 * leaves the odd ports dark.
 * Worked: k = 144, 1:1: 576 NICs in 2 tiers take 8 + 4 = 12 switches, 10,368 take 144 + 72 = 216; 41,472 in 3
 * tiers take 576 + 576 + 288 = 1,440. Across 3 tiers: 1,000 + 5 x 300 + 6 x 50 = 2,800 ns.
 */
class Clos {
  public:
    //! Throws `core::InputError`, with all that is wrong, where it cannot be built; says what would do.
    explicit Clos(ClosParams const& params);

    [[nodiscard]] std::int64_t nodes() const { return nodes_; }
    [[nodiscard]] std::int64_t leaves() const { return leaves_; }
    [[nodiscard]] std::int64_t pods() const { return pods_; }  //!< 1 in 2 tiers
    [[nodiscard]] std::int64_t leaf_of(std::int64_t node) const { return node / nodes_per_leaf_; }
    [[nodiscard]] std::int64_t pod_of(std::int64_t node) const { return leaf_of(node) / leaves_per_pod_; }

    [[nodiscard]] std::int64_t switches() const;
    [[nodiscard]] std::int64_t switches(int tier) const;  //!< 1: leaves, 2: second tier, 3: cores
    [[nodiscard]] std::int64_t cables(Tier tier) const;   //!< both directions in one
    //! Ends of cables with a transceiver; `at_host` false: the host's cable is copper.
    [[nodiscard]] std::int64_t optical_ends(bool at_host) const;

    [[nodiscard]] LinkIndex link_count() const { return link_base_.back(); }
    [[nodiscard]] std::int64_t capacity(LinkIndex link) const;  //!< bytes/s
    //! The node whose rack owns the link: the first one below that leaf or pod.
    [[nodiscard]] std::int64_t owner_node(LinkIndex link) const;

    [[nodiscard]] BundleIndex bundle_count() const { return bundle_base_.back(); }
    [[nodiscard]] Bundle bundle(BundleIndex index) const;
    [[nodiscard]] BundleIndex bundle_of(LinkIndex link) const;
    //! Appends the node's bundles in a fixed order: its own, then those of the leaf and the pod that begin
    //! with it.
    void bundles_owned_by(std::int64_t node, std::vector<BundleIndex>& out) const;

    /*!
     * The path between two nodes. `rail` is the NIC within the node and `hash` chooses the ports, in ecmp
     * only; the ports also depend on source, destination and rail, so that one hash for all pieces of a
     * transfer will do.
     */
    [[nodiscard]] Path path(std::int64_t src_node, std::int64_t dst_node, std::int64_t rail,
                            std::uint64_t hash) const;
    //! One way, without serialisation; 0 inside a node.
    [[nodiscard]] core::TimeNs latency_ns(std::int64_t src_node, std::int64_t dst_node) const;
    //! Into how many parts a transfer over that many NICs falls: adaptive 1, ecmp one per NIC.
    [[nodiscard]] std::int64_t pieces(std::int64_t nics) const { return adaptive_ ? 1 : nics; }

  private:
    static constexpr std::size_t stages = 6;  // host up, host down, leaf up, leaf down, pod up, pod down

    struct Place {
        std::size_t stage;
        std::int64_t index;  // of the node, leaf or pod
    };
    [[nodiscard]] Place place_of(BundleIndex bundle) const;
    [[nodiscard]] std::int64_t first_node(Place place) const;
    [[nodiscard]] std::int64_t ports(std::size_t stage) const { return ports_[stage / 2]; }
    [[nodiscard]] LinkIndex link(std::size_t stage, std::int64_t index, std::int64_t port) const;
    void append_hashed_core(Path& path, std::int64_t src_leaf, std::int64_t dst_leaf,
                            std::uint64_t hash) const;

    bool adaptive_;
    int tiers_;
    std::int64_t radix_;
    std::int64_t link_bytes_per_s_;
    std::int64_t nodes_;
    std::int64_t nodes_per_leaf_;
    std::int64_t leaves_;
    std::int64_t leaves_per_pod_{0};
    std::int64_t pods_{0};
    std::int64_t seconds_per_pod_{0};  // second-tier switches of a pod
    std::int64_t cores_{0};
    std::array<std::int64_t, 3> ports_{};  // cables of a node, a leaf, a pod
    std::array<std::int64_t, stages + 1> bundle_base_{};
    std::array<std::int64_t, stages + 1> link_base_{};
    core::TimeNs switch_ns_;
    core::TimeNs cable_ns_;
    core::TimeNs host_ns_;
};

}  // namespace mw::fabric
