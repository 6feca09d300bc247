#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "megaweave/core/ids.hpp"
#include "megaweave/fabric/clos.hpp"
#include "megaweave/hardware/params.hpp"

namespace mw::site {

//! How one service lies over its part of the cluster.
struct Placement {
    std::int64_t accelerators{0};      //!< its part
    std::int64_t per_instance{1};      //!< accelerators of one instance
    double prefill_share{0};           //!< of the instances; 0: unified
    std::int64_t cell_instances{128};  //!< at most, behind one router
};

struct PlanParams {
    std::int64_t accelerators{0};
    hardware::RackParams rack;
    fabric::ClosParams scale_out;
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
    [[nodiscard]] core::RackId rack_of_node(std::int64_t node) const {
        return core::RackId::of(static_cast<std::size_t>(node / params_.rack.nodes));
    }
    [[nodiscard]] std::int64_t node_of(std::int64_t accelerator) const {
        return accelerator / params_.rack.node.accelerators;
    }
    [[nodiscard]] RackPlace place(core::RackId rack) const;
    [[nodiscard]] std::int64_t halls() const;

    [[nodiscard]] fabric::Clos const& clos() const { return clos_; }
    [[nodiscard]] core::RackId rack_of_link(fabric::LinkIndex link) const {
        return rack_of_node(clos_.owner_node(link));
    }
    //! Bundles owned by a rack, in the order in which they are recorded; racks in order give all bundles.
    [[nodiscard]] std::vector<fabric::BundleIndex> bundles_of(core::RackId rack) const;
    //! Both ends of a bundle in the room, for pictures.
    [[nodiscard]] std::array<std::array<double, 3>, 2> ends_m(fabric::Bundle const& bundle) const;

    [[nodiscard]] std::vector<InstancePlace> const& instances() const { return instances_; }
    [[nodiscard]] InstancePlace const& instance(core::InstanceId id) const { return instances_[id.index()]; }
    [[nodiscard]] std::vector<CellPlace> const& cells() const { return cells_; }
    [[nodiscard]] CellPlace const& cell(core::CellId id) const { return cells_[id.index()]; }
    //! Accelerators that no instance uses.
    [[nodiscard]] std::int64_t unused_accelerators() const { return params_.accelerators - used_; }
    [[nodiscard]] bool same_scale_up_domain(std::int64_t accelerator_a, std::int64_t accelerator_b) const;

  private:
    void place_service(core::ServiceId service, Placement const& placement, std::int64_t first_accelerator);
    void place_cells(core::ServiceId service, Placement const& placement, std::uint32_t first_instance);
    [[nodiscard]] std::array<double, 3> above(std::int64_t first_node, std::int64_t last_node,
                                              double height_m) const;

    PlanParams params_;
    fabric::Clos clos_;
    std::int64_t racks_;
    std::int64_t row_length_;
    std::vector<InstancePlace> instances_;
    std::vector<CellPlace> cells_;
    std::int64_t used_{0};
};

}  // namespace mw::site
