#include "megaweave/workload/lengths.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "files.hpp"
#include "megaweave/core/error.hpp"

using namespace mw::workload;
using mw::core::Draw;
using mw::core::KeyedRandom;
using mw::test::shared_trace;
using mw::test::TempFile;

namespace {

LengthParams const lognormal{.law = Law::lognormal, .max = 32768, .median = 1500, .sigma = 0.8};

LengthLaw from_file(std::string const& file) {
    LengthParams params;
    params.law = Law::quantiles;
    params.file = file;
    return LengthLaw{params};
}

// Mean over an even comb of probabilities: the law's mean without sampling noise.
double comb_mean(LengthLaw const& law, int teeth = 400'000) {
    double sum = 0;
    for (int i = 0; i < teeth; ++i) sum += static_cast<double>(law.quantile((i + 0.5) / teeth));
    return sum / teeth;
}

}  // namespace

TEST_CASE("the same key gives the same length, and any other key its own") {
    LengthLaw const law{lognormal};
    KeyedRandom const random{11};
    auto const length = law(random, Draw::input_length, 3, 1000);
    CHECK(law(random, Draw::input_length, 3, 1000) == length);
    CHECK(LengthLaw{lognormal}(KeyedRandom{11}, Draw::input_length, 3, 1000) == length);
    CHECK(law(random, Draw::input_length, 3, 1001) != length);
    CHECK(law(random, Draw::input_length, 4, 1000) != length);
    CHECK(law(random, Draw::output_length, 3, 1000) != length);
    CHECK(law(KeyedRandom{12}, Draw::input_length, 3, 1000) != length);
}

TEST_CASE("a fixed length is fixed, and uniform lengths take every count from min to max alike") {
    CHECK(LengthLaw{{.law = Law::fixed, .tokens = 512}}.quantile(0.3) == 512);
    LengthLaw const law{{.law = Law::uniform, .min = 3, .max = 6}};
    CHECK(law.mean() == 4.5);
    CHECK(law.quantile(1e-16) == 3);
    CHECK(law.quantile(0.2499) == 3);
    CHECK(law.quantile(0.25) == 4);
    CHECK(law.quantile(0.7499) == 5);
    CHECK(law.quantile(1 - 1e-16) == 6);
}

TEST_CASE("lognormal with median 1500 and sigma 0.8 has mean 2065.7; bounded by 32768, 2063.5") {
    LengthParams unbounded = lognormal;
    unbounded.max = 0;
    CHECK(LengthLaw{unbounded}.mean() == doctest::Approx(1500 * std::exp(0.32)).epsilon(1e-6));  // 2065.69
    LengthLaw const law{lognormal};
    CHECK(law.mean() == doctest::Approx(2063.486545).epsilon(1e-8));
    CHECK(law.quantile(0.5) == 1500);  // what the bound cuts off is 6e-5 of the law
    CHECK(law.quantile(1e-12) >= 1);
    CHECK(law.quantile(1 - 1e-16) == 32768);
    // One standard deviation up: p = Phi(1) = 0.841345, 1500 exp(0.8) = 3338.3.
    CHECK(LengthLaw{unbounded}.quantile(0.841344746) == 3338);
}

TEST_CASE("a bound below the median conditions the lognormal law instead of piling up at the bound") {
    LengthLaw const law{{.law = Law::lognormal, .max = 64, .median = 100, .sigma = 1.5}};
    CHECK(law.mean() == doctest::Approx(29.24740008).epsilon(1e-8));  // summed count by count elsewhere
    CHECK(comb_mean(law) == doctest::Approx(law.mean()).epsilon(1e-4));
    int at_bound = 0;
    for (int i = 0; i < 10'000; ++i) at_bound += law.quantile((i + 0.5) / 10'000) == 64;
    // P(64) = (Phi(ln(.645)/1.5) - Phi(ln(.635)/1.5)) / Phi(ln(.645)/1.5) = 1.04 %
    CHECK(at_bound == doctest::Approx(104).epsilon(0.1));
    LengthLaw const wide{{.law = Law::lognormal, .max = 6000, .median = 100, .sigma = 1.5}};
    CHECK(wide.mean() ==
          doctest::Approx(275.2473238).epsilon(1e-7));  // crosses from counts to the closed form at 4096
}

TEST_CASE("lognormal without spread is its median") {
    LengthLaw const law{{.law = Law::lognormal, .max = 0, .median = 300, .sigma = 0}};
    CHECK(law.quantile(0.01) == 300);
    CHECK(law.mean() == 300.0);
}

TEST_CASE("exponential with mean 100 has median 69 and the stated mean; bounded by 100 its mean is 42.26") {
    LengthLaw const law{{.law = Law::exponential, .mean = 100}};
    CHECK(law.quantile(0.5) == 69);
    CHECK(law.quantile(0.0099) == 1);  // P(1) = 0.01
    CHECK(law.quantile(0.0101) == 2);
    CHECK(law.mean() == doctest::Approx(100.0).epsilon(1e-12));
    CHECK(comb_mean(law) == doctest::Approx(100.0).epsilon(1e-4));
    LengthLaw const bounded{{.law = Law::exponential, .max = 100, .mean = 100}};
    CHECK(bounded.mean() == doctest::Approx(42.263246991).epsilon(1e-9));
    CHECK(comb_mean(bounded) == doctest::Approx(bounded.mean()).epsilon(1e-4));
    CHECK(bounded.quantile(1 - 1e-16) == 100);
    CHECK(LengthLaw{{.law = Law::exponential, .mean = 1}}.quantile(0.999) == 1);
}

TEST_CASE("quantiles are linear between the points of the file, mean 37.5 in the worked table") {
    TempFile const file{"quantiles.csv", "quantile,tokens\n0,10\n0.5,20\n1,100\n"};
    auto const law = from_file(file.path());
    CHECK(law.quantile(0.25) == 15);
    CHECK(law.quantile(0.5) == 20);
    CHECK(law.quantile(0.75) == 60);
    CHECK(law.quantile(1 - 1e-16) == 100);
    CHECK(law.mean() == doctest::Approx(37.5));
    CHECK(comb_mean(law) == doctest::Approx(37.5).epsilon(1e-4));
}

TEST_CASE("the mean of a quantile table counts rounding and the least token") {
    TempFile const file{"quantiles.csv", "quantile,tokens\n0,0\n0.4,0.2\n0.6,2.6\n0.8,2.6\n1,7.1\n"};
    auto const law = from_file(file.path());
    CHECK(law.quantile(0.1) == 1);
    CHECK(law.quantile(0.7) == 3);
    CHECK(comb_mean(law) == doctest::Approx(law.mean()).epsilon(1e-5));
}

TEST_CASE("a table of probabilities gives each count its share, and 0 tokens count as 1") {
    TempFile const file{"pdf.csv", "tokens,probability\n0,0.125\n2,0.5\n9,0.375\n"};
    auto const law = from_file(file.path());
    CHECK(law.quantile(0.1249) == 1);
    CHECK(law.quantile(0.1251) == 2);
    CHECK(law.quantile(0.6249) == 2);
    CHECK(law.quantile(0.6251) == 9);
    CHECK(law.quantile(1 - 1e-16) == 9);
    CHECK(law.mean() == doctest::Approx(0.125 + 1.0 + 3.375));
}

TEST_CASE("the published length tables have the published means and quantiles") {
    struct Published {
        char const* file;
        double mean;
        std::int64_t p50, p95, p99;
    };
    Published const table[] = {
        {"servegen_m-large_input_tokens_pdf.csv", 1023.040656, 688, 2417, 5850},
        {"servegen_m-large_output_tokens_pdf.csv", 161.957379, 67, 620, 971},
        {"servegen_m-mid_input_tokens_pdf.csv", 334.068945, 174, 870, 3538},
        {"servegen_m-small_output_tokens_pdf.csv", 19.518603, 3, 100, 180},
        {"servegen_deepseek-r1_input_tokens_pdf.csv", 1376.746552, 260, 7085, 23612},
        {"servegen_deepseek-r1_output_tokens_pdf.csv", 1502.428230, 730, 5705, 12584},
    };
    for (auto const& published : table) {
        CAPTURE(published.file);
        auto const path = shared_trace(published.file);
        if (path.empty()) {
            MESSAGE("skipped: ../shared/traces is absent");
            return;
        }
        auto const law = from_file(path);
        CHECK(law.mean() == doctest::Approx(published.mean).epsilon(1e-6));
        CHECK(law.quantile(0.5) == published.p50);
        CHECK(law.quantile(0.95) == published.p95);
        CHECK(law.quantile(0.99) == published.p99);
    }
}

TEST_CASE("sampled means agree with mean() within four standard errors for every law") {
    std::vector<LengthParams> const laws{
        {.law = Law::uniform, .min = 10, .max = 500},
        lognormal,
        {.law = Law::lognormal, .max = 40, .median = 20, .sigma = 1},
        {.law = Law::exponential, .max = 4096, .mean = 300},
    };
    KeyedRandom const random{21};
    constexpr int n = 50'000;
    for (std::size_t which = 0; which < laws.size(); ++which) {
        CAPTURE(which);
        LengthLaw const law{laws[which]};
        double sum = 0;
        double squares = 0;
        for (std::uint64_t i = 0; i < n; ++i) {
            auto const tokens = law(random, Draw::output_length, 1, i);
            REQUIRE(tokens >= 1);
            REQUIRE(tokens <= laws[which].max);
            sum += static_cast<double>(tokens);
            squares += static_cast<double>(tokens) * static_cast<double>(tokens);
        }
        double const variance = squares / n - sum / n * sum / n;
        CHECK(std::abs(sum / n - law.mean()) < 4 * std::sqrt(variance / n));
    }
}

TEST_CASE("lengths that stand in a trace must not be asked of the law") {
    LengthLaw const law{{.law = Law::trace}};
    CHECK(law.from_trace());
    CHECK_THROWS_AS((void)law.quantile(0.5), mw::core::ContractError);
    CHECK_THROWS_AS((void)law.mean(), mw::core::ContractError);
}
