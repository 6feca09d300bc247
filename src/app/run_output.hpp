#pragma once

#include <optional>
#include <string>

#include "folder_lock.hpp"
#include "megaweave/engine/simulation.hpp"
#include "megaweave/io/run_file.hpp"

namespace mw::app {

//! The checkpoint that a run goes on from.
struct Beginning {
    std::string checkpoint;  //!< its path
    std::string run_file;    //!< the run.h5 that goes with it
    std::int64_t recorded_rows{0};
    std::uint64_t recorded_hash{0};
    core::TimeNs time_ns{0};

    template <class Ar>
    void archive(Ar& ar) {
        ar& checkpoint& run_file& recorded_rows& recorded_hash& time_ns;
    }
};

/*!
 * Chooses the checkpoint that --restart means: the file, or the newest whole one of a folder (a damaged one is told, and passed over).
 * Collective. Throws core::InputError if it is of another deck or program, naming what differs, and core::WorldError if it is damaged.
 */
[[nodiscard]] Beginning find_beginning(engine::World const& world, parallel::Comm const& comm,
                                       std::string const& restart, std::string const& output);

//! The output folder while a run writes there.
class RunOutput {
  public:
    //! Makes and locks the folder. Collective.
    RunOutput(parallel::Comm const& comm, std::string folder);

    //! Opens run.h5, having moved earlier results (told on stdout). Nothing moves if the run cannot go on. Collective.
    [[nodiscard]] io::RunFile open(engine::World const& world, site::Partition const& partition,
                                   std::optional<Beginning> const& beginning) const;

    [[nodiscard]] std::string const& folder() const { return folder_; }

  private:
    parallel::Comm const& comm_;
    std::string folder_;
    std::optional<FolderLock> lock_;  //!< on the root
};

}  // namespace mw::app
