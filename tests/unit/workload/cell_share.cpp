#include "megaweave/workload/cell_share.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "files.hpp"
#include "streams.hpp"

using namespace mw::test;
using mw::core::ns_per_s;

namespace {

// The case uneven_cells: five instances in cells of 1, 2 and 2.
std::array<std::uint64_t, 3> const uneven = {1, 2, 2};

CellShare cell_of_uneven(std::uint32_t cell) {
    return {cell, 3, uneven};
}

ArrivalStream uneven_stream(WorkloadParams const& params, std::uint32_t cell) {
    return {params, lognormal, lognormal, nullptr, 1, cell, cell_of_uneven(cell)};
}

TempFile const thousand{"thousand.csv", [] {
                            std::string text = "arrival_s,input_tokens,output_tokens\n";
                            for (int i = 0; i < 1000; ++i)
                                text += std::to_string(i) + "," + std::to_string(i + 1) + ",1\n";
                            return text;
                        }()};

}  // namespace

TEST_CASE(
    "whole numbers are dealt by largest remainder: 11 over weights 1, 2, 2 are 2, 5, 4, and sums are exact") {
    // 2.2, 4.4, 4.4: one is left over and goes to the first of the largest remainders.
    CHECK(cell_of_uneven(0).of(11) == 2);
    CHECK(cell_of_uneven(1).of(11) == 5);
    CHECK(cell_of_uneven(2).of(11) == 4);
    for (std::int64_t const all : {0, 1, 2, 7, 1'000'003})
        CHECK(cell_of_uneven(0).of(all) + cell_of_uneven(1).of(all) + cell_of_uneven(2).of(all) == all);
}

TEST_CASE("cells of equal weight are dealt to as cells without weights are") {
    std::array<std::uint64_t, 4> const equal = {3, 3, 3, 3};
    for (std::uint32_t cell = 0; cell < 4; ++cell)
        for (std::int64_t const all : {0, 1, 10, 21})
            CHECK(CellShare{cell, 4, equal}.of(all) == CellShare{cell, 4}.of(all));
    CHECK(CellShare{2, 4, equal}.stretch() == CellShare{2, 4}.stretch());
}

TEST_CASE("a Poisson or gamma rate of 70 /s over weights 1, 2, 2 is 14, 28 and 28 /s within four sigma") {
    for (double const cv : {1.0, 2.0})
        for (std::uint32_t cell = 0; cell < 3; ++cell) {
            CAPTURE(cell);
            auto const params = arrivals(cv == 1 ? Process::poisson : Process::gamma, 70, cv);
            auto from = uneven_stream(params, cell);
            double const expected = 14.0 * static_cast<double>(uneven[cell]) * 400;
            auto const count = static_cast<double>(until(from, 400 * ns_per_s).size());
            CHECK(std::abs(count - expected) < 4 * cv * std::sqrt(expected));
        }
}

TEST_CASE("a closed loop and a burst over weights 1, 2, 2 give each cell its part at once and in all") {
    auto loop = closed(100);
    loop.arrivals.requests = 1000;
    auto burst = arrivals(Process::burst, 0);
    burst.arrivals.requests = 1000;
    for (std::uint32_t cell = 0; cell < 3; ++cell) {
        auto from = uneven_stream(loop, cell);
        std::size_t taken = until(from, 1).size();
        CHECK(taken == 20 * uneven[cell]);
        for (TimeNs now = 1;; ++now) {
            from.replace(now);
            if (from.next_ns() == mw::core::never) break;
            from.take();
            ++taken;
        }
        CHECK(taken == 200 * uneven[cell]);
        auto all_at_once = uneven_stream(burst, cell);
        CHECK(until(all_at_once, 1).size() == 200 * uneven[cell]);
    }
}

TEST_CASE("request i is dealt by the golden ratio: of 0 to 9 the cells of weights 1, 2, 2 take 2, 4 and 4") {
    std::vector<std::vector<std::uint64_t>> taken(3);
    for (std::uint64_t i = 0; i < 10; ++i)
        for (std::uint32_t cell = 0; cell < 3; ++cell)
            if (Dealer{cell_of_uneven(cell)}.takes(i)) taken[cell].push_back(i);
    CHECK(taken[0] == std::vector<std::uint64_t>{0, 5});
    CHECK(taken[1] == std::vector<std::uint64_t>{2, 4, 7, 9});
    CHECK(taken[2] == std::vector<std::uint64_t>{1, 3, 6, 8});
}

TEST_CASE("a trace over uneven cells loses and doubles no request, and each cell has its part to a few") {
    Trace const trace{thousand.path(), TraceFormat::csv};
    for (double const scale : {1.0, 3.0, 2.5}) {
        CAPTURE(scale);
        auto const all = [&](std::span<std::uint64_t const> weights) {
            std::map<std::pair<TimeNs, std::int64_t>, int> requests;
            auto const cells = static_cast<std::uint32_t>(weights.size());
            for (std::uint32_t cell = 0; cell < cells; ++cell) {
                // Copies are rotated alike whichever cells there are: they share the service's key.
                ArrivalStream from{replayed(scale),
                                   in_trace,
                                   in_trace,
                                   &trace,
                                   1,
                                   40 + cell,
                                   {cell, cells, cells == 1 ? std::span<std::uint64_t const>{} : weights}};
                auto const mine = until(from, 2000 * ns_per_s);
                double const expected = 2000 * scale * static_cast<double>(weights[cell]) /
                                        static_cast<double>(std::reduce(weights.begin(), weights.end()));
                // The golden deal is off by a few a copy; thinning adds four sigma of a coin.
                CHECK(std::abs(static_cast<double>(mine.size()) - expected) < (scale == 2.5 ? 100 : 15));
                for (Arrival const& arrival : mine) ++requests[{arrival.time_ns, arrival.input_tokens}];
            }
            return requests;
        };
        std::array<std::uint64_t, 1> const one = {1};
        CHECK(all(uneven) == all(one));
    }
}

TEST_CASE("a replay dealt to uneven cells goes on after a restart") {
    Trace const trace{thousand.path(), TraceFormat::csv};
    auto const make = [&] {
        return ArrivalStream{replayed(2.5), in_trace, in_trace, &trace, 1, 41, cell_of_uneven(1)};
    };
    check_goes_on(make(), make());
}
