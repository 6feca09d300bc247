#pragma once

#include <string>
#include <variant>

#include "megaweave/workload/length_laws.hpp"

namespace mw::workload {

//! Reads `quantile,tokens` or `tokens,probability`, told apart by the header. Throws core::InputError ("file:line: …").
[[nodiscard]] std::variant<LinearLaw, DiscreteLaw> read_quantile_file(std::string const& file);

}  // namespace mw::workload
