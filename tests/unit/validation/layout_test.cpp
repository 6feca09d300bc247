#include <doctest/doctest.h>

#include "layout.hpp"

using namespace mw;
using validation::Setup;

namespace {

Setup layout(std::int64_t gpus, std::int64_t tp, std::int64_t ep, std::int64_t dp) {
    Setup setup;
    setup.gpus = gpus;
    setup.tensor = tp;
    setup.pipeline = 1;
    setup.expert = ep;
    setup.attention_data = dp;
    return setup;
}

//! {accelerators, tensor, expert, attention_data} of the first choice.
std::vector<std::int64_t> first(Setup const& setup) {
    auto const p = validation::arrangements(setup).front().decode.parallelism;
    return {p.accelerators(), p.tensor, p.expert, p.attention_data};
}

//! A disaggregated row with its three throughputs per accelerator.
validation::PointsFile disaggregated(double total, double output, double input) {
    validation::PointsFile file;
    for (auto const& [metric, value] : {std::pair{"total_throughput_per_gpu", total},
                                        {"output_throughput_per_gpu", output},
                                        {"input_throughput_per_gpu", input}})
        file.points.push_back({"", metric, "tok/s/GPU", value, {}, 0});
    file.experiments.push_back({{}, {0, 1, 2}});
    return file;
}

}  // namespace

TEST_CASE("layouts mean what the tables' conventions say") {
    using Layout = std::vector<std::int64_t>;
    CHECK(first(layout(8, 8, 1, 1)) == Layout{8, 8, 1, 1});
    CHECK(first(layout(8, 8, 8, 1)) == Layout{8, 8, 8, 1});
    CHECK(first(layout(4, 1, 4, 4)) == Layout{4, 1, 4, 4});
    CHECK(first(layout(2, 2, 2, 2)) == Layout{2, 1, 2, 2});  // InferenceMAX: dp-attention over the tp ranks
    CHECK(first(layout(8, 1, 8, 1)) ==
          Layout{8, 8, 8, 1});  // ML.ENERGY: tensor ranks counted as expert ranks
    CHECK(first(layout(64, 64, 8, 1)) == Layout{8, 8, 8, 1});  // AIConfigurator: tp times ep
    CHECK(first(layout(64, 1, 8, 64)) == Layout{8, 1, 8, 8});
    CHECK(first(layout(16, 4, 16, 4)) == Layout{4, 4, 4, 1});
    CHECK(validation::arrangements(layout(4, 4, 2, 1)).size() ==
          2);  // on two accelerators if it fits, else as stated
    CHECK_THROWS_AS((void)first(layout(72, 72, 1, 1)), validation::CannotRun);
    CHECK_THROWS_AS((void)first(layout(8, 3, 1, 1)), validation::CannotRun);
}

TEST_CASE("pools are read from their text, attention data-parallel over the instance where it says so") {
    Setup setup = layout(24, 1, 1, 1);
    setup.disaggregated = true;
    setup.prefill = "1xtp1 ep8 dpattn=true";
    setup.decode = "2xtp8 ep8 dpattn=false";
    auto const file = disaggregated(1, 1, 1);
    auto const both = validation::disaggregated_arrangement(setup, file, file.experiments[0]);
    REQUIRE(both.prefill);
    CHECK(both.prefill->accelerators() == 8);
    CHECK(both.prefill->parallelism.attention_data == 8);
    CHECK(both.decode.instances == 2);
    CHECK(both.decode.parallelism.tensor == 8);
    CHECK(both.accelerators() == 24);
    setup.decode = "two";
    CHECK_THROWS_AS((void)validation::disaggregated_arrangement(setup, file, file.experiments[0]),
                    validation::CannotRun);
}

TEST_CASE("sizes that pools do not state follow from their throughputs") {
    // 16 of 64 accelerators prefill 16 x 4,000 tokens/s, 48 generate 48 x 1,500: 136,000 / 64 = 2,125 each.
    Setup setup = layout(64, 1, 1, 1);
    setup.disaggregated = true;
    setup.prefill = "4xtp1 ep1 dpattn=true";
    setup.decode = "1xtp1 ep1 dpattn=true";
    auto const file = disaggregated(2125, 1500, 4000);
    auto const both = validation::disaggregated_arrangement(setup, file, file.experiments[0]);
    CHECK(both.prefill->parallelism.accelerators() == 4);
    CHECK(both.decode.parallelism.accelerators() == 48);
    CHECK(both.decode.parallelism.expert == 48);
    auto const odd = disaggregated(2000, 1500, 4000);  // 12.8 accelerators
    CHECK_THROWS_AS((void)validation::disaggregated_arrangement(setup, odd, odd.experiments[0]),
                    validation::CannotRun);
}
