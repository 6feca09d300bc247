#include "run_output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "agree.hpp"
#include "megaweave/config/differences.hpp"
#include "megaweave/core/archive.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/io/checkpoint.hpp"
#include "output_folder.hpp"
#include "run_shape.hpp"
#include "version.hpp"

namespace mw::app {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_differences = 5;

//! The root's value on every rank.
template <class T>
T from_root(parallel::Comm const& comm, T value) {
    std::vector<std::byte> bytes;
    core::ByteWriter{bytes} & value;
    comm.broadcast(bytes);
    core::ByteReader{bytes} & value;
    return value;
}

//! Newest first; a file by itself.
std::vector<std::string> candidates(std::string const& restart) {
    if (!fs::exists(restart)) throw core::InputError(fmt::format("--restart: there is no '{}'", restart));
    if (!fs::is_directory(restart)) return {restart};
    for (fs::path const& folder : {fs::path{restart}, fs::path{restart} / "checkpoints"}) {
        std::vector<std::string> found = io::checkpoints_in(folder.string());
        std::ranges::reverse(found);
        if (!found.empty()) return found;
    }
    throw core::InputError(fmt::format("--restart: no checkpoint in '{}'", restart));
}

std::string first_whole(parallel::Comm const& comm, std::vector<std::string> const& paths) {
    std::string first_damage;
    for (std::string const& path : paths) {
        std::string const damage = io::checkpoint_damage(comm, path);
        if (first_damage.empty()) first_damage = damage;
        if (damage.empty()) return path;
        if (comm.root() && paths.size() > 1)
            fmt::print(stderr, "megaweave: {} is damaged or no checkpoint of Megaweave ({})\n", path, damage);
    }
    io::refuse_checkpoint(paths.front(), first_damage);
}

void require_same_program(io::CheckpointMeta const& meta, std::string const& path) {
    if (meta.program_version == version && meta.build == build_text()) return;
    throw core::InputError(fmt::format(
        "{} was written by another build of Megaweave ({}, {}; this is {}, {}), and results are the same to "
        "the "
        "last bit only within one. Go on with the program that wrote it, or start anew without --restart",
        path, meta.program_version, meta.build, version, build_text()));
}

void require_same_deck(io::CheckpointMeta const& meta, std::string const& path, engine::World const& world) {
    config::Deck const& deck = world.deck();
    if (meta.physics_hash == deck.physics_hash && meta.racks_total == world.plan().racks()) return;
    std::vector<std::string> const differ = config::differences(meta.deck, deck.physics_yaml);
    std::string text;
    for (std::size_t i = 0; i < std::min(differ.size(), most_differences); ++i)
        text += (i == 0 ? ": " : "; ") + differ[i];
    if (differ.size() > most_differences)
        text += fmt::format("; and {} more", differ.size() - most_differences);
    throw core::InputError(
        fmt::format("{} was written by a run of another deck{}. Restart with the deck of that run, all --set "
                    "options included, "
                    "or start anew without --restart",
                    path, text));
}

//! run.h5 beside the checkpoints; else in the output folder, where a checkpoint was taken elsewhere; else where a restart that was
//! killed had just put it.
std::string run_file_of(std::string const& checkpoint, std::string const& output) {
    fs::path base = fs::path{checkpoint}.parent_path();
    if (base.filename() == "checkpoints") base = base.parent_path();
    std::string const beside = (base / "run.h5").string();
    if (fs::exists(beside)) return beside;
    if (fs::exists(fs::path{output} / "run.h5")) return (fs::path{output} / "run.h5").string();
    std::error_code code;
    for (int number = 1; fs::exists(base / fmt::format("previous-{}", number), code); ++number) {
        fs::path const next = base / fmt::format("previous-{}", number + 1);
        fs::path const kept = base / fmt::format("previous-{}", number) / "run.h5";
        if (!fs::exists(next, code) && fs::exists(kept, code)) return kept.string();
    }
    throw core::WorldError(
        beside + " is missing, but a restart goes on with it: put it back, or start anew without --restart");
}

bool same_file(fs::path const& a, fs::path const& b) {
    std::error_code code;
    return fs::equivalent(a, b, code) && !code;
}

}  // namespace

Beginning find_beginning(engine::World const& world, parallel::Comm const& comm, std::string const& restart,
                         std::string const& output) {
    std::vector<std::string> const paths = from_root(
        comm,
        on_all_ranks(comm, [&] { return comm.root() ? candidates(restart) : std::vector<std::string>{}; }));
    std::string const path = first_whole(comm, paths);
    return from_root(comm, on_all_ranks(comm, [&] {
                         if (!comm.root()) return Beginning{};
                         io::CheckpointMeta const meta = io::read_checkpoint_meta(path);
                         require_same_deck(meta, path, world);
                         require_same_program(meta, path);
                         return Beginning{path, run_file_of(path, output), meta.recorded_rows,
                                          meta.recorded_hash, meta.time_ns};
                     }));
}

RunOutput::RunOutput(parallel::Comm const& comm, std::string folder)
    : comm_{comm}, folder_{std::move(folder)} {
    on_all_ranks(comm, [&] {
        if (!comm.root()) return 0;
        make_folder(folder_);
        lock_.emplace(folder_);
        return 0;
    });
}

io::RunFile RunOutput::open(engine::World const& world, site::Partition const& partition,
                            std::optional<Beginning> const& beginning) const {
    config::Deck const& deck = world.deck();
    io::RunIdentity identity{version,           build_text(),        deck.name,          deck.effective_yaml,
                             deck.physics_hash, deck.time.warmup_ns, deck.time.sample_ns};
    io::RunShape const shape = run_shape(world, partition, comm_);
    std::string const path = folder_ + "/run.h5";
    auto const make_way = [&](Replaced replaced) {
        std::string const earlier = set_aside(folder_, replaced, lock_->was_stale());
        if (!earlier.empty()) fmt::print("earlier results: {}\n", earlier);
        std::fflush(stdout);
    };
    if (!beginning) {
        if (comm_.root()) make_way(Replaced::everything);
        comm_.barrier();
        return io::RunFile::create(comm_, path, std::move(identity), shape);
    }
    io::Recorded const recorded{beginning->recorded_rows, beginning->recorded_hash};
    return io::RunFile::reopen(comm_, path, std::move(identity), shape, beginning->run_file, recorded, [&] {
        fs::path const own = fs::path{folder_} / "checkpoints" / fs::path{beginning->checkpoint}.filename();
        bool const in_place = same_file(beginning->run_file, path) || same_file(beginning->checkpoint, own);
        if (!in_place) return make_way(Replaced::everything);
        if (holds_finished(folder_)) make_way(Replaced::results);
    });
}

}  // namespace mw::app
