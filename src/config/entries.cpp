#include "megaweave/config/entries.hpp"

#include <filesystem>
#include <utility>

#include "library.hpp"
#include "megaweave/config/catalogue.hpp"
#include "megaweave/core/error.hpp"
#include "overrides.hpp"
#include "read_fields.hpp"
#include "schema.hpp"

namespace mw::config {

namespace {

//! Every kind of the catalogue as one tree, so that overrides find them by path.
Tree catalogue_tree(std::vector<Override> const& overrides, Problems& problems) {
    std::filesystem::path const folder = catalogue_folder();
    Tree root;
    root.kind = Tree::Kind::map;
    for (std::string const& kind : catalogue_kinds()) {
        auto const file = folder / (kind + ".yaml");
        if (std::filesystem::exists(file))
            root.members.push_back({kind, root.where, parse_file(file.string(), problems)});
    }
    if (root.members.empty())
        throw core::InputError(
            folder.string() + ": no catalogue there. Set MEGAWEAVE_CATALOGUE to the folder inputs/catalogue");
    apply_overrides(root, overrides, problems);
    return root;
}

template <class Params>
void read_kind(ReadContext& context, std::string const& kind, std::map<std::string, Params>& entries) {
    for (std::string const& name : context.library.names(kind)) {
        auto const found = context.library.find(kind, name);
        Params params;
        ReadFields::read_entry(context, kind, *found.tree, name, kind + "." + name,
                               [&](Fields& fields) { describe(fields, params); });
        if (Tree const* const aliases = found.tree->find("aliases"))
            for (Tree const& alias : aliases->items) entries.try_emplace(alias.text, params);
        entries.insert_or_assign(name, std::move(params));
    }
}

template <class Params>
Params const* find(std::map<std::string, Params> const& entries, std::string const& name) {
    auto const at = entries.find(name);
    return at == entries.end() ? nullptr : &at->second;
}

}  // namespace

Entries::Entries(std::vector<Override> const& overrides) {
    Problems problems;
    Library library{problems};
    library.add_entries(catalogue_tree(overrides, problems));
    ReadContext context{problems, library, {}};
    read_kind(context, "racks", racks_);
    read_kind(context, "models", models_);
    read_kind(context, "engines", engines_);
    read_kind(context, "recipes", recipes_);
    read_kind(context, "optics", optics_);
    read_kind(context, "switches", switches_);
    problems.raise();
    if (optics_.empty() || switches_.empty())
        throw core::InputError("the catalogue in " + catalogue_folder() + " lacks optics or switches");
}

hardware::RackParams const* Entries::rack(std::string const& name) const {
    return find(racks_, name);
}
llm::ModelParams const* Entries::model(std::string const& name) const {
    return find(models_, name);
}
llm::EngineParams const* Entries::engine(std::string const& name) const {
    return find(engines_, name);
}
fabric::OpticsParams const* Entries::optics(std::string const& name) const {
    return find(optics_, name);
}
fabric::SwitchParams const* Entries::network_switch(std::string const& name) const {
    return find(switches_, name);
}

}  // namespace mw::config
