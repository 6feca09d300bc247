#include "schema.hpp"

namespace mw::config {

namespace {

void describe(Fields& fields, TimeParams& time) {
    fields.time("duration", time.duration_ns, "s", positive.need());
    fields.time("warmup", time.warmup_ns, "s", not_negative);
    fields.time("window", time.window_ns, "ms", positive);
    fields.time("sample", time.sample_ns, "ms", positive);
}

void describe_clos(Fields& fields, fabric::ClosParams& clos) {
    static Choices const routings{{"adaptive", "ecmp"}, {}};
    fields.integer("tiers", clos.tiers, at_least(2).up_to(3));
    fields.integer("radix", clos.radix, at_least(4).up_to(4096));
    fields.bytes("link", clos.link_bytes_per_s, "Gb/s", at_least(1));
    fields.number("oversubscription", clos.oversubscription, at_least(1).up_to(64));
    fields.choice("routing", clos.routing, routings);
    fields.time("switch_latency", clos.switch_latency_ns, "ns", not_negative);
    fields.time("cable_latency", clos.cable_latency_ns, "ns", not_negative);
    fields.time("host_latency", clos.host_latency_ns, "ns", not_negative);
}

void describe_scale_out(Fields& fields, ClusterParams& cluster) {
    static Choices const topologies{{"clos"}, {"rail", "dragonfly", "torus", "hyperx", "explicit"}};
    std::size_t topology = 0;
    fields.choice("topology", topology, topologies);
    if (fields.says("topology", "explicit")) {  // for `megaweave flows`
        fields.known("links");
        fields.known("routes");
    }
    describe_clos(fields, cluster.scale_out);
    fields.entry("optics", "optics", [&](Fields& entry) { describe(entry, cluster.optics); });
    fields.entry("switch", "switches", [&](Fields& entry) { describe(entry, cluster.network_switch); });
}

void describe_memory_pool(Fields& fields) {
    std::string none = "none";
    bool const absent = fields.reading() && !fields.has("memory_pool");
    if (!fields.reading() || absent || fields.says("memory_pool", "none")) {
        fields.text("memory_pool", none);
        return;
    }
    fields.known("memory_pool");
    fields.reject("memory_pool",
                  "memory_pool is known to the deck format, but this version simulates none. Write "
                  "'memory_pool: none'");
}

void describe(Fields& fields, ClusterParams& cluster) {
    fields.integer("accelerators", cluster.accelerators, at_least(1).up_to(1e8).need());
    fields.entry(
        "rack", "racks", [&](Fields& entry) { describe(entry, cluster.rack); }, anything.need());
    fields.block("scale_out", [&](Fields& block) { describe_scale_out(block, cluster); });
    describe_memory_pool(fields);
}

void describe(Fields& fields, plant::CoolingParams& cooling) {
    static Choices const kinds{{"liquid", "air"}, {}};
    if (fields.is_word("cooling")) {
        fields.choice("cooling", cooling.kind, kinds);
        return;
    }
    fields.block("cooling", [&](Fields& block) {
        block.choice("kind", cooling.kind, kinds);
        block.quantity("supply", cooling.supply_c, "degC", at_least(0).up_to(80));
        block.quantity("air_supply", cooling.air_supply_c, "degC", at_least(0).up_to(60));
        block.quantity("air_approach", cooling.air_approach_k, "K", at_least(0).up_to(60));
        block.quantity("wet_bulb", cooling.wet_bulb_c, "degC", at_least(-60).up_to(60));
        block.quantity("approach", cooling.approach_k, "K", at_least(0).up_to(60));
        block.quantity("pump_pressure", cooling.pump_pressure_pa, "kPa", not_negative);
        block.number("pump_efficiency", cooling.pump_efficiency, positive_share);
        block.quantity("loop_rise", cooling.loop_rise_k, "K", positive);
        block.number("tower_fan_share", cooling.tower_fan_share, share);
        block.number("chiller_cop", cooling.chiller_cop, positive);
        block.number("crah_fan_share", cooling.crah_fan_share, share);
        if (block.reading() || cooling.constant_pue > 0)
            block.number("pue", cooling.constant_pue, at_least(1).up_to(10));
    });
}

void describe(Fields& fields, plant::DeliveryParams& delivery) {
    static Choices const modes{{"none", "eco", "double_conversion"}, {}};
    constexpr std::array typical_efficiency{1.0, 0.985, 0.95};  // physics.md, section 5
    fields.numbers("psu_load", delivery.psu_load, positive_share);
    fields.numbers("psu_efficiency", delivery.psu_efficiency, positive_share);
    fields.choice("ups", delivery.ups, modes);
    if (fields.reading())
        delivery.ups_efficiency = typical_efficiency[static_cast<std::size_t>(delivery.ups)];
    fields.number("ups_efficiency", delivery.ups_efficiency, positive_share);
    fields.number("transformer_no_load", delivery.transformer_no_load, share);
    fields.number("transformer_full_load", delivery.transformer_full_load, share);
}

void describe(Fields& fields, plant::FacilityParams& facility) {
    if (fields.reading() || facility.budget_w > 0)
        fields.quantity("budget", facility.budget_w, "MW", positive);
    describe(fields, facility.cooling);
    fields.block("delivery", [&](Fields& block) { describe(block, facility.delivery); });
    fields.quantity("other_power", facility.other_w_per_kw, "W/kW", not_negative);
}

void describe(Fields& fields, OutputParams& output) {
    fields.text("directory", output.directory);
    fields.time("checkpoint_every", output.checkpoint_every_ns, "min", not_negative);
    fields.number("request_sample", output.request_sample, share);
}

//! Read before the rest of the deck, since they say what names mean.
void describe_catalogue(Fields& fields) {
    fields.known("catalogue");
    fields.known("catalogue_entries");
}

}  // namespace

void describe(Fields& fields, Deck& deck) {
    if (!fields.physics_only()) fields.text("name", deck.name, anything.need());
    fields.seed("seed", deck.seed);
    describe_catalogue(fields);
    fields.block(
        "time", [&](Fields& block) { describe(block, deck.time); }, anything.need());
    fields.block(
        "cluster", [&](Fields& block) { describe(block, deck.cluster); }, anything.need());
    fields.list("services", deck.services.size(), [&](Fields& item, std::size_t index) {
        if (index >= deck.services.size()) deck.services.resize(index + 1);
        describe(item, deck.services[index]);
    });
    fields.block("facility", [&](Fields& block) { describe(block, deck.facility); });
    if (!fields.physics_only()) fields.block("output", [&](Fields& block) { describe(block, deck.output); });
    if (fields.has("sweep")) {
        fields.known("sweep");
        fields.reject("sweep",
                      "sweep is known to the deck format, but this version simulates only single points. "
                      "Leave the block out, and use --set for each point");
    }
}

void describe(Fields& fields, FlowsDeck& deck) {
    static Choices const topologies{{"clos", "explicit"}, {"rail", "dragonfly", "torus", "hyperx"}};
    fields.text("name", deck.name, anything.need());
    fields.seed("seed", deck.seed);
    describe_catalogue(fields);
    auto const scale_out = [&](Fields& block) {
        std::size_t topology = 0;
        block.choice("topology", topology, topologies);
        deck.explicit_topology = topology == 1;
        if (deck.explicit_topology) {
            block.file("links", deck.links_file);
            block.file("routes", deck.routes_file);
        }
        describe_clos(block, deck.clos);
        block.known("optics");
        block.known("switch");
    };
    auto const cluster = [&](Fields& block) {
        block.block("scale_out", scale_out, anything.need());
        Rule const endpoints = at_least(1).up_to(1e8);
        block.integer("accelerators", deck.clos.endpoints,
                      deck.explicit_topology ? endpoints : endpoints.need());
        hardware::RackParams rack;
        block.entry("rack", "racks", [&](Fields& entry) { describe(entry, rack); });
        if (rack.node.accelerators > 0) deck.clos.nics_per_node = rack.node.accelerators;
        if (deck.clos.link_bytes_per_s == 0) {
            deck.clos.link_bytes_per_s = static_cast<std::int64_t>(rack.accelerator.scale_out_bytes_per_s);
        }
        block.known("memory_pool");
    };
    fields.block("cluster", cluster, anything.need());
    for (auto const* const key : {"time", "services", "facility", "output", "sweep"}) fields.known(key);
}

}  // namespace mw::config
