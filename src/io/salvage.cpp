#include "salvage.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "dataset.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/hash.hpp"
#include "series.hpp"

namespace mw::io {

namespace {

constexpr hsize_t bytes_at_once = 16 << 20;

herr_t add_name(hid_t, char const* name, H5L_info_t const*, void* names) {
    static_cast<std::vector<std::string>*>(names)->emplace_back(name);
    return 0;
}

std::uint64_t copy_series(hid_t from, hid_t to, std::string const& path, std::int64_t rows) {
    Handle const old{H5Dopen2(from, path.c_str(), H5P_DEFAULT), H5Dclose, "cannot open " + path};
    Handle const type{H5Dget_type(old.get()), H5Tclose, path};
    Handle const space{H5Dget_space(old.get()), H5Sclose, path};
    Handle const layout{H5Dget_create_plist(old.get()), H5Pclose, path};
    hsize_t extent[2] = {0, 1};
    hsize_t most[2] = {0, 1};
    int const dimensions = H5Sget_simple_extent_dims(space.get(), extent, most);
    if (extent[0] < static_cast<hsize_t>(rows))
        throw core::WorldError(path + " holds only " + std::to_string(extent[0]) + " samples");
    extent[0] = static_cast<hsize_t>(rows);
    Handle const shorter{H5Screate_simple(dimensions, extent, most), H5Sclose, path};
    Handle const made{
        H5Dcreate2(to, path.c_str(), type.get(), shorter.get(), H5P_DEFAULT, layout.get(), H5P_DEFAULT),
        H5Dclose, "cannot make " + path};
    put_label(made.get(), {get_text(old.get(), "unit", path), get_text(old.get(), "description", path)},
              path);

    std::uint64_t hash = 0;
    std::uint64_t const key = core::hash_text(path);
    std::size_t const value_bytes = H5Tget_size(type.get());
    hsize_t const row_bytes = std::max<hsize_t>(1, extent[1] * value_bytes);
    hsize_t const step = std::max<hsize_t>(1, bytes_at_once / row_bytes);
    std::vector<std::byte> values(static_cast<std::size_t>(std::min(step, extent[0]) * row_bytes));
    for (hsize_t row = 0; row < extent[0]; row += step) {
        Slab const slab{dimensions, {row, 0}, {std::min(step, extent[0] - row), extent[1]}};
        read_slab(old.get(), type.get(), slab, values.data(), H5P_DEFAULT, "cannot read " + path);
        write_slab(made.get(), type.get(), slab, values.data(), H5P_DEFAULT, "cannot write " + path);
        for (hsize_t i = 0; i < slab.count[0]; ++i) {
            std::span const one{values.data() + i * row_bytes, static_cast<std::size_t>(row_bytes)};
            hash += hash_row(key, static_cast<std::int64_t>(row + i), 0, one, value_bytes);
        }
    }
    return hash;
}

bool is_series(hid_t file, std::string const& path, int dimensions) {
    H5O_info_t info{};
    check(H5Oget_info_by_name(file, path.c_str(), &info, H5P_DEFAULT), path);
    if (info.type != H5O_TYPE_DATASET) return false;
    Handle const dataset{H5Dopen2(file, path.c_str(), H5P_DEFAULT), H5Dclose, "cannot open " + path};
    Handle const space{H5Dget_space(dataset.get()), H5Sclose, path};
    hsize_t extent[2] = {0, 0};
    hsize_t most[2] = {0, 0};
    return H5Sget_simple_extent_ndims(space.get()) == dimensions &&
           H5Sget_simple_extent_dims(space.get(), extent, most) > 0 && most[0] == H5S_UNLIMITED;
}

}  // namespace

std::vector<std::string> members(hid_t file, std::string const& group) {
    std::vector<std::string> names;
    Handle const id{H5Gopen2(file, group.c_str(), H5P_DEFAULT), H5Gclose, "cannot open " + group};
    // In native order: sorted, HDF5 1.10 makes a table first, and crashes as it frees a half-made one of a damaged group.
    check(H5Literate(id.get(), H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, add_name, &names),
          "cannot list " + group);
    std::ranges::sort(names);
    return names;
}

std::vector<std::string> series_of(hid_t file) {
    std::vector<std::string> paths{"/time_s"};
    for (auto const& [group, dimensions] : {std::pair{"/facility", 1}, {"/rack", 2}, {"/links", 2}}) {
        for (auto const& name : members(file, group)) {
            if (name == "time_s") continue;  // the same dataset again, as the group's coordinate
            std::string path = group;
            path.append("/").append(name);
            if (is_series(file, path, dimensions)) paths.push_back(path);
        }
    }
    return paths;
}

std::uint64_t copy_rows(std::string const& from, std::string const& to, std::int64_t rows) {
    Handle const old = open_serial(from, Access::read);
    Handle const made = open_serial(to, Access::replace);
    for (char const* const group : {"/facility", "/rack", "/links"})
        Handle const id{H5Gcreate2(made.get(), group, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose,
                        "cannot make a group in " + to};
    std::uint64_t hash = 0;
    for (auto const& path : series_of(old.get())) hash += copy_series(old.get(), made.get(), path, rows);
    check(H5Fflush(made.get(), H5F_SCOPE_GLOBAL), "cannot flush " + to);
    return hash;
}

}  // namespace mw::io
