#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "handle.hpp"

namespace mw::io {

//! Names in a group, in alphabetical order.
[[nodiscard]] std::vector<std::string> members(hid_t file, std::string const& group);
//! Whether a dataset grows with the samples: its first extent is unlimited.
[[nodiscard]] bool is_series(hid_t file, std::string const& path);

/*!
 * Writes what a run had recorded after `rows` samples into a new file, value by value.
 *
 * A killed run may leave metadata of later samples half written; nothing of it can reach the new file, since only the values of the
 * samples that were flushed are read. Results of a finished run (requests, histograms) are left out. Serial. Throws
 * core::WorldError if those samples cannot be read.
 */
void copy_rows(std::string const& from, std::string const& to, std::int64_t rows);

}  // namespace mw::io
