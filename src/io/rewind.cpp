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

std::int64_t rows_of_path(hid_t file, std::string const& path) {
    Handle const dataset{H5Dopen2(file, path.c_str(), H5P_DEFAULT), H5Dclose, "cannot open " + path};
    return rows_of(dataset.get(), path);
}

//! The file is whole, but not the one that is wanted.
class OtherRun : public core::WorldError {
    using core::WorldError::WorldError;
};

void require_same(hid_t file, std::string const& path, std::uint64_t physics_hash, RunShape const& shape,
                  std::int64_t rows) {
    auto const format = get_number<std::int32_t>(file, "format_version", path);
    if (format != RunFile::format_version)
        throw OtherRun(path + " has format " + std::to_string(format) + ", this program writes format " +
                       std::to_string(RunFile::format_version) +
                       ": go on with the version that began the run");
    if (get_number<std::uint64_t>(file, "physics_hash", path) != physics_hash)
        throw OtherRun(
            path + " belongs to a run of another deck ('" + get_text(file, "deck_name", path) +
            "' with other parameters). Restart with that deck (the file holds it in /deck), or give "
            "another output directory with --output");
    if (rows_of_path(file, "/racks/hall") != shape.racks_total ||
        rows_of_path(file, "/links/tier") != shape.links_total)
        throw OtherRun(
            path + " has other racks or links than this run: give another output directory with --output");
    auto const have = rows_of_path(file, "/time_s");
    if (have < rows)
        throw OtherRun(path + " holds " + std::to_string(have) +
                       " samples, but the checkpoint was written after " + std::to_string(rows) +
                       ": restart from an older checkpoint, or start anew without --restart");
}

//! What HDF5 says of a damaged file names neither it nor a way out.
[[noreturn]] void refuse_damaged(std::string const& path, std::string const& why) {
    throw core::WorldError(path + " is damaged (" + why +
                           "): a restart goes on with it. Put a copy in its place, or start anew without "
                           "--restart");
}

void copy_on_root(std::string const& from, std::string const& to, std::uint64_t physics_hash,
                  RunShape const& shape, Recorded const& recorded) {
    if (!fs::exists(from))
        throw core::WorldError(
            from +
            " is missing, but a restart goes on with it: put it back, or start anew without --restart");
    std::uint64_t hash = 0;
    try {
        {
            Handle const file = open_serial(from, Access::read);
            require_same(file.get(), from, physics_hash, shape, recorded.rows);
        }
        hash = copy_rows(from, to, recorded.rows);
    } catch (OtherRun const&) {
        throw;
    } catch (std::exception const& error) {
        refuse_damaged(from, error.what());
    }
    if (recorded.hash && hash != *recorded.hash)
        refuse_damaged(from, "its samples do not match the checksum in the checkpoint");
}

void read_back(std::string const& path, Rewound& kept) {
    Handle const file = open_serial(path, Access::read);
    for (auto const& series : series_of(file.get())) {
        if (series.starts_with("/rack/")) kept.rack_quantities.push_back(series.substr(6));
        if (series.starts_with("/links/")) kept.link_quantities.push_back(series.substr(7));
    }
    Handle const time{H5Dopen2(file.get(), "/time_s", H5P_DEFAULT), H5Dclose, path};
    read_slab(time.get(), H5T_NATIVE_DOUBLE, {1, {0, 0}, {kept.times_s.size(), 1}}, kept.times_s.data(),
              H5P_DEFAULT, path + ":/time_s");
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

Rewound rewind(parallel::Comm const& comm, std::string const& from, std::string const& to,
               std::uint64_t physics_hash, RunShape const& shape, Recorded const& recorded) {
    Rewound kept;
    kept.times_s.resize(static_cast<std::size_t>(recorded.rows));
    on_root(comm, [&] {
        copy_on_root(from, to, physics_hash, shape, recorded);
        read_back(to, kept);
    });
    return kept;
}

}  // namespace mw::io
