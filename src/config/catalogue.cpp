#include "megaweave/config/catalogue.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "megaweave/core/error.hpp"
#include "model_json.hpp"
#include "read_fields.hpp"
#include "schema.hpp"
#include "units.hpp"
#include "write_fields.hpp"

namespace mw::config {

namespace {

namespace fs = std::filesystem;

std::string quantity(double value, std::string_view unit) {
    return format_quantity(value, unit_named(unit));
}

std::string summary(hardware::AcceleratorParams const& a) {
    std::string text;
    for (auto const& [name, precision] :
         {std::pair{"FP4", hardware::Precision::fp4}, std::pair{"FP8", hardware::Precision::fp8},
          std::pair{"BF16", hardware::Precision::bf16}}) {
        double const peak = a.peak_flops[hardware::index_of(precision)];
        if (peak > 0) text += quantity(peak, "TFLOP/s") + " " + name + ", ";
    }
    return text + quantity(a.hbm_bytes, "GB") + " at " + quantity(a.hbm_bytes_per_s, "TB/s") + ", scale-up " +
           quantity(a.scale_up_bytes_per_s, "GB/s") + ", " + quantity(a.tdp_w, "W");
}

std::string summary(hardware::RackParams const& r) {
    return std::to_string(r.nodes) + " nodes of " + std::to_string(r.node.accelerators) + " " +
           r.accelerator.name + ", scale-up domain " + std::to_string(r.scale_up_domain) +
           ", node nameplate " + quantity(r.node.nameplate_w, "W");
}

std::string summary(llm::ModelParams const& m) {
    std::string text = std::to_string(m.layers) + " layers, hidden " + std::to_string(m.hidden) + ", ";
    text += m.attention == llm::Attention::latent
                ? "latent attention"
                : std::to_string(m.heads) + "/" + std::to_string(m.kv_heads) + " heads";
    if (m.routed_experts > 0) {
        text += ", " + std::to_string(m.experts_per_token) + " of " + std::to_string(m.routed_experts) +
                " experts";
    }
    return text;
}

std::string summary(llm::EngineParams const& e) {
    return quantity(core::to_seconds(e.kernel_ns), "us") + " a kernel, " +
           quantity(core::to_seconds(e.collective_ns), "us") + " a collective, " +
           quantity(core::to_seconds(e.iteration_ns), "ms") + " an iteration" +
           (e.measured_on.empty() ? "" : ", measured on " + join(e.measured_on));
}

std::string summary(fabric::OpticsParams const& o) {
    return quantity(o.port_w_per_800g, "W") + " an end at 800 Gb/s" +
           (o.at_host ? "" : ", copper at the host");
}

std::string summary(fabric::SwitchParams const& s) {
    return quantity(s.bytes_per_s, "Tb/s") + ", " + quantity(s.idle_w, "W") + " idle, " +
           quantity(s.active_w, "W") + " active, without optics";
}

std::string summary(hardware::PoolMemoryParams const& m) {
    return quantity(m.joules_per_bit, "pJ/b") + ", " + quantity(m.idle_w_per_byte * 1e12, "W") +
           " a TB idle, " + quantity(core::to_seconds(m.latency_ns), "ns");
}

std::string summary(serving::RecipeParams const& r) {
    std::string models = r.mixtures ? "any mixture of experts" : "any model";
    if (!r.models.empty()) models = join(r.models);
    std::string const accelerators = r.accelerators.empty() ? "any accelerator" : join(r.accelerators);
    return models + " on " + r.engine + (r.versions.empty() ? "" : " " + join(r.versions)) + ", " +
           accelerators;
}

//! An entry as text, by kind.
struct Printed {
    std::string summary;
    std::string yaml;
};

template <class Params>
Printed print(ReadContext& context, std::string const& kind, Library::Found const& found) {
    Params params;
    ReadFields::read_entry(context, kind, *found.tree, found.name, kind + "." + found.name,
                           [&](Fields& fields) { describe(fields, params); });
    context.problems.raise();
    WriteFields out{WriteFields::Purpose::reader};
    out.block(
        found.name, [&](Fields& fields) { describe(fields, params); }, anything);
    return {summary(params), out.yaml()};
}

struct Kind {
    char const* name;
    Printed (*print)(ReadContext&, std::string const&, Library::Found const&);
};

constexpr Kind kinds[] = {{"accelerators", print<hardware::AcceleratorParams>},
                          {"models", print<llm::ModelParams>},
                          {"engines", print<llm::EngineParams>},
                          {"racks", print<hardware::RackParams>},
                          {"optics", print<fabric::OpticsParams>},
                          {"switches", print<fabric::SwitchParams>},
                          {"memories", print<hardware::PoolMemoryParams>},
                          {"recipes", print<serving::RecipeParams>}};

Kind const& kind_named(std::string const& name) {
    for (auto const& kind : kinds) {
        if (kind.name == name) return kind;
    }
    auto const near = core::nearest(name, catalogue_kinds());
    throw core::InputError(
        "unknown kind '" + name + "' of catalogue entry. " +
        (near.empty() ? "Expected one of: " + join(catalogue_kinds()) : "Did you mean '" + near + "'?"));
}

std::string text_of(Tree const& entry, std::string_view key) {
    Tree const* const node = entry.find(key);
    return node == nullptr ? "" : node->text;
}

}  // namespace

std::string catalogue_folder() {
    if (char const* const chosen = std::getenv("MEGAWEAVE_CATALOGUE"); chosen != nullptr && *chosen != '\0')
        return chosen;
    std::error_code code;
    fs::path const program = fs::read_symlink("/proc/self/exe", code).parent_path();
    for (auto const* const near :
         {"catalogue", "../share/megaweave/catalogue", "../inputs/catalogue", "../../inputs/catalogue"}) {
        std::error_code absent;
        if (!code && fs::is_directory(program / near, absent))
            return (program / near).lexically_normal().string();
    }
    return (fs::path{__FILE__}.parent_path() / "../../inputs/catalogue").lexically_normal().string();
}

std::vector<std::string> catalogue_kinds() {
    std::vector<std::string> names;
    for (auto const& kind : kinds) names.emplace_back(kind.name);
    return names;
}

std::vector<CatalogueRow> catalogue_rows(std::string const& kind) {
    auto const& shelf = kind_named(kind);
    Problems problems;
    Library library{problems};
    library.add_folder(catalogue_folder());
    ReadContext context{problems, library, {}};
    std::vector<CatalogueRow> rows;
    for (auto const& name : library.names(kind)) {
        auto const found = library.find(kind, name);
        rows.push_back({name, shelf.print(context, kind, found).summary, text_of(*found.tree, "quality"),
                        text_of(*found.tree, "source")});
    }
    problems.raise();
    return rows;
}

std::string catalogue_entry(std::string const& kind, std::string const& name) {
    auto const& shelf = kind_named(kind);
    Problems problems;
    Library library{problems};
    library.add_folder(catalogue_folder());
    Tree json;
    auto found = library.find(kind, name);
    if (kind == "models" && names_json(name)) {
        json = read_model_json(name, problems);
        problems.raise();
        found = {json_model_name(name), &json};
    }
    if (found.tree == nullptr) {
        problems.raise();
        auto const near = core::nearest(name, library.all_words(kind));
        throw core::InputError(
            "'" + name + "' is not in the catalogue of " + kind + ". " +
            (near.empty() ? "It knows " + join(library.names(kind)) : "Did you mean '" + near + "'?"));
    }
    ReadContext context{problems, library, {}};
    return shelf.print(context, kind, found).yaml;
}

}  // namespace mw::config
