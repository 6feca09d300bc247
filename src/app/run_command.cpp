#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "agree.hpp"
#include "commands.hpp"
#include "deck_source.hpp"
#include "going_on.hpp"
#include "machine_memory.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/engine/feasibility.hpp"
#include "megaweave/engine/simulation.hpp"
#include "megaweave/io/checkpoint.hpp"
#include "megaweave/parallel/team.hpp"
#include "output_folder.hpp"
#include "recorder.hpp"
#include "run_output.hpp"
#include "signals.hpp"
#include "summary.hpp"

namespace mw::app {

namespace {

namespace fs = std::filesystem;

void restore(engine::Simulation& simulation, parallel::Comm const& comm, std::string const& path) {
    int const rank = comm.rank();
    site::Partition const& partition = simulation.partition();
    io::Checkpoint checkpoint =
        io::read_checkpoint(comm, path, partition.first_rack(rank), partition.rack_count(rank));
    simulation.restore({checkpoint.meta.window, checkpoint.meta.time_ns, std::move(checkpoint.global),
                        std::move(checkpoint.rack_blobs)});
}

//! Aside and renamed, so that a reader never sees half of it.
void write_text(std::string const& path, std::string const& text) {
    fs::path const whole{path};
    std::string const aside =
        (whole.parent_path() / (".megaweave-" + whole.filename().string() + ".tmp")).string();
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

//! Tells what is to be expected of the run before it begins; only the root knows.
std::vector<std::string> warn(engine::World const& world, parallel::Comm const& comm) {
    if (!comm.root()) return {};
    std::vector<std::string> warnings = engine::assess(world).warnings;
    for (std::string const& warning : warnings) fmt::print("warning: {}\n", warning);
    return warnings;
}

//! A job's log shows its lives: how each began and ended.
void tell_beginning(config::Deck const& deck, std::optional<Beginning> const& beginning, int ranks,
                    int threads) {
    std::string const how = fmt::format("{} on {} ranks x {} threads", deck.name, ranks, threads);
    if (beginning)
        fmt::print("restarting {} from {}, at {:.6g} s\n", how, beginning->checkpoint,
                   core::to_seconds(beginning->time_ns));
    else
        fmt::print("starting {}\n", how);
    std::fflush(stdout);
}

void tell_stop(Options const& options, Recorder const& recorder, std::string const& folder, int ranks) {
    fmt::print("stopped by {} at {:.6g} s of simulated time; go on with\n  {}\noutput: {}\n",
               recorder.stop_reason(), core::to_seconds(recorder.checkpoint_ns()),
               command_to_go_on(options.words, folder, ranks), folder);
}

//! A signal reached a rank before it was only noted: nothing was written, and all ranks end in order.
bool stopped_early(parallel::Comm const& comm) {
    signals::defer();
    if (comm.max(signals::seen()) == 0) return false;
    if (comm.root()) fmt::print("stopped by a signal before the run began; nothing was written\n");
    return true;
}

}  // namespace

int run_command(Options const& options, parallel::Comm& comm) {
    auto const start = std::chrono::steady_clock::now();
    std::optional<std::string> const piped = piped_deck(comm, options.deck);
    auto const world = on_all_ranks(comm, [&] {
        return std::make_unique<engine::World>(config::read_deck(options.deck, options.overrides, piped));
    });
    refuse_beyond_memory(*world, comm);
    config::Deck const& deck = world->deck();
    std::string const directory = options.output.empty() ? deck.output.directory : options.output;
    std::optional<Beginning> beginning;
    if (!options.restart.empty()) beginning = find_beginning(*world, comm, options.restart, directory);
    on_all_ranks(comm, [&] {
        if (comm.root()) require_usable(directory, beginning ? beginning->run_file : "");
        return 0;
    });
    parallel::Team team{options.threads};
    warn_about_threads(comm, team.threads());
    if (comm.root()) tell_beginning(deck, beginning, comm.size(), team.threads());
    std::vector<std::string> const warnings = warn(*world, comm);

    engine::Simulation simulation{*world, comm, team};
    if (beginning) restore(simulation, comm, beginning->checkpoint);
    if (stopped_early(comm)) return exit_stopped;
    RunOutput const output{comm, directory};
    StopRules const rules{start, options.time_limit_s, core::to_seconds(deck.output.checkpoint_every_ns)};
    Recorder recorder{*world, simulation, comm, output, beginning, rules, options.quiet};
    if (simulation.run(recorder) == engine::Outcome::stopped) {
        if (comm.root()) tell_stop(options, recorder, directory, comm.size());
        return exit_stopped;
    }
    engine::Results const results = simulation.results();
    recorder.finish(simulation, results);
    if (comm.root()) {
        config::Deck told = deck;
        told.warnings.insert(told.warnings.end(), warnings.begin(), warnings.end());
        engine::Verdict const verdict = engine::judge(deck, results);
        write_text(directory + "/summary.yaml", summary_yaml(told, results, verdict));
        fmt::print("{}output: {}\n", summary_text(deck, results, verdict), directory);
    }
    return exit_done;
}

}  // namespace mw::app
