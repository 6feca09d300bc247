#include "units.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
#include "tree.hpp"
#include "unit_table.hpp"

namespace mw::config {

namespace {

using enum Dimension;

std::string_view words(Dimension dimension) {
    switch (dimension) {
        case time:
            return "time";
        case data:
            return "data";
        case data_rate:
            return "data rate";
        case frequency:
            return "events per time";
        case power:
            return "power";
        case energy:
            return "energy";
        case pressure:
            return "pressure";
        case temperature:
            return "temperature";
        case temperature_step:
            return "temperature difference";
        case flop_rate:
            return "compute rate";
        case energy_per_flop:
            return "energy per FLOP";
        case energy_per_byte:
            return "energy per byte";
        case energy_per_bit:
            return "energy per bit";
        case length:
            return "length";
        case power_share:
            return "power per power";
        case carbon:
            return "carbon per energy";
        case price:
            return "price per energy";
    }
    return "";
}

std::vector<std::string> names_of(Dimension dimension) {
    std::vector<std::string> names;
    for (auto const& unit : units) {
        if (unit.dimension == dimension) names.emplace_back(unit.name);
    }
    return names;
}

std::string lower(std::string_view text) {
    std::string result{text};
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

constexpr bool digit(char c) {
    return c >= '0' && c <= '9';
}

std::string_view trimmed(std::string_view text) {
    auto const first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

//! How many characters of the text are a decimal number.
std::size_t number_length(std::string_view text) {
    std::size_t i = (!text.empty() && (text[0] == '-' || text[0] == '+')) ? 1 : 0;
    std::size_t digits = 0;
    while (i < text.size() && digit(text[i])) ++i, ++digits;
    if (i < text.size() && text[i] == '.') {
        ++i;
        while (i < text.size() && digit(text[i])) ++i, ++digits;
    }
    if (digits == 0) return 0;
    if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
        std::size_t j = i + 1;
        if (j < text.size() && (text[j] == '-' || text[j] == '+')) ++j;
        if (j < text.size() && digit(text[j])) {
            while (j < text.size() && digit(text[j])) ++j;
            i = j;
        }
    }
    return i;
}

//! The number in front of `rest`, or what is wrong with it.
Parsed leading_number(std::string_view text, std::string_view& rest) {
    std::string const small = lower(text);
    for (std::string_view const word :
         {"nan", ".nan", "inf", ".inf", "-inf", "-.inf", "+inf", "+.inf", "infinity"}) {
        if (small == word || small.starts_with(std::string{word} + " ")) return {0, "is not a finite number"};
    }
    std::size_t const size = number_length(text);
    rest = trimmed(text.substr(size));
    if (size == 0) return {0, "is not a number"};
    std::string_view const number = text.substr(text[0] == '+' ? 1 : 0, size - (text[0] == '+' ? 1 : 0));
    std::string_view const magnitude = number.substr(number[0] == '-' ? 1 : 0);
    if (magnitude.size() > 1 && magnitude[0] == '0' && digit(magnitude[1])) {
        return {0, "starts with a zero, which reads as octal in some programs. Leave the zero out"};
    }
    if (rest.size() > 1 && (rest[0] == ',' || rest[0] == '_') && digit(rest[1])) {
        return {0, "has a separator. Write the digits without '_' or ','"};
    }
    double value = 0;
    auto const [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error == std::errc::result_out_of_range) return {0, "is out of the range of numbers"};
    if (error != std::errc{}) return {0, "is not a number"};
    return {value, ""};
}

std::string such_as(std::string_view number, Unit const& likely) {
    return "such as '" + std::string{number} + " " + std::string{likely.name} + "'";
}

//! The clause for a unit that the dimension does not have.
std::string wrong_unit(std::string_view number, std::string_view unit, Unit const& likely) {
    auto const accepted = names_of(likely.dimension);
    std::string similar;
    for (auto const& name : accepted) {
        if (lower(name) == lower(unit)) similar += (similar.empty() ? "'" : " or '") + name + "'";
    }
    std::string const kind{words(likely.dimension)};
    if (similar.empty()) {
        for (auto const& other : units) {
            if (other.name == unit) {
                return "has a unit of " + std::string{words(other.dimension)} + ", but this is a " + kind +
                       ", " + such_as(number, likely);
            }
        }
        auto const near = core::nearest(std::string{unit}, accepted);
        if (!near.empty() && unit.size() > 1) similar = "'" + near + "'";
    }
    std::string text = "has the unknown unit '" + std::string{unit} + "'. ";
    if (!similar.empty()) text += "Did you mean " + similar + "? ";
    return text + "Units of " + kind + " are " + join(accepted);
}

}  // namespace

Unit const& unit_named(std::string_view name) {
    auto const found =
        std::find_if(units.begin(), units.end(), [&](Unit const& unit) { return unit.name == name; });
    MW_EXPECT(found != units.end(), "the schema names a unit that the table does not have");
    return *found;
}

Parsed parse_number(std::string_view text) {
    std::string_view rest;
    Parsed parsed = leading_number(trimmed(text), rest);
    if (parsed.ok() && !rest.empty()) parsed.problem = "is not a plain number (this key has no unit)";
    return parsed;
}

Parsed parse_quantity(std::string_view text, Unit const& likely) {
    std::string_view rest;
    std::string_view const whole = trimmed(text);
    Parsed parsed = leading_number(whole, rest);
    if (!parsed.ok()) {
        if (parsed.problem == "is not a number") {
            parsed.problem +=
                " with a unit of " + std::string{words(likely.dimension)} + ", " + such_as("1", likely);
        }
        return parsed;
    }
    std::string_view const number = trimmed(whole.substr(0, whole.size() - rest.size()));
    if (rest.empty()) {
        return {0, "needs a unit of " + std::string{words(likely.dimension)} + ", " +
                       such_as(number, likely) + ". Units of " + std::string{words(likely.dimension)} +
                       " are " + join(names_of(likely.dimension))};
    }
    for (auto const& unit : units) {
        if (unit.dimension != likely.dimension || unit.name != rest) continue;
        double const value = parsed.value * unit.factor + unit.offset;
        if (!std::isfinite(value)) return {0, "is out of the range of numbers"};
        return {value, ""};
    }
    return {0, wrong_unit(number, rest, likely)};
}

}  // namespace mw::config
