#include <algorithm>

#include "megaweave/core/error.hpp"
#include "model_json.hpp"
#include "read_fields.hpp"

namespace mw::config {

namespace {
constexpr std::size_t most_bases = 16;
}

void ReadFields::entry(std::string_view key, std::string_view kind, Body const& body, Rule rule,
                       std::string_view fallback) {
    auto const names = context_.library.names(kind);
    Tree const* const node = take(key, rule, names.empty() ? "NAME" : names.front());
    if (node == nullptr) {
        auto const standard = context_.library.find(kind, fallback);
        if (standard.tree != nullptr)
            read_entry(context_, kind, *standard.tree, standard.name, std::string{kind} + "." + standard.name,
                       body);
        return;
    }
    if (node->kind == Tree::Kind::map) {
        read_entry(context_, kind, *node, "", at(key), body, based_);
        return;
    }
    if (node->kind != Tree::Kind::scalar) return problem(*node, key, "must be a name or a block of keys");
    if (kind == "models" && names_json(node->text)) return json_entry(key, body);
    auto const found = context_.library.find(kind, node->text);
    if (found.tree == nullptr) {
        auto const near = core::nearest(node->text, context_.library.all_words(kind));
        return problem(*node, key,
                       "is not in the catalogue of " + std::string{kind} + ". " +
                           (near.empty() ? "It knows " + join(names) : "Did you mean '" + near + "'?"));
    }
    std::size_t const before = context_.problems.count();
    read_entry(context_, kind, *found.tree, found.name, std::string{kind} + "." + found.name, body);
    if (context_.problems.count() != before) context_.problems.mark(at(key));
}

void ReadFields::json_entry(std::string_view key, Body const& body) {
    std::string path;
    file(key, path);
    if (path.empty()) return;
    std::size_t const before = context_.problems.count();
    Tree const tree = read_model_json(path, context_.problems);
    if (context_.problems.count() == before)
        read_entry(context_, "models", tree, json_model_name(path), "models." + json_model_name(path), body);
    if (context_.problems.count() != before) context_.problems.mark(at(key));
}

void ReadFields::read_entry(ReadContext& context, std::string_view kind, Tree const& tree,
                            std::string const& name, std::string const& path, Body const& body,
                            bool refines) {
    std::vector<Tree const*> chain{&tree};
    std::vector<std::string> names{name};
    while (Tree const* const base = chain.back()->find("base")) {
        auto const found = context.library.find(kind, base->text);
        bool const endless = std::find(chain.begin(), chain.end(), found.tree) != chain.end();
        bool const too_long = chain.size() >= most_bases;
        if (found.tree == nullptr || endless || too_long) {
            std::string why = endless ? "refers to itself" : "is the base of more than 16 bases";
            if (found.tree == nullptr)
                why = "is not in the catalogue. " + suggestion(base->text, context.library.all_words(kind));
            context.problems.add(base->where, path + ".base",
                                 quote(base->text) + " in " + path + ".base " + why);
            break;
        }
        chain.push_back(found.tree);
        names.push_back(found.name);
    }
    for (std::size_t i = chain.size(); i-- > 0;) {
        bool const last = i == 0;
        ReadFields fields{context, *chain[i], last ? path : std::string{kind} + "." + names[i]};
        fields.entry_name_ = names[i];
        fields.based_ = refines || i + 1 < chain.size() || chain[i]->find("base") != nullptr;
        fields.known("base");
        fields.known("aliases");
        if (chain[i]->kind != Tree::Kind::map) {
            context.problems.add(chain[i]->where, path, path + " must be a block of keys");
        } else {
            body(fields);
            fields.finish();
        }
    }
}

}  // namespace mw::config
