#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "megaweave/core/ids.hpp"
#include "megaweave/fabric/topology.hpp"
#include "megaweave/hardware/params.hpp"

namespace mw::site {

//! Unequal pools: prefill and decode instances that belong together behind one router.
struct Unit {
    std::int64_t prefill_instances{0};  //!< 0: none, the service's instances are equal
    std::int64_t prefill_size{1};       //!< accelerators of one
    std::int64_t decode_instances{0};
};

//! How one service lies over its part of the cluster.
struct Placement {
    std::int64_t accelerators{0};      //!< its part
    std::int64_t per_instance{1};      //!< accelerators of one instance
    double prefill_share{0};           //!< of the instances; 0: unified
    std::int64_t cell_instances{128};  //!< at most, behind one router
    Unit unit{};                       //!< with unequal pools `per_instance` is a decode instance's
};

struct PlanParams {
    std::int64_t accelerators{0};
    hardware::RackParams rack;
    fabric::NetworkParams scale_out;
    std::vector<Placement> services;
};

//! A rack on the floor.
struct RackPlace {
    std::string name;  //!< "H1-R02-07": hall, row, place in the row
    std::int32_t hall{0};
    std::int32_t row{0};                 //!< within the hall
    std::array<double, 3> position_m{};  //!< centre of the footprint, on the floor
    std::array<double, 3> size_m{};
};

//! Where an instance lives.
struct InstancePlace {
    core::ServiceId service;
    core::CellId cell;
    core::RackId home;  //!< the rack that runs its events
    std::int64_t first_accelerator{0};
    std::int64_t accelerators{0};
    bool prefill{false};  //!< in the prefill pool of a disaggregated service
};

//! A router with its instances.
struct CellPlace {
    core::ServiceId service;
    core::RackId home;
    std::uint32_t first_instance{0};
    std::uint32_t last_instance{0};  //!< one past
    std::uint32_t number{0};         //!< within its service
    std::uint32_t count{0};          //!< cells of the service
};

//! One tier of the network as it stands in the room; `switches` are those at the upper ends of its cables.
struct NetworkTier {
    std::string name;
    std::int64_t switches{0};
    std::int64_t cables{0};  //!< that work
    std::int64_t optical_ends{0};
    double median_m{0};  //!< of the cables' lengths
    double copper_share{0};
};

//! Why this network cannot be built, one message each; none: it can.
[[nodiscard]] std::vector<std::string> network_mistakes(fabric::NetworkParams const& params);

/*!
 * The whole site, compactly: which racks, nodes, instances, routers and links there are, where they stand and who owns what.
 *
 * Every rank holds it: a few tens of bytes per instance, everything else by arithmetic. Accelerators are numbered node by node, rack by
 * rack; services take consecutive parts, instances consecutive accelerators without straddling a node's edge needlessly; prefill and
 * decode instances alternate evenly over the floor. A cell is a run of consecutive instances; its router lives in the rack of the first.
 *
 * Throws core::InputError where a service cannot be placed.
 */
class Plan {
  public:
    explicit Plan(PlanParams const& params);

    [[nodiscard]] std::int64_t racks() const { return racks_; }
    [[nodiscard]] std::int64_t accelerators() const { return params_.accelerators; }
    [[nodiscard]] hardware::RackParams const& rack_type() const { return params_.rack; }
    [[nodiscard]] std::int64_t accelerators_in(core::RackId rack) const;
    [[nodiscard]] std::int64_t first_node(core::RackId rack) const {
        return rack.index() * params_.rack.nodes;
    }
    [[nodiscard]] std::int64_t nodes_in(core::RackId rack) const;
    [[nodiscard]] std::int64_t nodes() const;
    //! Of the network's nodes: memory stands in the last racks, as many nodes of it in a rack as of accelerators.
    [[nodiscard]] core::RackId rack_of_node(std::int64_t node) const {
        if (params_.scale_out.memory_nodes > 0 && node >= nodes()) return rack_of_memory(node - nodes());
        return core::RackId::of(static_cast<std::size_t>(node / params_.rack.nodes));
    }
    [[nodiscard]] std::int64_t node_of(std::int64_t accelerator) const {
        return accelerator / params_.rack.node.accelerators;
    }
    //! Nodes of a memory pool that hangs on the network; they follow those of accelerators.
    [[nodiscard]] std::int64_t memory_nodes() const { return params_.scale_out.memory_nodes; }
    [[nodiscard]] std::int64_t memory_node(std::int64_t number) const { return nodes() + number; }
    [[nodiscard]] std::int64_t memory_nodes_in(core::RackId rack) const;
    [[nodiscard]] RackPlace place(core::RackId rack) const;
    [[nodiscard]] std::int64_t halls() const;

    [[nodiscard]] fabric::Topology const& network() const { return *network_; }
    [[nodiscard]] core::RackId rack_of_link(fabric::LinkIndex link) const {
        return rack_of_node(network_->owner_node(link));
    }
    //! Bundles owned by a rack, in the order in which they are recorded; racks in order give all bundles.
    [[nodiscard]] std::vector<fabric::BundleIndex> bundles_of(core::RackId rack) const;
    /*!
     * Length of the bundle's cables: along x and y between its ends (a switch stands at the middle of the racks that it serves), and
     * 2.5 m up to the trays and down again; 2 m within a rack. Worked: 3 racks on in a row of 0.6 m racks: 1.8 + 5 = 6.8 m. Leaves out: trays that go round walls.
     */
    [[nodiscard]] double cable_m(fabric::Bundle const& bundle) const;
    //! It needs no optics: the host's own where `copper_at_host`, and others up to the deck's reach.
    [[nodiscard]] bool is_copper(fabric::Bundle const& bundle, bool copper_at_host) const;
    //! What the network takes, tier by tier. `at_host` false: the hosts' cables are copper.
    [[nodiscard]] std::vector<NetworkTier> network_tiers(bool at_host) const;
    [[nodiscard]] std::int64_t optical_ends(bool at_host) const;
    //! Fills `path`, and returns what a first byte takes on it, with 5 ns per metre where the deck asks for the layout's cables.
    core::TimeNs latency_ns(fabric::Route const& route, fabric::Path& path) const;

    //! Both ends of a bundle in the room, for pictures.
    [[nodiscard]] std::array<std::array<double, 3>, 2> ends_m(fabric::Bundle const& bundle) const;

    [[nodiscard]] std::vector<InstancePlace> const& instances() const { return instances_; }
    [[nodiscard]] InstancePlace const& instance(core::InstanceId id) const { return instances_[id.index()]; }
    [[nodiscard]] std::vector<CellPlace> const& cells() const { return cells_; }
    [[nodiscard]] CellPlace const& cell(core::CellId id) const { return cells_[id.index()]; }
    /*!
     * What the cells of a service can serve, in proportion: the instances of each; of disaggregated cells the smaller of their shares of
     * prefill and of decode instances, for a request needs both.
     *
     *     w(c) = n(c),   disaggregated: w(c) = min(p(c) / P, d(c) / D)
     *
     * As whole numbers without a common factor; empty where all are equal. Worked: 5 instances in cells of 1, 2 and 2: 1, 2, 2.
     * 7 instances, half of them for prefill, in cells of 2 + 1 and 2 + 2: min(2/4, 1/3) and min(2/4, 2/3), so 2, 3.
     */
    [[nodiscard]] std::vector<std::uint64_t> const& cell_weights(core::ServiceId service) const {
        return cell_weights_[service.index()];
    }
    //! Accelerators that no instance uses.
    [[nodiscard]] std::int64_t unused_accelerators() const { return params_.accelerators - used_; }
    [[nodiscard]] bool same_scale_up_domain(std::int64_t accelerator_a, std::int64_t accelerator_b) const;

  private:
    [[nodiscard]] core::RackId rack_of_memory(std::int64_t memory_node) const;
    void place_service(core::ServiceId service, Placement const& placement, std::int64_t first_accelerator);
    void place_units(core::ServiceId service, Placement const& placement, std::int64_t first_accelerator);
    void place_cells(core::ServiceId service, Placement const& placement, std::uint32_t first_instance);
    [[nodiscard]] std::vector<std::uint64_t> weigh_cells(core::ServiceId service) const;
    [[nodiscard]] std::array<double, 3> above(std::int64_t first_node, std::int64_t last_node,
                                              double height_m) const;
    [[nodiscard]] std::array<double, 3> end_m(fabric::Place const& place) const;

    PlanParams params_;
    std::shared_ptr<fabric::Topology const> network_;  // immutable; copies of a plan share it
    std::int64_t racks_;
    std::int64_t row_length_;
    std::vector<InstancePlace> instances_;
    std::vector<CellPlace> cells_;
    std::vector<std::vector<std::uint64_t>> cell_weights_;  // by service
    std::int64_t used_{0};
};

}  // namespace mw::site
