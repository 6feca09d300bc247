#include "salvage.hpp"

#include <algorithm>
#include <vector>

#include "dataset.hpp"
#include "megaweave/core/error.hpp"

namespace mw::io {

namespace {

constexpr hsize_t bytes_at_once = 16 << 20;

herr_t add_name(hid_t, char const* name, H5L_info_t const*, void* names) {
    static_cast<std::vector<std::string>*>(names)->emplace_back(name);
    return 0;
}

void copy_attributes(hid_t from, hid_t to, std::string const& where) {
    int const count = H5Aget_num_attrs(from);
    for (int i = 0; i < count; ++i) {
        Handle const old{H5Aopen_by_idx(from, ".", H5_INDEX_NAME, H5_ITER_INC, static_cast<hsize_t>(i),
                                        H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose, where};
        Handle const type{H5Aget_type(old.get()), H5Tclose, where};
        Handle const space{H5Aget_space(old.get()), H5Sclose, where};
        auto const length = static_cast<std::size_t>(H5Aget_name(old.get(), 0, nullptr));
        std::string name(length + 1, '\0');
        H5Aget_name(old.get(), name.size(), name.data());
        name.resize(length);
        Handle const made{H5Acreate2(to, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
                          H5Aclose, where};
        std::vector<std::byte> value(static_cast<std::size_t>(H5Aget_storage_size(old.get())));
        check(H5Aread(old.get(), type.get(), value.data()), where);
        check(H5Awrite(made.get(), type.get(), value.data()), where);
    }
}

void copy_whole(hid_t from, hid_t to, std::string const& path) {
    check(H5Ocopy(from, path.c_str(), to, path.c_str(), H5P_DEFAULT, H5P_DEFAULT), "cannot copy " + path);
}

void copy_series(hid_t from, hid_t to, std::string const& path, std::int64_t rows) {
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
    copy_attributes(old.get(), made.get(), path);

    hsize_t const row_bytes = std::max<hsize_t>(1, extent[1] * H5Tget_size(type.get()));
    hsize_t const step = std::max<hsize_t>(1, bytes_at_once / row_bytes);
    std::vector<std::byte> values(static_cast<std::size_t>(std::min(step, extent[0]) * row_bytes));
    for (hsize_t row = 0; row < extent[0]; row += step) {
        Slab const slab{dimensions, {row, 0}, {std::min(step, extent[0] - row), extent[1]}};
        read_slab(old.get(), type.get(), slab, values.data(), H5P_DEFAULT, "cannot read " + path);
        write_slab(made.get(), type.get(), slab, values.data(), H5P_DEFAULT, "cannot write " + path);
    }
}

bool is_group(hid_t file, std::string const& path) {
    H5O_info_t info{};
    check(H5Oget_info_by_name(file, path.c_str(), &info, H5P_DEFAULT), path);
    return info.type == H5O_TYPE_GROUP;
}

//! Groups that hold series are copied member by member, everything else whole.
void copy_object(hid_t from, hid_t to, std::string const& path, std::int64_t rows) {
    if (!is_group(from, path)) {
        if (is_series(from, path))
            copy_series(from, to, path, rows);
        else
            copy_whole(from, to, path);
        return;
    }
    Handle const old{H5Gopen2(from, path.c_str(), H5P_DEFAULT), H5Gclose, path};
    Handle const made{H5Gcreate2(to, path.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose,
                      "cannot make " + path};
    copy_attributes(old.get(), made.get(), path);
    std::string const folder = path + "/";
    for (auto const& name : members(from, path)) copy_object(from, to, folder + name, rows);
}

}  // namespace

std::vector<std::string> members(hid_t file, std::string const& group) {
    std::vector<std::string> names;
    Handle const id{H5Gopen2(file, group.c_str(), H5P_DEFAULT), H5Gclose, "cannot open " + group};
    check(H5Literate(id.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, add_name, &names),
          "cannot list " + group);
    return names;
}

bool is_series(hid_t file, std::string const& path) {
    Handle const dataset{H5Dopen2(file, path.c_str(), H5P_DEFAULT), H5Dclose, "cannot open " + path};
    Handle const space{H5Dget_space(dataset.get()), H5Sclose, path};
    hsize_t extent[2] = {0, 0};
    hsize_t most[2] = {0, 0};
    return H5Sget_simple_extent_dims(space.get(), extent, most) > 0 && most[0] == H5S_UNLIMITED;
}

void copy_rows(std::string const& from, std::string const& to, std::int64_t rows) {
    Handle const old = open_serial(from, Access::read);
    Handle const made = open_serial(to, Access::replace);
    Handle const old_root{H5Gopen2(old.get(), "/", H5P_DEFAULT), H5Gclose, from};
    Handle const made_root{H5Gopen2(made.get(), "/", H5P_DEFAULT), H5Gclose, to};
    copy_attributes(old_root.get(), made_root.get(), from);
    for (auto const& name : members(old.get(), "/")) {
        if (name == "requests" || name == "histograms" || name == "traffic" || name == "power_spectrum")
            continue;
        copy_object(old.get(), made.get(), "/" + name, rows);
    }
    check(H5Fflush(made.get(), H5F_SCOPE_GLOBAL), "cannot flush " + to);
}

}  // namespace mw::io
