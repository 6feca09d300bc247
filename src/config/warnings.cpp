#include <algorithm>

#include "check.hpp"
#include "checker.hpp"

namespace mw::config {

namespace {

using Warnings = std::vector<std::string>;

void warn_of_estimate(std::string const& what, hardware::Provenance const& provenance, Warnings& warnings) {
    if (provenance.quality != hardware::Quality::estimate) return;
    warnings.push_back("the values of " + what + " are estimates" +
                       (provenance.note.empty() ? "" : ": " + provenance.note));
}

//! A timing table stands in for all that an engine entry says of kernels and host.
void warn_of_engine(llm::EngineParams const& engine, std::string const& accelerator, Warnings& warnings) {
    warn_of_estimate("engine " + engine.name, engine.provenance, warnings);
    if (!engine.measured_on.empty() &&
        std::ranges::find(engine.measured_on, accelerator) == engine.measured_on.end())
        warnings.push_back("engine " + engine.name + " was not measured on " + accelerator +
                           ": its speed there is the accelerator's efficiencies over all engines times "
                           "the engine's factors");
}

void warn_of_service(serving::ServiceParams const& service, hardware::AcceleratorParams const& accelerator,
                     Warnings& warnings) {
    warn_of_estimate("model " + service.model.name, service.model.provenance, warnings);
    if (service.timing_table.empty()) warn_of_engine(service.engine, accelerator.name, warnings);
    if (accelerator.peak_flops[hardware::index_of(service.weights)] <= 0)
        warnings.push_back("service " + service.name + ": " + accelerator.name +
                           " does not compute in the precision of the weights; they are stored so and "
                           "computed in the next wider one");
    std::int64_t const instance =
        service.unequal_pools() ? service.prefill_pool.accelerators() + service.decode_pool.accelerators()
                                : service.parallelism.accelerators();
    if (std::int64_t const spare = service.accelerators % instance; spare != 0)
        warnings.push_back("service " + service.name + ": " + num(spare) +
                           " accelerators make no whole instance and stay idle");
}

}  // namespace

void warn_of_scale_up(Deck const& deck, Warnings& warnings) {
    hardware::RackParams const& rack = deck.cluster.rack;
    std::int64_t const domain = rack.scale_up_domain;
    if (domain > rack.accelerators() && rack.scale_up.medium == hardware::Medium::copper)
        warnings.push_back("a scale-up domain of " + num(domain) + " spans " +
                           num(domain / rack.accelerators()) +
                           " racks by copper, which reaches about 2 m at today's lane rates; write "
                           "scale_up: {medium: optical, …} where it does not");
    for (auto const& service : deck.services)
        for (bool const prefill : {false, true}) {
            std::int64_t const size = service.parallelism_of(prefill).accelerators();
            if (size > rack.node.accelerators && size < domain && domain % size != 0 &&
                (prefill ? service.unequal_pools() : true))
                warnings.push_back("service " + service.name + ": instances of " + num(size) +
                                   " do not divide a scale-up domain of " + num(domain) +
                                   "; those that lie across its edge are taken to be inside");
        }
}

Warnings warnings_of(Deck const& deck, Tree const& root) {
    Warnings warnings;
    auto const& cluster = deck.cluster;
    auto const& accelerator = cluster.rack.accelerator;
    warn_of_estimate("rack " + cluster.rack.name, cluster.rack.provenance, warnings);
    warn_of_estimate("accelerator " + accelerator.name, accelerator.provenance, warnings);
    if (std::ranges::any_of(deck.services, [](auto const& service) { return service.timing_table.empty(); }))
        warn_of_estimate("engine efficiency on " + accelerator.name, accelerator.efficiency.provenance,
                         warnings);
    if (cluster.optics.estimate)
        warnings.push_back("the power of optics " + cluster.optics.name + " is an estimate");
    if (cluster.memory_pool.present()) {
        warn_of_estimate("pool memory " + cluster.memory_pool.memory.name,
                         cluster.memory_pool.memory.provenance, warnings);
        if (cluster.pool_optics.estimate && !cluster.memory_pool.on_network())
            warnings.push_back("the power of the memory pool's optics " + cluster.pool_optics.name +
                               " is an estimate");
    }
    if (static_cast<double>(cluster.scale_out.link_bytes_per_s) > accelerator.scale_out_bytes_per_s)
        warnings.emplace_back(
            "cluster.scale_out.link is faster than the accelerator's network adapter, which is the limit");
    for (auto const& service : deck.services) warn_of_service(service, accelerator, warnings);
    warn_of_scale_up(deck, warnings);
    note_idle_keys(deck, root, warnings);
    return warnings;
}

}  // namespace mw::config
