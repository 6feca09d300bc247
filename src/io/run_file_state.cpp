#include "run_file_state.hpp"

#include <algorithm>
#include <filesystem>
#include <span>
#include <utility>

#include "agree.hpp"
#include "axes.hpp"
#include "durable.hpp"
#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/io/xdmf.hpp"
#include "scene.hpp"

namespace mw::io {

namespace {

constexpr std::int64_t most_rows_held = 32;
constexpr std::int64_t most_bytes_held = std::int64_t{16} << 20;
constexpr std::int64_t bytes_per_rack = 1024;
constexpr std::int64_t bytes_per_link = 512;  // in /racks, /links, /mesh, generously
constexpr std::int64_t index_room = 256;      // bytes of HDF5's index per chunk, generously

char const* group_of(core::Owner owner) {
    switch (owner) {
        case core::Owner::rack:
            return "rack";
        case core::Owner::link:
            return "links";
        case core::Owner::facility:
            return "facility";
    }
    return "";
}

}  // namespace

std::string xdmf_beside(std::string const& path) {
    return std::filesystem::path{path}.replace_extension(".xdmf").string();
}

std::uint64_t layout_hash(core::Frame const& frame) {
    std::uint64_t h = frame.columns.size();
    for (auto const& column : frame.columns)
        h = core::mix(h ^ core::hash_text(column.name)) + static_cast<std::uint64_t>(column.owner);
    return h;
}

std::unique_ptr<RunFile::State> RunFile::State::of(parallel::Comm const& comm, std::string path,
                                                   RunIdentity identity, RunShape const& shape,
                                                   bool continued) {
    return std::make_unique<State>(
        State{&comm, std::move(path), std::move(identity), rack_cut(shape), link_cut(shape), continued});
}

void RunFile::State::open(std::string const& file_path, Access access, RunShape const& shape) {
    on_root(*comm, [&] {
        reserve(file_path,
                metadata_room + shape.racks_total * bytes_per_rack + shape.links_total * bytes_per_link);
    });
    together(*comm, [&] { file = open_parallel(*comm, file_path, access); });
}

void RunFile::State::write_plan(RunShape const& shape) {
    hid_t const id = file.get();
    put_number(id, "format_version", format_version, path);
    put_text(id, "program", "megaweave", path);
    put_text(id, "program_version", identity.program_version, path);
    put_text(id, "build", identity.build, path);
    put_text(id, "digest", "", path, digest_room);
    put_text(id, "deck_name", identity.deck_name, path);
    put_number(id, "physics_hash", identity.physics_hash, path);
    put_number(id, "warmup_s", core::to_seconds(identity.warmup_ns), path);
    put_number(id, "sample_s", core::to_seconds(identity.sample_ns), path);
    write_text(root(), "deck", identity.effective_deck,
               "the deck with every default and catalogue entry written out");
    write_racks(root(), shape);
    write_links(root(), shape);
    write_instances(root(), shape);
    write_mesh(root(), shape);
    label_plan(root(), shape.racks_total, shape.links_total);
}

void RunFile::State::open_groups(bool create) {
    auto const get = [&](std::string const& name) {
        return create ? create_group(root(), name)
                      : Handle{H5Gopen2(file.get(), name.c_str(), H5P_DEFAULT), H5Gclose, path};
    };
    rack_group = get("rack");
    facility_group = get("facility");
    link_group = get("links");
    Cut const on_root = root_only(*comm, 1);
    auto const element = Series::Element::float64;
    Label const label{"s", "end of each sample, measured from the end of the warm-up"};
    time = create ? Series::create(root(), "time_s", element, on_root, true, label)
                  : Series::open(root(), "time_s", element, on_root, true);
}

//! Only the first frame tells which quantities there are.
void RunFile::State::prepare_series(core::Frame const& frame) {
    layout = layout_hash(frame);
    auto const same = static_cast<std::int64_t>(layout >> 1U);
    MW_EXPECT(comm->max(same) == comm->min(same), "all ranks record the same quantities in the same order");
    row_bytes = static_cast<std::int64_t>(sizeof(double));
    for (auto const& column : frame.columns) {
        bool const scalar = column.owner == core::Owner::facility;
        Cut const cut = scalar ? root_only(*comm, 1) : column.owner == core::Owner::rack ? racks : links;
        auto& slot = series.emplace_back();
        if (cut.total == 0) continue;
        Handle const& group = scalar                              ? facility_group
                              : column.owner == core::Owner::rack ? rack_group
                                                                  : link_group;
        Place const place{comm, group.get(), path + ":/" + group_of(column.owner)};
        auto const element = Series::Element::float32;
        bool const exist =
            continued && (rows_written > 0 || H5Lexists(group.get(), column.name.c_str(), H5P_DEFAULT) > 0);
        slot = exist ? Series::open(place, column.name, element, cut, scalar)
                     : Series::create(place, column.name, element, cut, scalar,
                                      {column.unit, column.description});
        std::string const whole = std::string{"/"} + group_of(column.owner) + "/" + column.name;
        if (scalar) label_axes(root(), whole, {"/time_s"});
        if (column.owner == core::Owner::rack) label_axes(root(), whole, {"/time_s", "/racks/name"});
        if (column.owner == core::Owner::link) label_axes(root(), whole, {"/time_s", "/links/name"});
        if (column.owner == core::Owner::rack) rack_quantities.push_back(column.name);
        if (column.owner == core::Owner::link) link_quantities.push_back(column.name);
        row_bytes += 4 * cut.total;
    }
    rows_per_write = std::clamp<std::int64_t>(most_bytes_held / row_bytes, 1, most_rows_held);
}

//! All series, then the sync that makes them safe. Every rank takes part in every write, whatever failed before.
void RunFile::State::write_held() {
    std::int64_t const rows = held();
    if (rows == 0) return;
    make_room(rows * (row_bytes + static_cast<std::int64_t>(series.size()) * index_room) + metadata_room);
    Handle const transfer = collective_transfer();
    std::string error;
    auto const attempt = [&](auto&& act) {
        auto const failed = error_of(act);
        if (error.empty()) error = failed;
    };
    for (auto& one : series)
        if (one) attempt([&] { one->write(rows_written, rows, transfer.get()); });
    attempt([&] { time->write(rows_written, rows, transfer.get()); });
    agree(*comm, error);
    together(*comm, [&] { sync(); });
    rows_written += rows;
}

//! Fails on all ranks, before anything is written, with the file closed at its last flush.
void RunFile::State::make_room(std::int64_t bytes) {
    try {
        on_root(*comm, [&] { reserve(path, bytes); });
    } catch (core::WorldError const&) {
        close();
        throw;
    }
}

void RunFile::State::close() {
    series.clear();
    time.reset();
    rack_group.reset();
    link_group.reset();
    facility_group.reset();
    file.reset();
}

void RunFile::State::show_all() {
    if (rows_shown == rows_written || rows_written == 0) return;
    on_root(*comm, [&] {
        write_xdmf(xdmf_beside(path), {std::filesystem::path{path}.filename().string(), racks.total,
                                       links.total, rack_quantities, link_quantities, link_totals,
                                       std::span{times_s}.first(static_cast<std::size_t>(rows_written))});
    });
    rows_shown = rows_written;
}

}  // namespace mw::io
