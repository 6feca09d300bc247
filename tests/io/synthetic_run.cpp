// Writes, checks and goes on with the output of a made-up run, for the tests that kill it or open it in ParaView.
//
//     synthetic_run write  DIR RACKS LINKS ROWS [CHECKPOINT_EVERY]
//     synthetic_run resume DIR RACKS LINKS ROWS [CHECKPOINT_EVERY]     from the newest checkpoint
//     synthetic_run verify DIR RACKS LINKS                             one rank; prints the rows that are there
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>

#include "h5_reader.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/parallel/session.hpp"
#include "synthetic_site.hpp"

namespace {

using namespace mw;

struct Job {
    std::string directory;
    std::int64_t racks;
    std::int64_t links;
    std::int64_t rows;
    std::int64_t checkpoint_every;

    [[nodiscard]] std::string run_file() const { return directory + "/run.h5"; }
    [[nodiscard]] std::string checkpoints() const { return directory + "/checkpoints"; }
};

void say(parallel::Comm const& comm, char const* what, std::int64_t value) {
    if (!comm.root()) return;
    std::printf("%s %lld\n", what, static_cast<long long>(value));
    std::fflush(stdout);
}

void checkpoint(parallel::Comm const& comm, Job const& job, io::RunFile& file, test::Part racks) {
    file.flush();
    say(comm, "rows", file.rows());
    std::vector<std::vector<std::byte>> blobs;
    for (std::int64_t i = 0; i < racks.count; ++i)
        blobs.push_back(test::rack_state(racks.first + i, file.rows()));
    io::CheckpointMeta const meta{.physics_hash = test::identity().physics_hash,
                                  .window = file.rows(),
                                  .recorded_rows = file.rows(),
                                  .recorded_hash = *file.recorded().hash,
                                  .program_version = "test"};
    io::write_checkpoint(comm, job.checkpoints(), meta, test::rack_state(3, file.rows()), racks.first, blobs,
                         job.racks);
    say(comm, "checkpoint", file.rows());
}

void run(parallel::Comm const& comm, Job const& job, bool resume) {
    auto const racks = test::part_of(job.racks, comm.size(), comm.rank());
    auto const links = test::part_of(job.links, comm.size(), comm.rank());
    auto const shape = test::shape_of(job.racks, racks, job.links, links);
    std::int64_t row = 0;
    std::optional<std::uint64_t> hash;
    if (resume) {
        auto const read =
            io::read_checkpoint(comm, io::newest_checkpoint(job.checkpoints()), racks.first, racks.count);
        row = read.meta.recorded_rows;
        hash = read.meta.recorded_hash;
    }
    auto file = resume ? io::RunFile::reopen(comm, job.run_file(), test::identity(), shape, job.run_file(),
                                             {row, hash})
                       : io::RunFile::create(comm, job.run_file(), test::identity(), shape);
    say(comm, "rows", row);
    while (row < job.rows) {
        file.append(test::frame_of(row++, racks, links));
        if (job.checkpoint_every > 0 && row % job.checkpoint_every == 0) checkpoint(comm, job, file, racks);
    }
    file.finish("synthetic");
}

void verify_series(test::H5Reader const& file, std::string const& name, std::int64_t rows, std::int64_t width,
                   float (*expected)(std::int64_t, std::int64_t)) {
    auto const values = file.numbers(name);
    if (static_cast<std::int64_t>(values.size()) != rows * width)
        throw core::WorldError(name + " has another number of rows");
    for (std::int64_t i = 0; i < rows * width; ++i)
        if (static_cast<float>(values[static_cast<std::size_t>(i)]) != expected(i / width, i % width))
            throw core::WorldError(name + " is wrong in row " + std::to_string(i / width));
}

void verify(parallel::Comm const& comm, Job const& job) {
    test::H5Reader const file{job.run_file()};
    auto const times = file.numbers("/time_s");
    auto const rows = static_cast<std::int64_t>(times.size());
    for (std::int64_t row = 0; row < rows; ++row)
        if (times[static_cast<std::size_t>(row)] != test::time_s(row))
            throw core::WorldError("time_s is wrong");
    if (rows > 0) {
        verify_series(file, "/rack/power_w", rows, job.racks, test::rack_power_w);
        verify_series(file, "/rack/output_tokens_per_s", rows, job.racks, test::tokens_per_s);
        verify_series(file, "/links/utilisation", rows, job.links, test::utilisation);
    }
    say(comm, "rows", rows);
    auto const newest = io::newest_checkpoint(job.checkpoints());
    if (newest.empty()) return;
    auto const state = io::read_checkpoint(comm, newest, 0, job.racks);
    for (std::int64_t rack = 0; rack < job.racks; ++rack)
        if (state.rack_blobs[static_cast<std::size_t>(rack)] != test::rack_state(rack, state.meta.window))
            throw core::WorldError("the checkpoint is wrong");
    say(comm, "checkpoint", state.meta.window);
}

}  // namespace

int main(int argc, char** argv) {
    parallel::Session const session{argc, argv};
    if (argc < 5) return 2;
    std::string const verb = argv[1];
    auto const number = [&](int i) { return i < argc ? std::stoll(argv[i]) : 0; };
    Job const job{argv[2], number(3), number(4), number(5), number(6)};
    try {
        parallel::Comm const comm;
        std::printf("pid %d\n", getpid());
        std::fflush(stdout);
        if (verb == "verify")
            verify(comm, job);
        else
            run(comm, job, verb == "resume");
        return 0;
    } catch (std::exception const& error) {
        std::fprintf(stderr, "synthetic_run: %s\n", error.what());
        parallel::Session::abort(3);
    }
}
