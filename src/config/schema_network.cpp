// cluster.scale_out: the keys of every topology.
#include <cmath>

#include "schema.hpp"

namespace mw::config {

namespace {

using fabric::Kind;

bool is_clos(Kind kind) {
    return kind == Kind::clos || kind == Kind::rail;
}

void describe_dragonfly(Fields& fields, fabric::NetworkParams& network) {
    fabric::DragonflyParams& dragonfly = network.dragonfly;
    Rule const of_a_group = within(0, 256);  // their cables grow with the square: a second to build
    fields.integer("routers", dragonfly.routers, of_a_group);
    if (network.kind == Kind::dragonfly_plus) fields.integer("spines", dragonfly.spines, of_a_group);
    fields.integer("nics_per_router", dragonfly.nics_per_router, within(0, 1024));
    fields.integer("global_links", dragonfly.global_links, within(1, 4096));
    fields.integer("groups", dragonfly.groups, within(0, 20'000));
}

void describe_lattice(Fields& fields, fabric::LatticeParams& lattice) {
    if (fields.reading() || !lattice.sides.empty())
        fields.integers("sides", lattice.sides, within(1, 10'000));
    fields.integer("dimensions", lattice.dimensions, within(1, 6));
    fields.integer("nics_per_switch", lattice.nics_per_switch, within(0, 4096));
    fields.integer("width", lattice.width, within(1, 1024));
}

void describe_failures(Fields& fields, fabric::FailureParams& failures) {
    if (fields.reading() || !failures.switches.empty()) fields.words("switches", failures.switches);
    if (fields.reading() || !failures.links.empty()) fields.words("links", failures.links);
    fields.number("switch_rate", failures.switch_rate, within(0, 0.9));
    fields.number("link_rate", failures.link_rate, within(0, 0.9));
    fields.seed("seed", failures.seed);
}

void describe_cable_latency(Fields& fields, core::TimeNs& latency_ns) {
    std::string layout = "layout";
    if (fields.reading() ? fields.says("cable_latency", layout) : latency_ns < 0) {
        fields.text("cable_latency", layout);
        latency_ns = -1;
    } else {
        fields.time("cable_latency", latency_ns, "ns", bounds::latency);
    }
}

//! A share, or that it is chosen for each transfer.
void describe_detour(Fields& fields, fabric::NetworkParams& network) {
    std::string load = "load";
    bool const by_load = network.detour_sixteenths == fabric::NetworkParams::by_load;
    bool const unsaid = fields.reading() && !fields.has("detour");
    if (fields.reading() ? unsaid || fields.says("detour", load) : by_load) {
        fields.text("detour", load);
        network.detour_sixteenths = fabric::NetworkParams::by_load;
        return;
    }
    double detour = by_load ? 0 : static_cast<double>(network.detour_sixteenths) / 16;
    fields.number("detour", detour, share);
    network.detour_sixteenths = std::llround(16 * detour);
}

void describe_classes(Fields& fields, fabric::ClassTable& classes) {
    if (!fields.reading() && classes == fabric::ClassTable{}) return;
    fields.block("classes", [&](Fields& block) {
        for (std::size_t c = 0; c < fabric::traffic_classes; ++c) {
            fabric::ClassParams& params = classes.of_class[c];
            if (!block.reading() && params == fabric::ClassParams{}) continue;
            block.block(fabric::traffic_names[c], [&](Fields& one) {
                one.integer("priority", params.priority,
                            within(0, static_cast<double>(fabric::priorities - 1)));
                one.integer("weight", params.weight,
                            within(1, static_cast<double>(fabric::most_class_weight)));
            });
        }
    });
}

//! Keys of other topologies, with a message that says where they belong.
void refuse_strangers(Fields& fields, Kind kind) {
    auto const refuse = [&](bool wrong, std::string_view key, std::string const& belongs_to) {
        if (!wrong || !fields.has(key)) return;
        fields.known(key);
        fields.reject(key, "cluster.scale_out." + std::string{key} + " belongs to topology " + belongs_to +
                               ". Leave it out, or change the topology");
    };
    bool const files =
        kind == Kind::explicit_files;  // `flows` has always taken a Clos' keys beside the files
    for (auto const* const key : {"tiers", "radix", "oversubscription"})
        refuse(!is_clos(kind) && !files, key, "clos or rail");
    bool const dragonfly = kind == Kind::dragonfly || kind == Kind::dragonfly_plus;
    for (auto const* const key : {"routers", "nics_per_router", "global_links", "groups"})
        refuse(!dragonfly, key, "dragonfly");
    refuse(kind != Kind::dragonfly_plus, "spines", "dragonfly+");
    for (auto const* const key : {"sides", "dimensions", "nics_per_switch", "width"})
        refuse(kind != Kind::torus && kind != Kind::hyperx, key, "torus or hyperx");
    for (auto const* const key : {"links", "routes"}) refuse(!files, key, "explicit");
}

}  // namespace

void describe_network(Fields& fields, fabric::NetworkParams& network) {
    static Choices const topologies{
        {"clos", "rail", "dragonfly", "dragonfly+", "torus", "hyperx", "explicit"}, {}};
    static Choices const routings{{"adaptive", "ecmp", "valiant", "ugal"}, {}};
    fields.choice("topology", network.kind, topologies);
    if (fields.reading()) refuse_strangers(fields, network.kind);
    switch (network.kind) {
        case Kind::dragonfly:
        case Kind::dragonfly_plus:
            describe_dragonfly(fields, network);
            break;
        case Kind::torus:
        case Kind::hyperx:
            describe_lattice(fields, network.lattice);
            break;
        case Kind::explicit_files:
            fields.file("links", network.links_file);
            fields.file("routes", network.routes_file);
            [[fallthrough]];
        case Kind::clos:
        case Kind::rail:
            fields.integer("tiers", network.tiers, within(2, 4));
            fields.integer("radix", network.radix, within(4, 4096));
            fields.number("oversubscription", network.oversubscription, within(1, 64));
            break;
    }
    if (!fields.is_default("link", {"adapter"}))
        fields.bytes("link", network.link_bytes_per_s, "Gb/s", within(1e6, 1e14));
    fields.integer("planes", network.planes, within(1, 64));
    fields.choice("routing", network.routing, routings);
    if (network.routing == fabric::Routing::ugal) describe_detour(fields, network);
    describe_classes(fields, network.classes);
    fields.time("switch_latency", network.switch_latency_ns, "ns", bounds::latency);
    describe_cable_latency(fields, network.cable_latency_ns);
    fields.time("host_latency", network.host_latency_ns, "ns", bounds::latency);
    fields.quantity("copper_reach", network.copper_reach_m, "m", within(0, 1e4));
    if (fields.reading() || !network.failures.none())
        fields.block("failures", [&](Fields& block) { describe_failures(block, network.failures); });
}

}  // namespace mw::config
