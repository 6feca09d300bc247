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
    auto const llama = reference::llama_70b();
    return {llama, Precision::fp8, Precision::fp8, {.tensor = 2}, reference::h100(), reference::ideal(llama)};
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

TEST_CASE("a table with operators adds the linear layers of all tokens and the attention of either kind") {
    // 10, 20, 30 ms for 8, 64 and 512 tokens in 10 layers, of them 1, 2, 3 ms collectives; attention on top.
    auto const row = [](char const* kind, int batch, int kv, int chunk, double linear, double decode,
                        double prefill) {
        return std::string{kind} + "," + std::to_string(batch) + "," + std::to_string(kv) + "," +
               std::to_string(chunk) + "," + std::to_string((linear + decode + prefill) * 1e-3) + ",10," +
               std::to_string(linear / 100) + "," + std::to_string(decode / 10) + "," +
               std::to_string(prefill / 10) + "\n";
    };
    File const file{
        "kind,batch,kv_tokens,chunk,iteration_s,layers,x_all_reduce_time_ms_per_layer,"
        "attention_decode_time_ms_per_layer,attention_prefill_time_ms_per_layer\n" +
        row("decode", 1, 1000, 0, 10, 1, 0) + row("decode", 8, 1000, 0, 10, 1.6, 0) +
        row("decode", 64, 1000, 0, 20, 4.4, 0) + row("prefill", 1, 0, 64, 20, 0, 0.1) +
        row("prefill", 1, 512, 64, 20, 0, 0.2) + row("prefill", 1, 0, 512, 30, 0, 2.4) +
        row("prefill", 1, 512, 512, 30, 0, 3.4)};
    TimingTable const table{file.path, work()};
    Batch mixed{56, 56'000, 456, 456 * 512 + 456 * 457 / 2, 57};
    mixed.prefill_chunks = 1;
    CHECK(seconds(table, mixed) == Approx(0.037));  // 30 + (1.6 + 48/56 2.8) + (0.2 + 7/8 3.2)
    CHECK(table(mixed).share(Share::scale_up) == Approx(3e6));
    CHECK(table(mixed).share(Share::hbm) == Approx(4e6));
    // 5 tokens are padded to 8, by default.
    CHECK(seconds(table, Batch{5, 5'000, 0, 0, 5}) == Approx(0.010 + (1 + 4. / 7 * 0.6) * 1e-3));
    // A sequence that verifies 2 tokens is linear work for 16 and attention for 8.
    Batch drafts{4, 4'000, 0, 0, 8};
    drafts.tokens_per_sequence = 2;
    CHECK(seconds(table, drafts) == Approx(0.010 + (1 + 3. / 7 * 0.6) * 1e-3));
    // Two chunks of 272 and 366 after 256 each: sqrt(272^2 + 366^2) = 456 after 512, 638 tokens padded to 640, past the last point.
    Batch two{0, 0, 638, 0, 2};
    two.prefill_chunks = 2;
    two.prefill_past = 512;
    two.prefill_squares = 456 * 456;
    double const linear = 30 + 128. / 448 * 10;
    CHECK(seconds(table, two) == Approx((linear + 3) * 1e-3));
    TimingTable const crowded{file.path, work(), {.prompt_batching = 1.5}};
    CHECK(seconds(crowded, two) == Approx((linear + 4.5) * 1e-3));
    CHECK(seconds(crowded, mixed) == Approx(0.037));
}

TEST_CASE("contexts and tokens are rounded up where the rules say so") {
    File const file{header + rows};
    TimingTable const exact{file.path, work()};
    TimingTable const rounded{file.path, work(), {.round_tokens = 11, .round_context = 200}};
    CHECK(seconds(exact, Batch{1, 101, 0, 0, 1}) == Approx(0.01001));
    CHECK(seconds(rounded, Batch{1, 101, 0, 0, 1}) == Approx(0.025));
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
    std::string const parts{
        "kind,batch,kv_tokens,chunk,iteration_s,layers,decode_ms_per_layer,prefill_ms_per_layer\n"};
    CHECK(contains(mistakes_in(parts + "decode,1,1,0,0.001,10,0.2,0\n"), ":2: the parts of attention"));
    CHECK(contains(mistakes_in(parts + "decode,1,1,0,0.001,10,-1,0\n"),
                   ":2: '-1' is not a number from 0 to 1e8"));
    CHECK(contains(mistakes_in(parts + "decode,1,1,0,0.001,10\n"), ":2: the row has too few fields"));
    CHECK_THROWS_AS(TimingTable("no/such/file.csv", work()), mw::core::InputError);
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
        auto const batch = row.at("kind") == "decode"
                               ? Batch{n, n * kv, 0, 0, n}
                               : Batch{0, 0, chunk, chunk * kv + chunk * (chunk + 1) / 2, 1};
        CHECK(seconds(table, batch) == Approx(reference::real(row, "iteration_s")).epsilon(1e-6));
    }
}
