#include "megaweave/io/checkpoint.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "megaweave/core/error.hpp"
#include "synthetic_site.hpp"
#include "test_folder.hpp"

namespace {

using namespace mw;
namespace fs = std::filesystem;

constexpr std::int64_t racks = 23;

void write(parallel::Comm const& comm, std::string const& folder, std::int64_t window, int empty_rank = -1) {
    auto const part = test::part_of(racks, comm.size(), comm.rank(), empty_rank);
    std::vector<std::vector<std::byte>> blobs;
    for (std::int64_t i = 0; i < part.count; ++i) blobs.push_back(test::rack_state(part.first + i, window));
    io::CheckpointMeta const meta{.physics_hash = 42,
                                  .window = window,
                                  .time_ns = window * 1000,
                                  .recorded_rows = window / 10,
                                  .recorded_hash = 4711,
                                  .program_version = "0.1.0",
                                  .build = "a test",
                                  .deck = "seed: 1\n"};
    io::write_checkpoint(comm, folder, meta, test::rack_state(9, window), part.first, blobs, racks);
}

void check_read(parallel::Comm const& comm, std::string const& path, std::int64_t window, int empty_rank) {
    auto const part = test::part_of(racks, comm.size(), comm.rank(), empty_rank);
    auto const read = io::read_checkpoint(comm, path, part.first, part.count);
    CHECK(read.meta.window == window);
    CHECK(read.meta.time_ns == window * 1000);
    CHECK(read.meta.recorded_rows == window / 10);
    CHECK(read.meta.physics_hash == 42);
    CHECK(read.meta.recorded_hash == 4711);
    CHECK(read.meta.build == "a test");
    CHECK(read.meta.deck == "seed: 1\n");
    CHECK(read.meta.racks_total == racks);
    CHECK(read.global == test::rack_state(9, window));
    REQUIRE(static_cast<std::int64_t>(read.rack_blobs.size()) == part.count);
    for (std::int64_t i = 0; i < part.count; ++i)
        CHECK(read.rack_blobs[static_cast<std::size_t>(i)] == test::rack_state(part.first + i, window));
}

void damage(parallel::Comm const& comm, std::string const& path, std::vector<std::byte> const& needle) {
    if (comm.root()) {
        std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
        std::string const text{std::istreambuf_iterator<char>{file}, {}};
        auto const at = text.find(std::string(reinterpret_cast<char const*>(needle.data()), needle.size()));
        REQUIRE(at != std::string::npos);
        file.clear();
        file.seekp(static_cast<std::streamoff>(at));
        file.put(static_cast<char>(text[at] ^ 1));
    }
    comm.barrier();
}

}  // namespace

TEST_CASE("a checkpoint reads back whole on every partition, ranks without racks included") {
    parallel::Comm const comm;
    test::Folder const folder{comm, "checkpoint"};
    for (int const writer_empty : {-1, 0, 1}) {
        std::int64_t const window = 120 + writer_empty;
        write(comm, folder.path(), window, writer_empty);
        for (int const reader_empty : {-1, 0, comm.size() - 1})
            check_read(comm, io::newest_checkpoint(folder.path()), window, reader_empty);
    }
}

TEST_CASE("the two newest checkpoints are kept, and what killed writers left is removed") {
    parallel::Comm const comm;
    test::Folder const folder{comm, "keep"};
    CHECK(io::newest_checkpoint(folder.path()).empty());
    if (comm.root()) std::ofstream{folder.path() + "/.megaweave-checkpoint-000000000777.h5.tmp"} << "half";
    if (comm.root()) std::ofstream{folder.path() + "/checkpoint-mine.h5.tmp"} << "a user's";
    comm.barrier();
    CHECK(io::newest_checkpoint(folder.path()).empty());
    for (std::int64_t const window : {100, 200, 300}) write(comm, folder.path(), window);
    auto const names = test::names_in(folder.path());
    CHECK(names == std::vector<std::string>{"checkpoint-000000000200.h5", "checkpoint-000000000300.h5",
                                            "checkpoint-mine.h5.tmp"});
    CHECK(fs::path{io::newest_checkpoint(folder.path())}.filename() == names[1]);
}

TEST_CASE("after going back to an earlier window, checkpoints of later ones go") {
    parallel::Comm const comm;
    test::Folder const folder{comm, "rewound"};
    for (std::int64_t const window : {200, 300, 250}) write(comm, folder.path(), window);
    CHECK(test::names_in(folder.path()) ==
          std::vector<std::string>{"checkpoint-000000000200.h5", "checkpoint-000000000250.h5"});
}

TEST_CASE("a damaged, short, foreign or missing checkpoint is refused on every rank, saying what to do") {
    parallel::Comm const comm;
    test::Folder const folder{comm, "damaged"};
    write(comm, folder.path(), 50);
    std::string const path = io::newest_checkpoint(folder.path());
    auto const part = test::part_of(racks, comm.size(), comm.rank());
    auto const refusal = [&](std::string const& file) {
        return test::message_of<core::WorldError>(
            [&] { static_cast<void>(io::read_checkpoint(comm, file, part.first, part.count)); });
    };
    auto const whole_copy = [&](std::string const& name) {
        std::string const copy = folder.path() + "/" + name;
        if (comm.root()) fs::copy_file(path, copy);
        comm.barrier();
        return copy;
    };

    std::string const flipped = whole_copy("flipped.h5");
    damage(comm, flipped, test::rack_state(7, 50));
    CHECK(test::contains(refusal(flipped), "it does not match its checksum"));
    CHECK(test::contains(refusal(flipped), "go on from --restart " + path));

    std::string const global = whole_copy("global.h5");
    damage(comm, global, test::rack_state(9, 50));
    CHECK(test::contains(refusal(global), "does not match its checksum"));

    std::string const cut = whole_copy("short.h5");
    if (comm.root()) fs::resize_file(cut, fs::file_size(cut) * 2 / 3);
    comm.barrier();
    CHECK(test::contains(refusal(cut), "its end is missing"));

    std::string const longer = whole_copy("longer.h5");
    if (comm.root()) std::ofstream{longer, std::ios::app} << "more";
    comm.barrier();
    CHECK(test::contains(refusal(longer), "its end is missing or changed"));

    std::string const text = folder.path() + "/text.h5";
    if (comm.root()) std::ofstream{text} << "not HDF5 at all";
    comm.barrier();
    CHECK(test::contains(refusal(text), "no checkpoint of Megaweave"));
    CHECK(test::contains(refusal(folder.path() + "/nowhere.h5"), "there is no checkpoint"));

    auto const meta = io::read_checkpoint_meta(path);
    CHECK_NOTHROW(io::require_same_run(meta, path, 42, racks));
    CHECK_THROWS_AS(io::require_same_run(meta, path, 43, racks), core::WorldError);
    CHECK_THROWS_AS(io::require_same_run(meta, path, 42, racks + 1), core::WorldError);
}

TEST_CASE("where a checkpoint cannot be written, every rank hears why and the earlier one stays") {
    parallel::Comm const comm;
    test::Folder const folder{comm, "unwritable"};
    write(comm, folder.path(), 10);
    {
        test::FileSizeLimit const disk_full{1024};
        CHECK_FALSE(test::message_of<core::WorldError>([&] { write(comm, folder.path(), 20); }).empty());
    }
    comm.barrier();
    CHECK(test::names_in(folder.path()) == std::vector<std::string>{"checkpoint-000000000010.h5"});
    check_read(comm, io::newest_checkpoint(folder.path()), 10, -1);

    std::string const inside_a_file = io::newest_checkpoint(folder.path()) + "/sub";
    CHECK(test::contains(test::message_of<core::WorldError>([&] { write(comm, inside_a_file, 30); }),
                         "Not a directory"));
}
