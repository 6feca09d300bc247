#include "megaweave/config/differences.hpp"

#include <algorithm>
#include <utility>

#include "tree.hpp"

namespace mw::config {

namespace {

using Leaves = std::vector<std::pair<std::string, std::string>>;

//! Path and text of every value.
void flatten(Tree const& tree, std::string const& path, Leaves& leaves) {
    switch (tree.kind) {
        case Tree::Kind::null:
            return;
        case Tree::Kind::scalar:
            leaves.emplace_back(path, tree.text);
            return;
        case Tree::Kind::map:
            for (auto const& member : tree.members)
                flatten(member.value, join_path(path, member.key), leaves);
            return;
        case Tree::Kind::list:
            for (std::size_t i = 0; i < tree.items.size(); ++i)
                flatten(tree.items[i], path + "[" + std::to_string(i) + "]", leaves);
    }
}

Leaves leaves_of(std::string const& text) {
    Problems problems;
    Leaves leaves;
    flatten(parse_text(text, problems.add_source("deck"), problems), "", leaves);
    return leaves;
}

std::string const* value_at(Leaves const& leaves, std::string const& path) {
    auto const found = std::ranges::find(leaves, path, &Leaves::value_type::first);
    return found == leaves.end() ? nullptr : &found->second;
}

}  // namespace

std::vector<std::string> differences(std::string const& then, std::string const& now) {
    Leaves const before = leaves_of(then);
    Leaves const after = leaves_of(now);
    std::vector<std::string> found;
    for (auto const& [path, value] : before) {
        std::string const* const other = value_at(after, path);
        if (other == nullptr)
            found.push_back(path + " was " + value + " and is now absent");
        else if (*other != value)
            found.push_back(path + " was " + value + " and is now " + *other);
    }
    for (auto const& [path, value] : after)
        if (value_at(before, path) == nullptr) found.push_back(path + " was absent and is now " + value);
    return found;
}

}  // namespace mw::config
