#include "run_shape.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace mw::app {

namespace {

constexpr double way_apart_m = 0.08;  // so that both directions of a bundle are seen

//! Named by service, role and number within both: "chat/prefill/3".
std::vector<io::InstanceInfo> instances_of(engine::World const& world) {
    site::Plan const& plan = world.plan();
    std::map<std::pair<std::size_t, bool>, int> counts;
    std::vector<io::InstanceInfo> all;
    all.reserve(plan.instances().size());
    for (site::InstancePlace const& place : plan.instances()) {
        serving::ServiceParams const& service = world.deck().services[place.service.index()];
        bool const unified = service.mode == serving::Mode::unified;
        io::InstanceInfo info;
        info.service = service.name;
        info.role = unified ? "unified" : place.prefill ? "prefill" : "decode";
        int const number = counts[{place.service.index(), place.prefill}]++;
        info.name = fmt::format("{}/{}/{}", info.service, info.role, number);
        info.rack = static_cast<std::int32_t>(place.home.index());
        info.first_accelerator = place.first_accelerator;
        info.accelerators = place.accelerators;
        info.cell = static_cast<std::int32_t>(place.cell.index());
        all.push_back(std::move(info));
    }
    return all;
}

}  // namespace

io::RunShape run_shape(engine::World const& world, site::Partition const& partition,
                       parallel::Comm const& comm) {
    site::Plan const& plan = world.plan();
    int const rank = comm.rank();
    io::RunShape shape;
    shape.racks_total = plan.racks();
    shape.first_rack = partition.first_rack(rank);
    shape.links_total = plan.network().bundle_count();
    for (std::int64_t r = shape.first_rack; r < shape.first_rack + partition.rack_count(rank); ++r) {
        auto const rack = core::RackId::of(static_cast<std::size_t>(r));
        site::RackPlace const place = plan.place(rack);
        shape.racks.push_back({place.name, place.hall, place.row, place.position_m, place.size_m,
                               static_cast<std::int32_t>(plan.accelerators_in(rack))});
        for (fabric::BundleIndex const index : plan.bundles_of(rack)) {
            fabric::Bundle const bundle = plan.network().bundle(index);
            auto ends = plan.ends_m(bundle);
            for (auto& end : ends) end[0] += bundle.up ? way_apart_m : -way_apart_m;
            shape.links.push_back({plan.network().bundle_name(index), ends[0], ends[1],
                                   static_cast<double>(bundle.capacity_bytes_per_s), bundle.tier,
                                   static_cast<std::int32_t>(r)});
        }
    }
    if (comm.root()) shape.instances = instances_of(world);
    shape.first_link = comm.sum_before(static_cast<std::int64_t>(shape.links.size()));
    return shape;
}

}  // namespace mw::app
