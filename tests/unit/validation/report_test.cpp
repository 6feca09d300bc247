#include <doctest/doctest.h>

#include <vector>

#include "measure.hpp"
#include "megaweave/validation/report.hpp"

using namespace mw;

TEST_CASE("percentiles are linear between the values") {
    std::vector<double> values{4, 1, 3, 2};
    CHECK(validation::percentile(values, 0) == 1);
    CHECK(validation::percentile(values, 0.5) == 2.5);
    CHECK(validation::percentile(values, 0.99) == doctest::Approx(3.97));  // 3 + 0.97 x (4 - 3)
    CHECK(validation::percentile(values, 1) == 4);
    std::vector<double> none;
    CHECK(validation::percentile(none, 0.5) == 0);
}

TEST_CASE("statistics of errors: median and p90 of their sizes, bias with its sign") {
    auto const e = validation::error_statistics({-0.30, -0.10, 0.05, -0.20, 0.40});
    CHECK(e.count == 5);
    CHECK(e.median == doctest::Approx(20));  // of 5, 10, 20, 30, 40
    CHECK(e.p90 == doctest::Approx(36));     // 30 + 0.6 x 10
    CHECK(e.bias == doctest::Approx(-10));   // of -30, -20, -10, 5, 40
}

TEST_CASE("families join the sizes of a model") {
    CHECK(validation::model_family("llama-3.1-70b") == "llama-3.1");
    CHECK(validation::model_family("qwen3-235b-a22b") == "qwen3");
    CHECK(validation::model_family("qwen3-coder-480b-a35b") == "qwen3-coder");
    CHECK(validation::model_family("mixtral-8x7b") == "mixtral");
    CHECK(validation::model_family("gpt-oss-120b") == "gpt-oss");
    CHECK(validation::model_family("deepseek-r1") == validation::model_family("deepseek-v3"));
    CHECK(validation::model_family("llama-4-scout") == "llama-4");
    CHECK(validation::model_family("glm-5") == "glm-5");
}

TEST_CASE("rows are compared in their own unit, and say why where they are not") {
    validation::PointsFile file;
    file.columns = {"id"};
    file.points = {{"a", "ttft_mean", "ms", 200, {"a"}, 0},
                   {"b", "e2e_median", "s", 2, {"b"}, 0},
                   {"c", "charm", "ms", 1, {"c"}, 0},
                   {"d", "ttft_mean", "ms", 1, {"d"}, 1}};
    file.experiments = {{{}, {0, 1, 2}}, {{}, {3}}};
    std::vector<validation::Prediction> predictions(2);
    predictions[0].metrics = {{"ttft_mean", 0.25}, {"e2e_median", 1.5}};
    predictions[1].reason = "no such model";
    auto const rows = validation::compare(file, predictions);
    CHECK(rows[0].predicted == 250);
    CHECK(rows[0].error == doctest::Approx(0.25));
    CHECK(rows[1].error == doctest::Approx(-0.25));
    CHECK_FALSE(rows[2].compared);
    CHECK(rows[3].reason == "no such model");
    std::string const text = validation::report(file, predictions, rows);
    CHECK(text.find("2 of 4 rows predicted, 1 of 2 experiments run") != std::string::npos);
    CHECK(text.find("1 rows of 1 experiments (first: d): no such model") != std::string::npos);
}
