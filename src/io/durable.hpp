#pragma once

#include <cstdint>
#include <string>

namespace mw::io {

//! What the operating system said about the last failed call.
[[nodiscard]] std::string system_reason();

//! Where a file is written before it gets its name: a name that nobody else's file has.
[[nodiscard]] std::string aside_of(std::string const& path);

/*!
 * Puts a closed file under its final name so that, whenever the machine stops, the name holds the old or the new file, whole:
 * sync the file, rename, sync the folder. Throws core::WorldError.
 */
void rename_durably(std::string const& aside, std::string const& path);

/*!
 * Makes sure that a file (created if absent) can grow by so many bytes, with the file system's own reservation where it has one.
 *
 * Before every collective write, since a disk that fills up under one rank can leave the others waiting inside MPI-IO. The
 * surplus goes when HDF5 next sets the file's size. Throws core::WorldError.
 */
void reserve(std::string const& path, std::int64_t bytes);

}  // namespace mw::io
