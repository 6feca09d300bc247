#include "key_lister.hpp"

#include "megaweave/config/deck.hpp"
#include "schema.hpp"
#include "units.hpp"

namespace mw::config {

std::string NumericKey::text(double value) const {
    std::string const one =
        kind == Kind::quantity ? format_quantity(value, unit_named(unit)) : format_number(value);
    if (kind != Kind::list) return one;
    std::string all = "[";
    for (std::size_t i = 0; i < size; ++i) all += (i > 0 ? ", " : "") + one;
    return all + "]";
}

bool KeyLister::is_word(std::string_view key) const {
    Tree const* const node = tree_.find(key);
    return node != nullptr && node->kind == Tree::Kind::scalar;
}

bool KeyLister::says(std::string_view key, std::string_view word) const {
    return is_word(key) && tree_.find(key)->text == word;
}

void KeyLister::add(std::string_view key, NumericKey::Kind kind, std::string_view unit, std::size_t size,
                    Rule rule) {
    keys_.push_back({join_path(path_, key), kind, std::string{unit}, size, rule});
}

void KeyLister::number(std::string_view key, double&, Rule rule) {
    add(key, NumericKey::Kind::number, "", 1, rule);
}
void KeyLister::integer(std::string_view key, std::int64_t&, Rule rule) {
    add(key, NumericKey::Kind::integer, "", 1, rule);
}
void KeyLister::quantity(std::string_view key, double&, std::string_view unit, Rule rule) {
    add(key, NumericKey::Kind::quantity, unit, 1, rule);
}
void KeyLister::time(std::string_view key, core::TimeNs&, std::string_view unit, Rule rule) {
    add(key, NumericKey::Kind::quantity, unit, 1, rule);
}
void KeyLister::numbers(std::string_view key, std::span<double> values, Rule rule) {
    add(key, NumericKey::Kind::list, "", values.size(), rule);
}
void KeyLister::integers(std::string_view key, std::vector<std::int64_t>& values, Rule rule) {
    add(key, NumericKey::Kind::list, "", values.size(), rule);
}

void KeyLister::block(std::string_view key, Body const& body, Rule) {
    static Tree const absent;
    Tree const* const node = tree_.find(key);
    KeyLister below{node != nullptr ? *node : absent, join_path(path_, key), keys_};
    body(below);
}

void KeyLister::list(std::string_view key, std::size_t size,
                     std::function<void(Fields&, std::size_t)> const& item) {
    for (std::size_t i = 0; i < size; ++i) {
        std::string const path = join_path(path_, key) + "[" + std::to_string(i) + "]";
        Tree const* const items = tree_.find(key);
        if (items == nullptr || i >= items->items.size()) return;
        KeyLister below{items->items[i], path, keys_};
        item(below, i);
    }
}

void KeyLister::entry(std::string_view key, std::string_view, Body const& body, Rule, std::string_view) {
    block(key, body, anything);
}

std::vector<NumericKey> numeric_keys(std::string const& deck_path) {
    Deck deck = read_deck(deck_path);
    Problems problems;
    Tree const tree = parse_file(deck_path, problems);
    problems.raise();
    std::vector<NumericKey> keys;
    KeyLister lister{tree, "", keys};
    describe(lister, deck);
    return keys;
}

}  // namespace mw::config
