#include "rewind.hpp"

#include <filesystem>
#include <system_error>

#include "agree.hpp"
#include "dataset.hpp"
#include "durable.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/io/run_file.hpp"
#include "series.hpp"

namespace mw::io {

namespace {

namespace fs = std::filesystem;

herr_t add_name(hid_t, char const* name, H5L_info_t const*, void* names) {
    static_cast<std::vector<std::string>*>(names)->emplace_back(name);
    return 0;
}

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
    return H5Sget_simple_extent_dims(space.get(), extent, most) >= 0 && most[0] == H5S_UNLIMITED;
}

std::vector<std::string> series_of(hid_t file, std::string const& group) {
    std::vector<std::string> names;
    std::string const folder = group + "/";
    for (auto const& name : members(file, group))
        if (is_series(file, folder + name)) names.push_back(name);
    return names;
}

std::int64_t rows_of_path(hid_t file, std::string const& path) {
    Handle const dataset{H5Dopen2(file, path.c_str(), H5P_DEFAULT), H5Dclose, "cannot open " + path};
    return rows_of(dataset.get(), path);
}

void require_same(hid_t file, std::string const& path, std::uint64_t physics_hash, std::int64_t racks,
                  std::int64_t links, std::int64_t rows) {
    auto const format = get_number<std::int32_t>(file, "format_version", path);
    if (format != RunFile::format_version)
        throw core::WorldError(path + " has format " + std::to_string(format) +
                               ", this program writes format " + std::to_string(RunFile::format_version) +
                               ": go on with the version that began the run");
    if (get_number<std::uint64_t>(file, "physics_hash", path) != physics_hash)
        throw core::WorldError(
            path + " belongs to a run of another deck ('" + get_text(file, "deck_name", path) +
            "' with other parameters). Restart with that deck (the file holds it in /deck), or give "
            "another output directory with --output");
    if (rows_of_path(file, "/racks/hall") != racks || rows_of_path(file, "/links/tier") != links)
        throw core::WorldError(
            path + " has other racks or links than this run: give another output directory with --output");
    auto const have = rows_of_path(file, "/time_s");
    if (have < rows)
        throw core::WorldError(path + " holds " + std::to_string(have) +
                               " samples, but the checkpoint was written after " + std::to_string(rows) +
                               ": restart from an older checkpoint, or start anew without --restart");
}

std::vector<char const*> results_in(hid_t file) {
    std::vector<char const*> found;
    for (char const* name : {"requests", "histograms"})
        if (H5Lexists(file, name, H5P_DEFAULT) > 0) found.push_back(name);
    return found;
}

void drop_after(std::string const& path, std::int64_t rows) {
    Handle const file = open_serial(path, Access::modify);
    for (std::string const folder : {"/rack/", "/facility/", "/links/"})
        for (auto const& name : members(file.get(), folder)) truncate_series(file.get(), folder + name, rows);
    truncate_series(file.get(), "/time_s", rows);
    for (char const* name : results_in(file.get()))
        check(H5Ldelete(file.get(), name, H5P_DEFAULT), "cannot remove " + path + ":/" + name);
    check(H5Fflush(file.get(), H5F_SCOPE_GLOBAL), "cannot flush " + path);
}

void drop_in_copy(std::string const& path, std::int64_t rows) {
    std::string const aside = path + ".tmp";
    try {
        fs::copy_file(path, aside, fs::copy_options::overwrite_existing);
    } catch (fs::filesystem_error const& error) {
        throw core::WorldError("cannot copy " + path +
                               " to drop its last samples: " + error.code().message());
    }
    drop_after(aside, rows);
    rename_durably(aside, path);
}

void rewind_on_root(std::string const& path, std::uint64_t physics_hash, std::int64_t racks,
                    std::int64_t links, std::int64_t rows) {
    if (!fs::exists(path))
        throw core::WorldError(
            path +
            " is missing, but a restart goes on with it: put it back, or start anew without --restart");
    bool surplus = false;
    {
        Handle const file = open_serial(path, Access::read);
        require_same(file.get(), path, physics_hash, racks, links, rows);
        surplus = rows_of_path(file.get(), "/time_s") > rows || !results_in(file.get()).empty();
    }
    if (surplus) drop_in_copy(path, rows);
}

}  // namespace

void clear_for_new_run(std::string const& path, std::string const& xdmf_path) {
    auto const folder = fs::path{path}.parent_path();
    std::error_code error;
    if (!folder.empty()) fs::create_directories(folder, error);
    if (error) throw core::WorldError("cannot make the folder " + folder.string() + ": " + error.message());
    for (auto const& old : {path, xdmf_path}) {
        fs::remove(old, error);
        if (error) throw core::WorldError("cannot replace " + old + ": " + error.message());
    }
}

Rewound rewind(parallel::Comm const& comm, std::string const& path, std::uint64_t physics_hash,
               std::int64_t racks, std::int64_t links, std::int64_t rows) {
    Rewound kept;
    kept.times_s.resize(static_cast<std::size_t>(rows));
    on_root(comm, [&] {
        rewind_on_root(path, physics_hash, racks, links, rows);
        Handle const file = open_serial(path, Access::read);
        kept.rack_quantities = series_of(file.get(), "/rack");
        kept.link_quantities = series_of(file.get(), "/links");
        Handle const time{H5Dopen2(file.get(), "/time_s", H5P_DEFAULT), H5Dclose, path};
        read_slab(time.get(), H5T_NATIVE_DOUBLE, {1, {0, 0}, {static_cast<hsize_t>(rows), 1}},
                  kept.times_s.data(), H5P_DEFAULT, path + ":/time_s");
    });
    return kept;
}

}  // namespace mw::io
