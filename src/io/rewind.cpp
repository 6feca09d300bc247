#include "rewind.hpp"

#include <filesystem>
#include <system_error>

#include "agree.hpp"
#include "dataset.hpp"
#include "durable.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/io/run_file.hpp"
#include "salvage.hpp"
#include "series.hpp"

namespace mw::io {

namespace {

namespace fs = std::filesystem;

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

void rewind_on_root(std::string const& path, std::uint64_t physics_hash, std::int64_t racks,
                    std::int64_t links, std::int64_t rows) {
    if (!fs::exists(path))
        throw core::WorldError(
            path +
            " is missing, but a restart goes on with it: put it back, or start anew without --restart");
    {
        Handle const file = open_serial(path, Access::read);
        require_same(file.get(), path, physics_hash, racks, links, rows);
    }
    std::string const aside = path + ".tmp";
    copy_rows(path, aside, rows);
    rename_durably(aside, path);
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
