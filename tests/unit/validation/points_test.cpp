#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "megaweave/core/error.hpp"
#include "megaweave/validation/points.hpp"

using namespace mw;
using validation::Load;

namespace {

constexpr char const* header =
    "id,source,hardware,gpus,model,weights,engine,engine_version,tp,pp,ep,attention_dp,mode,prefill,decode,"
    "input_len,"
    "output_len,length_law,load,concurrency,speculative,metric,value,unit\n";

//! A file that goes with its object.
class Scratch {
  public:
    explicit Scratch(std::string const& text, bool with_header = true)
        : path_{std::filesystem::temp_directory_path() / "megaweave-points-test.csv"} {
        std::ofstream{path_} << (with_header ? header : "") << text;
    }
    ~Scratch() { std::filesystem::remove(path_); }
    Scratch(Scratch const&) = delete;
    Scratch& operator=(Scratch const&) = delete;
    [[nodiscard]] std::string path() const { return path_.string(); }

  private:
    std::filesystem::path path_;
};

std::string row(std::string const& id, std::string const& concurrency, std::string const& metric,
                std::string const& value) {
    return id +
           ",lab,h100-sxm,8,llama-3.1-70b,fp8,vLLM,,8,1,1,1,aggregated,,,1024,512,uniform_0.8_1.0,closed," +
           concurrency + ",none," + metric + "," + value + ",ms\n";
}

std::vector<std::string> mistakes(std::string const& path,
                                  std::vector<validation::Filter> const& filters = {}) {
    try {
        (void)validation::read_points(path, filters);
    } catch (core::InputError const& error) {
        return error.messages();
    }
    return {};
}

}  // namespace

TEST_CASE("rows that differ in what they measure alone are one experiment") {
    Scratch const file{row("a", "8", "ttft_mean", "20") + row("b", "8", "tpot_mean", "10.5") +
                       row("c", "16", "tpot_mean", "12")};
    auto const points = validation::read_points(file.path());
    REQUIRE(points.points.size() == 3);
    REQUIRE(points.experiments.size() == 2);
    CHECK(points.experiments[0].points == std::vector<std::size_t>{0, 1});
    CHECK(points.points[1].experiment == 0);
    CHECK(points.points[1].metric == "tpot_mean");
    CHECK(points.points[1].value == 10.5);
    auto const& setup = points.experiments[1].setup;
    CHECK(setup.gpus == 8);
    CHECK(setup.tensor == 8);
    CHECK(setup.weights == hardware::Precision::fp8);
    CHECK(setup.load == Load::closed);
    CHECK(setup.concurrency == 16);
    CHECK(setup.input_tokens == 1024);
    CHECK(setup.uniform_lengths);
    CHECK_FALSE(setup.disaggregated);
}

TEST_CASE("a filter keeps the rows with one of its values, and every filter must hold") {
    Scratch const file{row("a", "8", "ttft_mean", "20") + row("b", "8", "tpot_mean", "10") +
                       row("c", "16", "tpot_mean", "12")};
    CHECK(validation::read_points(file.path(), {{"concurrency", {"8", "16"}}}).points.size() == 3);
    auto const points =
        validation::read_points(file.path(), {{"concurrency", {"16"}}, {"metric", {"tpot_mean"}}});
    REQUIRE(points.points.size() == 1);
    CHECK(points.points[0].id == "c");
    auto const told = mistakes(file.path(), {{"concurency", {"16"}}});
    REQUIRE(told.size() == 1);
    CHECK(told[0].find("Did you mean 'concurrency'?") != std::string::npos);
}

TEST_CASE("every mistake of a broken file is told with its line and field") {
    Scratch const file{row("a", "8", "ttft_mean", "fast") + row("b", "-1", "ttft_mean", "3") + "c,lab\n" +
                       row("d", "8", "ttft_mean", "0")};
    auto const told = mistakes(file.path());
    REQUIRE(told.size() == 4);
    CHECK(told[0].starts_with(file.path() + ":2:23: 'fast' in column value"));
    CHECK(told[1].starts_with(file.path() + ":3:20: '-1' in column concurrency"));
    CHECK(told[2].starts_with(file.path() + ":4:3: 2 fields, but the header has 24"));
    CHECK(told[3].starts_with(file.path() + ":5:23: '0' in column value"));
}

TEST_CASE("a file without its columns, an empty one and one that is not there are refused") {
    CHECK(mistakes(Scratch{"id,value\na,1\n", false}.path())[0].find("there is no column 'source'") !=
          std::string::npos);
    CHECK(mistakes(Scratch{"", false}.path())[0].find("the file is empty") != std::string::npos);
    CHECK(mistakes("/nowhere/points.csv")[0].find("no such file") != std::string::npos);
}

TEST_CASE("fields in quotes hold commas and quotes; lines may end as on Windows") {
    std::string line = row("\"a,\"\"1\"\"\"", "8", "ttft_mean", "20");
    line.insert(line.size() - 1, "\r");
    Scratch const file{line};
    CHECK(validation::read_points(file.path()).points.at(0).id == "a,\"1\"");
}
