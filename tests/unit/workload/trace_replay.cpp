#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "files.hpp"
#include "megaweave/core/error.hpp"
#include "streams.hpp"

using namespace mw::test;
using mw::core::ns_per_s;

namespace {

// Ten requests in 9 s, a gap of 1 s each; input = 100 + row.
TempFile const ten{
    "ten.csv",
    "arrival_s,input_tokens,output_tokens\n0,100,1\n1,101,1\n2,102,1\n3,103,1\n4,104,1\n5,105,1\n6,106,1\n"
    "7,107,1\n8,108,1\n9,109,1\n"};

}  // namespace

TEST_CASE("a trace at scale 1 plays its rows in order and repeats every span") {
    Trace const trace{ten.path(), TraceFormat::csv};
    REQUIRE(trace.span_ns() == 10 * ns_per_s);
    auto from = stream(replayed(1), trace);
    for (int i = 0; i < 25; ++i) {
        auto const arrival = from.take();
        CHECK(arrival.time_ns == i * ns_per_s);
        CHECK(arrival.input_tokens == 100 + i % 10);
    }
}

TEST_CASE("a trace that is not repeated plays each row of each copy once, for any number of cells") {
    Trace const trace{ten.path(), TraceFormat::csv};
    for (std::uint32_t const cells : {1, 3}) {
        auto params = replayed(4);
        params.arrivals.repeat = false;
        std::map<std::int64_t, int> rows;
        for (std::uint32_t cell = 0; cell < cells; ++cell) {
            auto from = stream(params, trace, cell, cells);
            for (; from.next_ns() != mw::core::never;) {
                auto const arrival = from.take();
                CHECK(arrival.time_ns < 10 * ns_per_s);
                ++rows[arrival.input_tokens];
            }
        }
        CHECK(rows.size() == 10);
        for (auto const& [row, count] : rows) CHECK(count == 4);
    }
}

TEST_CASE("a trace of one instant is played once: there is no rate to go on with") {
    TempFile const burst{"burst.csv", "arrival_s,input_tokens,output_tokens\n5,1,1\n5,2,1\n5,3,1\n"};
    Trace const trace{burst.path(), TraceFormat::csv};
    CHECK(trace.one_instant());
    CHECK(trace.mean_rate_per_s() == 0);
    auto from = stream(replayed(1), trace);
    for (int i = 1; i <= 3; ++i) {
        auto const arrival = from.take();
        CHECK(arrival.time_ns == 0);
        CHECK(arrival.input_tokens == i);
    }
    CHECK(from.next_ns() == mw::core::never);
}

TEST_CASE("copies of a trace keep each row's share of every span, and each is rotated by its own offset") {
    Trace const trace{ten.path(), TraceFormat::csv};
    auto from = stream(replayed(50), trace);
    auto const taken = until(from, 30 * ns_per_s);
    CHECK(taken.size() == 50 * 10 * 3);
    std::map<std::int64_t, int> rows;
    std::map<TimeNs, int> phases;
    for (auto const& arrival : taken) {
        ++rows[arrival.input_tokens];
        ++phases[arrival.time_ns % ns_per_s];
    }
    CHECK(rows.size() == 10);
    for (auto const& [row, count] : rows) CHECK(count == 150);
    CHECK(phases.size() == 50);  // offsets differ, and none but copy 0 is at 0
}

TEST_CASE("dealing copies to cells neither loses nor doubles a request, for any number of cells") {
    Trace const trace{ten.path(), TraceFormat::csv};
    auto const all = [&](std::uint32_t cells, double scale) {
        std::vector<std::pair<TimeNs, std::int64_t>> requests;
        std::vector<std::size_t> shares;
        for (std::uint32_t cell = 0; cell < cells; ++cell) {
            auto from = stream(replayed(scale), trace, cell, cells);
            auto const taken = until(from, 600 * ns_per_s);
            for (auto const& arrival : taken) requests.emplace_back(arrival.time_ns, arrival.input_tokens);
            shares.push_back(taken.size());
        }
        std::sort(requests.begin(), requests.end());
        auto const [least, most] = std::minmax_element(shares.begin(), shares.end());
        // Whole copies: at most one request of each left-over copy apart. Thinned: four sigma of 600 coins at most.
        CHECK(*most - *least <= (scale == std::floor(scale) ? 8U : 100U));
        return requests;
    };
    for (double const scale : {0.3, 1.0, 2.5, 7.0}) {
        CAPTURE(scale);
        auto const one = all(1, scale);
        for (std::uint32_t const cells : {2U, 3U, 7U, 16U}) {
            CAPTURE(cells);
            CHECK(all(cells, scale) == one);
        }
    }
}

TEST_CASE("a fractional scale thins the last copy: 2.25 times the rate within four sigma") {
    Trace const trace{ten.path(), TraceFormat::csv};
    auto from = stream(replayed(2.25), trace);
    auto const count = static_cast<double>(until(from, 10'000 * ns_per_s).size());
    CHECK(std::abs(count - 22'500) < 4 * std::sqrt(10'000 * 0.25 * 0.75));  // only the coin varies
}

TEST_CASE("lengths come from the trace only where the law says so") {
    Trace const trace{ten.path(), TraceFormat::csv};
    LengthLaw const fixed{{.law = Law::fixed, .tokens = 77}};
    ArrivalStream from{replayed(1), in_trace, fixed, &trace, 1, 0, {0, 1}};
    from.take();
    auto const arrival = from.take();
    CHECK(arrival.input_tokens == 101);
    CHECK(arrival.output_tokens == 77);
    CHECK_THROWS_AS((ArrivalStream{arrivals(Process::poisson, 1), in_trace, fixed, nullptr, 1, 0, {0, 1}}),
                    mw::core::ContractError);
    CHECK_THROWS_AS((ArrivalStream{replayed(1), fixed, fixed, nullptr, 1, 0, {0, 1}}),
                    mw::core::ContractError);
}

TEST_CASE("a replay restored from an archive goes on with the same requests") {
    Trace const trace{ten.path(), TraceFormat::csv};
    for (double const scale : {1.0, 5.5})
        check_goes_on(stream(replayed(scale), trace, 1, 2), stream(replayed(scale), trace, 1, 2));
}
