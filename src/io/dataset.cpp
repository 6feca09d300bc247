#include "dataset.hpp"

#include <algorithm>

#include "agree.hpp"

namespace mw::io {

namespace {

constexpr std::int64_t piece_bytes = std::int64_t{256} << 20;

//! Dataspaces of the file and of the memory behind a slab; both empty where there is nothing to move.
struct Selection {
    Handle file;
    Handle memory;
};

Selection select(hid_t dataset, Slab const& slab, std::string const& where) {
    Selection chosen{{H5Dget_space(dataset), H5Sclose, where},
                     {H5Screate_simple(slab.dimensions, slab.count, nullptr), H5Sclose, where}};
    if (slab.count[0] == 0 || slab.count[1] == 0) {
        check(H5Sselect_none(chosen.file.get()), where);
        check(H5Sselect_none(chosen.memory.get()), where);
    } else {
        check(
            H5Sselect_hyperslab(chosen.file.get(), H5S_SELECT_SET, slab.start, nullptr, slab.count, nullptr),
            where);
    }
    return chosen;
}

}  // namespace

Cut root_only(parallel::Comm const& comm, std::int64_t total) {
    return {total, 0, comm.root() ? total : 0};
}

void put_label(hid_t object, Label const& label, std::string const& where) {
    put_text(object, "unit", label.unit, where);
    put_text(object, "description", label.description, where);
    if (H5Iget_type(object) != H5I_DATASET) return;
    Handle const type{H5Dget_type(object), H5Tclose, where};
    if (H5Tget_class(type.get()) == H5T_STRING)
        put_text(object, "_Encoding", "utf-8", where);  // xarray then gives texts, not bytes
    else
        put_text(object, "units", label.unit.empty() ? "1" : label.unit, where);
}

Handle create_group(Place const& parent, std::string const& name) {
    if (H5Lexists(parent.id, name.c_str(), H5P_DEFAULT) > 0)
        return {H5Gopen2(parent.id, name.c_str(), H5P_DEFAULT), H5Gclose,
                "cannot open group " + parent.name + "/" + name};
    return {H5Gcreate2(parent.id, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose,
            "cannot create group " + parent.name + "/" + name};
}

void write_slab(hid_t dataset, hid_t type, Slab const& slab, void const* data, hid_t transfer,
                std::string const& where) {
    Selection const chosen = select(dataset, slab, where);
    std::byte const nothing{};  // HDF5 wants a pointer even for no data
    check(H5Dwrite(dataset, type, chosen.memory.get(), chosen.file.get(), transfer,
                   data == nullptr ? &nothing : data),
          "cannot write " + where);
}

void read_slab(hid_t dataset, hid_t type, Slab const& slab, void* data, hid_t transfer,
               std::string const& where) {
    Selection const chosen = select(dataset, slab, where);
    std::byte nothing{};
    check(H5Dread(dataset, type, chosen.memory.get(), chosen.file.get(), transfer,
                  data == nullptr ? &nothing : data),
          "cannot read " + where);
}

void write_once_raw(Place const& place, std::string const& name, hid_t type, Cut cut, std::int64_t width,
                    void const* mine, Label const& label) {
    std::string const where = place.name + "/" + name;
    int const dimensions = width == 0 ? 1 : 2;
    hsize_t const extent[2] = {static_cast<hsize_t>(cut.total), static_cast<hsize_t>(width)};
    Handle const properties{H5Pcreate(H5P_DATASET_CREATE), H5Pclose, where};
    check(H5Pset_fill_time(properties.get(), H5D_FILL_TIME_NEVER), where);
    Handle const space{H5Screate_simple(dimensions, extent, nullptr), H5Sclose, where};
    Handle const dataset{
        H5Dcreate2(place.id, name.c_str(), type, space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
        H5Dclose, "cannot create " + where};
    put_label(dataset.get(), label, where);

    std::int64_t const row_bytes =
        static_cast<std::int64_t>(H5Tget_size(type)) * std::max<std::int64_t>(width, 1);
    std::int64_t const piece = std::max<std::int64_t>(piece_bytes / row_bytes, 1);
    std::int64_t const pieces = place.comm->max((cut.count + piece - 1) / piece);
    Handle const transfer = collective_transfer();
    std::string error;
    for (std::int64_t i = 0; i < pieces; ++i) {
        std::int64_t const begin = std::min(i * piece, cut.count);
        std::int64_t const rows = std::min(piece, cut.count - begin);
        Slab const slab{dimensions,
                        {static_cast<hsize_t>(cut.first + begin), 0},
                        {static_cast<hsize_t>(rows), std::max<hsize_t>(extent[1], 1)}};
        auto const* from =
            mine == nullptr ? nullptr : static_cast<std::byte const*>(mine) + begin * row_bytes;
        auto const failed =
            error_of([&] { write_slab(dataset.get(), type, slab, from, transfer.get(), where); });
        if (error.empty()) error = failed;
    }
    agree(*place.comm, error);
}

void write_names(Place const& place, std::string const& name, Cut cut, std::vector<std::string> const& mine,
                 std::string const& description) {
    std::size_t longest = 1;
    for (auto const& text : mine) longest = std::max(longest, text.size());
    longest = static_cast<std::size_t>(place.comm->max(static_cast<std::int64_t>(longest)));
    std::vector<char> packed(mine.size() * longest, '\0');
    for (std::size_t i = 0; i < mine.size(); ++i)
        std::copy(mine[i].begin(), mine[i].end(), packed.begin() + static_cast<std::ptrdiff_t>(i * longest));
    write_once_raw(place, name, string_type(longest).get(), cut, 0, packed.data(), {"", description});
}

std::int64_t rows_of(hid_t dataset, std::string const& where) {
    Handle const space{H5Dget_space(dataset), H5Sclose, where};
    hsize_t extent[2] = {0, 0};
    if (H5Sget_simple_extent_ndims(space.get()) > 2) return -1;
    check(H5Sget_simple_extent_dims(space.get(), extent, nullptr), where);
    return static_cast<std::int64_t>(extent[0]);
}

}  // namespace mw::io
