#include "megaweave/io/run_file.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "h5_reader.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/io/xdmf.hpp"
#include "synthetic_site.hpp"
#include "test_folder.hpp"

namespace {

using namespace mw;

//! A site and how this test cuts it. `racks` over 1,024 are stored compressed, fewer plain.
struct Site {
    std::int64_t racks;
    std::int64_t links;
    int empty_rank;

    [[nodiscard]] test::Part my_racks(parallel::Comm const& comm) const {
        return test::part_of(racks, comm.size(), comm.rank(), empty_rank);
    }
    [[nodiscard]] test::Part my_links(parallel::Comm const& comm) const {
        return test::part_of(links, comm.size(), comm.rank());
    }
    [[nodiscard]] io::RunShape shape(parallel::Comm const& comm) const {
        return test::shape_of(racks, my_racks(comm), links, my_links(comm));
    }
};

void append(io::RunFile& file, parallel::Comm const& comm, Site const& site, std::int64_t from,
            std::int64_t to) {
    for (std::int64_t row = from; row < to; ++row)
        file.append(test::frame_of(row, site.my_racks(comm), site.my_links(comm)));
}

void check_series(test::H5Reader const& file, std::string const& name, std::int64_t rows, std::int64_t width,
                  float (*expected)(std::int64_t, std::int64_t)) {
    auto const values = file.numbers(name);
    REQUIRE(static_cast<std::int64_t>(values.size()) == rows * width);
    std::int64_t wrong = 0;
    for (std::int64_t i = 0; i < rows * width; ++i)
        if (static_cast<float>(values[static_cast<std::size_t>(i)]) != expected(i / width, i % width))
            ++wrong;
    CHECK(wrong == 0);
}

//! Every series holds exactly the first `rows` samples.
void check_rows(parallel::Comm const& comm, std::string const& path, Site const& site, std::int64_t rows) {
    comm.barrier();
    test::H5Reader const file{path};
    auto const times = file.numbers("/time_s");
    auto const total = file.numbers("/facility/facility_power_w");
    REQUIRE(static_cast<std::int64_t>(times.size()) == rows);
    REQUIRE(static_cast<std::int64_t>(total.size()) == rows);
    for (std::int64_t row = 0; row < rows; ++row) {
        CHECK(times[static_cast<std::size_t>(row)] == test::time_s(row));
        CHECK(static_cast<float>(total[static_cast<std::size_t>(row)]) == test::facility_power_w(row));
    }
    check_series(file, "/rack/power_w", rows, site.racks, test::rack_power_w);
    check_series(file, "/rack/output_tokens_per_s", rows, site.racks, test::tokens_per_s);
    check_series(file, "/links/utilisation", rows, site.links, test::utilisation);
    comm.barrier();
}

std::string run_path(test::Folder const& folder) {
    return folder.path() + "/sub/run.h5";
}

io::RunFile create(parallel::Comm const& comm, test::Folder const& folder, Site const& site) {
    return io::RunFile::create(comm, run_path(folder), test::identity(), site.shape(comm));
}

io::RunFile reopen(parallel::Comm const& comm, test::Folder const& folder, Site const& site,
                   std::int64_t rows) {
    return io::RunFile::reopen(comm, run_path(folder), test::identity(), site.shape(comm), run_path(folder),
                               {rows, {}});
}

//! `rows` rows and nothing else, closed.
void write_unfinished(parallel::Comm const& comm, test::Folder const& folder, Site const& site,
                      std::int64_t rows) {
    auto file = create(comm, folder, site);
    append(file, comm, site, 0, rows);
    file.flush();
}

std::string text_of(std::string const& path) {
    std::ifstream in{path};
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::size_t count_of(std::string const& text, std::string const& part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

}  // namespace

TEST_CASE("series read back as appended, whatever the ranks, the flushes and the storage") {
    parallel::Comm const comm;
    for (Site const site : {Site{23, 46, -1}, Site{1500, 2600, -1}, Site{23, 46, 0}, Site{1500, 2600, 1}}) {
        test::Folder const folder{comm, "series"};
        auto file = create(comm, folder, site);
        append(file, comm, site, 0, 45);  // one full batch of 32 and a part
        CHECK(file.rows() == 45);
        file.flush();
        check_rows(comm, run_path(folder), site, 45);
        append(file, comm, site, 45, 100);
        file.finish("d1");
        check_rows(comm, run_path(folder), site, 100);
    }
}

TEST_CASE("a file shows its metadata, plan, deck and mesh before the first sample") {
    parallel::Comm const comm;
    test::Folder const folder{comm, "plan"};
    Site const site{40, 80, -1};
    auto const file = create(comm, folder, site);
    comm.barrier();
    {
        test::H5Reader const h5{run_path(folder)};
        CHECK(h5.number_attribute("/", "format_version") == 1);
        CHECK(h5.number_attribute("/", "physics_hash") == 0xfeed);
        CHECK(h5.text_attribute("/", "program_version") == "0.1.0-test");
        CHECK(h5.text_attribute("/", "deck_name") == "synthetic");
        CHECK(h5.text_attribute("/", "digest").empty());
        CHECK(h5.texts("/deck") == std::vector<std::string>{"name: synthetic\n"});
        CHECK(h5.texts("/racks/name").at(17) == "hall0/row1/rack1");
        CHECK(h5.numbers("/racks/accelerators") == std::vector<double>(40, 32.0));
        CHECK(h5.numbers("/racks/row").at(39) == 2);
        CHECK(h5.extent("/racks/position_m") == std::vector<hsize_t>{40, 3});
        CHECK(h5.texts("/links/name").at(41) == "down1");
        CHECK(h5.text_attribute("/links/capacity_bytes_per_s", "unit") == "B/s");
        CHECK(h5.extent("/mesh/rack_points") == std::vector<hsize_t>{320, 3});
        // Rack 1 stands at x = 0.9 m and is 0.58 m wide: its first corner at 0.9 - 0.29 = 0.61 m.
        CHECK(h5.numbers("/mesh/rack_points").at(8 * 3) == doctest::Approx(0.61));
        CHECK(h5.numbers("/mesh/rack_cells").at(39 * 8 + 7) == 319);
        CHECK(h5.numbers("/mesh/link_cells").at(79 * 2 + 1) == 159);
        CHECK(h5.text_attribute("/time_s", "unit") == "s");
    }
    comm.barrier();
}

TEST_CASE("a finished file holds its digest, the requests in rank order and the histograms") {
    parallel::Comm const comm;
    test::Folder const folder{comm, "results"};
    Site const site{12, 24, -1};
    auto file = create(comm, folder, site);
    append(file, comm, site, 0, 3);
    std::vector<io::RequestRow> mine;
    for (int i = 0; i < comm.rank() * 2; ++i)  // none on rank 0
        mine.push_back({.id = static_cast<std::uint64_t>(100 * comm.rank() + i),
                        .arrival_ns = test::warmup_ns,
                        .completed_ns = test::warmup_ns + core::ns_per_s});
    file.write_requests(mine);
    core::Histogram ttft;
    for (std::int64_t i = 1; i <= 100; ++i) ttft.add(i * core::ns_per_ms);
    file.write_histograms(
        {{"ttft", "s", "time to the first token", 1e-9, ttft}, {"empty", "s", "nothing", 1.0, {}}});
    file.write_power_spectrum({{0.5, 1.0, 1.5}, {20e3, 3e3, 10.0}});
    file.finish("0123456789abcdef");

    comm.barrier();
    test::H5Reader const h5{run_path(folder)};
    CHECK(h5.text_attribute("/", "digest") == "0123456789abcdef");
    CHECK(h5.numbers("/power_spectrum/frequency_hz") == std::vector<double>{0.5, 1.0, 1.5});
    CHECK(h5.numbers("/power_spectrum/amplitude_w") == std::vector<double>{20e3, 3e3, 10.0});
    auto const ids = h5.numbers("/requests/id");
    REQUIRE(static_cast<int>(ids.size()) == comm.size() * (comm.size() - 1));
    if (comm.size() == 3) CHECK(ids == std::vector<double>{100, 101, 200, 201, 202, 203});
    for (double const s : h5.numbers("/requests/completed_s")) CHECK(s == 1.0);
    CHECK(h5.number_attribute("/histograms/ttft", "mean") == doctest::Approx(0.0505));
    CHECK(h5.number_attribute("/histograms/ttft", "p99") == doctest::Approx(0.099).epsilon(0.01));
    CHECK(h5.text_attribute("/histograms/ttft", "unit") == "s");
    auto const edges = h5.numbers("/histograms/ttft/edges");
    CHECK(edges.size() == h5.numbers("/histograms/ttft/counts").size() + 1);
    CHECK(edges.front() <= 0.001);
    CHECK(edges.back() > 0.1);
    CHECK(h5.number_attribute("/histograms/empty", "count") == 0);
}

TEST_CASE("reopening goes on after the given row: later samples and results are dropped") {
    parallel::Comm const comm;
    for (Site const site : {Site{23, 46, -1}, Site{1500, 2600, -1}}) {
        for (std::int64_t const kept : {0, 17, 32, 50}) {
            test::Folder const folder{comm, "reopen"};
            {
                auto file = create(comm, folder, site);
                append(file, comm, site, 0, 50);
                file.write_requests({});
                file.finish("old");
            }
            auto file = reopen(comm, folder, site, kept);
            CHECK(file.rows() == kept);
            append(file, comm, site, kept, 60);
            file.write_requests({});
            file.finish("new");
            check_rows(comm, run_path(folder), site, 60);
            CHECK(test::H5Reader{run_path(folder)}.text_attribute("/", "digest") == "new");
        }
    }
}

TEST_CASE(
    "reopening refuses the file of another deck, another plan, or with too few rows, and leaves it as it "
    "was") {
    parallel::Comm const comm;
    test::Folder const folder{comm, "refuse"};
    Site const site{23, 46, -1};
    write_unfinished(comm, folder, site, 40);
    auto const refusal = [&](io::RunIdentity const& identity, Site const& wanted, std::int64_t rows) {
        return test::message_of<core::WorldError>([&] {
            static_cast<void>(io::RunFile::reopen(comm, run_path(folder), identity, wanted.shape(comm),
                                                  run_path(folder), {rows, {}}));
        });
    };
    auto other = test::identity();
    other.physics_hash = 1;
    CHECK(test::contains(refusal(other, site, 40), "belongs to a run of another deck"));
    CHECK(test::contains(refusal(test::identity(), Site{24, 46, -1}, 40), "other racks or links"));
    CHECK(test::contains(refusal(test::identity(), site, 41),
                         "holds 40 samples, but the checkpoint was written after 41"));
    check_rows(comm, run_path(folder), site, 40);
    if (comm.root()) std::filesystem::remove(run_path(folder));
    comm.barrier();
    CHECK(test::contains(refusal(test::identity(), site, 40), "is missing"));
}

TEST_CASE(
    "going on in another place leaves the first file as it was, and what is in the way is moved before") {
    parallel::Comm const comm;
    test::Folder const folder{comm, "elsewhere"};
    Site const site{23, 46, -1};
    write_unfinished(comm, folder, site, 40);
    std::string const other = folder.path() + "/other.h5";
    bool moved = false;
    {
        auto file = io::RunFile::reopen(comm, other, test::identity(), site.shape(comm), run_path(folder),
                                        {30, {}}, [&] { moved = !std::filesystem::exists(other); });
        append(file, comm, site, 30, 35);
        file.finish("other");
    }
    CHECK(moved == comm.root());
    check_rows(comm, other, site, 35);
    check_rows(comm, run_path(folder), site, 40);
}

TEST_CASE(
    "samples that do not match the checkpoint's hash are refused, and a right hash goes on being counted") {
    parallel::Comm const comm;
    test::Folder const folder{comm, "hash"};
    Site const site{1500, 46, -1};
    io::Recorded all;
    io::Recorded some;
    {
        auto file = create(comm, folder, site);
        append(file, comm, site, 0, 20);
        some = file.recorded();
        append(file, comm, site, 20, 40);
        all = file.recorded();
        file.flush();
    }
    auto const refused = [&](std::uint64_t hash) {
        return test::message_of<core::WorldError>([&] {
            static_cast<void>(io::RunFile::reopen(comm, run_path(folder), test::identity(), site.shape(comm),
                                                  run_path(folder), {20, hash}));
        });
    };
    CHECK(test::contains(refused(*some.hash + 1), "run.h5 is damaged (its samples do not match"));
    auto file = io::RunFile::reopen(comm, run_path(folder), test::identity(), site.shape(comm),
                                    run_path(folder), some);
    append(file, comm, site, 20, 40);
    CHECK(*file.recorded().hash == *all.hash);
}

TEST_CASE("run.xdmf lists every sample of both grids") {
    parallel::Comm const comm;
    test::Folder const folder{comm, "xdmf"};
    Site const site{23, 46, -1};
    write_unfinished(comm, folder, site, 40);
    comm.barrier();
    auto const xdmf = text_of(folder.path() + "/sub/run.xdmf");
    CHECK(count_of(xdmf, "<Grid Name=\"racks\"><Time Value=") == 40);
    CHECK(count_of(xdmf, "<Grid Name=\"links\"><Time Value=") == 40);
    CHECK(count_of(xdmf, "run.h5:/links/utilisation") == 40);
    CHECK(test::contains(xdmf, "<Time Value=\"-0.4\"/>"));  // the first of five warm-up samples
}

TEST_CASE("what each link carried stands in /traffic and, by name, in run.xdmf; a restart drops it") {
    parallel::Comm const comm;
    test::Folder const folder{comm, "traffic"};
    Site const site{23, 46, -1};
    {
        auto file = create(comm, folder, site);
        append(file, comm, site, 0, 3);
        test::Part const mine = site.my_links(comm);
        io::LinkTotals totals;
        for (std::int64_t link = mine.first; link < mine.first + mine.count; ++link) {
            totals.mean_utilisation.push_back(static_cast<float>(link) / 64);
            totals.peak_utilisation.push_back(static_cast<float>(link) / 32);
            totals.full_share.push_back(0.25F);
            totals.bytes.insert(totals.bytes.end(), {link, 100 * link});
        }
        totals.services = {"chat", "agent"};
        totals.classes = {"kv", "expert"};
        file.write_link_totals(totals);
        file.finish("d1");
    }
    comm.barrier();
    {
        test::H5Reader const h5{run_path(folder)};
        CHECK(h5.texts("/traffic/service") == std::vector<std::string>{"chat", "agent"});
        CHECK(h5.texts("/traffic/class") == std::vector<std::string>{"kv", "expert"});
        CHECK(h5.extent("/traffic/bytes") == std::vector<hsize_t>{46, 2});
        CHECK(h5.numbers("/traffic/bytes").at(2 * 45 + 1) == 4500);
        CHECK(h5.numbers("/traffic/mean_utilisation").at(32) == 0.5);
        CHECK(count_of(text_of(folder.path() + "/sub/run.xdmf"), "run.h5:/traffic/full_share") == 3);
    }
    comm.barrier();
    {
        auto file = reopen(comm, folder, site, 2);
        file.finish("d2");
    }
    comm.barrier();
    CHECK_FALSE(test::H5Reader{run_path(folder)}.has("/traffic"));
}

TEST_CASE("above the largest number of steps run.xdmf lists every n-th sample and says so") {
    parallel::Comm const comm;
    test::Folder const folder{comm, "stride"};
    std::vector<double> const times{0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6};
    std::string const path = folder.path() + "/run.xdmf";
    if (comm.root())
        io::write_xdmf(path, {"run.h5", 4, 0, {"power_w"}, {}, {}, times},
                       3);  // 7 samples, 3 steps: every 3rd
    comm.barrier();
    auto const xdmf = text_of(path);
    CHECK(count_of(xdmf, "<Time Value=") == 3);
    CHECK(test::contains(xdmf, "<Time Value=\"0.6\"/>"));
    CHECK(test::contains(xdmf, "one in 3 of 7 samples"));
    CHECK_FALSE(test::contains(xdmf, "links"));
}

TEST_CASE("a site without links, and a run without samples, make whole files") {
    parallel::Comm const comm;
    test::Folder const folder{comm, "bare"};
    Site const site{5, 0, -1};
    create(comm, folder, site).finish("none");
    auto file = create(comm, folder, site);
    append(file, comm, site, 0, 2);
    file.finish("two");
    comm.barrier();
    test::H5Reader const h5{run_path(folder)};
    CHECK(h5.extent("/rack/power_w") == std::vector<hsize_t>{2, 5});
    CHECK_FALSE(h5.has("/links/utilisation"));
}

TEST_CASE("where the file cannot be made or grow, every rank hears the name and the reason") {
    parallel::Comm const comm;
    test::Folder const folder{comm, "fails"};
    Site const site{1500, 2600, -1};
    std::string const plain = folder.path() + "/plain";
    if (comm.root()) std::ofstream{plain} << "x";
    comm.barrier();
    auto const message = test::message_of<core::WorldError>([&] {
        static_cast<void>(io::RunFile::create(comm, plain + "/run.h5", test::identity(), site.shape(comm)));
    });
    CHECK(test::contains(message, plain));
    CHECK(test::contains(message, "Not a directory"));
}

TEST_CASE("on a full disk every rank hears of it and what was flushed stays readable") {
    parallel::Comm const comm;
    test::Folder const folder{comm, "full"};
    Site const site{1500, 2600, -1};
    std::string message;
    try {
        auto file = create(comm, folder, site);
        append(file, comm, site, 0, 20);
        file.flush();
        test::FileSizeLimit const disk_full{std::filesystem::file_size(run_path(folder))};
        append(file, comm, site, 20, 100);
    } catch (core::WorldError const& error) {
        message = error.what();
    }
    CHECK(test::contains(message, "cannot"));
    CHECK(test::contains(message, run_path(folder)));
    check_rows(comm, run_path(folder), site, 20);
}
