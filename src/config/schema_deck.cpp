#include "schema.hpp"

namespace mw::config {

namespace {

void describe(Fields& fields, TimeParams& time) {
    fields.time("duration", time.duration_ns, "s", bounds::event.need());
    fields.time("warmup", time.warmup_ns, "s", bounds::start);
    fields.time("window", time.window_ns, "ms", within(1e-6, 1));
    fields.time("sample", time.sample_ns, "ms", within(1e-6, 3600));
}

void describe_transport(Fields& fields, fabric::TransportParams& transport) {
    static Choices const kinds{{"ideal", "sprayed"}, {}};
    if (!fields.reading() && transport.kind == fabric::TransportParams::Kind::ideal) return;
    fields.block("transport", [&](Fields& block) {
        block.choice("kind", transport.kind, kinds);
        block.bytes("payload", transport.payload_bytes, "B", within(64, 1e6));
        block.bytes("header", transport.header_bytes, "B", within(0, 4096));
        block.number("spraying_loss", transport.spraying_loss, within(0, 0.9));
        block.quantity("queueing", transport.queueing_s, "s", within(0, 1));
    });
}

void describe_scale_out(Fields& fields, ClusterParams& cluster) {
    describe_network(fields, cluster.scale_out);
    describe_transport(fields, cluster.transport);
    fields.entry("optics", "optics", [&](Fields& entry) { describe(entry, cluster.optics); });
    if (!fields.is_default("switch", {"nearest"}))
        fields.entry("switch", "switches", [&](Fields& entry) { describe(entry, cluster.network_switch); });
}

void describe_memory_pool(Fields& fields, ClusterParams& cluster) {
    static Choices const scopes{{"rack", "node", "site"}, {"row", "hall", "pod", "cluster", "facility"}};
    hardware::MemoryPoolParams& pool = cluster.memory_pool;
    std::string none = "none";
    bool const absent =
        fields.reading() ? !fields.has("memory_pool") || fields.says("memory_pool", none) : !pool.present();
    if (absent) {
        fields.text("memory_pool", none);
        return;
    }
    fields.block("memory_pool", [&](Fields& block) {
        block.quantity("capacity", pool.capacity_bytes, "TB", within(1e6, 1e18).need());
        block.bytes("bandwidth", pool.bytes_per_s, "TB/s", within(1e6, 1e17).need());
        block.choice("per", pool.scope, scopes);
        if (!block.is_default("link", {"share", "adapter"}))
            block.bytes("link", pool.link_bytes_per_s, "Gb/s", within(1e6, 1e17));
        block.number("prefetch", pool.prefetch, share);
        block.entry(
            "memory", "memories", [&](Fields& entry) { describe(entry, pool.memory); }, anything, "ddr5");
        if (pool.on_network()) {
            block.known("optics");
            if (block.has("optics"))
                block.reject("optics",
                             "a site's pool has no links of its own. Leave optics out: those of "
                             "cluster.scale_out count");
            return;
        }
        block.entry(
            "optics", "optics", [&](Fields& entry) { describe(entry, cluster.pool_optics); }, anything,
            "wdm");
    });
}

void describe_boards(Fields& fields, hardware::BoardControlParams& boards) {
    if (!fields.reading() && !boards.any()) return;
    fields.block("boards", [&](Fields& block) {
        bool const no_cap = block.is_default("power_cap", {"TDP", "none"});
        bool const no_lock = block.is_default("clock_mhz", {"no lock", "none"});
        if (!no_cap && (block.reading() || boards.power_cap_w > 0))
            block.quantity("power_cap", boards.power_cap_w, "W", within(1, 1e5));
        if (!no_lock && (block.reading() || boards.clock_mhz > 0))
            block.number("clock_mhz", boards.clock_mhz, within(1, 1e5));
        block.time("cap_average", boards.cap_average_ns, "ms", within(1e-6, 100));
        block.time("cap_lag", boards.cap_lag_ns, "ms", within(1e-6, 100));
    });
}

void describe(Fields& fields, ClusterParams& cluster) {
    fields.integer("accelerators", cluster.accelerators, within(1, 1e7).need());
    fields.entry(
        "rack", "racks", [&](Fields& entry) { describe(entry, cluster.rack); }, anything.need());
    describe_boards(fields, cluster.boards);
    fields.block("scale_out", [&](Fields& block) { describe_scale_out(block, cluster); });
    describe_memory_pool(fields, cluster);
}

void describe(Fields& fields, plant::CoolingParams& cooling) {
    static Choices const kinds{{"liquid", "air"}, {}};
    if (fields.is_word("cooling")) {
        fields.choice("cooling", cooling.kind, kinds);
        return;
    }
    fields.block("cooling", [&](Fields& block) {
        block.choice("kind", cooling.kind, kinds);
        block.quantity("supply", cooling.supply_c, "degC", within(0, 80));
        block.quantity("air_supply", cooling.air_supply_c, "degC", within(0, 60));
        block.quantity("air_approach", cooling.air_approach_k, "K", within(0, 60));
        block.quantity("wet_bulb", cooling.wet_bulb_c, "degC", within(-60, 60));
        block.quantity("approach", cooling.approach_k, "K", within(0, 60));
        block.quantity("pump_pressure", cooling.pump_pressure_pa, "kPa", within(0, 1e7));
        block.quantity("cdu_pressure", cooling.cdu_pressure_pa, "kPa", within(0, 1e7));
        block.number("pump_efficiency", cooling.pump_efficiency, within(0.1, 1));
        block.quantity("loop_rise", cooling.loop_rise_k, "K", within(0.5, 60));
        block.number("tower_fan_share", cooling.tower_fan_share, share);
        block.number("chiller_cop", cooling.chiller_cop, within(0.5, 50));
        block.number("crah_fan_share", cooling.crah_fan_share, share);
        if (!block.is_default("pue", {"none"}) && (block.reading() || cooling.constant_pue > 0))
            block.number("pue", cooling.constant_pue, within(1, 10));
    });
}

void seconds(Fields& fields, char const* key, double& value, Rule rule) {
    auto value_ns = core::from_seconds(value);
    fields.time(key, value_ns, "s", rule);
    value = core::to_seconds(value_ns);
}

void describe_rack_storage(Fields& fields, plant::RackStorageParams& storage) {
    if (!fields.reading() && !storage.on()) return;
    if (fields.is_default("rack_storage", {"none"})) return;
    if (fields.reading() && !fields.has("rack_storage")) {
        fields.known("rack_storage");
        return;
    }
    fields.block("rack_storage", [&](Fields& block) {
        block.quantity("capacity", storage.capacity_j, "kWh", within(3600, 3.6e11).need());
        block.quantity("discharge", storage.discharge_w, "kW", within(1, 1e8).need());
        if (block.reading()) storage.charge_w = storage.discharge_w;
        if (!block.is_default("charge", {"as discharge"}))
            block.quantity("charge", storage.charge_w, "kW", within(1, 1e8));
        block.number("round_trip", storage.round_trip, within(0.1, 1));
        seconds(block, "smoothing", storage.smoothing_s, within(0.25, 1e5));
        block.number("set_point", storage.set_point_share, share);
    });
}

void describe(Fields& fields, plant::GridParams& grid) {
    if (!fields.reading() && !grid.on()) return;
    if (fields.is_default("grid", {"none"})) return;
    if (fields.reading() && !fields.has("grid")) {
        fields.known("grid");
        return;
    }
    fields.block("grid", [&](Fields& block) {
        block.block(
            "event",
            [&](Fields& event) {
                event.time("start", grid.event_start_ns, "s", bounds::start);
                event.time("duration", grid.event_ns, "s", bounds::event.need());
                event.number("available", grid.available, share);
            },
            anything.need());
        if (!block.is_default("generators", {"none"}) && (block.reading() || grid.generators_w > 0))
            block.quantity("generators", grid.generators_w, "MW", bounds::site_watts);
        block.time("generators_start", grid.generators_start_ns, "s", within(0, 1e6));
        block.time("restart", grid.restart_ns, "s", within(0, 1e6));
    });
}

void describe(Fields& fields, plant::DeliveryParams& delivery) {
    static Choices const modes{{"none", "eco", "double_conversion"}, {}};
    static Choices const redundancies{{"as_installed", "n_plus_1", "n_plus_n"}, {}};
    constexpr std::array typical_efficiency{1.0, 0.985, 0.95};  // physics.md, section 5
    fields.numbers("psu_load", delivery.psu_load, within(0.001, 1));
    fields.numbers("psu_efficiency", delivery.psu_efficiency, bounds::efficiency);
    fields.choice("ups", delivery.ups, modes);
    if (fields.reading())
        delivery.ups_efficiency = typical_efficiency[static_cast<std::size_t>(delivery.ups)];
    if (!fields.is_default("ups_efficiency", {"by mode"}))
        fields.number("ups_efficiency", delivery.ups_efficiency, bounds::efficiency);
    fields.number("ups_redundancy", delivery.ups_redundancy, within(1, 4));
    fields.choice("psu_redundancy", delivery.psu_redundancy, redundancies);
    fields.quantity("psu_unit", delivery.psu_unit_w, "W", within(1, 1e7));
    fields.number("tray_converter_efficiency", delivery.tray_converter_efficiency, bounds::efficiency);
    fields.number("busway_full_load", delivery.busway_full_load, within(0, 0.5));
    fields.number("transformer_no_load", delivery.transformer_no_load, within(0, 0.5));
    fields.number("transformer_full_load", delivery.transformer_full_load, within(0, 0.5));
    fields.block("battery", [&](Fields& block) {
        seconds(block, "autonomy", delivery.battery.autonomy_s, within(0, 86400));
        block.number("recharge_share", delivery.battery.recharge_share, share);
        block.number("round_trip", delivery.battery.round_trip, within(0.1, 1));
    });
    describe_rack_storage(fields, delivery.rack_storage);
}

void describe_weather(Fields& fields, plant::WeatherParams& weather) {
    if (!fields.reading() && weather.file.empty()) return;
    if (fields.is_default("weather", {"none"})) return;
    if (fields.reading() && !fields.has("weather")) {
        fields.known("weather");
        return;
    }
    fields.block("weather", [&](Fields& block) {
        block.file("file", weather.file);
        block.time("offset", weather.offset_ns, "h", bounds::start);
    });
}

void describe(Fields& fields, plant::ThermalPlantParams& thermal) {
    if (!fields.reading() && !thermal.on) return;
    if (fields.is_default("thermal", {"none"})) return;
    if (fields.reading()) thermal.on = fields.has("thermal");
    fields.block("thermal", [&](Fields& block) {
        block.flag("on", thermal.on);
        Rule const some_time = within(0.1, 1e6);
        seconds(block, "loop", thermal.loop_s, some_time);
        seconds(block, "hall", thermal.hall_s, some_time);
        seconds(block, "response", thermal.response_s, some_time);
        block.number("spare", thermal.spare, within(0.1, 10));
        if (block.is_default("failure", {"none"}) || (!block.reading() && thermal.failure_ns == 0)) return;
        block.block("failure", [&](Fields& failure) {
            failure.time("start", thermal.failure_start_ns, "s", bounds::start);
            failure.time("duration", thermal.failure_ns, "s", bounds::event);
            failure.number("available", thermal.failure_available, share);
        });
    });
}

void describe(Fields& fields, plant::ControlParams& control) {
    static Choices const policies{{"none", "proportional", "priority", "decode_first", "shed"}, {}};
    if (!fields.reading() && !control.on()) return;
    fields.block("control", [&](Fields& block) {
        block.choice("policy", control.policy, policies);
        block.time("period", control.period_ns, "s", within(1e-6, 3600));
        if (!block.is_default("row_budget", {"none"}) && (block.reading() || control.row_budget_w > 0))
            block.quantity("row_budget", control.row_budget_w, "kW", bounds::site_watts);
        if (!block.is_default("rack_budget", {"none"}) && (block.reading() || control.rack_budget_w > 0))
            block.quantity("rack_budget", control.rack_budget_w, "kW", bounds::site_watts);
        block.number("margin", control.margin, within(0, 0.5));
        if (block.is_default("event", {"none"}) || (!block.reading() && control.event_ns == 0)) return;
        block.block("event", [&](Fields& event) {
            event.time("start", control.event_start_ns, "s", bounds::start);
            event.time("duration", control.event_ns, "s", bounds::event);
            bool const needed = event.has("duration");
            event.quantity("budget", control.event_budget_w, "MW",
                           needed ? bounds::site_watts.need() : bounds::site_watts);
        });
    });
}

void describe(Fields& fields, plant::FacilityParams& facility) {
    if (!fields.is_default("budget", {"none"}) && (fields.reading() || facility.budget_w > 0))
        fields.quantity("budget", facility.budget_w, "MW", bounds::site_watts);
    describe_weather(fields, facility.weather);
    describe(fields, facility.thermal);
    describe(fields, facility.control);
    describe(fields, facility.grid);
    if (!fields.is_default("carbon_intensity", {"none"}) &&
        (fields.reading() || facility.carbon_kg_per_j > 0))
        fields.quantity("carbon_intensity", facility.carbon_kg_per_j, "g/kWh",
                        within(0, 1e5 * 1e-3 / 3600e3));
    if (!fields.is_default("energy_price", {"none"}) && (fields.reading() || facility.price_per_j > 0))
        fields.quantity("energy_price", facility.price_per_j, "/MWh", within(0, 1e9 / 3600e6));
    describe(fields, facility.cooling);
    fields.block("delivery", [&](Fields& block) { describe(block, facility.delivery); });
    fields.quantity("other_power", facility.other_w_per_kw, "W/kW", within(0, 1e4));
}

void describe(Fields& fields, OutputParams& output) {
    if (!fields.physics_only()) {
        fields.text("directory", output.directory);
        fields.time("checkpoint_every", output.checkpoint_every_ns, "min", within(0, 1e7));
    }
    if (!fields.is_default("request_sample", {"auto"}))
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
    fields.block("output", [&](Fields& block) { describe(block, deck.output); });
    if (fields.has("sweep")) {
        fields.known("sweep");
        fields.reject("sweep",
                      "sweep is known to the deck format, but this version simulates only single points. "
                      "Leave the block out, and use --set for each point");
    }
}

void describe(Fields& fields, FlowsDeck& deck) {
    fields.text("name", deck.name, anything.need());
    fields.seed("seed", deck.seed);
    describe_catalogue(fields);
    auto const scale_out = [&](Fields& block) {
        describe_network(block, deck.network);
        describe_transport(block, deck.transport);
        deck.explicit_topology = deck.network.kind == fabric::Kind::explicit_files;
        block.known("optics");
        block.known("switch");
    };
    auto const cluster = [&](Fields& block) {
        block.block("scale_out", scale_out, anything.need());
        Rule const endpoints = within(1, 1e8);
        block.integer("accelerators", deck.network.endpoints,
                      deck.explicit_topology ? endpoints : endpoints.need());
        hardware::RackParams rack;
        block.entry("rack", "racks", [&](Fields& entry) { describe(entry, rack); });
        if (rack.node.accelerators > 0) deck.network.nics_per_node = rack.node.accelerators;
        if (deck.network.link_bytes_per_s == 0) {
            deck.network.link_bytes_per_s = static_cast<std::int64_t>(rack.accelerator.scale_out_bytes_per_s);
        }
        block.known("memory_pool");
    };
    fields.block("cluster", cluster, anything.need());
    for (auto const* const key : {"time", "services", "facility", "output", "sweep"}) fields.known(key);
}

}  // namespace mw::config
