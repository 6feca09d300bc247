#include "megaweave/core/error.hpp"
#include "megaweave/hardware/scale_up.hpp"
#include "schema_entry.hpp"

namespace mw::config {

namespace {

Choices const qualities{{"measured", "published", "estimate"}, {}};

void describe(Fields& fields, hardware::NodeParams& node) {
    fields.integer("accelerators", node.accelerators, within(1, 1024).need());
    fields.quantity("host_idle", node.host_idle_w, "W", bounds::watts.need());
    fields.quantity("host_active", node.host_active_w, "W", bounds::watts.need());
    fields.quantity("nic_idle", node.nic_idle_w, "W", bounds::watts.need());
    fields.quantity("nic_active", node.nic_active_w, "W", bounds::watts.need());
    if (fields.reading() || node.scale_up_switch_stated) {
        if (fields.has("scale_up_switch")) node.scale_up_switch_stated = true;
        fields.quantity("scale_up_switch", node.scale_up_switch_w, "W", bounds::watts);
    }
    fields.quantity("fan_idle", node.fan_idle_w, "W", bounds::watts);
    fields.quantity("fan_full", node.fan_full_w, "W", bounds::watts);
    fields.quantity("psu_rating", node.psu_rating_w, "W", within(1, 1e7).need());
    fields.quantity("nameplate", node.nameplate_w, "W", within(1, 1e7).need());
}

void describe(Fields& fields, hardware::ScaleUpParams& scale_up) {
    static Choices const kinds{{"switched", "mesh", "torus"}, {}};
    static Choices const media{{"copper", "optical"}, {}};
    fields.choice("kind", scale_up.kind, kinds);
    fields.choice("medium", scale_up.medium, media);
    fields.integer("links", scale_up.links, within(1, 10'000));
    fields.integer("radix", scale_up.radix, within(2, 10'000));
    fields.integer("dimensions", scale_up.dimensions, within(1, 6));
    fields.quantity("switch_power", scale_up.switch_w, "W", bounds::watts);
    fields.time("switch_latency", scale_up.switch_ns, "ns", bounds::latency);
    fields.time("cable_latency", scale_up.cable_ns, "ns", bounds::latency);
    if (!fields.reading() && scale_up.optics.empty()) return;
    fabric::OpticsParams optics;
    optics.name = scale_up.optics;
    optics.port_w_per_800g = scale_up.optics_w_per_800g;
    fields.entry("optics", "optics", [&](Fields& entry) { describe(entry, optics); });
    scale_up.optics = optics.name;
    scale_up.optics_w_per_800g = optics.port_w_per_800g;
}

//! What the node's switches draw follows from the domain, unless it is stated; where none can be built, check() says why.
void derive_switches(hardware::RackParams& rack) {
    if (rack.node.scale_up_switch_stated || rack.scale_up_domain < 1) return;
    try {
        rack.node.scale_up_switch_w = hardware::ScaleUp{rack}.switches_w() *
                                      static_cast<double>(rack.node.accelerators) /
                                      static_cast<double>(rack.scale_up_domain);
    } catch (core::InputError const&) {
        rack.node.scale_up_switch_w = 0;
    }
}

}  // namespace

void describe_name(Fields& fields, std::string& name) {
    if (fields.reading() && !fields.entry_name().empty()) name = fields.entry_name();
    fields.text("name", name);
    if (name.empty()) name = "inline";
}

void describe(Fields& fields, hardware::Provenance& provenance, Rule source_rule) {
    if (fields.physics_only()) return;
    fields.text("source", provenance.source, source_rule);
    fields.choice("quality", provenance.quality, qualities);
    fields.text("note", provenance.note);
}

Rule source_rule(Fields const& fields) {
    return fields.entry_name().empty() ? anything : anything.need();
}

void describe(Fields& fields, hardware::RackParams& rack) {
    describe_name(fields, rack.name);
    fields.entry(
        "accelerator", "accelerators", [&](Fields& entry) { describe(entry, rack.accelerator); },
        anything.need());
    fields.integer("nodes", rack.nodes, within(1, 1024).need());
    fields.block(
        "node", [&](Fields& block) { describe(block, rack.node); }, anything.need());
    fields.integer("scale_up_domain", rack.scale_up_domain, within(1, 1e6).need());
    fields.block("scale_up", [&](Fields& block) { describe(block, rack.scale_up); });
    if (fields.reading()) derive_switches(rack);
    fields.flag("scale_up_reduces", rack.scale_up_reduces);
    fields.number("liquid_heat_share", rack.liquid_heat_share, share);
    fields.quantity("width", rack.width_m, "m", within(0.01, 100));
    fields.quantity("depth", rack.depth_m, "m", within(0.01, 100));
    fields.quantity("height", rack.height_m, "m", within(0.01, 100));
    describe(fields, rack.provenance, source_rule(fields));
}

void describe(Fields& fields, fabric::OpticsParams& optics) {
    describe_name(fields, optics.name);
    fields.quantity("port_power", optics.port_w_per_800g, "W", bounds::watts.need());
    fields.flag("at_host", optics.at_host);
    hardware::Provenance provenance{
        optics.source, optics.estimate ? hardware::Quality::estimate : hardware::Quality::published, ""};
    describe(fields, provenance, source_rule(fields));
    optics.source = provenance.source;
    optics.estimate = provenance.quality == hardware::Quality::estimate;
}

void describe(Fields& fields, fabric::SwitchParams& network_switch) {
    describe_name(fields, network_switch.name);
    fields.quantity("bandwidth", network_switch.bytes_per_s, "Tb/s", within(1e6, 1e18).need());
    fields.quantity("idle", network_switch.idle_w, "W", bounds::watts.need());
    fields.quantity("active", network_switch.active_w, "W", bounds::watts.need());
    hardware::Provenance provenance{network_switch.source, hardware::Quality::published, ""};
    describe(fields, provenance, source_rule(fields));
    network_switch.source = provenance.source;
}

void describe(Fields& fields, hardware::PoolMemoryParams& memory) {
    constexpr double tera = 1e12;
    describe_name(fields, memory.name);
    fields.quantity("energy", memory.joules_per_bit, "pJ/b", within(1e-15, 1e-7).need());
    double idle_w_per_tb = memory.idle_w_per_byte * tera;
    fields.quantity("idle_per_tb", idle_w_per_tb, "W", bounds::watts.need());
    memory.idle_w_per_byte = idle_w_per_tb / tera;
    fields.time("latency", memory.latency_ns, "ns", bounds::latency);
    describe(fields, memory.provenance, source_rule(fields));
}

void describe_discarded(Fields& fields, std::string_view kind) {
    auto const discard = [&](auto params) { describe(fields, params); };
    if (kind == "accelerators") discard(hardware::AcceleratorParams{});
    if (kind == "racks") discard(hardware::RackParams{});
    if (kind == "models") discard(llm::ModelParams{});
    if (kind == "engines") discard(llm::EngineParams{});
    if (kind == "optics") discard(fabric::OpticsParams{});
    if (kind == "switches") discard(fabric::SwitchParams{});
    if (kind == "memories") discard(hardware::PoolMemoryParams{});
    if (kind == "recipes") discard(serving::RecipeParams{});
}

}  // namespace mw::config
