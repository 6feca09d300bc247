#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mw::io {

//! What run.xdmf says about the arrays in run.h5.
struct XdmfScene {
    std::string data_file;  //!< name of the HDF5 file, relative to the XDMF file
    std::int64_t racks{0};
    std::int64_t links{0};
    std::vector<std::string> rack_quantities;  //!< datasets of /rack, [T x racks] float32
    std::vector<std::string> link_quantities;  //!< datasets of /links, [T x links] float32
    std::vector<std::string> link_totals;  //!< datasets of /traffic, [links] float32, the same at all times
    std::span<double const> times_s;       //!< T
};

/*!
 * The time series for ParaView: a block "racks" (hexahedra) and a block "links" (lines), each with every quantity as a cell array
 * that is, at each step, a slice of the dataset in run.h5. No data are copied.
 *
 * Read it with ParaView's "XDMF Reader" (Xdmf2; 5.11 and later), not Xdmf3, which ignores slices. Above `max_steps` samples only
 * every n-th is listed, and an Information element says so. Serial; written aside and renamed. Throws core::WorldError.
 */
void write_xdmf(std::string const& path, XdmfScene const& scene, std::int64_t max_steps = 5000);

}  // namespace mw::io
