#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mw::validation {

//! The fields of one line of CSV; quotes may hold commas, two quotes in a row are one.
[[nodiscard]] std::vector<std::string> split_csv(std::string_view line);
//! A field as it must stand in a line.
[[nodiscard]] std::string csv_field(std::string const& text);

}  // namespace mw::validation
