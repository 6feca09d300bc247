#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "megaweave/parallel/comm.hpp"

namespace mw::io {

//! 64-bit hash of some bytes; not for adversaries.
[[nodiscard]] std::uint64_t hash_bytes(std::span<std::byte const> bytes, std::uint64_t seed);

/*!
 * A closed file gets a trailer with its size and checksum, after the end that HDF5 knows of, so that damage is found before HDF5
 * interprets a byte (its own reader can crash on damaged metadata). The ranks share the reading. Collective. Throws core::WorldError.
 */
void seal(parallel::Comm const& comm, std::string const& path);

//! What is wrong with a sealed file; "" if it is whole. Collective, the same on every rank.
[[nodiscard]] std::string damage_of(parallel::Comm const& comm, std::string const& path);

}  // namespace mw::io
