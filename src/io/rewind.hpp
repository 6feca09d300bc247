#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "megaweave/parallel/comm.hpp"

namespace mw::io {

//! Makes room for a new run.h5 on the root: folders made, older files unlinked. Throws core::WorldError with the system's reason.
void clear_for_new_run(std::string const& path, std::string const& xdmf_path);

struct Rewound {
    std::vector<double> times_s;  //!< of the rows kept; zeros but on the root
    std::vector<std::string> rack_quantities;
    std::vector<std::string> link_quantities;
};

/*!
 * Takes the file of an interrupted run back to its first `rows` samples. The root copies these values into a new file that then
 * replaces the old one, whatever state a kill left that in. Collective. Throws core::WorldError on every rank if the file is of another
 * run, has fewer rows or cannot be read.
 */
[[nodiscard]] Rewound rewind(parallel::Comm const& comm, std::string const& path, std::uint64_t physics_hash,
                             std::int64_t racks, std::int64_t links, std::int64_t rows);

}  // namespace mw::io
