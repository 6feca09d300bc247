#include "library.hpp"

#include <algorithm>
#include <unordered_set>

#include "megaweave/config/catalogue.hpp"

namespace mw::config {

namespace {

constexpr std::size_t most_entries = 1000;  // each is read, and looked for by name

bool has_alias(Tree const& entry, std::string_view name) {
    Tree const* const aliases = entry.find("aliases");
    return aliases != nullptr && std::any_of(aliases->items.begin(), aliases->items.end(),
                                             [&](Tree const& alias) { return alias.text == name; });
}

}  // namespace

void Library::add_folder(std::filesystem::path const& folder) {
    if (!std::filesystem::is_directory(folder)) {
        problems_.add({problems_.add_source(folder.string(), false), 1, 1}, "",
                      "no such catalogue folder. Set MEGAWEAVE_CATALOGUE to the folder inputs/catalogue");
        return;
    }
    for (auto const& kind : catalogue_kinds()) {
        auto const file = folder / (kind + ".yaml");
        if (std::filesystem::exists(file)) shelves_.push_back({kind, parse_file(file.string(), problems_)});
    }
}

void Library::add_entries(Tree const& kinds) {
    auto const known = catalogue_kinds();
    for (auto const& member : kinds.members) {
        if (std::find(known.begin(), known.end(), member.key) == known.end()) {
            problems_.add(
                member.where, "catalogue_entries",
                "unknown key '" + member.key + "' in catalogue_entries. " + suggestion(member.key, known));
        } else if (member.value.kind != Tree::Kind::map) {
            problems_.add(member.value.where, "catalogue_entries",
                          "catalogue_entries." + member.key + " must be a block of entries by name");
        } else if (member.value.members.size() > most_entries) {
            problems_.add(member.value.where, "catalogue_entries",
                          "catalogue_entries." + member.key + " has more than " +
                              std::to_string(most_entries) + " entries. Leave out those that no deck names");
        } else {
            shelves_.push_back({member.key, member.value});
        }
    }
}

Library::Found Library::find(std::string_view kind, std::string_view name) const {
    for (auto const& shelf : shelves_) {
        if (shelf.kind != kind) continue;
        if (Tree const* const entry = shelf.entries.find(name)) return {std::string{name}, entry};
        for (auto const& member : shelf.entries.members) {
            if (has_alias(member.value, name)) return {member.key, &member.value};
        }
    }
    return {};
}

std::vector<std::string> Library::names(std::string_view kind) const {
    std::vector<std::string> result;
    std::unordered_set<std::string_view> seen;
    for (auto const& shelf : shelves_) {
        if (shelf.kind != kind) continue;
        for (auto const& member : shelf.entries.members)
            if (seen.insert(member.key).second) result.push_back(member.key);
    }
    return result;
}

std::vector<std::string> Library::all_words(std::string_view kind) const {
    auto words = names(kind);
    for (auto const& shelf : shelves_) {
        if (shelf.kind != kind) continue;
        for (auto const& member : shelf.entries.members) {
            Tree const* const aliases = member.value.find("aliases");
            if (aliases == nullptr) continue;
            for (auto const& alias : aliases->items) words.push_back(alias.text);
        }
    }
    return words;
}

}  // namespace mw::config
