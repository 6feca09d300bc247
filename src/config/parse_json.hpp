#pragma once

#include <string>

#include "tree.hpp"

namespace mw::config {

/*!
 * A JSON text (RFC 8259) as a tree. Also taken: NaN, Infinity and -Infinity, which Python writes. Repeated keys are problems, as in a
 * deck; of a lone half of a surrogate pair U+FFFD remains.
 */
[[nodiscard]] Tree parse_json(std::string const& text, std::uint32_t source, Problems& problems);

//! A YAML text with JSON's pairs of escapes for characters beyond U+FFFF in YAML's own form, which its library demands.
[[nodiscard]] std::string with_joined_surrogates(std::string const& text);

}  // namespace mw::config
