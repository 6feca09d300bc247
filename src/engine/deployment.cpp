#include "megaweave/engine/deployment.hpp"

#include "megaweave/core/integer.hpp"
#include "megaweave/engine/load_estimate.hpp"
#include "megaweave/hardware/scale_up.hpp"
#include "megaweave/llm/architecture.hpp"
#include "rack_power.hpp"

namespace mw::engine {

namespace {

Deployment::Service describe_service(World const& world, core::ServiceId id) {
    ServiceModel const& model = world.service(id);
    serving::ServiceParams const& params = model.params();
    Deployment::Service service;
    service.name = params.name;
    service.model = params.model.name;
    service.accelerators_per_instance = params.parallelism_of(false).accelerators();
    for (site::InstancePlace const& place : world.plan().instances()) {
        if (place.service != id) continue;
        ++service.instances;
        service.prefill_instances += place.prefill ? 1 : 0;
    }
    for (site::CellPlace const& cell : world.plan().cells()) service.cells += cell.service == id ? 1 : 0;
    service.weight_bytes_per_accelerator = model.memory().weight_bytes_per_accelerator;
    service.kv_bytes_per_token = llm::kv_bytes_per_token(params.model, params.kv_cache);
    service.kv_blocks = model.instance(false).kv_blocks;
    service.kv_tokens = service.kv_blocks * params.scheduler.block_tokens;
    service.pool_tokens = (model.instance(false).pool_blocks + model.instance(false).swap_blocks) *
                          params.scheduler.block_tokens;
    service.requests_per_s = offered_per_s(model);
    service.input_tokens = mean_input_tokens(model);
    service.output_tokens = mean_output_tokens(model);
    return service;
}

Deployment::ScaleUp describe_scale_up(World const& world) {
    hardware::RackParams const& rack = world.deck().cluster.rack;
    hardware::ScaleUp const domain{rack};
    Deployment::ScaleUp all;
    all.domains = core::ceil_div(world.plan().accelerators(), domain.accelerators());
    all.accelerators = domain.accelerators();
    all.racks = domain.racks();
    all.switch_tiers = domain.switch_tiers();
    all.switches = domain.switches();
    all.cables = domain.cables();
    all.optical_ends = domain.optical_ends();
    all.latency_ns = static_cast<double>(domain.latency_ns());
    all.bisection_bytes_per_s = domain.bisection_bytes_per_s();
    all.all_to_all_bytes_per_s =
        rack.accelerator.scale_up_bytes_per_s * domain.shares(domain.accelerators()).all_to_all;
    all.w_per_accelerator =
        (rack.node.scale_up_switch_w + scale_up_optics_w(rack)) / static_cast<double>(rack.node.accelerators);
    return all;
}

}  // namespace

double idle_facility_w(World const& world) {
    site::Plan const& plan = world.plan();
    config::Deck const& deck = world.deck();
    std::vector<std::int64_t> assigned(static_cast<std::size_t>(plan.racks()), 0);
    std::int64_t const per_rack = plan.rack_type().accelerators();
    for (site::InstancePlace const& place : plan.instances())
        for (std::int64_t a = 0; a < place.accelerators; ++a)
            ++assigned[static_cast<std::size_t>((place.first_accelerator + a) / per_rack)];
    RackPower const rack_power{deck};
    Energies energy_uj;
    for (std::size_t r = 0; r < assigned.size(); ++r) {
        auto const id = core::RackId::of(r);
        RackInventory rack;
        rack.accelerators = plan.accelerators_in(id);
        rack.assigned = assigned[r];
        rack.nodes = plan.nodes_in(id);
        rack.sample_ns = core::ns_per_s;
        rack.die_c = deck.cluster.rack.accelerator.thermal.leakage_reference_c;
        rack.memory_nodes = plan.memory_nodes_in(id);
        MeterReading idle;
        idle.accelerator_ns[llm::index_of(llm::Share::idle)] = rack.accelerators * rack.sample_ns;
        energy_uj += rack_power(rack, idle).by_consumer;
    }
    SitePower{world}.add(energy_uj, world.warmup_ns(), 1.0, 0.0, {});
    return static_cast<double>(energy_uj.sum()) * 1e-6;
}

void require_countable(World const& world) {
    auto const run_ns = static_cast<double>(world.end_ns());
    double const accelerator_ns = run_ns * static_cast<double>(world.plan().accelerators());
    if (accelerator_ns > core::most_sum) core::too_large("the accelerators' time [ns]", accelerator_ns);
    double const idle_uj = run_ns * 1e-3 * idle_facility_w(world);
    if (idle_uj > core::most_sum) core::too_large("the energy that the idle site takes [uJ]", idle_uj);
}

Deployment describe(World const& world) {
    site::Plan const& plan = world.plan();
    config::Deck const& deck = world.deck();
    Deployment all;
    all.accelerators = plan.accelerators();
    all.unused_accelerators = plan.unused_accelerators();
    all.racks = plan.racks();
    all.nodes = plan.nodes();
    all.memory_nodes = plan.memory_nodes();
    all.halls = plan.halls();
    all.network = plan.network_tiers(deck.cluster.optics.at_host);
    for (site::NetworkTier const& tier : all.network) {
        all.switches += tier.switches;
        all.cables += tier.cables;
        all.optical_ends += tier.optical_ends;
    }
    all.links = plan.network().link_count();
    all.scale_up = describe_scale_up(world);
    SitePower const power{world};
    all.nameplate_it_w = power.nameplate_it_w();
    all.nameplate_facility_w = power.nameplate_facility_w();
    require_countable(world);
    all.idle_facility_w = idle_facility_w(world);
    for (std::size_t s = 0; s < world.services(); ++s)
        all.services.push_back(describe_service(world, core::ServiceId::of(s)));
    return all;
}

}  // namespace mw::engine
