#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "megaweave/core/time.hpp"
#include "megaweave/parallel/comm.hpp"

namespace mw::io {

struct CheckpointMeta {
    static constexpr std::int32_t current_format = 2;

    std::uint64_t physics_hash{0};
    std::int64_t window{0};          //!< windows simulated so far
    core::TimeNs time_ns{0};         //!< from the start of the warm-up
    std::int64_t recorded_rows{0};   //!< samples in run.h5 at that moment
    std::uint64_t recorded_hash{0};  //!< of those samples, RunFile::recorded()
    std::string program_version;
    std::string build{};  //!< sources, compiler and kind of build of the program that wrote it
    std::string deck{};   //!< text behind `physics_hash`, so that a refusal can name the key that differs
    std::int32_t format_version{current_format};
    std::int64_t racks_total{0};  //!< filled in by write_checkpoint
};

struct Checkpoint {
    CheckpointMeta meta;
    std::vector<std::byte> global;  //!< on every rank
    std::int64_t first_rack{0};
    std::vector<std::vector<std::byte>> rack_blobs;  //!< of the racks asked for
};

/*!
 * Writes DIRECTORY/checkpoint-<window, 12 digits>.h5: one opaque blob per rack and a global one (the root's). Collective; ranks
 * hold contiguous racks in rank order, possibly none.
 *
 * Written aside, synced and renamed, so a checkpoint is complete or absent whenever the run is killed. Then only this one and its
 * predecessor are kept: older ones are superseded, and those of later windows belong to a run that has been rewound.
 * A trailer behind HDF5's end holds a checksum of the whole file. Throws core::WorldError on every rank if any of them fails; older checkpoints stay.
 */
void write_checkpoint(parallel::Comm const& comm, std::string const& directory, CheckpointMeta const& meta,
                      std::vector<std::byte> const& global, std::int64_t first_rack,
                      std::vector<std::vector<std::byte>> const& rack_blobs, std::int64_t racks_total);

//! Why a checkpoint cannot be read, found by its checksum before HDF5 sees it; "" if it is whole. Collective, equal on all ranks.
[[nodiscard]] std::string checkpoint_damage(parallel::Comm const& comm, std::string const& path);

/*!
 * Header of a checkpoint, for one rank that has asked `checkpoint_damage`. Throws core::WorldError for what is no checkpoint or of
 * another format.
 */
[[nodiscard]] CheckpointMeta read_checkpoint_meta(std::string const& path);

//! Throws core::WorldError: what is wrong with the file, and what to do.
[[noreturn]] void refuse_checkpoint(std::string const& path, std::string const& why);

//! Throws core::WorldError unless the checkpoint is of a run with this physics and this many racks.
void require_same_run(CheckpointMeta const& meta, std::string const& path, std::uint64_t physics_hash,
                      std::int64_t racks_total);

//! This rank's part, for any number of ranks, none of whose parts need be the writers'. Collective; throws on every rank.
[[nodiscard]] Checkpoint read_checkpoint(parallel::Comm const& comm, std::string const& path,
                                         std::int64_t first_rack, std::int64_t rack_count);

//! Paths of the complete checkpoints in a directory, oldest first.
[[nodiscard]] std::vector<std::string> checkpoints_in(std::string const& directory);

//! Path of the latest complete checkpoint in a directory; "" if there is none.
[[nodiscard]] std::string newest_checkpoint(std::string const& directory);

}  // namespace mw::io
