#pragma once

#include <string>
#include <vector>

#include "dataset.hpp"

/*!
 * Names for the axes of datasets (HDF5 dimension scales), so that xarray, h5netcdf and others open each group labelled.
 * All collective; paths are absolute.
 */
namespace mw::io {

//! Makes a dataset the coordinate of axes of its length; nothing if it is one already.
void make_scale(Place const& file, std::string const& path);

//! An axis of so many entries that have no coordinate.
void make_bare_axis(Place const& file, std::string const& path, std::int64_t length);

//! Labels the axes of a dataset, first to last, each with a scale.
void label_axes(Place const& file, std::string const& path, std::vector<std::string> const& scales);

//! Makes an object of another group part of this one too (a hard link), so that the group has its coordinates when opened alone.
void share(Place const& file, std::string const& path, std::string const& group);

// The parts of run.h5, once they are written.
void label_plan(Place const& file, std::int64_t racks, std::int64_t links);
void label_requests(Place const& file);
void label_traffic(Place const& file, bool with_bytes, std::int64_t labels);
void label_histogram(Place const& file, std::string const& name);
void label_spectrum(Place const& file);

}  // namespace mw::io
