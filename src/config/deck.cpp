#include "megaweave/config/deck.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "check.hpp"
#include "megaweave/config/catalogue.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/core/integer.hpp"
#include "overrides.hpp"
#include "read_fields.hpp"
#include "schema.hpp"
#include "write_fields.hpp"

namespace mw::config {

namespace {

namespace fs = std::filesystem;

//! A deck's text with its overrides, and the catalogue that its names refer to.
struct Source {
    Problems problems;
    Tree root;
    Library library{problems};
    std::vector<fs::path> folders;

    Source(std::string const& path, std::vector<Override> const& overrides,
           std::optional<std::string> const& text) {
        folders = {text ? fs::path{} : fs::path{path}.parent_path(), fs::path{}};
        root = text ? parse_text(*text, problems.add_source(path), problems) : parse_file(path, problems);
        if (problems.count() == 0 && root.kind == Tree::Kind::null)
            problems.add(root.where, "", "the deck is empty");
        if (root.kind == Tree::Kind::scalar || root.kind == Tree::Kind::list) {
            problems.add(root.where, "", "a deck must be a block of keys, such as 'name: quickstart'");
        }
        if (root.kind != Tree::Kind::map) problems.raise();
        apply_overrides(root, overrides, problems);
        stock_library();
    }
    Source(Source const&) = delete;
    Source& operator=(Source const&) = delete;

    ReadContext context() { return {problems, library, folders}; }

  private:
    void stock_library() {
        if (Tree const* const entries = root.find("catalogue_entries")) {
            if (entries->kind == Tree::Kind::map) {
                library.add_entries(*entries);
            } else {
                problems.add(entries->where, "catalogue_entries",
                             "catalogue_entries must be a block of kinds");
            }
        }
        if (Tree const* const folder = root.find("catalogue")) add_named_folder(*folder);
        library.add_folder(catalogue_folder());
    }

    void add_named_folder(Tree const& folder) {
        for (auto const& base : folders) {
            if (folder.kind != Tree::Kind::scalar || !fs::is_directory(base / folder.text)) continue;
            library.add_folder(base / folder.text);
            return;
        }
        problems.add(folder.where, "catalogue", "'" + folder.text + "' in catalogue is not a folder");
    }
};

//! The deck's own entries, whether or not it uses them.
void check_own_entries(Tree const& root, ReadContext& context) {
    Tree const* const kinds = root.find("catalogue_entries");
    if (kinds == nullptr) return;
    auto const known = catalogue_kinds();
    for (auto const& kind : kinds->members) {
        if (std::find(known.begin(), known.end(), kind.key) == known.end()) continue;
        for (auto const& entry : kind.value.members) {
            ReadFields::read_entry(context, kind.key, entry.value, entry.key, kind.key + "." + entry.key,
                                   [&](Fields& fields) { describe_discarded(fields, kind.key); });
        }
    }
}

//! The catalogue's switch whose capacity is nearest, scaled to radix x link.
fabric::SwitchParams nearest_switch(ReadContext& context, double bytes_per_s) {
    fabric::SwitchParams best;
    double best_distance = 0;
    for (auto const& name : context.library.names("switches")) {
        fabric::SwitchParams candidate;
        ReadFields::read_entry(context, "switches", *context.library.find("switches", name).tree, name,
                               "switches." + name, [&](Fields& fields) { describe(fields, candidate); });
        if (candidate.bytes_per_s <= 0) continue;
        double const distance = std::abs(std::log(candidate.bytes_per_s / bytes_per_s));
        if (best.bytes_per_s == 0 || distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    if (best.bytes_per_s == 0 || best.bytes_per_s == bytes_per_s) return best;
    double const scale = bytes_per_s / best.bytes_per_s;
    best.bytes_per_s = bytes_per_s;
    best.idle_w *= scale;
    best.active_w *= scale;
    return best;
}

//! A pool of the site hangs on the scale-out network: as many nodes as its bandwidth takes, with the NICs of a node of accelerators.
void complete_site_pool(ClusterParams& cluster) {
    fabric::NetworkParams& network = cluster.scale_out;
    std::int64_t const node_bytes_per_s = network.nics_per_node * network.link_bytes_per_s;
    if (!cluster.memory_pool.on_network() || node_bytes_per_s < 1) return;
    network.memory_nodes = core::ceil_div(cluster.memory_pool.bytes_per_s, node_bytes_per_s);
    network.endpoints += network.memory_nodes * network.nics_per_node;
}

//! What an accelerator has of its pool's bandwidth; of a site's, its NIC.
std::int64_t pool_link(ClusterParams const& cluster) {
    hardware::MemoryPoolParams const& pool = cluster.memory_pool;
    if (pool.on_network()) return cluster.scale_out.link_bytes_per_s;
    return pool.bytes_per_s / std::max<std::int64_t>(1, pool.accelerators(cluster.rack));
}

//! A default that depends on other values, stated by its word.
bool states_default(Tree const& node) {
    return node.kind == Tree::Kind::scalar &&
           (node.text == "adapter" || node.text == "nearest" || node.text == "share" || node.text == "all" ||
            node.text == "auto");
}

//! Defaults that depend on other values.
void complete(Deck& deck, Tree const& root, ReadContext& context) {
    auto const given = [&](std::string_view path) {
        Tree const* const node = at_path(root, path);
        return node != nullptr && !states_default(*node);
    };
    auto& cluster = deck.cluster;
    auto& clos = cluster.scale_out;
    clos.endpoints = cluster.accelerators;
    clos.nics_per_node = cluster.rack.node.accelerators;
    if (!given("cluster.scale_out.link"))
        clos.link_bytes_per_s = std::llround(cluster.rack.accelerator.scale_out_bytes_per_s);
    if (!given("cluster.scale_out.optics")) {
        auto const found = context.library.find("optics", "dsp-pluggable");
        if (found.tree != nullptr) {
            ReadFields::read_entry(context, "optics", *found.tree, found.name, "optics." + found.name,
                                   [&](Fields& fields) { describe(fields, cluster.optics); });
        }
    }
    double const switch_rate = static_cast<double>(clos.radix) * static_cast<double>(clos.link_bytes_per_s);
    if (!given("cluster.scale_out.switch") && switch_rate > 0)
        cluster.network_switch = nearest_switch(context, switch_rate);
    complete_site_pool(cluster);
    if (cluster.memory_pool.present() && !given("cluster.memory_pool.link") && clos.nics_per_node > 0)
        cluster.memory_pool.link_bytes_per_s = pool_link(cluster);
    if (deck.services.size() == 1 && !given("services[0].accelerators"))
        deck.services[0].accelerators = cluster.accelerators;
    if (deck.output.directory.empty()) deck.output.directory = "out/" + deck.name;
    if (!given("output.request_sample") && cluster.accelerators > 0) {
        deck.output.request_sample = std::min(1.0, 2048.0 / static_cast<double>(cluster.accelerators));
    }
}

std::string written(Deck deck, WriteFields::Purpose purpose) {
    WriteFields fields{purpose};
    describe(fields, deck);
    return fields.yaml();
}

//! Where each key stands, down to the entries of lists.
void note_places(Tree const& node, std::string const& path, Problems const& problems,
                 std::map<std::string, std::string, std::less<>>& places) {
    places.emplace(path, problems.place(node.where));
    for (auto const& member : node.members)
        note_places(member.value, join_path(path, member.key), problems, places);
    for (std::size_t i = 0; i < node.items.size(); ++i)
        note_places(node.items[i], path + "[" + std::to_string(i) + "]", problems, places);
}

}  // namespace

std::string Deck::placed(std::string_view at, std::string const& message) const {
    for (;;) {
        auto const found = places.find(at);
        if (found != places.end()) return found->second + ": " + message;
        if (at.empty()) return message;
        auto const end = at.find_last_of(".[");
        at = at.substr(0, end == std::string_view::npos ? 0 : end);
    }
}

Deck read_deck(std::string const& path, std::vector<Override> const& overrides,
               std::optional<std::string> const& text) {
    Source source{path, overrides, text};
    auto context = source.context();
    Deck deck;
    deck.path = path;
    ReadFields fields{context, source.root, ""};
    describe(fields, deck);
    fields.finish();
    check_own_entries(source.root, context);
    complete(deck, source.root, context);
    check_deck(deck, source.root, source.problems);
    source.problems.raise();
    note_places(source.root, "", source.problems, deck.places);
    deck.warnings = warnings_of(deck, source.root);
    deck.effective_yaml = written(deck, WriteFields::Purpose::reader);
    deck.physics_yaml = written(deck, WriteFields::Purpose::hash);
    deck.physics_hash = core::hash_text(deck.physics_yaml);
    return deck;
}

FlowsDeck read_flows_deck(std::string const& path, std::vector<Override> const& overrides,
                          std::optional<std::string> const& text) {
    Source source{path, overrides, text};
    auto context = source.context();
    FlowsDeck deck;
    ReadFields fields{context, source.root, ""};
    describe(fields, deck);
    fields.finish();
    if (!deck.explicit_topology) check_clos(deck.network, source.root, source.problems);
    source.problems.raise();
    return deck;
}

}  // namespace mw::config
