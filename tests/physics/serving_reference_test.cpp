#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>

#include "run_deck.hpp"

// The scheduler against an independent simulator, Vidur (MLSys'24), request by request: its arrivals, its iteration times (a table
// with the parts of each iteration), its rules as options of our scheduler. The table is a grid of what Vidur interpolates with a
// random forest, so that iteration times differ by up to 2 % between the grid's points. Every case below ../shared is run: its name
// says the model and the number of replicas.

using namespace mw;
namespace fs = std::filesystem;

namespace {

fs::path const reference{MW_SOURCE_DIR "/../shared/reference/serving"};

struct Engine {
    std::string prefix;  // of the case's name
    std::string model;
    std::string table;
    int kv_blocks;
};
std::vector<Engine> const engines{
    {"codellama34b_tp2", "codellama-34b", "iteration_times_codellama34b_a100_tp2.csv", 27904},
    {"llama2_70b_tp2", "llama-2-70b", "iteration_times_llama2_70b_a100_tp2.csv", 3328}};

struct Times {
    std::vector<double> ttft, tpot, e2e;

    void add(double arrival_s, double first_s, double completed_s, double output_tokens) {
        ttft.push_back(first_s - arrival_s);
        tpot.push_back((completed_s - first_s) / (output_tokens - 1));
        e2e.push_back(completed_s - arrival_s);
    }
};

double mean(std::vector<double> const& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

//! Linear between neighbours in rank, as numpy has it.
double p99(std::vector<double> values) {
    std::ranges::sort(values);
    double const rank = 0.99 * static_cast<double>(values.size() - 1);
    auto const below = static_cast<std::size_t>(rank);
    auto const above = std::min(below + 1, values.size() - 1);
    return values[below] + (rank - static_cast<double>(below)) * (values[above] - values[below]);
}

std::vector<std::vector<double>> read_numbers(fs::path const& path) {
    std::ifstream file{path};
    std::string line;
    std::getline(file, line);
    std::vector<std::vector<double>> rows;
    while (std::getline(file, line)) {
        std::ranges::replace(line, ',', ' ');
        std::istringstream fields{line};
        rows.emplace_back();
        for (double value = 0; fields >> value;) rows.back().push_back(value);
    }
    return rows;
}

Times expected(fs::path const& folder) {
    auto const arrivals = read_numbers(folder / "arrivals.csv");
    auto const results = read_numbers(folder / "expected.csv");
    REQUIRE(arrivals.size() == results.size());
    Times times;
    for (std::size_t i = 0; i < arrivals.size(); ++i)
        times.add(arrivals[i][0], results[i][1], results[i][2], arrivals[i][2]);
    return times;
}

int replicas_in(std::string const& name) {
    auto const at = name.find("replica");
    auto const digits = name.find_last_not_of("0123456789", at - 1) + 1;
    return std::atoi(name.substr(digits, at - digits).c_str());
}

Times emulated(fs::path const& folder, Engine const& engine, std::size_t requests) {
    auto const set = [](std::string const& path, std::string const& value) {
        return config::Override{"services[0]." + path, value};
    };
    auto const run =
        test::run_deck("reference_serving.yaml",
                       {set("model", engine.model),
                        set("timing.table", (reference / engine.table).string()),
                        {"cluster.accelerators", std::to_string(2 * replicas_in(folder.filename().string()))},
                        set("scheduler.kv_blocks", std::to_string(engine.kv_blocks)),
                        set("workload.arrivals.file", (folder / "arrivals.csv").string())});
    REQUIRE(run.requests.size() == requests);
    Times times;
    for (engine::RequestRecord const& r : run.requests)
        times.add(core::to_seconds(r.arrival_ns), core::to_seconds(r.first_token_ns),
                  core::to_seconds(r.completed_ns), r.output_tokens);
    return times;
}

void compare(std::string const& what, std::vector<double> const& ours, std::vector<double> const& theirs) {
    double const mean_error = mean(ours) / mean(theirs) - 1;
    double const p99_error = p99(ours) / p99(theirs) - 1;
    fmt::print(
        "  {:4}  mean {:9.5f} s, theirs {:9.5f} s: {:+.2f} %   p99 {:9.5f} s, theirs {:9.5f} s: {:+.2f} %\n",
        what, mean(ours), mean(theirs), 100 * mean_error, p99(ours), p99(theirs), 100 * p99_error);
    CHECK(std::abs(mean_error) < 0.01);
    CHECK(std::abs(p99_error) < 0.03);
}

}  // namespace

TEST_CASE("TTFT, TPOT and end-to-end times agree with an independent simulator to 1 %, their p99 to 3 %") {
    if (!fs::exists(reference)) {
        MESSAGE("skipped: no ../shared/reference/serving");
        return;
    }
    std::vector<fs::path> folders;
    for (auto const& entry : fs::directory_iterator{reference})
        if (entry.is_directory()) folders.push_back(entry.path());
    std::ranges::sort(folders);
    for (fs::path const& folder : folders) {
        std::string const name = folder.filename().string();
        CAPTURE(name);
        auto const engine = std::ranges::find_if(
            engines, [&](Engine const& e) { return name.compare(0, e.prefix.size(), e.prefix) == 0; });
        REQUIRE(engine != engines.end());
        Times const theirs = expected(folder);
        Times const ours = emulated(folder, *engine, theirs.ttft.size());
        fmt::print("{}: {} requests\n", name, theirs.ttft.size());
        compare("TTFT", ours.ttft, theirs.ttft);
        compare("TPOT", ours.tpot, theirs.tpot);
        compare("E2E", ours.e2e, theirs.e2e);
    }
}
