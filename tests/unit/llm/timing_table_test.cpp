#include "megaweave/llm/timing_table.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <fstream>

#include "megaweave/core/error.hpp"
#include "reference.hpp"

using doctest::Approx;
using mw::hardware::Precision;
using mw::llm::Batch;
using mw::llm::Curve;
using mw::llm::CurveFamily;
using mw::llm::IterationModel;
using mw::llm::Share;
using mw::llm::TimingTable;

namespace {

IterationModel work() {
    return {reference::llama_70b(), Precision::fp8, Precision::fp8, {.tensor = 2}, reference::h100()};
}

//! A file that is gone when the test ends.
class File {
  public:
    explicit File(std::string const& text) { std::ofstream{path} << text; }
    ~File() { std::remove(path.c_str()); }
    File(File const&) = delete;
    File& operator=(File const&) = delete;
    std::string const path{"timing_table_test.csv"};
};

std::string const header{"kind,batch,kv_tokens,chunk,iteration_s,layers\n"};
std::string const rows{
    "decode,1,100,0,0.010,80\ndecode,1,200,0,0.011,80\ndecode,11,100,0,0.020,80\ndecode,11,200,0,0.025,80\n"
    "prefill,1,0,100,0.030,80\nprefill,1,0,200,0.050,80\n"};

double seconds(TimingTable const& table, Batch const& batch) {
    return mw::core::to_seconds(table(batch).duration_ns);
}

std::string mistakes_in(std::string const& text) {
    File const file{text};
    try {
        TimingTable{file.path, work()};
    } catch (mw::core::InputError const& error) {
        std::string all;
        for (auto const& message : error.messages()) all += message + "\n";
        return all;
    }
    return "";
}

bool contains(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("curves are linear between and above their points, and flat below") {
    CurveFamily const f{{0, 10}, {Curve{{0, 1}, {0, 5}}, Curve{{0, 1}, {10, 15}}}};
    CHECK(f(5, 0.5) == 7.5);
    CHECK(f(20, 0) == 20);
    CHECK(f(-5, 1) == 5);
    CHECK(f(10, 3) == 25);
    CHECK(CurveFamily{{1}, {Curve{{1, 2, 4}, {1, 2, 8}}}}(99, 3) == 5);
    CHECK_THROWS_AS((Curve{{1, 1}, {1, 2}}), mw::core::ContractError);
}

TEST_CASE("a curve that ends early goes on linearly, one with a single point stays flat") {
    CurveFamily const f{{1, 2}, {Curve{{0, 10}, {0, 10}}, Curve{{0}, {4}}}};
    CHECK(f(1, 20) == 20);
    CHECK(f(2, 20) == 4);
    CHECK(f(1.5, 20) == 12);
    CHECK(f.smallest_y() == 0);
}

TEST_CASE("a timing table gives back its points and interpolates between them") {
    File const file{header + rows};
    TimingTable const table{file.path, work()};
    CHECK(seconds(table, Batch{11, 11 * 200, 0, 0, 11}) == Approx(0.025));
    CHECK(seconds(table, Batch{6, 6 * 150, 0, 0, 6}) == Approx(0.0165));  // mean of the four corners
    CHECK(seconds(table, Batch{1, 50, 0, 0, 1}) == Approx(0.010));
    CHECK(seconds(table, Batch{21, 21 * 100, 0, 0, 21}) == Approx(0.030));
    CHECK(seconds(table, Batch{0, 0, 150, 150 * 151 / 2, 1}) == Approx(0.040));
    CHECK(seconds(table, Batch{0, 0, 400, 400 * 401 / 2, 1}) == Approx(0.090));
    CHECK(table(Batch{}).duration_ns == 0);
}

TEST_CASE(
    "a mixed batch is the prefill of all its tokens and what decode attention takes above a short context") {
    File const file{header + rows};
    TimingTable const table{file.path, work()};
    auto const cost = table(Batch{11, 11 * 200, 139, 139 * 70, 12});
    // P(139 + 11) + D(11, 200) - D(11, 100) = 0.040 + 0.025 - 0.020
    CHECK(mw::core::to_seconds(cost.duration_ns) == Approx(0.045));
    CHECK(cost.share(Share::compute) == Approx(40e6));
    CHECK(cost.share(Share::compute) + cost.share(Share::hbm) == cost.duration_ns);
    CHECK(cost.flops == work()(Batch{11, 11 * 200, 139, 139 * 70, 12}).flops);
}

TEST_CASE("every mistake of a timing table is told with its line") {
    CHECK(contains(mistakes_in(""), ":1: the timing table is empty"));
    CHECK(contains(mistakes_in("kind,batch,chunk,iteration_s\n"), ":1: no column 'kv_tokens'"));
    CHECK(contains(mistakes_in(header + "decode,1,1,0,0.1\n"), "the timing table has no prefill rows"));
    auto const many = mistakes_in(
        header + "decode,x,1,0,0.1\nfoo,1,1,0,0.1\ndecode,1,1,0,-3\ndecode,1\nprefill,1,0,0,nan\n");
    CHECK(contains(many, ":2: batch 'x' is not a number"));
    CHECK(contains(many, ":3: kind 'foo' is neither decode nor prefill"));
    CHECK(contains(many, ":4: iteration_s '-3' is not a number"));
    CHECK(contains(many, ":5: the row has too few fields"));
    CHECK(contains(many, ":6: chunk '0'"));
    CHECK(contains(mistakes_in(header + rows + "decode,1,100,0,0.03,80\n"),
                   ":8: a second decode row for batch 1"));
    CHECK_THROWS_AS(TimingTable("no/such/file.csv", work()), mw::core::WorldError);
}

TEST_CASE("the reference timing tables read, and their points come back") {
    std::string const path{MW_SHARED_DIR "/reference/serving/iteration_times_llama2_70b_a100_tp2.csv"};
    auto const table_rows = reference::read_csv(path);
    if (table_rows.empty()) {
        MESSAGE("skipped: no ../shared/reference/serving");
        return;
    }
    TimingTable const table{path, work()};
    for (auto const& row : table_rows) {
        auto const n = reference::integer(row, "batch");
        auto const kv = reference::integer(row, "kv_tokens");
        auto const chunk = reference::integer(row, "chunk");
        auto const batch = row.at("kind") == "decode" ? Batch{n, n * kv, 0, 0, n}
                                                      : Batch{0, 0, chunk, chunk * kv + chunk * chunk / 2, 1};
        CHECK(seconds(table, batch) == Approx(reference::real(row, "iteration_s")).epsilon(1e-6));
    }
}
