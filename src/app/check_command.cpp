#include <fmt/format.h>

#include <array>
#include <string>

#include "agree.hpp"
#include "commands.hpp"
#include "deck_source.hpp"
#include "machine_memory.hpp"
#include "megaweave/engine/deployment.hpp"
#include "megaweave/engine/feasibility.hpp"

namespace mw::app {

namespace {

void line(std::string const& what, std::string const& value) {
    fmt::print("  {:<34} {}\n", what, value);
}

std::string offered(engine::Deployment::Service const& service, serving::ServiceParams const& params) {
    if (service.requests_per_s > 0)
        return fmt::format("{:.4g} requests/s: {:.4g} input and {:.4g} output tokens/s",
                           service.requests_per_s, service.requests_per_s * service.input_tokens,
                           service.requests_per_s * service.output_tokens);
    workload::ArrivalParams const& arrivals = params.workload.arrivals;
    if (arrivals.process == workload::Process::burst)
        return fmt::format("{} requests at the start", arrivals.requests);
    if (arrivals.process == workload::Process::trace) return "a trace's requests, all at the start";
    if (arrivals.requests > 0)
        return fmt::format("{} requests, {} in flight at a time", arrivals.requests, arrivals.concurrency);
    return fmt::format("{} requests in flight at all times", arrivals.concurrency);
}

void print_site(config::Deck const& deck, engine::Deployment const& d) {
    fmt::print("{}\n", deck.name);
    line("accelerators",
         fmt::format("{} {}{}", d.accelerators, deck.cluster.rack.accelerator.name,
                     d.unused_accelerators > 0 ? fmt::format(" ({} unused)", d.unused_accelerators) : ""));
    line("racks", fmt::format("{} {} in {} {}", d.racks, deck.cluster.rack.name, d.halls,
                              d.halls == 1 ? "hall" : "halls"));
    line("nodes", fmt::format("{}", d.nodes));
    if (d.memory_nodes > 0) line("memory nodes on the network", fmt::format("{}", d.memory_nodes));
    line("switches", fmt::format("{}", d.switches));
    line("cables", fmt::format("{} at {:.4g} Gb/s", d.cables,
                               static_cast<double>(deck.cluster.scale_out.link_bytes_per_s) * 8e-9));
    line("optical ends", fmt::format("{} ({})", d.optical_ends, deck.cluster.optics.name));
    line("simulated links", fmt::format("{}", d.links));
    line("nameplate power, IT", fmt::format("{:.4g} MW", d.nameplate_it_w * 1e-6));
    line("nameplate power, facility", fmt::format("{:.4g} MW", d.nameplate_facility_w * 1e-6));
    line("idle power, facility", fmt::format("{:.4g} MW", d.idle_facility_w * 1e-6));
    if (deck.facility.budget_w > 0)
        line("budget",
             fmt::format("{:.4g} MW: {:.0f} % of the facility's nameplate", deck.facility.budget_w * 1e-6,
                         100 * deck.facility.budget_w / d.nameplate_facility_w));
}

//! Where the switches, cables and transceivers of the scale-out network are.
void print_network(engine::Deployment const& d) {
    fmt::print("\nscale-out network\n  {:<10} {:>9} {:>9} {:>13} {:>15} {:>13}\n", "tier", "switches",
               "cables", "optical ends", "median length", "copper share");
    for (site::NetworkTier const& tier : d.network)
        fmt::print("  {:<10} {:>9} {:>9} {:>13} {:>13.1f} m {:>11.0f} %\n", tier.name, tier.switches,
                   tier.cables, tier.optical_ends, tier.median_m, 100 * tier.copper_share);
}

void print_scale_up(engine::Deployment::ScaleUp const& s, hardware::ScaleUpParams const& params) {
    static constexpr std::array<char const*, 3> kinds = {"switched", "mesh", "torus"};
    bool const optical = params.medium == hardware::Medium::optical;
    fmt::print("\nscale-up domains\n");
    line("domains", fmt::format("{} of {} accelerators{}", s.domains, s.accelerators,
                                s.racks > 1 ? fmt::format(", each over {} racks", s.racks) : ""));
    line("kind", fmt::format("{}{}, {}", kinds[static_cast<std::size_t>(params.kind)],
                             s.switch_tiers > 1 ? fmt::format(" in {} tiers", s.switch_tiers) : "",
                             optical ? "optical (" + params.optics + ")" : "copper"));
    line("of one domain",
         fmt::format("{} switches, {} cables, {} optical ends", s.switches, s.cables, s.optical_ends));
    line("latency, farthest two", fmt::format("{:.0f} ns", s.latency_ns));
    line("bisection, one direction", fmt::format("{:.4g} TB/s", s.bisection_bytes_per_s * 1e-12));
    line("all to all, each accelerator", fmt::format("{:.4g} GB/s", s.all_to_all_bytes_per_s * 1e-9));
    line("switches and optics", fmt::format("{:.4g} W per accelerator", s.w_per_accelerator));
}

void print_service(engine::Deployment::Service const& s, serving::ServiceParams const& params) {
    fmt::print("\nservice {}\n", s.name);
    line("model", s.model);
    if (params.model.context > 0)
        line("context of the model", fmt::format("{} tokens", params.model.context));
    if (params.scheduler.max_model_len > 0)
        line("longest request", fmt::format("{} tokens", params.scheduler.max_model_len));
    line("instances", s.prefill_instances > 0
                          ? fmt::format("{} of {} accelerators: {} prefill, {} decode", s.instances,
                                        s.accelerators_per_instance, s.prefill_instances,
                                        s.instances - s.prefill_instances)
                          : fmt::format("{} of {} accelerators", s.instances, s.accelerators_per_instance));
    line("routers", fmt::format("{}", s.cells));
    line("weights per accelerator", fmt::format("{:.4g} GB", s.weight_bytes_per_accelerator * 1e-9));
    line("KV cache per token", fmt::format("{:.4g} kB", s.kv_bytes_per_token * 1e-3));
    line("KV capacity per instance", fmt::format("{} blocks = {} tokens", s.kv_blocks, s.kv_tokens));
    if (s.pool_tokens > 0)
        line("in the memory pool", fmt::format("{} tokens {}", s.pool_tokens,
                                               params.scheduler.preemption == serving::Preemption::swap
                                                   ? "beside them, of sequences put aside"
                                                   : "of them"));
    line("mean request",
         fmt::format("{:.4g} input and {:.4g} output tokens", s.input_tokens, s.output_tokens));
    line("offered", offered(s, params));
}

//! By the estimate: engine::estimate_load.
void print_load(engine::LoadEstimate const& load) {
    static constexpr std::array<char const*, 4> bounds = {"", ", prefill bound", ", decode bound",
                                                          ", network bound"};
    if (load.capacity_per_s <= 0) return line("estimated capacity", "no request fits");
    std::string const used =
        load.offered_per_s > 0 ? fmt::format(", {:.0f} % offered", 100 * load.load()) : std::string{};
    line("estimated capacity",
         fmt::format("{:.4g} requests/s, {:.4g} at work{}{}", load.capacity_per_s, load.in_flight,
                     bounds[static_cast<std::size_t>(load.bound)], used));
    line("a request alone",
         fmt::format("TTFT {:.4g} ms, TPOT {:.4g} ms", load.ttft_s * 1e3, load.tpot_s * 1e3));
}

}  // namespace

int check_command(Options const& options, parallel::Comm& comm) {
    std::optional<std::string> const piped = piped_deck(comm, options.deck);
    auto const world = on_all_ranks(comm, [&] {
        return std::make_unique<engine::World>(config::read_deck(options.deck, options.overrides, piped));
    });
    refuse_beyond_memory(*world, comm);
    if (!comm.root()) return exit_done;
    engine::Deployment const deployment = engine::describe(*world);
    print_site(world->deck(), deployment);
    line("memory of a run", fmt::format("about {:.2g} GB", memory_of(*world) * 1e-9));
    print_network(deployment);
    print_scale_up(deployment.scale_up, world->deck().cluster.rack.scale_up);
    engine::Feasibility const feasibility = engine::assess(*world);
    for (std::size_t s = 0; s < deployment.services.size(); ++s) {
        print_service(deployment.services[s], world->deck().services[s]);
        print_load(feasibility.services[s]);
    }
    for (std::string const& warning : world->deck().warnings) fmt::print("\nnote: {}\n", warning);
    for (std::string const& warning : feasibility.warnings) fmt::print("\nnote: {}\n", warning);
    return exit_done;
}

}  // namespace mw::app
