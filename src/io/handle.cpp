#include "handle.hpp"

#include <mpi.h>

#include <algorithm>
#include <vector>

#include "megaweave/core/error.hpp"

namespace mw::io {

namespace {

herr_t collect(unsigned depth, H5E_error2_t const* entry, void* text) {
    auto& out = *static_cast<std::string*>(text);
    if (depth > 1 || entry->desc == nullptr || *entry->desc == '\0')
        return 0;  // the two innermost say what happened
    out += (out.empty() ? "" : "; ") + std::string{entry->desc};
    return 0;
}

std::string reason() {
    std::string text;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, collect, &text);
    return text.empty() ? "HDF5 gives no reason" : text;
}

//! HDF5 must neither print its error stack (we throw it) nor close files at exit (that would be collective, after MPI_Finalize).
void prepare_library() {
    H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

/*!
 * Keeps metadata in memory between flushes: what reaches the disk then belongs together, and a killed run's file opens at its
 * last flush. Costs some MiB.
 */
void hold_metadata(hid_t access, std::string const& what) {
    H5AC_cache_config_t config{};
    config.version = H5AC__CURR_CACHE_CONFIG_VERSION;
    check(H5Pget_mdc_config(access, &config), what);
    config.evictions_enabled = false;
    config.incr_mode = H5C_incr__off;
    config.flash_incr_mode = H5C_flash_incr__off;
    config.decr_mode = H5C_decr__off;
    config.dirty_bytes_threshold = std::size_t{16}
                                   << 20;  // else every 256 KiB of changes are written out in between
    check(H5Pset_mdc_config(access, &config), what);
}

/*!
 * Metadata in the format of HDF5 1.10, which has checksums of its own: a damaged file is refused, where the older format could
 * take the reader down. (Readers since HDF5 1.10 know it.)
 */
void use_checked_format(hid_t access, std::string const& what) {
    check(H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_LATEST), what);
}

Handle open_with(Handle const& access_list, std::string const& path, Access access) {
    if (access == Access::replace)
        return {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access_list.get()), H5Fclose,
                "cannot create " + path};
    unsigned const flags = access == Access::read ? H5F_ACC_RDONLY : H5F_ACC_RDWR;
    return {H5Fopen(path.c_str(), flags, access_list.get()), H5Fclose, "cannot open " + path};
}

}  // namespace

Handle::Handle(hid_t id, Closer close, std::string const& what) : id_{id}, close_{close} {
    if (id < 0) throw core::WorldError(what + ": " + reason());
}

void check(herr_t status, std::string const& what) {
    if (status < 0) throw core::WorldError(what + ": " + reason());
}

Handle open_serial(std::string const& path, Access access) {
    prepare_library();
    Handle const list{H5Pcreate(H5P_FILE_ACCESS), H5Pclose, path};
    check(H5Pset_file_locking(list.get(), false, true), path);
    if (access != Access::read) use_checked_format(list.get(), path);
    return open_with(list, path, access);
}

Handle open_parallel(parallel::Comm const& comm, std::string const& path, Access access) {
    prepare_library();
    Handle const list{H5Pcreate(H5P_FILE_ACCESS), H5Pclose, path};
    check(H5Pset_fapl_mpio(list.get(), *static_cast<MPI_Comm*>(comm.native()), MPI_INFO_NULL), path);
    if (access != Access::read) {
        hold_metadata(list.get(), path);
        use_checked_format(list.get(), path);
    }
    return open_with(list, path, access);
}

Handle collective_transfer() {
    Handle list{H5Pcreate(H5P_DATASET_XFER), H5Pclose, "collective transfer"};
    check(H5Pset_dxpl_mpio(list.get(), H5FD_MPIO_COLLECTIVE), "collective transfer");
    return list;
}

Handle string_type(std::size_t size) {
    Handle type{H5Tcopy(H5T_C_S1), H5Tclose, "string type"};
    check(H5Tset_size(type.get(), std::max<std::size_t>(size, 1)), "string type");
    check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "string type");
    check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "string type");
    return type;
}

void put_attribute_raw(hid_t object, std::string const& name, hid_t type, void const* value,
                       std::string const& where) {
    std::string const what = "cannot write attribute '" + name + "' of " + where;
    if (H5Aexists(object, name.c_str()) > 0) check(H5Adelete(object, name.c_str()), what);
    Handle const space{H5Screate(H5S_SCALAR), H5Sclose, what};
    Handle const attribute{H5Acreate2(object, name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT),
                           H5Aclose, what};
    check(H5Awrite(attribute.get(), type, value), what);
}

void get_attribute_raw(hid_t object, std::string const& name, hid_t type, void* value,
                       std::string const& where) {
    std::string const what = "cannot read attribute '" + name + "' of " + where;
    Handle const attribute{H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, what};
    check(H5Aread(attribute.get(), type, value), what);
}

void put_text(hid_t object, std::string const& name, std::string const& text, std::string const& where,
              std::size_t room) {
    std::vector<char> padded(std::max({text.size(), room, std::size_t{1}}), '\0');
    std::copy(text.begin(), text.end(), padded.begin());
    put_attribute_raw(object, name, string_type(padded.size()).get(), padded.data(), where);
}

std::string get_text(hid_t object, std::string const& name, std::string const& where) {
    std::string const what = "cannot read attribute '" + name + "' of " + where;
    Handle const attribute{H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, what};
    Handle const type{H5Aget_type(attribute.get()), H5Tclose, what};
    std::string text(H5Tget_size(type.get()), '\0');
    check(H5Aread(attribute.get(), type.get(), text.data()), what);
    text.resize(std::min(text.find('\0'), text.size()));
    return text;
}

}  // namespace mw::io
