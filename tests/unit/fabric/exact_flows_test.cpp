#include "megaweave/fabric/exact_flows.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "csv.hpp"
#include "megaweave/fabric/explicit.hpp"

using namespace mw::fabric;

namespace {

double largest_relative_error(std::string const& folder) {
    auto const network = read_network(folder + "/links.csv", folder + "/routes.csv");
    auto const flows = read_flows(folder + "/flows.csv");
    auto const finish = finish_times({network.capacity_bytes_per_s}, on_network(flows, network));
    std::map<std::string, double> expected;
    Mistakes mistakes;
    CsvTable const table{folder + "/expected.csv", {"flow", "finish_s"}, mistakes};
    mistakes.report();
    for (auto const& row : table.rows())
        expected[std::string{row.fields[0]}] = to_number(row.fields[1]).value();
    REQUIRE(expected.size() == finish.size());
    double worst = 0;
    for (std::size_t f = 0; f < finish.size(); ++f) {
        double const error = std::abs(finish[f] / expected.at(flows.rows[f].flow) - 1);
        if (!(error <= worst)) worst = error;  // so that a NaN shows
    }
    return worst;
}

}  // namespace

TEST_CASE("the exact form's worked example comes out") {
    // 100 and 300 bytes on 100 bytes/s: 50 each until 2 s; the second has 200 left, alone: 4 s.
    auto const finish = finish_times({{100}}, {{100, 0, {0}, 0}, {300, 0, {0}, 0}});
    CHECK(finish[0] == doctest::Approx(2).epsilon(1e-14));
    CHECK(finish[1] == doctest::Approx(4).epsilon(1e-14));
}

TEST_CASE("a flow that starts later slows the one under way") {
    // 200 bytes alone for 1 s at 100 bytes/s, then half: 100 / 50 = 2 s more. The second has 100 left then,
    // alone: 1 s and 0.5 s latency.
    auto const finish = finish_times({{100}}, {{200, 0, {0}, 0}, {200, 1, {0}, 0.5}});
    CHECK(finish[0] == doctest::Approx(3).epsilon(1e-14));
    CHECK(finish[1] == doctest::Approx(4.5).epsilon(1e-14));
}

TEST_CASE("a flow with nothing to carry or no links to cross ends when it starts, after its latency") {
    auto const finish = finish_times({{100}}, {{0, 2, {0}, 0.25}, {500, 3, {}, 0}, {100, 2, {0}, 0}});
    CHECK(finish[0] == 2.25);
    CHECK(finish[1] == 3);
    CHECK(finish[2] == doctest::Approx(3));
}

TEST_CASE("flows in separate parts of the network do not change each other") {
    std::vector<FlowSpec> const left{{700, 0, {0, 1}, 0}, {300, 1, {1}, 0}};
    std::vector<FlowSpec> both = left;
    for (int i = 0; i < 20; ++i) both.push_back({100 + i, 0.3 * i, {2}, 0});
    auto const alone = finish_times({{100, 70, 90}}, left);
    auto const together = finish_times({{100, 70, 90}}, both);
    CHECK(alone[0] == together[0]);
    CHECK(alone[1] == together[1]);
}

TEST_CASE("equal flows that share a link end at the same moment") {
    std::vector<FlowSpec> const flows(7, FlowSpec{1'000'003, 0.1, {0}, 0});
    auto const finish = finish_times({{3'333'333'333}}, flows);
    for (double const f : finish) CHECK(f == finish.front());
    CHECK(finish.front() == doctest::Approx(0.1 + 7 * 1'000'003 / 3'333'333'333.0).epsilon(1e-13));
}

TEST_CASE("finish times agree with an independent flow-level solver on every reference network") {
    std::filesystem::path const reference{MW_SHARED_DIR "/reference/maxmin"};
    if (!std::filesystem::exists(reference)) {
        MESSAGE("skipped: no reference results at " << reference.string());
        return;
    }
    std::vector<std::filesystem::path> cases;
    for (auto const& entry : std::filesystem::directory_iterator{reference})
        if (entry.is_directory()) cases.push_back(entry.path());
    std::ranges::sort(cases);
    CHECK(cases.size() >= 7);
    for (auto const& folder : cases) {
        auto const begin = std::chrono::steady_clock::now();
        double const worst = largest_relative_error(folder.string());
        std::chrono::duration<double> const took = std::chrono::steady_clock::now() - begin;
        MESSAGE(folder.filename().string()
                << ": largest relative error " << worst << ", " << took.count() << " s");
        CHECK(worst < 1e-9);
    }
}
