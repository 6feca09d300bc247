#include "megaweave/core/histogram.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "megaweave/core/archive.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/random.hpp"

using namespace mw::core;

namespace {

std::vector<std::int64_t> latencies_ns(int count) {
    KeyedRandom const random{5};
    std::vector<std::int64_t> values;
    for (int i = 0; i < count; ++i) {
        double const z = normal_quantile(random.uniform(Draw::test, 1, static_cast<std::uint64_t>(i)));
        values.push_back(std::llround(2e8 * std::exp(1.5 * z)));
    }
    return values;
}

Histogram of(std::vector<std::int64_t> const& values) {
    Histogram histogram;
    for (auto const value : values) histogram.add(value);
    return histogram;
}

bool same(Histogram const& a, Histogram const& b) {
    return a.first_bucket() == b.first_bucket() && a.buckets() == b.buckets() && a.count() == b.count() &&
           a.mean() == b.mean();
}

}  // namespace

TEST_CASE("quantiles of spread-out values are at most 0.4 % off") {
    auto values = latencies_ns(100'000);
    auto const histogram = of(values);
    std::sort(values.begin(), values.end());
    for (double const q : {0.01, 0.1, 0.5, 0.9, 0.99, 0.999}) {
        CAPTURE(q);
        auto const exact = static_cast<double>(values[static_cast<std::size_t>(q * 100'000.0) - 1]);
        CHECK(std::abs(histogram.quantile(q) / exact - 1.0) < 0.004);
    }
}

TEST_CASE("quantiles of values that are all equal are off by at most their bucket's width, 1/128") {
    for (std::int64_t const value : {1'000'000, 1'048'576, 1'048'577, 2'097'151}) {
        CAPTURE(value);
        Histogram histogram;
        histogram.add(value, 1000);
        for (double const q : {0.01, 0.5, 0.99, 1.0}) {
            CAPTURE(q);
            CHECK(std::abs(histogram.quantile(q) / static_cast<double>(value) - 1.0) <= 1.0 / 128);
        }
    }
}

TEST_CASE("the buckets tile the integers: a value lies between its bucket's edge and the next one's") {
    std::vector<std::int64_t> values{0,   1,   127, 128,           129,
                                     255, 256, 257, 1'000'000'007, (std::int64_t{1} << 52) + 1};
    for (int shift = 0; shift < 53; ++shift) values.push_back((std::int64_t{1} << shift) - 1);
    for (auto const value : values) {
        CAPTURE(value);
        auto const bucket = Histogram::bucket_of(value);
        CHECK(Histogram::lower_edge(bucket) <= static_cast<double>(value));
        CHECK(Histogram::lower_edge(bucket + 1) > static_cast<double>(value));
        CHECK(Histogram::bucket_of(static_cast<std::int64_t>(Histogram::lower_edge(bucket))) == bucket);
    }
}

TEST_CASE("a bucket is at most 1/128 of its values wide, and one wide below 256") {
    for (std::int32_t bucket = 1; bucket < 5000; ++bucket) {
        double const low = Histogram::lower_edge(bucket);
        double const width = Histogram::lower_edge(bucket + 1) - low;
        REQUIRE(width <= std::max(1.0, low / 128));
    }
}

TEST_CASE("the mean is exact where the sum passes 2^64") {
    Histogram histogram;
    auto const big = std::int64_t{1} << 60;
    for (int i = 0; i < 1000; ++i) histogram.add(big);
    histogram.add(0, 1000);
    CHECK(histogram.mean() == std::ldexp(1.0, 59));  // 1000 · 2^60 / 2000; the sum is 2^69.97

    Histogram merged;
    for (int i = 0; i < 40; ++i) merged.merge(histogram);
    CHECK(merged.mean() == std::ldexp(1.0, 59));
    CHECK(merged.count() == 80'000);
}

TEST_CASE("merging parts in any order is the same as adding all values to one") {
    auto const values = latencies_ns(3000);
    Histogram parts[3];
    for (std::size_t i = 0; i < values.size(); ++i) parts[i % 3].add(values[i]);
    Histogram forward;
    Histogram backward;
    for (int i = 0; i < 3; ++i) {
        forward.merge(parts[i]);
        backward.merge(parts[2 - i]);
    }
    CHECK(same(forward, of(values)));
    CHECK(same(backward, of(values)));
}

TEST_CASE("an empty histogram has mean and quantiles 0 and merges without effect") {
    Histogram empty;
    CHECK(empty.mean() == 0.0);
    CHECK(empty.quantile(0.5) == 0.0);
    Histogram one;
    one.add(42);
    one.merge(empty);
    empty.merge(one);
    CHECK(same(one, empty));
    CHECK(one.mean() == 42.0);
}

TEST_CASE("a histogram survives an archive round trip") {
    auto original = of(latencies_ns(500));
    std::vector<std::byte> bytes;
    ByteWriter{bytes} & original;
    Histogram copy;
    ByteReader{bytes} & copy;
    CHECK(same(copy, original));
    CHECK(copy.quantile(0.9) == original.quantile(0.9));
}

TEST_CASE("a negative value is a broken contract") {
    CHECK_THROWS_AS(Histogram{}.add(-1), ContractError);
}
