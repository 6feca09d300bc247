#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "megaweave/core/error.hpp"
#include "streams.hpp"

using namespace mw::test;
using mw::core::never;
using mw::core::ns_per_s;

namespace {

struct Gaps {
    double mean_s;
    double cv;
};

Gaps gaps_of(ArrivalStream from, int n) {
    double sum = 0;
    double squares = 0;
    auto last = from.take().time_ns;
    for (int i = 0; i < n; ++i) {
        auto const now = from.take().time_ns;
        double const gap = mw::core::to_seconds(now - last);
        sum += gap;
        squares += gap * gap;
        last = now;
    }
    double const mean = sum / n;
    return {mean, std::sqrt(squares / n / (mean * mean) - 1)};
}

}  // namespace

TEST_CASE("Poisson gaps at 500 /s over 4 cells have mean 8 ms and cv 1 within four sigma") {
    constexpr int n = 100'000;
    auto const gaps = gaps_of(stream(arrivals(Process::poisson, 500), 2, 4), n);
    CHECK(std::abs(gaps.mean_s / 0.008 - 1) < 4 / std::sqrt(n));  // sigma of the mean: cv/sqrt(n) = 0.32 %
    CHECK(std::abs(gaps.cv - 1) < 4 / std::sqrt(n));  // sigma of the cv of exponential gaps: 1/sqrt(n)
}

TEST_CASE("gamma gaps have the stated mean and cv") {
    constexpr int n = 40'000;
    for (double const cv : {0.25, 1.0, 3.0}) {
        CAPTURE(cv);
        auto const gaps = gaps_of(stream(arrivals(Process::gamma, 100, cv)), n);
        double const shape = 1 / (cv * cv);
        CHECK(std::abs(gaps.mean_s * 100 - 1) < 4 * cv / std::sqrt(n));
        // Delta method: var(cv^2) = cv^4 (2 + 6/shape) + … < cv^4 (2 + 10/shape), so sigma(cv) < cv/2 · sqrt(…/n).
        CHECK(std::abs(gaps.cv / cv - 1) < 4 * 0.5 * std::sqrt((2 + 10 / shape) / n));
    }
}

TEST_CASE("gamma of cv 1 is Poisson, and cv 0 is a metronome with a phase of its own in each cell") {
    auto poisson = stream(arrivals(Process::poisson, 10));
    auto gamma = stream(arrivals(Process::gamma, 10, 1));
    for (int i = 0; i < 100; ++i) CHECK(same(poisson.take(), gamma.take()));

    auto first = stream(arrivals(Process::gamma, 10, 0), 0, 2);
    auto second = stream(arrivals(Process::gamma, 10, 0), 1, 2);
    CHECK(first.next_ns() != second.next_ns());
    CHECK(first.next_ns() < ns_per_s / 5);
    auto const start = first.take().time_ns;
    for (int i = 1; i < 100; ++i) CHECK(first.take().time_ns == start + i * (ns_per_s / 5));
}

TEST_CASE("the rate holds from the first instant: renewal processes start as if they had always run") {
    // 2000 cells, 1 /s each, the first half second: 1000 expected. Started with a full gap, cv 0.25 would give about 1 %.
    for (double const cv : {0.25, 2.0}) {
        CAPTURE(cv);
        int count = 0;
        for (std::uint32_t cell = 0; cell < 2000; ++cell) {
            auto from = stream(arrivals(Process::gamma, 2000, cv), cell, 2000);
            count += static_cast<int>(until(from, ns_per_s / 2).size());
        }
        // Sigma of the count of one cell is below 0.5 for cv 0.25 and below 1.6 for cv 2.
        CHECK(std::abs(count - 1000) < 4 * (cv < 1 ? 0.5 : 1.6) * std::sqrt(2000.0));
    }
}

TEST_CASE("splitting over cells conserves the rate, and the cells' processes are their own") {
    for (std::uint32_t const cells : {1U, 3U, 16U}) {
        CAPTURE(cells);
        std::size_t count = 0;
        std::vector<TimeNs> firsts;
        for (std::uint32_t cell = 0; cell < cells; ++cell) {
            auto from = stream(arrivals(Process::poisson, 1000), cell, cells);
            firsts.push_back(from.next_ns());
            count += until(from, 40 * ns_per_s).size();
        }
        CHECK(std::abs(static_cast<double>(count) - 40'000) < 4 * 200);  // sigma = sqrt(40,000)
        std::sort(firsts.begin(), firsts.end());
        CHECK(std::adjacent_find(firsts.begin(), firsts.end()) == firsts.end());
    }
}

TEST_CASE("the same seed and entity give the same requests, another seed or entity others") {
    auto const params = arrivals(Process::poisson, 100);
    auto a = stream(params, 1, 4, 9);
    auto b = stream(params, 1, 4, 9);
    auto seed = stream(params, 1, 4, 10);
    auto entity = stream(params, 1, 4, 9, 100);
    for (int i = 0; i < 50; ++i) {
        auto const arrival = a.take();
        CHECK(same(arrival, b.take()));
        CHECK(arrival.time_ns != seed.take().time_ns);
        CHECK(arrival.time_ns != entity.take().time_ns);
    }
}

TEST_CASE(
    "closed: 10 in flight over 4 cells are 3, 3, 2, 2, all at time 0, then one for each that finishes") {
    std::size_t const shares[] = {3, 3, 2, 2};
    for (std::uint32_t cell = 0; cell < 4; ++cell) {
        auto from = stream(closed(10), cell, 4);
        CHECK(until(from, 1).size() == shares[cell]);
        CHECK(from.next_ns() == never);
    }
    auto from = stream(closed(1));
    CHECK(from.take().time_ns == 0);
    CHECK_THROWS_AS(from.take(), mw::core::ContractError);
    from.replace(5);
    from.replace(7);
    CHECK(from.take().time_ns == 5);
    auto const second = from.take();
    CHECK(second.time_ns == 7);
    CHECK(second.index == 2);
    CHECK(from.next_ns() == never);
    CHECK_THROWS_AS(from.replace(6), mw::core::ContractError);  // back in time
}

TEST_CASE("replacing does nothing to an open process") {
    auto plain = stream(arrivals(Process::poisson, 100));
    auto touched = stream(arrivals(Process::poisson, 100));
    touched.replace(3);
    for (int i = 0; i < 10; ++i) CHECK(same(plain.take(), touched.take()));
}

TEST_CASE("a stream restored from an archive goes on with the same requests") {
    for (auto const& params : {arrivals(Process::poisson, 100), arrivals(Process::gamma, 100, 2), closed(9)})
        check_goes_on(stream(params, 1, 2), stream(params, 1, 2));
}

TEST_CASE("rates at the edge: a very slow process is never due, a fast one still advances") {
    CHECK(stream(arrivals(Process::poisson, 1e-300)).next_ns() == never);
    auto fast = stream(arrivals(Process::poisson, 1e7));
    auto const n = static_cast<double>(until(fast, ns_per_s / 100).size());
    CHECK(std::abs(n - 100'000) < 4 * std::sqrt(100'000.0));
}

TEST_CASE("a closed loop of 21 requests, 10 in flight, ends after them, whatever the cells") {
    auto params = closed(10);
    params.arrivals.requests = 21;
    std::size_t total = 0;
    for (std::uint32_t cell = 0; cell < 4; ++cell) {
        auto from = stream(params, cell, 4);
        std::size_t taken = 0;
        for (mw::core::TimeNs now = 0; from.next_ns() != never; ++now) {
            from.take();
            from.replace(now);
            ++taken;
        }
        CHECK(taken == (cell == 0 ? 6 : 5));  // 21 over 4
        total += taken;
    }
    CHECK(total == 21);
    params.arrivals.requests = 3;  // fewer than may be in flight
    auto few = stream(params);
    CHECK(until(few, 1).size() == 3);
    CHECK(few.next_ns() == never);
}

TEST_CASE("a burst is there at time 0, and nothing replaces it") {
    auto params = arrivals(Process::burst, 0);
    params.arrivals.requests = 5;
    CHECK(params.arrivals.finite());
    CHECK_FALSE(closed(5).arrivals.finite());
    auto from = stream(params);
    CHECK(until(from, 1).size() == 5);
    from.replace(7);
    CHECK(from.next_ns() == never);
}
