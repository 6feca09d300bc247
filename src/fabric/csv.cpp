#include "csv.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "megaweave/core/error.hpp"
#include "megaweave/core/text.hpp"
#include "megaweave/core/text_file.hpp"

namespace mw::fabric {

namespace {

//! Where each wanted column stands in the header. Empty, with a mistake each, if some are missing.
std::vector<std::size_t> positions(std::string const& path, std::vector<std::string_view> const& header,
                                   std::size_t line, std::vector<std::string> const& wanted,
                                   Mistakes& mistakes) {
    std::vector<std::size_t> found;
    for (auto const& column : wanted) {
        auto const at = std::ranges::find(header, column);
        if (at != header.end()) {
            found.push_back(static_cast<std::size_t>(at - header.begin()));
            continue;
        }
        std::string const near = core::nearest(column, {header.begin(), header.end()});
        std::string list;
        for (auto const& name : wanted) list += (list.empty() ? "" : ",") + name;
        mistakes.add(
            path, line,
            "no column '" + column + "'. " +
                (near.empty() ? "The header must name " + list : "Is '" + near + "' meant to be it?"));
    }
    if (found.size() != wanted.size()) found.clear();
    return found;
}

}  // namespace

void Mistakes::add(std::string const& file, std::size_t line, std::string const& message) {
    if (messages_.size() < shown)
        messages_.push_back(file + (line > 0 ? ":" + std::to_string(line) : "") + ": " + message);
    else
        ++unshown_;
}

void Mistakes::report() const {
    if (messages_.empty()) return;
    auto all = messages_;
    if (unshown_ > 0) all.push_back("… and " + std::to_string(unshown_) + " more");
    throw core::InputError(std::move(all));
}

CsvTable::CsvTable(std::string path, std::vector<std::string> const& columns, Mistakes& mistakes,
                   std::vector<std::string> const& optional)
    : path_{std::move(path)} {
    core::TextFile file = core::read_text_file(path_, core::table_limits);
    if (!file.ok()) {
        mistakes.add(path_, 0, file.problem);
        return;
    }
    contents_ = std::move(file.text);

    std::string_view rest = contents_;
    if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
    std::vector<std::size_t> where;
    std::size_t width = 0;
    for (std::size_t line = 1; !rest.empty(); ++line) {
        auto const end = std::min(rest.find('\n'), rest.size());
        auto const text = core::trimmed(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (text.empty()) continue;
        auto const fields = core::split_trimmed(text);
        if (header_.empty()) {
            header_ = text;
            width = fields.size();
            where = positions(path_, fields, line, columns, mistakes);
            if (where.empty()) return;
            for (auto const& column : optional)
                where.push_back(static_cast<std::size_t>(std::ranges::find(fields, column) - fields.begin()));
        } else if (fields.size() != width) {
            mistakes.add(
                path_, line,
                std::to_string(fields.size()) + " fields, but the header names " + std::to_string(width));
        } else {
            Row& row = rows_.emplace_back(Row{line, text, {}});
            for (std::size_t const column : where)
                row.fields.push_back(column < width ? fields[column] : std::string_view{});
        }
    }
    if (header_.empty()) mistakes.add(path_, 1, "is empty: it needs a header and rows");
}

std::optional<double> to_number(std::string_view text) {
    double value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

std::optional<std::int64_t> to_integer(std::string_view text) {
    std::int64_t value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc{} && end == text.data() + text.size()) return value;
    auto const number = to_number(text);
    constexpr double exact = 9007199254740992.0;  // 2^53
    if (!number || std::abs(*number) > exact || *number != std::floor(*number)) return std::nullopt;
    return static_cast<std::int64_t>(*number);
}

}  // namespace mw::fabric
