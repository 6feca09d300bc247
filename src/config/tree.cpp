#include "tree.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <unordered_set>

#include "megaweave/core/error.hpp"

namespace mw::config {

namespace {

constexpr std::size_t longest_message = 2000;

//! Cut before a character, not within one.
std::string shortened(std::string const& text, std::size_t most) {
    if (text.size() <= most) return text;
    std::size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    return text.substr(0, end) + "…";
}

}  // namespace

std::string quote(std::string const& text) {
    constexpr std::size_t longest = 80;
    return "'" + shortened(text, longest) + "'";
}

Tree const* Tree::find(std::string_view key) const {
    for (auto const& member : members) {
        if (member.key == key) return &member.value;
    }
    return nullptr;
}

Tree* Tree::find(std::string_view key) {
    for (auto& member : members) {
        if (member.key == key) return &member.value;
    }
    return nullptr;
}

std::uint32_t Problems::add_source(std::string name, bool has_lines) {
    sources_.push_back({std::move(name), has_lines});
    return static_cast<std::uint32_t>(sources_.size() - 1);
}

void Problems::add(Where where, std::string_view path, std::string message) {
    if (full()) {
        ++unkept_;
        return;
    }
    mark(path);
    found_.push_back({where, std::move(message)});
}

bool Problems::touches(std::string_view path) const {
    auto const below = paths_.lower_bound(path);
    if (below != paths_.end() && below->starts_with(path)) {
        if (below->size() == path.size()) return true;
        char const next = (*below)[path.size()];
        if (next == '.' || next == '[') return true;
    }
    // A broken block breaks everything in it.
    for (std::size_t i = 1; i < path.size(); ++i) {
        if ((path[i] == '.' || path[i] == '[') && paths_.contains(path.substr(0, i))) return true;
    }
    return false;
}

void Problems::raise() const {
    if (found_.empty()) return;
    std::vector<std::size_t> order(found_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return found_[a].where < found_[b].where; });
    std::vector<std::string> messages;
    std::unordered_set<std::string> said;
    for (std::size_t const i : order) {
        std::string text = place(found_[i].where) + ": " + shortened(found_[i].message, longest_message);
        if (said.insert(text).second && said.size() <= most_shown) messages.push_back(std::move(text));
    }
    std::size_t const more = said.size() - messages.size() + unkept_;
    if (more > 0) messages.push_back("and " + std::to_string(more) + " more mistakes");
    throw core::InputError(std::move(messages));
}

std::string Problems::place(Where where) const {
    Source const& source = sources_[where.source];
    if (!source.has_lines) return source.name;
    return source.name + ":" + std::to_string(where.line) + ":" + std::to_string(where.column);
}

std::vector<PathStep> split_path(std::string_view path) {
    std::vector<PathStep> steps;
    std::size_t i = 0;
    while (i < path.size()) {
        if (path[i] == '[') {
            std::size_t const end = path.find(']', i);
            if (end == std::string_view::npos || end == i + 1 || steps.empty()) return {};
            steps.push_back({std::string{path.substr(i + 1, end - i - 1)}, true});
            i = end + 1;
            if (i < path.size() && path[i] != '.' && path[i] != '[') return {};
            continue;
        }
        if (path[i] == '.') {
            if (steps.empty() || ++i == path.size()) return {};
        }
        std::size_t const end = std::min(path.find_first_of(".[", i), path.size());
        if (end == i) return {};
        steps.push_back({std::string{path.substr(i, end - i)}, false});
        i = end;
    }
    return steps;
}

namespace {

template <typename Node>  // Tree or Tree const
Node* item_of(Node& list, std::string const& step) {
    std::size_t index = 0;
    auto const [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
    if (error == std::errc{} && end == step.data() + step.size()) {
        return index < list.items.size() ? &list.items[index] : nullptr;
    }
    for (auto& item : list.items) {
        Tree const* const name = item.find("name");
        if (name != nullptr && name->text == step) return &item;
    }
    return nullptr;
}

//! Follows a path as far as it goes; `reached` counts the steps that exist.
Tree const* follow(Tree const& root, std::vector<PathStep> const& steps, std::size_t& reached) {
    Tree const* node = &root;
    for (reached = 0; reached < steps.size(); ++reached) {
        auto const& step = steps[reached];
        Tree const* const next = step.bracketed ? item_of(*node, step.text) : node->find(step.text);
        if (next == nullptr) break;
        node = next;
    }
    return node;
}

}  // namespace

Tree* list_item(Tree& list, std::string const& step) {
    return item_of(list, step);
}

Tree const* at_path(Tree const& root, std::string_view path) {
    auto const steps = split_path(path);
    std::size_t reached = 0;
    Tree const* const node = follow(root, steps, reached);
    return reached == steps.size() ? node : nullptr;
}

Where where_of(Tree const& root, std::string_view path) {
    std::size_t reached = 0;
    return follow(root, split_path(path), reached)->where;
}

std::string join_path(std::string_view parent, std::string_view key) {
    std::string path{parent};
    if (!path.empty()) path += '.';
    return path += key;
}

std::string join(std::vector<std::string> const& words) {
    std::string text;
    for (auto const& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

std::string suggestion(std::string const& word, std::vector<std::string> const& candidates) {
    auto const near = core::nearest(word, candidates);
    return near.empty() ? "Expected one of: " + join(candidates) : "Did you mean '" + near + "'?";
}

}  // namespace mw::config
