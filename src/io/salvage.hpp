#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "handle.hpp"

namespace mw::io {

//! Names in a group, in alphabetical order.
[[nodiscard]] std::vector<std::string> members(hid_t file, std::string const& group);
//! Paths of the datasets of a run file that grow with the samples.
[[nodiscard]] std::vector<std::string> series_of(hid_t file);

/*!
 * Writes the series of a run as they were after `rows` samples into a new file, value by value, and nothing else. Returns the hash
 * of these values (RunFile::recorded()).
 *
 * A killed run may leave metadata of later samples half written; nothing of it can reach the new file, since only the values of the
 * samples that were flushed are read. Serial. Throws core::WorldError if those samples cannot be read.
 */
std::uint64_t copy_rows(std::string const& from, std::string const& to, std::int64_t rows);

}  // namespace mw::io
