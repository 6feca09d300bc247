#include <cmath>

#include "check.hpp"
#include "checker.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/hardware/scale_up.hpp"
#include "megaweave/site/plan.hpp"

namespace mw::config {

namespace {

std::string with_memory(fabric::NetworkParams const& network) {
    if (network.memory_nodes == 0) return "";
    return ", among them " + num(network.memory_nodes * network.nics_per_node) + " NICs of " +
           num(network.memory_nodes) + " memory nodes,";
}

//! Returns whether the accelerators fit.
bool check_clos_size(fabric::NetworkParams const& clos, Checker& check) {
    check.expect(
        clos.radix % 2 == 0, {"cluster.scale_out.radix"},
        "cluster.scale_out.radix must be even. Write " + num(clos.radix - 1) + " or " + num(clos.radix + 1));
    std::int64_t const capacity = clos_capacity(clos);
    check.expect(clos.endpoints <= capacity,
                 {"cluster.scale_out", "cluster.accelerators", "cluster.rack", "cluster.scale_out.tiers",
                  "cluster.scale_out.radix", "cluster.scale_out.oversubscription"},
                 num(clos.endpoints) + " accelerators" + with_memory(clos) + " do not fit a Clos of " +
                     num(clos.tiers) + " tiers of radix " + num(clos.radix) + ", which holds " +
                     num(capacity) + ". Use " +
                     (clos.tiers < 4 ? "more tiers or a larger radix" : "a larger radix"));
    return clos.endpoints <= capacity && clos.radix % 2 == 0;
}

void check_scale_up(hardware::RackParams const& rack, Checker& check) {
    hardware::ScaleUpParams const& scale_up = rack.scale_up;
    bool const optical = scale_up.medium == hardware::Medium::optical;
    check.expect(
        !optical || !scale_up.optics.empty(), {"cluster.rack.scale_up.medium", "cluster.rack"},
        "an optical scale-up domain needs a technology. Add cluster.rack.scale_up.optics, such as cpo");
    check.expect(optical || scale_up.optics.empty(), {"cluster.rack.scale_up.optics", "cluster.rack"},
                 "cluster.rack.scale_up.optics belongs to 'medium: optical'. Add that, or leave it out");
    check.expect(!rack.scale_up_reduces || scale_up.kind == hardware::ScaleUpKind::switched,
                 {"cluster.rack.scale_up_reduces", "cluster.rack"},
                 "only switches reduce: scale_up_reduces belongs to 'kind: switched'");
    if (rack.scale_up_domain < 1) return;  // not read
    try {
        hardware::ScaleUp const built{rack};
    } catch (core::InputError const& error) {
        for (std::string const& message : error.messages())
            check.expect(false, {"cluster.rack.scale_up", "cluster.rack.scale_up_domain", "cluster.rack"},
                         message);
    }
}

void check_rack_power(hardware::RackParams const& rack, Checker& check) {
    check.expect(rack.node.fan_idle_w <= rack.node.fan_full_w, {"cluster.rack"},
                 "fan_idle of rack " + rack.name + " is more than its fan_full");
    hardware::ClockParams const& clock = rack.accelerator.clock;
    check.expect(clock.min_mhz <= clock.max_mhz, {"cluster.rack"},
                 "min_mhz of accelerator " + rack.accelerator.name + " is above its max_mhz");
    hardware::ThermalParams const& thermal = rack.accelerator.thermal;
    check.expect(
        thermal.throttle_start_c < thermal.throttle_full_c, {"cluster.rack"},
        "throttle_start of accelerator " + rack.accelerator.name + " is not below its throttle_full");
}

void check_rack(ClusterParams const& cluster, Checker& check) {
    auto const& rack = cluster.rack;
    std::int64_t const node = rack.node.accelerators;
    if (node == 0) return;  // not read
    check.expect(cluster.accelerators % node == 0, {"cluster.accelerators", "cluster.rack"},
                 "cluster.accelerators must be a multiple of " + num(node) + ", a node of " + rack.name +
                     ". Write " + num((cluster.accelerators / node + 1) * node));
    std::int64_t const domain = rack.scale_up_domain;
    check.expect(
        domain % node == 0 && (rack.accelerators() % domain == 0 || domain % rack.accelerators() == 0),
        {"cluster.rack"},
        "scale_up_domain of rack " + rack.name +
            " must be whole nodes, and the rack whole domains or the domain whole racks");
    check_scale_up(rack, check);
    check_rack_power(rack, check);
    auto const& accelerator = rack.accelerator;
    check.expect(cluster.boards.power_cap_w == 0 || cluster.boards.power_cap_w > accelerator.resident_idle_w,
                 {"cluster.boards.power_cap", "cluster.rack"},
                 "no power cap can lie below the " + num(std::llround(accelerator.resident_idle_w)) +
                     " W that an idle " + accelerator.name + " draws");
    check.expect(accelerator.hbm_usable_bytes < 1.1 * accelerator.hbm_bytes, {"cluster.rack"},
                 "accelerator " + accelerator.name + " has more usable memory than its capacity");
    check.expect(accelerator.idle_w < accelerator.tdp_w && accelerator.resident_idle_w <= accelerator.tdp_w,
                 {"cluster.rack"}, "accelerator " + accelerator.name + " draws more when idle than its tdp");
}

void check_memory_pool(ClusterParams const& cluster, Checker& check) {
    hardware::MemoryPoolParams const& pool = cluster.memory_pool;
    if (!pool.present() || cluster.rack.node.accelerators == 0) return;
    check.expect(pool.link_bytes_per_s <= pool.bytes_per_s,
                 {"cluster.memory_pool.link", "cluster.memory_pool.bandwidth"},
                 "cluster.memory_pool.link is one accelerator's, and faster than the whole pool's bandwidth");
    check.expect(!pool.on_network() || pool.link_bytes_per_s <= cluster.scale_out.link_bytes_per_s,
                 {"cluster.memory_pool.link", "cluster.scale_out.link"},
                 "a site's pool is read over the scale-out network, whose NICs are slower than "
                 "cluster.memory_pool.link. Leave it out, or raise cluster.scale_out.link");
}

}  // namespace

std::int64_t clos_capacity(fabric::NetworkParams const& clos) {
    auto const radix = static_cast<double>(clos.radix);
    std::int64_t const down = std::clamp<std::int64_t>(
        std::llround(radix * clos.oversubscription / (1 + clos.oversubscription)), 1, clos.radix - 1);
    std::int64_t const per_leaf = down / clos.nics_per_node * clos.nics_per_node;
    std::int64_t const half = clos.radix / 2;
    return per_leaf * clos.radix * (clos.tiers >= 3 ? half : 1) * (clos.tiers == 4 ? half : 1);
}

void check_network(fabric::NetworkParams const& network, Checker& check) {
    if (network.nics_per_node < 1) return;  // not read
    bool const one_clos = network.kind == fabric::Kind::clos && network.planes == 1;
    bool const fits = !one_clos || check_clos_size(network, check);
    bool const sound = network.endpoints > 0 && network.endpoints % network.nics_per_node == 0;
    if (!fits || !sound || network.link_bytes_per_s < 1) return;  // said elsewhere
    for (std::string const& mistake : site::network_mistakes(network))
        check.expect(false, {"cluster.scale_out"}, mistake);
}

void check_cluster(ClusterParams const& cluster, Checker& check) {
    check_rack(cluster, check);
    check_memory_pool(cluster, check);
    if (cluster.scale_out.nics_per_node > 0) check_network(cluster.scale_out, check);
}

}  // namespace mw::config
