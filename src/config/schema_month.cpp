#include <array>
#include <charconv>
#include <cstdio>

#include "schema_entry.hpp"

namespace mw::config {

namespace {

constexpr std::int64_t months_a_year = 12;
constexpr char const* not_stated = "unknown";

std::string text_of(std::int64_t months) {
    if (months <= 0) return not_stated;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02d", static_cast<int>((months - 1) / months_a_year),
                  static_cast<int>((months - 1) % months_a_year + 1));
    return text.data();
}

// Of "2026-02": 12 * 2026 + 2; 0 if it is not a month.
std::int64_t months_of(std::string const& text) {
    int year = 0;
    int month = 0;
    char const* const end = text.data() + text.size();
    auto const dash = std::from_chars(text.data(), end, year);
    if (dash.ec != std::errc{} || dash.ptr != text.data() + 4 || dash.ptr == end || *dash.ptr != '-')
        return 0;
    auto const last = std::from_chars(dash.ptr + 1, end, month);
    bool const two_digits = last.ptr == end && end - dash.ptr == 3;
    if (last.ec != std::errc{} || !two_digits || month < 1 || month > months_a_year) return 0;
    return months_a_year * year + month;
}

}  // namespace

void describe_month(Fields& fields, std::string_view key, std::int64_t& months) {
    std::string text = text_of(months);
    fields.text(key, text);
    if (!fields.reading()) return;
    months = text == not_stated ? 0 : months_of(text);
    if (text != not_stated && months == 0)
        fields.reject(key, "'" + text + "' in " + std::string{key} + " is not a month. Write it as 2026-02");
}

}  // namespace mw::config
