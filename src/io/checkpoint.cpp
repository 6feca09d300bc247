#include "megaweave/io/checkpoint.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <span>

#include "agree.hpp"
#include "checkpoint_folder.hpp"
#include "dataset.hpp"
#include "durable.hpp"
#include "file_sum.hpp"
#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/hash.hpp"
#include "scene.hpp"

namespace mw::io {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t header_room = 65536;  // per rank, to be safe
constexpr std::int64_t piece_bytes = std::int64_t{256} << 20;

std::uint64_t hash_rack(std::span<std::byte const> bytes, std::int64_t rack) {
    return hash_bytes(bytes, static_cast<std::uint64_t>(rack) + 1);
}

std::uint64_t hash_meta(CheckpointMeta const& meta, std::uint64_t global_hash) {
    std::uint64_t h = core::hash_text(meta.program_version);
    for (std::int64_t const part :
         {meta.window, meta.time_ns, meta.recorded_rows, std::int64_t{meta.format_version}, meta.racks_total})
        h = core::mix(h ^ static_cast<std::uint64_t>(part));
    for (std::uint64_t const part :
         {core::hash_text(meta.build), core::hash_text(meta.deck), meta.physics_hash, meta.recorded_hash})
        h = core::mix(h ^ part);
    return core::mix(h ^ global_hash);
}

void write_meta(Place const& file, CheckpointMeta const& meta, std::vector<std::byte> const& global) {
    std::vector<std::byte> bytes(sizeof(std::uint64_t));
    std::uint64_t global_hash = hash_bytes(global, 0);
    std::memcpy(bytes.data(), &global_hash, sizeof global_hash);
    file.comm->broadcast(bytes);  // only the root has the blob, all write the attribute
    std::memcpy(&global_hash, bytes.data(), sizeof global_hash);

    Handle const group = create_group(file, "meta");
    std::string const where = file.name + "/meta";
    put_number(group.get(), "format_version", meta.format_version, where);
    put_text(group.get(), "program_version", meta.program_version, where);
    put_text(group.get(), "build", meta.build, where);
    put_number(group.get(), "physics_hash", meta.physics_hash, where);
    put_number(group.get(), "recorded_hash", meta.recorded_hash, where);
    put_number(group.get(), "window", meta.window, where);
    put_number(group.get(), "time_ns", meta.time_ns, where);
    put_number(group.get(), "recorded_rows", meta.recorded_rows, where);
    put_number(group.get(), "racks_total", meta.racks_total, where);
    put_number(group.get(), "global_hash", global_hash, where);
    put_number(group.get(), "meta_hash", hash_meta(meta, global_hash), where);
    write_text(file, "deck", meta.deck, "what the state belongs to: every key that results depend on");
}

std::vector<std::byte> joined(std::vector<std::vector<std::byte>> const& blobs, std::int64_t size) {
    std::vector<std::byte> all;
    all.reserve(static_cast<std::size_t>(size));
    for (auto const& blob : blobs) all.insert(all.end(), blob.begin(), blob.end());
    return all;
}

void write_racks(Place const& file, std::int64_t first_rack, std::vector<std::vector<std::byte>> const& blobs,
                 std::int64_t racks) {
    std::int64_t size = 0;
    for (auto const& blob : blobs) size += static_cast<std::int64_t>(blob.size());
    std::int64_t const before = file.comm->sum_before(size);
    std::int64_t const total = file.comm->sum(size);

    std::vector<std::int64_t> offsets;  // where each rack ends; the root adds the leading 0
    if (file.comm->root()) offsets.push_back(0);
    std::vector<std::uint64_t> hashes;
    std::int64_t end = before;
    for (auto const& blob : blobs) {
        hashes.push_back(hash_rack(blob, first_rack + static_cast<std::int64_t>(hashes.size())));
        offsets.push_back(end += static_cast<std::int64_t>(blob.size()));
    }
    auto const count = static_cast<std::int64_t>(blobs.size());
    auto const entries = static_cast<std::int64_t>(offsets.size());
    write_once(file, "rack_offset", Cut{racks + 1, file.comm->root() ? 0 : first_rack + 1, entries}, 0,
               offsets, {"B", "start of each rack's state in /rack_bytes, and the end of the last"});
    write_once(file, "rack_hash", Cut{racks, first_rack, count}, 0, hashes,
               {"", "hash of each rack's state"});
    write_once(file, "rack_bytes", Cut{total, before, size}, 0, joined(blobs, size),
               {"", "state of the racks, one after the other"});
}

void write_file(parallel::Comm const& comm, std::string const& path, CheckpointMeta const& meta,
                std::vector<std::byte> const& global, std::int64_t first_rack,
                std::vector<std::vector<std::byte>> const& blobs) {
    Handle file;
    together(comm, [&] { file = open_parallel(comm, path, Access::replace); });
    Place const place{&comm, file.get(), path + ":"};
    write_meta(place, meta, global);
    std::vector<std::byte> const mine = comm.root() ? global : std::vector<std::byte>{};
    auto const global_size = comm.max(static_cast<std::int64_t>(mine.size()));
    write_once(place, "global", root_only(comm, global_size), 0, mine, {"", "state that belongs to no rack"});
    write_racks(place, first_rack, blobs, meta.racks_total);
    together(comm, [&] { check(H5Fflush(file.get(), H5F_SCOPE_GLOBAL), "cannot flush " + path); });
}

struct Header {
    CheckpointMeta meta;
    std::uint64_t global_hash{0};
};

Header read_header(hid_t file, std::string const& path) {
    Handle const group{H5Gopen2(file, "meta", H5P_DEFAULT), H5Gclose, path};
    hid_t const id = group.get();
    Header header;
    auto& meta = header.meta;
    meta.format_version = get_number<std::int32_t>(id, "format_version", path);
    if (meta.format_version != CheckpointMeta::current_format) return header;  // the rest may look different
    meta.program_version = get_text(id, "program_version", path);
    meta.build = get_text(id, "build", path);
    meta.deck = read_text(file, "deck");
    meta.physics_hash = get_number<std::uint64_t>(id, "physics_hash", path);
    meta.recorded_hash = get_number<std::uint64_t>(id, "recorded_hash", path);
    meta.window = get_number<std::int64_t>(id, "window", path);
    meta.time_ns = get_number<std::int64_t>(id, "time_ns", path);
    meta.recorded_rows = get_number<std::int64_t>(id, "recorded_rows", path);
    meta.racks_total = get_number<std::int64_t>(id, "racks_total", path);
    header.global_hash = get_number<std::uint64_t>(id, "global_hash", path);
    if (get_number<std::uint64_t>(id, "meta_hash", path) != hash_meta(meta, header.global_hash))
        throw core::WorldError("its header does not match its checksum");
    return header;
}

//! Opens and checks a header by `open`, turning every failure into a refusal.
template <class Open>
Header checked_header(std::string const& path, Handle& file, Open open) {
    if (!fs::exists(path)) throw core::WorldError("there is no checkpoint " + path);
    Header header;
    auto const error = error_of([&] {
        file = open();
        header = read_header(file.get(), path);
    });
    if (!error.empty()) refuse_checkpoint(path, error);
    if (header.meta.format_version != CheckpointMeta::current_format)
        throw core::WorldError(path + " has checkpoint format " + std::to_string(header.meta.format_version) +
                               ", this program reads " + std::to_string(CheckpointMeta::current_format) +
                               ": go on with the version that wrote it");
    return header;
}

//! Rows [first, first + count) of a one-dimensional dataset, in pieces that MPI can count.
template <class T>
std::vector<T> read_part(Place const& file, std::string const& name, std::int64_t first, std::int64_t count) {
    std::string const where = file.name + "/" + name;
    Handle const dataset{H5Dopen2(file.id, name.c_str(), H5P_DEFAULT), H5Dclose, "cannot open " + where};
    if (first < 0 || count < 0 || rows_of(dataset.get(), where) < first + count)
        throw core::WorldError(where + " is too short");
    std::vector<T> part(static_cast<std::size_t>(count));
    std::int64_t const piece = piece_bytes / static_cast<std::int64_t>(sizeof(T));
    for (std::int64_t at = 0; at < count; at += piece) {
        Slab const slab{
            1, {static_cast<hsize_t>(first + at), 0}, {static_cast<hsize_t>(std::min(piece, count - at)), 1}};
        read_slab(dataset.get(), native(T{}), slab, part.data() + at, H5P_DEFAULT, where);
    }
    return part;
}

std::vector<std::byte> read_global(Place const& file, std::uint64_t expected) {
    Handle const dataset{H5Dopen2(file.id, "global", H5P_DEFAULT), H5Dclose,
                         "cannot open " + file.name + "/global"};
    auto const size = rows_of(dataset.get(), file.name);
    auto global = read_part<std::byte>(file, "global", 0, size);
    if (hash_bytes(global, 0) != expected)
        throw core::WorldError("the global state does not match its checksum");
    return global;
}

std::vector<std::vector<std::byte>> read_blobs(Place const& file, std::int64_t first_rack,
                                               std::int64_t count) {
    std::vector<std::vector<std::byte>> blobs;
    if (count == 0) return blobs;
    auto const offsets = read_part<std::int64_t>(file, "rack_offset", first_rack, count + 1);
    auto const hashes = read_part<std::uint64_t>(file, "rack_hash", first_rack, count);
    if (!std::is_sorted(offsets.begin(), offsets.end()))
        throw core::WorldError("its rack offsets are not in order");
    auto const bytes =
        read_part<std::byte>(file, "rack_bytes", offsets.front(), offsets.back() - offsets.front());
    blobs.reserve(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < hashes.size(); ++i) {
        auto const* const begin = bytes.data() + (offsets[i] - offsets.front());
        blobs.emplace_back(begin, begin + (offsets[i + 1] - offsets[i]));
        auto const rack = first_rack + static_cast<std::int64_t>(i);
        if (hash_rack(blobs.back(), rack) != hashes[i])
            throw core::WorldError("the state of rack " + std::to_string(rack) +
                                   " does not match its checksum");
    }
    return blobs;
}

}  // namespace

void write_checkpoint(parallel::Comm const& comm, std::string const& directory, CheckpointMeta const& meta,
                      std::vector<std::byte> const& global, std::int64_t first_rack,
                      std::vector<std::vector<std::byte>> const& rack_blobs, std::int64_t racks_total) {
    auto const mine = static_cast<std::int64_t>(rack_blobs.size());
    std::int64_t const before = comm.sum_before(mine);
    std::int64_t const all = comm.sum(mine);
    MW_EXPECT(all == racks_total && (mine == 0 || before == first_rack),
              "the ranks hold all racks, each once, in rank order");
    CheckpointMeta complete = meta;
    complete.racks_total = racks_total;
    std::string const path = (fs::path{directory} / checkpoint_name(meta.window)).string();
    std::string const aside = aside_of(path);
    std::int64_t bytes = header_room + 16 * mine + static_cast<std::int64_t>(meta.deck.size());
    for (auto const& blob : rack_blobs) bytes += static_cast<std::int64_t>(blob.size());
    bytes = comm.sum(bytes + (comm.root() ? static_cast<std::int64_t>(global.size()) : 0));
    on_root(comm, [&] { prepare_checkpoint_folder(directory); });
    auto const failed = error_of([&] {
        on_root(comm, [&] { reserve(aside, bytes); });
        write_file(comm, aside, complete, global, first_rack, rack_blobs);
        seal(comm, aside);
    });
    std::error_code ignored;
    if (!failed.empty() && comm.root()) fs::remove(aside, ignored);
    agree(comm, failed.empty() ? "" : failed + ". The earlier checkpoints are intact");
    on_root(comm, [&] {
        rename_durably(aside, path);
        keep_two_checkpoints(directory, meta.window);
    });
}

void refuse_checkpoint(std::string const& path, std::string const& why) {
    std::vector<std::string> others;
    for (auto const& other : checkpoints_in(fs::path{path}.parent_path().string()))
        if (fs::path{other}.filename() != fs::path{path}.filename()) others.push_back(other);
    throw core::WorldError(path + " is damaged or no checkpoint of Megaweave (" + why +
                           "): " + (others.empty() ? "" : "go on from --restart " + others.back() + ", or ") +
                           "start anew without --restart");
}

std::string checkpoint_damage(parallel::Comm const& comm, std::string const& path) {
    std::int64_t const there = comm.max(comm.root() && fs::exists(path) ? 1 : 0);
    return there == 0 ? "there is no such file" : damage_of(comm, path);
}

CheckpointMeta read_checkpoint_meta(std::string const& path) {
    Handle file;
    return checked_header(path, file, [&] { return open_serial(path, Access::read); }).meta;
}

void require_same_run(CheckpointMeta const& meta, std::string const& path, std::uint64_t physics_hash,
                      std::int64_t racks_total) {
    if (meta.physics_hash == physics_hash && meta.racks_total == racks_total) return;
    throw core::WorldError(path + " was written by a run of another deck (" +
                           std::to_string(meta.racks_total) + " racks, Megaweave " + meta.program_version +
                           "; this deck has " + std::to_string(racks_total) +
                           " racks): restart with the deck of that run, all --set options included");
}

Checkpoint read_checkpoint(parallel::Comm const& comm, std::string const& path, std::int64_t first_rack,
                           std::int64_t rack_count) {
    on_root(comm, [&] {
        if (!fs::exists(path)) throw core::WorldError("there is no checkpoint " + path);
    });
    std::string const damage = checkpoint_damage(comm, path);
    on_root(comm, [&] {  // one clear message for a bad file
        if (!damage.empty()) refuse_checkpoint(path, damage);
        static_cast<void>(read_checkpoint_meta(path));
    });
    Handle file;
    Checkpoint read;
    read.first_rack = first_rack;
    together(comm, [&] {
        Header const header =
            checked_header(path, file, [&] { return open_parallel(comm, path, Access::read); });
        read.meta = header.meta;
        Place const place{&comm, file.get(), path + ":"};
        auto const error = error_of([&] {
            read.global = read_global(place, header.global_hash);
            read.rack_blobs = read_blobs(place, first_rack, rack_count);
        });
        if (!error.empty()) refuse_checkpoint(path, error);
    });
    return read;
}

}  // namespace mw::io
