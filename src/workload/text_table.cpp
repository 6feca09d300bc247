#include "text_table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

#include "megaweave/core/error.hpp"
#include "megaweave/core/text.hpp"

namespace mw::workload {

namespace {

constexpr std::size_t most_messages = 20;

template <class T>
std::optional<T> parsed(std::string_view text) {
    T value{};
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

void Mistakes::keep(std::string message) {
    if (++count_ <= most_messages) messages_.push_back(std::move(message));
}

void Mistakes::add(std::size_t line, std::string const& what) {
    keep(file_ + ":" + std::to_string(line) + ": " + what);
}

void Mistakes::add(std::string const& what) {
    keep(file_ + ": " + what);
}

void Mistakes::throw_if_any() const {
    if (count_ == 0) return;
    auto messages = messages_;
    if (count_ > most_messages)
        messages.push_back(file_ + ": and " + std::to_string(count_ - most_messages) + " more mistakes");
    throw core::InputError(std::move(messages));
}

LineReader::LineReader(std::string_view text) : rest_{text} {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
}

bool LineReader::next() {
    while (!rest_.empty()) {
        auto const end = rest_.find('\n');
        line_ = core::trimmed(rest_.substr(0, end));
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        ++number_;
        if (!line_.empty()) return true;
    }
    return false;
}

CsvReader::CsvReader(std::string_view text, std::vector<std::string> columns, Mistakes& mistakes)
    : lines_{text}, columns_{std::move(columns)}, mistakes_{mistakes} {}

bool CsvReader::read_header() {
    if (!lines_.next()) {
        mistakes_.add("is empty. It needs a header and rows");
        return false;
    }
    auto const names = core::split_trimmed(lines_.line());
    width_ = names.size();
    for (auto const& column : columns_) {
        auto const found = std::find(names.begin(), names.end(), column);
        place_.push_back(static_cast<std::size_t>(found - names.begin()));
        if (found != names.end()) continue;
        auto const alike = core::nearest(column, {names.begin(), names.end()});
        mistakes_.add(lines_.number(),
                      "there is no column '" + column + "'." +
                          (alike.empty() ? " The header is the first line." : " Is it '" + alike + "'?"));
    }
    return !mistakes_.any();
}

bool CsvReader::next() {
    while (lines_.next()) {
        auto const all = core::split_trimmed(lines_.line());
        if (all.size() != width_) {
            mistakes_.add(lines_.number(), "has " + std::to_string(all.size()) +
                                               " fields where the header has " + std::to_string(width_));
            continue;
        }
        fields_.clear();
        for (auto const place : place_) fields_.push_back(all[place]);
        return true;
    }
    return false;
}

std::optional<std::int64_t> to_integer(std::string_view text) {
    return parsed<std::int64_t>(text);
}

std::optional<double> to_number(std::string_view text) {
    auto const value = parsed<double>(text);
    return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<std::int32_t> to_tokens(std::string_view text, std::string const& column, std::size_t line,
                                      Mistakes& mistakes) {
    auto const value = to_integer(text);
    if (!value || *value > std::numeric_limits<std::int32_t>::max()) {
        mistakes.add(
            line, column + " is '" + std::string{text} + "'. It must be a whole number of tokens below 2^31");
        return std::nullopt;
    }
    if (*value < 0) {
        mistakes.add(line, column + " is " + std::to_string(*value) + ". It cannot be negative");
        return std::nullopt;
    }
    return static_cast<std::int32_t>(std::max<std::int64_t>(*value, 1));
}

}  // namespace mw::workload
