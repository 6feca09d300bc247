#pragma once

#include <string>

namespace mw::app {

//! Quoted for YAML, so that a digest of digits stays a text.
[[nodiscard]] inline std::string quoted(std::string const& text) {
    std::string out = "\"";
    for (char const c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

}  // namespace mw::app
