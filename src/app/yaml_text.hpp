#pragma once

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string>

namespace mw::app {

//! Quoted for YAML, so that a digest of digits stays a text; JSON's escapes, which YAML knows, for what no line may hold.
[[nodiscard]] inline std::string quoted(std::string const& text) {
    std::string out = "\"";
    for (char const c : text) {
        auto const byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') out += '\\';
        if (c == '\n')
            out += "\\n";
        else if (c == '\t')
            out += "\\t";
        else if (byte < 0x20 || byte == 0x7f)
            out += fmt::format("\\x{:02x}", byte);
        else
            out += c;
    }
    return out + '"';
}

//! A number, null where it is none.
[[nodiscard]] inline std::string number(double value, int digits = 6) {
    return std::isfinite(value) ? fmt::format("{:.{}g}", value, digits) : "null";
}

[[nodiscard]] inline std::string number(std::optional<double> value, int digits = 6) {
    return value ? number(*value, digits) : "null";
}

//! a / b; nothing where there is nothing to divide by.
[[nodiscard]] inline std::optional<double> quotient(double a, double b) {
    if (b == 0.0) return {};
    return a / b;
}

/*!
 * YAML with numbers that every reader of YAML 1.1 and 1.2 takes for such: 1e+05 gets a point (1.0e+05), nan and inf become null.
 * Texts in double quotes and comments stay as they are.
 */
[[nodiscard]] std::string plain_numbers(std::string const& yaml);

}  // namespace mw::app
