#pragma once

#include <string_view>
#include <vector>

namespace mw::core {

//! Without blanks, tabs and carriage returns at its ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);
//! The parts between separators, as they stand; at least one. No quotes. They point into `text`.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator = ',');
//! The same, each trimmed.
[[nodiscard]] std::vector<std::string_view> split_trimmed(std::string_view text, char separator = ',');

}  // namespace mw::core
