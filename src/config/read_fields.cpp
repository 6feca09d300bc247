#include "read_fields.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "megaweave/core/error.hpp"
#include "units.hpp"

namespace mw::config {

namespace {

constexpr std::size_t most_items = 1000;  // of a list of blocks

std::string kind_of(Tree const& node) {
    switch (node.kind) {
        case Tree::Kind::null:
            return "nothing";
        case Tree::Kind::scalar:
            return quote(node.text);
        case Tree::Kind::list:
            return "a list";
        case Tree::Kind::map:
            return "a block of keys";
    }
    return {};
}

}  // namespace

void ReadFields::finish() {
    if (tree_.kind != Tree::Kind::map) return;
    for (auto const& member : tree_.members) {
        if (std::find(asked_.begin(), asked_.end(), member.key) != asked_.end()) continue;
        if (context_.problems.full()) {
            context_.problems.add(member.where, "", "");
            continue;
        }
        context_.problems.add(member.where, at(member.key),
                              "unknown key " + quote(member.key) + " in " +
                                  (path_.empty() ? "the deck" : path_) + ". " +
                                  suggestion(member.key, asked_));
    }
}

bool ReadFields::has(std::string_view key) const {
    return tree_.find(key) != nullptr;
}

bool ReadFields::is_word(std::string_view key) const {
    Tree const* const node = tree_.find(key);
    return node != nullptr && node->kind == Tree::Kind::scalar;
}

bool ReadFields::says(std::string_view key, std::string_view word) const {
    return is_word(key) && tree_.find(key)->text == word;
}

void ReadFields::problem(Tree const& node, std::string_view key, std::string const& clause) {
    context_.problems.add(node.where, at(key), kind_of(node) + " in " + at(key) + " " + clause);
}

void ReadFields::reject(std::string_view key, std::string const& why) {
    Tree const* const node = tree_.find(key);
    context_.problems.add(node != nullptr ? node->where : tree_.where, at(key), why);
}

Tree const* ReadFields::take(std::string_view key, Rule rule, std::string const& example) {
    if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) asked_.emplace_back(key);
    Tree const* const node = tree_.find(key);
    if (node == nullptr) {
        if (rule.required && !based_ && !context_.problems.touches(at(key))) {
            context_.problems.add(tree_.where, at(key),
                                  "missing key " + quote(std::string{key}) +
                                      (path_.empty() ? "" : " in " + path_) + ". Write for example '" +
                                      std::string{key} + ": " + example + "'");
        }
        return nullptr;
    }
    if (node->kind == Tree::Kind::null) {
        context_.problems.add(node->where, at(key),
                              at(key) + " has no value. Write for example '" + std::string{key} + ": " +
                                  example + "', or leave the key out");
        return nullptr;
    }
    return node;
}

Tree const* ReadFields::take_scalar(std::string_view key, Rule rule, std::string const& example) {
    Tree const* const node = take(key, rule, example);
    if (node == nullptr || node->kind == Tree::Kind::scalar) return node;
    problem(*node, key, "must be a single value, such as '" + example + "'");
    return nullptr;
}

bool ReadFields::in_range(Tree const& node, std::string_view key, double value, Rule rule,
                          std::string_view unit) {
    // A bound that a message states in its unit is accepted when it is written so.
    constexpr double rounding = 1e-12;
    bool const in = value >= rule.min - rounding * std::abs(rule.min) &&
                    value <= rule.max + rounding * std::abs(rule.max);
    if (in) return true;
    auto const show = [&](double limit) {
        return unit.empty() ? format_number(limit) : format_quantity(limit, unit_named(unit));
    };
    std::string clause = "must be ";
    if (std::isfinite(rule.min)) {
        clause += "at least " + show(rule.min);
        if (std::isfinite(rule.max)) clause += " and ";
    }
    if (std::isfinite(rule.max)) clause += "at most " + show(rule.max);
    problem(node, key, clause);
    return false;
}

void ReadFields::text(std::string_view key, std::string& value, Rule rule) {
    Tree const* const node = take_scalar(key, rule, "word");
    if (node == nullptr) return;
    if (node->text.empty()) return problem(*node, key, "must not be empty");
    value = node->text;
}

void ReadFields::file(std::string_view key, std::string& path) {
    Tree const* const node = take_scalar(key, anything.need(), "table.csv");
    if (node == nullptr) return;
    namespace fs = std::filesystem;
    std::error_code code;
    std::vector<std::string> tried;
    for (auto const& folder : context_.folders) {
        auto const candidate = fs::weakly_canonical(folder / node->text, code);
        if (fs::is_regular_file(candidate, code)) {
            path = candidate.string();
            return;
        }
        if (std::find(tried.begin(), tried.end(), candidate.string()) == tried.end())
            tried.push_back(candidate.string());
    }
    problem(*node, key, "is not a file. Looked for " + join(tried));
}

void ReadFields::flag(std::string_view key, bool& value) {
    Tree const* const node = take_scalar(key, anything, "true");
    if (node == nullptr) return;
    if (node->text != "true" && node->text != "false") return problem(*node, key, "must be true or false");
    value = node->text == "true";
}

void ReadFields::number(std::string_view key, double& value, Rule rule) {
    Tree const* const node = take_scalar(key, rule, "1");
    if (node == nullptr) return;
    auto const parsed = parse_number(node->text);
    if (!parsed.ok()) return problem(*node, key, parsed.problem);
    if (in_range(*node, key, parsed.value, rule, "")) value = parsed.value;
}

void ReadFields::integer(std::string_view key, std::int64_t& value, Rule rule) {
    Tree const* const node = take_scalar(key, rule, "8");
    if (node == nullptr) return;
    auto const parsed = parse_number(node->text);
    if (!parsed.ok()) return problem(*node, key, parsed.problem);
    constexpr double exact = 9007199254740992.0;  // 2^53
    if (parsed.value != std::floor(parsed.value)) return problem(*node, key, "must be a whole number");
    if (std::abs(parsed.value) > exact) return problem(*node, key, "is too large");
    if (in_range(*node, key, parsed.value, rule, "")) value = static_cast<std::int64_t>(parsed.value);
}

void ReadFields::seed(std::string_view key, std::uint64_t& value) {
    Tree const* const node = take_scalar(key, anything, "1");
    if (node == nullptr) return;
    auto const& text = node->text;
    std::uint64_t parsed = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    bool const whole =
        error == std::errc{} && end == text.data() + text.size() && (text.size() == 1 || text[0] != '0');
    if (!whole) return problem(*node, key, "must be a whole number from 0 to 18446744073709551615");
    value = parsed;
}

void ReadFields::quantity(std::string_view key, double& value, std::string_view unit, Rule rule) {
    Tree const* const node = take_scalar(key, rule, "1 " + std::string{unit});
    if (node == nullptr) return;
    auto const parsed = parse_quantity(node->text, unit_named(unit));
    if (!parsed.ok()) return problem(*node, key, parsed.problem);
    if (in_range(*node, key, parsed.value, rule, unit)) value = parsed.value;
}

void ReadFields::time(std::string_view key, core::TimeNs& value_ns, std::string_view unit, Rule rule) {
    constexpr double longest_s = 1e8;  // three years; int64 nanoseconds reach 292
    double seconds = -1;
    if (!std::isfinite(rule.max)) rule.max = longest_s;
    quantity(key, seconds, unit, rule);
    if (seconds < 0) return;
    core::TimeNs const rounded = core::from_seconds(seconds);
    if (rounded == 0 && seconds > 0) return reject(key, at(key) + " is shorter than a nanosecond");
    value_ns = rounded;
}

void ReadFields::numbers(std::string_view key, std::span<double> values, Rule rule) {
    Tree const* const node = take(key, rule, "[…]");
    if (node == nullptr) return;
    if (node->kind != Tree::Kind::list || node->items.size() != values.size()) {
        return problem(*node, key, "must be a list of " + std::to_string(values.size()) + " numbers");
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        auto const& item = node->items[i];
        auto const parsed = parse_number(item.text);
        if (!parsed.ok()) {
            problem(item, key, parsed.problem);
        } else if (in_range(item, key, parsed.value, rule, "")) {
            values[i] = parsed.value;
        }
    }
}

void ReadFields::integers(std::string_view key, std::vector<std::int64_t>& values, Rule rule) {
    Tree const* const node = take(key, rule, "[4, 4]");
    if (node == nullptr) return;
    if (node->kind != Tree::Kind::list || node->items.empty())
        return problem(*node, key, "must be a list of whole numbers such as [4, 4]");
    values.clear();
    for (Tree const& item : node->items) {
        auto const parsed = parse_number(item.text);
        if (item.kind != Tree::Kind::scalar || !parsed.ok() || parsed.value != std::floor(parsed.value))
            problem(item, key, "must be a whole number");
        else if (in_range(item, key, parsed.value, rule, ""))
            values.push_back(static_cast<std::int64_t>(parsed.value));
    }
}

void ReadFields::words(std::string_view key, std::vector<std::string>& values) {
    Tree const* const node = take(key, anything, "[NAME]");
    if (node == nullptr) return;
    if (node->kind != Tree::Kind::list) return problem(*node, key, "must be a list of names");
    values.clear();
    for (Tree const& item : node->items) {
        if (item.kind == Tree::Kind::scalar)
            values.push_back(item.text);
        else
            problem(item, key, "must be a name");
    }
}

void ReadFields::block(std::string_view key, Body const& body, Rule rule) {
    Tree const* const node = take(key, {}, "{…}");
    bool const usable = node != nullptr && node->kind == Tree::Kind::map;
    if (node != nullptr && !usable) problem(*node, key, "must be a block of keys");
    if (!has(key) && rule.required && !based_) {
        context_.problems.add(
            tree_.where, at(key),
            "missing block '" + std::string{key} + "'" + (path_.empty() ? "" : " in " + path_));
    }
    Tree absent;
    absent.where = tree_.where;
    ReadFields below{context_, usable ? *node : absent, at(key)};
    below.based_ = based_;
    body(below);
    below.finish();
}

void ReadFields::list(std::string_view key, std::size_t,
                      std::function<void(Fields&, std::size_t)> const& item) {
    Tree const* const node = take(key, anything.need(), "[…]");
    if (node == nullptr) return;
    if (node->kind != Tree::Kind::list)
        return problem(*node, key, "must be a list: start each entry with '- '");
    if (node->items.empty()) return problem(*node, key, "must have at least one entry");
    if (node->items.size() > most_items)
        return problem(*node, key, "must have at most " + std::to_string(most_items) + " entries");
    for (std::size_t i = 0; i < node->items.size(); ++i) {
        std::string const path = at(key) + "[" + std::to_string(i) + "]";
        if (node->items[i].kind != Tree::Kind::map) {
            context_.problems.add(node->items[i].where, path,
                                  kind_of(node->items[i]) + " in " + path + " must be a block of keys");
            continue;
        }
        ReadFields below{context_, node->items[i], path};
        item(below, i);
        below.finish();
    }
}

void ReadFields::pick(std::string_view key, std::size_t& index, Choices const& choices, Rule rule) {
    Tree const* const node = take_scalar(key, rule, choices.names.front());
    if (node == nullptr) return;
    auto const found = std::find(choices.names.begin(), choices.names.end(), node->text);
    if (found != choices.names.end()) {
        index = static_cast<std::size_t>(found - choices.names.begin());
        return;
    }
    if (std::find(choices.later.begin(), choices.later.end(), node->text) != choices.later.end()) {
        return problem(*node, key,
                       "is known to the deck format, but this version simulates only " + join(choices.names));
    }
    problem(*node, key, "is not a choice. " + suggestion(node->text, choices.names));
}

bool Fields::is_default(std::string_view key, std::initializer_list<std::string_view> words) {
    for (std::string_view const word : words) {
        if (!says(key, word)) continue;
        known(key);
        return true;
    }
    return false;
}

void Fields::bytes(std::string_view key, std::int64_t& value, std::string_view unit, Rule rule) {
    auto exact = static_cast<double>(value);
    quantity(key, exact, unit, rule.up_to(std::min(rule.max, 9e15)));
    value = std::llround(exact);
}

}  // namespace mw::config
