#include "megaweave/core/random.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "megaweave/core/error.hpp"

using namespace mw::core;

TEST_CASE("keyed bits are Philox4x32-10: the known-answer vector of Random123 for zero key and counter") {
    // kat_vectors: 6627e8d5 e169c58d bc57ac4c 9b00dbd8; we join the first two words, the first one low.
    REQUIRE(static_cast<unsigned>(Draw::arrival) == 0U);
    CHECK(KeyedRandom{0}.bits(Draw::arrival, 0, 0) == 0xe169c58d6627e8d5ULL);
}

TEST_CASE("every part of a key matters, and the same key gives the same number") {
    KeyedRandom const random{0x1234567890abcdefULL};
    std::set<std::uint64_t> seen;
    for (auto const purpose : {Draw::arrival, Draw::input_length})
        for (std::uint32_t const entity : {0U, 1U})
            for (std::uint64_t const index : {0ULL, 1ULL, 1ULL << 32})
                seen.insert(random.bits(purpose, entity, index));
    seen.insert(KeyedRandom{0x1234567890abcdeeULL}.bits(Draw::arrival, 0, 0));  // low half of the seed
    seen.insert(KeyedRandom{0x0234567890abcdefULL}.bits(Draw::arrival, 0, 0));  // high half
    CHECK(seen.size() == 2 * 2 * 3 + 2);
    CHECK(random.bits(Draw::test, 7, 9) == KeyedRandom{0x1234567890abcdefULL}.bits(Draw::test, 7, 9));
}

TEST_CASE("uniform numbers lie inside (0, 1), with mean 1/2 and variance 1/12 within four sigma") {
    KeyedRandom const random{1};
    constexpr int n = 100'000;
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < n; ++i) {
        double const u = random.uniform(Draw::test, 3, static_cast<std::uint64_t>(i));
        REQUIRE(u > 0.0);
        REQUIRE(u < 1.0);
        sum += u;
        squares += (u - 0.5) * (u - 0.5);
    }
    // Standard errors: sqrt(1/12/n) = 0.00091 and sqrt(1/180/n) = 0.00024.
    CHECK(std::abs(sum / n - 0.5) < 4 * std::sqrt(1.0 / 12.0 / n));
    CHECK(std::abs(squares / n - 1.0 / 12.0) < 4 * std::sqrt(1.0 / 180.0 / n));
}

TEST_CASE("the normal quantile inverts the normal distribution, and is 1.959964 at 0.975") {
    CHECK(normal_quantile(0.975) == doctest::Approx(1.959964).epsilon(1e-6));
    CHECK(normal_quantile(0.5) == doctest::Approx(0.0).epsilon(1e-14));
    for (double const p : {1e-15, 1e-9, 0.001, 0.02, 0.025, 0.3, 0.7, 0.98, 0.999}) {
        CAPTURE(p);
        CHECK(0.5 * std::erfc(-normal_quantile(p) / std::sqrt(2.0)) == doctest::Approx(p).epsilon(1e-11));
    }
    for (double const p : {1e-6, 0.01, 0.4})
        CHECK(normal_quantile(1 - p) == doctest::Approx(-normal_quantile(p)));
}

TEST_CASE("the gamma quantile agrees with the closed forms of shapes 1/2, 1 and 2") {
    CHECK(gamma_quantile(1.0, 0.5) == doctest::Approx(std::log(2.0)).epsilon(1e-10));
    for (double const p : {1e-9, 1e-3, 0.1, 0.5, 0.9, 0.999, 1 - 1e-9}) {
        CAPTURE(p);
        double const half = 0.5 * gamma_quantile(0.5, p);  // x of the unit-scale law: P = erf(sqrt x)
        CHECK(std::erf(std::sqrt(half)) == doctest::Approx(p).epsilon(1e-9));
        CHECK(gamma_quantile(1.0, p) == doctest::Approx(-std::log1p(-p)).epsilon(1e-8));
        double const two = 2.0 * gamma_quantile(2.0, p);  // P = 1 - (1 + x) exp(-x)
        CHECK(-std::expm1(std::log1p(two) - two) == doctest::Approx(p).epsilon(1e-8));
    }
}

TEST_CASE("gamma quantiles of any shape have mean 1 and variance 1/shape") {
    for (double const shape : {0.01, 0.1, 4.0, 100.0}) {
        CAPTURE(shape);
        KeyedRandom const random{2};
        constexpr int n = 40'000;
        double sum = 0;
        double squares = 0;
        for (int i = 0; i < n; ++i) {
            double const x =
                gamma_quantile(shape, random.uniform(Draw::test, 0, static_cast<std::uint64_t>(i)));
            sum += x;
            squares += (x - 1) * (x - 1);
        }
        CHECK(std::abs(sum / n - 1.0) < 4 * std::sqrt(1.0 / shape / n));
        // Variance of (x-1)^2 is (2 + 6/shape)/shape^2.
        CHECK(std::abs(squares / n - 1.0 / shape) < 4 * std::sqrt((2.0 + 6.0 / shape) / n) / shape);
    }
}

TEST_CASE("a quantile outside (0, 1) is a broken contract") {
    CHECK_THROWS_AS((void)normal_quantile(0.0), ContractError);
    CHECK_THROWS_AS((void)normal_quantile(1.0), ContractError);
    CHECK_THROWS_AS((void)gamma_quantile(1.0, 1.5), ContractError);
    CHECK_THROWS_AS((void)gamma_quantile(0.0, 0.5), ContractError);
}
