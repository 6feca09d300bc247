#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "megaweave/io/run_file.hpp"

namespace mw::io {

//! Makes room for a new run.h5 on the root: folders made, older files unlinked. Throws core::WorldError with the system's reason.
void clear_for_new_run(std::string const& path, std::string const& xdmf_path);

struct Rewound {
    std::vector<double> times_s;  //!< of the rows kept; zeros but on the root
    std::vector<std::string> rack_quantities;
    std::vector<std::string> link_quantities;
};

/*!
 * Takes what a run had recorded in `from` into a new file `to`, by the root, whatever state a kill left `from` in: its series only.
 * Collective. Throws core::WorldError on every rank, naming the file, if it is of another run, damaged, or has fewer rows.
 */
[[nodiscard]] Rewound rewind(parallel::Comm const& comm, std::string const& from, std::string const& to,
                             std::uint64_t physics_hash, RunShape const& shape, Recorded const& recorded);

}  // namespace mw::io
