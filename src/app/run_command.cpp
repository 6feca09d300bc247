#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

#include "agree.hpp"
#include "commands.hpp"
#include "machine_memory.hpp"
#include "megaweave/core/archive.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/engine/simulation.hpp"
#include "megaweave/io/checkpoint.hpp"
#include "megaweave/parallel/team.hpp"
#include "recorder.hpp"
#include "signals.hpp"
#include "summary.hpp"

namespace mw::app {

namespace {

namespace fs = std::filesystem;

//! Results of an earlier run in the same folder are kept, one generation.
void set_aside(fs::path const& directory) {
    // run.h5 last: should the move be cut short, the next run finds it and moves the rest.
    constexpr std::array names = {"checkpoints", "run.xdmf", "summary.yaml",
                                  "report.html", "figures",  "run.h5"};
    if (std::ranges::none_of(names, [&](char const* name) { return fs::exists(directory / name); })) return;
    fs::path const previous = directory / "previous";
    fs::remove_all(previous);
    fs::create_directories(previous);
    for (char const* name : names)
        if (fs::exists(directory / name)) fs::rename(directory / name, previous / name);
}

void prepare_directory(parallel::Comm const& comm, std::string const& directory, bool fresh) {
    if (comm.root()) {
        std::error_code error;
        fs::create_directories(directory, error);
        if (error)
            throw core::WorldError(
                fmt::format("cannot make the output folder '{}': {}. Choose another with --output", directory,
                            error.message()));
        if (fresh) set_aside(directory);
    }
    comm.barrier();
}

std::string newest_of(std::string const& restart) {
    if (!fs::is_directory(restart)) {
        if (!fs::exists(restart)) throw core::InputError(fmt::format("--restart: there is no '{}'", restart));
        return restart;
    }
    for (fs::path const& folder : {fs::path{restart}, fs::path{restart} / "checkpoints"})
        if (std::string newest = io::newest_checkpoint(folder.string()); !newest.empty()) return newest;
    throw core::InputError(fmt::format("--restart: no checkpoint in '{}'", restart));
}

//! The checkpoint that --restart means, "" for a new run. The root looks, so that all go on from the same one.
std::string choose_checkpoint(Options const& options, engine::World const& world,
                              parallel::Comm const& comm) {
    std::string path = on_all_ranks(comm, [&]() -> std::string {
        if (options.restart.empty() || !comm.root()) return "";
        std::string newest = newest_of(options.restart);
        io::CheckpointMeta const meta = io::read_checkpoint_meta(newest);
        try {
            io::require_same_run(meta, newest, world.deck().physics_hash, world.plan().racks());
        } catch (core::WorldError const& error) {
            throw core::InputError(error.what());
        }
        return newest;
    });
    std::vector<std::byte> bytes;
    core::ByteWriter{bytes} & path;
    comm.broadcast(bytes);
    core::ByteReader{bytes} & path;
    return path;
}

//! Loads this rank's part; returns the rows that run.h5 had then.
std::int64_t restore(engine::Simulation& simulation, parallel::Comm const& comm, std::string const& path) {
    std::int64_t const first = simulation.partition().first_rack(comm.rank());
    io::Checkpoint checkpoint =
        io::read_checkpoint(comm, path, first, simulation.partition().rack_count(comm.rank()));
    simulation.restore({checkpoint.meta.window, checkpoint.meta.time_ns, std::move(checkpoint.global),
                        std::move(checkpoint.rack_blobs)});
    return checkpoint.meta.recorded_rows;
}

//! Aside and renamed, so that a reader never sees half of it.
void write_text(std::string const& path, std::string const& text) {
    std::string const aside = path + ".tmp";
    std::ofstream out{aside};
    out << text;
    out.close();
    if (!out || std::rename(aside.c_str(), path.c_str()) != 0)
        throw core::WorldError(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
}

void warn_about_threads(parallel::Comm const& comm, int threads) {
    int const processors = parallel::usable_processors();
    if (comm.root() && threads > processors)
        fmt::print(stderr,
                   "megaweave: {} threads a rank, but each may run on {} processor(s) only: give mpirun "
                   "--map-by slot:PE={} or --bind-to none\n",
                   threads, processors, threads);
}

}  // namespace

int run_command(Options const& options, parallel::Comm& comm) {
    auto const start = std::chrono::steady_clock::now();
    SignalWatch const
        signals;  // from here on, so that a signal while a large site is set up stops the run in order
    auto const world = on_all_ranks(comm, [&] {
        return std::make_unique<engine::World>(config::read_deck(options.deck, options.overrides));
    });
    refuse_beyond_memory(*world, comm);
    std::string const checkpoint = choose_checkpoint(options, *world, comm);
    config::Deck const& deck = world->deck();
    std::string const directory = options.output.empty() ? deck.output.directory : options.output;
    parallel::Team team{options.threads};
    warn_about_threads(comm, team.threads());
    prepare_directory(comm, directory, checkpoint.empty());

    engine::Simulation simulation{*world, comm, team};
    std::int64_t const rows = checkpoint.empty() ? -1 : restore(simulation, comm, checkpoint);
    Recorder recorder{*world,
                      simulation,
                      comm,
                      directory,
                      {start, options.time_limit_s, core::to_seconds(deck.output.checkpoint_every_ns)},
                      signals,
                      options.quiet,
                      rows};
    if (simulation.run(recorder) == engine::Outcome::stopped) {
        if (comm.root())
            fmt::print("stopped by {}; go on with --restart {}/checkpoints\noutput: {}\n",
                       recorder.stop_reason(), directory, directory);
        return exit_stopped;
    }
    engine::Results const results = simulation.results();
    recorder.finish(simulation, results);
    if (comm.root()) {
        write_text(directory + "/summary.yaml", summary_yaml(deck, results));
        fmt::print("{}output: {}\n", summary_text(deck, results), directory);
    }
    return exit_done;
}

}  // namespace mw::app
