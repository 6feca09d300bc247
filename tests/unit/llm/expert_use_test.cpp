#include "megaweave/llm/expert_use.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "megaweave/core/error.hpp"

using doctest::Approx;
using mw::llm::ExpertUse;

namespace {

//! min(1, c (i + 1)^-s) with the c that makes them add up to what a token chooses, by bisection.
std::vector<double> zipf(int experts, double chosen, double s) {
    auto const p = [&](double c) {
        std::vector<double> values;
        for (int i = 1; i <= experts; ++i) values.push_back(std::min(1.0, c * std::pow(i, -s)));
        return values;
    };
    double low = 0;
    double high = std::pow(experts, s);  // all are certain
    for (int step = 0; step < 100; ++step) {
        double const c = 0.5 * (low + high);
        auto const values = p(c);
        (std::accumulate(values.begin(), values.end(), 0.0) < chosen ? low : high) = c;
    }
    return p(low);
}

double touched(std::vector<double> const& p, double tokens) {
    double sum = 0;
    for (double const x : p) sum += 1 - std::pow(1 - x, tokens);
    return sum;
}

}  // namespace

TEST_CASE("uniform routing: 256 experts of which 8 are chosen, the worked numbers") {
    ExpertUse const use{256, 8, 8, 0};
    CHECK(use.touched(0) == 0);
    CHECK(use.touched(1) == Approx(8));
    CHECK(use.touched(64) == Approx(256 * (1 - std::pow(248.0 / 256, 64))));
    CHECK(use.touched(64) == Approx(222.4).epsilon(1e-3));
    CHECK(use.touched(1e9) == Approx(256));
    CHECK(use.imbalance() == 1);
}

TEST_CASE("Zipf routing agrees with the sum over its experts, at any number of tokens, within 0.3 %") {
    for (double const s : {0.2, 0.5, 1.0, 1.5}) {
        for (int const chosen : {1, 8}) {
            ExpertUse const use{256, chosen, 8, s};
            auto const p = zipf(256, chosen, s);
            CAPTURE(s);
            CAPTURE(chosen);
            REQUIRE(std::accumulate(p.begin(), p.end(), 0.0) == Approx(chosen));
            for (double tokens = 1; tokens < 1e6; tokens = std::ceil(tokens * 1.37)) {
                CAPTURE(tokens);
                CHECK(use.touched(tokens) == Approx(touched(p, tokens)).epsilon(3e-3));
            }
        }
    }
}

TEST_CASE("the busiest group has the experts 0, e, 2 e …: their share of all uses, over an even one") {
    ExpertUse const use{256, 8, 8, 1.0};
    auto const p = zipf(256, 8, 1.0);
    double busiest = 0;
    for (std::size_t i = 0; i < 256; i += 8) busiest += p[i];
    CHECK(use.imbalance() == Approx(busiest * 8 / 8));
    CHECK(use.imbalance() > 1.05);
    CHECK(ExpertUse{256, 8, 1, 1.0}.imbalance() == Approx(1));  // one group has them all
}

TEST_CASE("more tokens touch more experts, more skew fewer; all of them at the end and k by one token") {
    double last_imbalance = 1;
    for (double const s : {0.0, 0.3, 0.8, 1.2}) {
        CAPTURE(s);
        ExpertUse const use{128, 4, 4, s};
        CHECK(use.touched(1) == Approx(4));
        CHECK(use.touched(0.5) == Approx(s > 0 ? 2.0 : 128 * (1 - std::sqrt(124.0 / 128))));
        double last = 0;
        for (double tokens = 1; tokens < 3e6; tokens *= 1.5) {
            CHECK(use.touched(tokens) >= last);
            last = use.touched(tokens);
            CHECK(last <= 128 * (1 + 1e-12));
            CHECK(last <= ExpertUse{128, 4, 4, 0}.touched(tokens) * (1 + 3e-3));
        }
        CHECK(last == Approx(128).epsilon(1e-3));
        CHECK(use.imbalance() >= last_imbalance);
        last_imbalance = use.imbalance();
    }
}

TEST_CASE("a model that uses all of its experts, or none, has no skew") {
    CHECK(ExpertUse{8, 8, 2, 1.0}.touched(1) == Approx(8));
    CHECK(ExpertUse{8, 8, 2, 1.0}.imbalance() == 1);
    CHECK(ExpertUse{0, 0, 1, 1.0}.touched(64) == 0);
    CHECK_THROWS_AS((ExpertUse{64, 4, 0, 0.5}), mw::core::ContractError);
}
