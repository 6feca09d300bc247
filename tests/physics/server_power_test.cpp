#include <doctest/doctest.h>

#include <fstream>

#include "run_deck.hpp"
#include "shared_csv.hpp"

// Whole servers at the wall, as their submitters logged them once a second while the benchmark ran: every loaded row of
// ../shared/validation/mlperf_power_summary.csv, from requests to the plug. What rests on these logs: host, fans and switches of
// `hgx-b200` were chosen with them in view, so the B200 rows test the boards and the sum; the H200 rows rest on nothing of theirs.

using namespace mw;
using Overrides = std::vector<config::Override>;

namespace {

struct Log {
    std::string hardware;
    std::string model;
    std::string scenario;
    double plateau_w;  // median of what lies above 0.9 of the 90th percentile
};

std::vector<Log> read_logs() {
    std::ifstream in{std::string{MW_SHARED_DIR} + "/validation/mlperf_power_summary.csv"};
    std::vector<Log> logs;
    for (std::string line; std::getline(in, line);) {
        auto const f = ::test::split_csv(line);
        if (f.size() > 13 && f[12] == "server_wall_power_plateau_median")
            logs.push_back({f[3], f[5], f[11], std::stod(f[13])});
    }
    return logs;
}

//! As submitted: parallelism and batches are in the results' notes, caps of MaxQ systems (500 W a board) in their public configuration.
//! Lengths are the data sets' means: OpenOrca 294 to some 280 tokens, CNN/DailyMail 778 to 128, long contexts 9,400 to 655.
struct Submission {
    std::string hardware;  // part of the log's
    std::string model;
    std::string scenario;
    Overrides overrides;
};

std::vector<Submission> const& submissions() {
    static std::string const water = "{base: hgx-b200, node: {fan_idle: 0 W, fan_full: 0 W}}";
    static Overrides const news{
        {"cluster.rack", water},
        {"services[0].model", "llama-3.1-8b"},
        {"services[0].scheduler.max_sequences", "6000"},
        {"services[0].workload.input", "{distribution: lognormal, median: 700, sigma: 0.45, max: 2540}"},
        {"services[0].workload.output", "{distribution: fixed, tokens: 128}"}};
    static Overrides const contexts{
        {"cluster.rack", water},
        {"services[0].model", "llama-3.1-405b"},
        {"services[0].workload.input", "{distribution: lognormal, median: 7500, sigma: 0.67, max: 20000}"},
        {"services[0].workload.output", "{distribution: lognormal, median: 520, sigma: 0.68, max: 2000}"}};
    static Overrides const capped{{"cluster.rack", "hgx-h200"},
                                  {"cluster.boards", "{power_cap: 500 W}"},
                                  {"services[0].weights", "fp8"}};
    auto const with = [](Overrides base, Overrides const& more) {
        base.insert(base.end(), more.begin(), more.end());
        return base;
    };
    static std::vector<Submission> const all{
        {"SR680a", "llama2-70b-99", "Offline", {}},
        {"SR780a", "llama3.1-8b", "Offline",
         with(news, {{"services[0].workload.arrivals", "{process: closed, concurrency: 48000}"}})},
        {"SR780a", "llama3.1-8b", "Server",
         with(news, {{"services[0].workload.arrivals", "{process: poisson, rate: 1000 /s}"}})},
        {"SR780a", "llama3.1-405b", "Offline",
         with(contexts, {{"services[0].parallelism", "{tensor: 2, pipeline: 2}"},
                         {"services[0].scheduler.max_sequences", "256"},
                         {"time.duration", "120 s"},
                         {"services[0].workload.arrivals", "{process: closed, concurrency: 512}"}})},
        {"SR780a", "llama3.1-405b", "Server",
         with(contexts, {{"services[0].parallelism.tensor", "4"},
                         {"services[0].scheduler.max_sequences", "256"},
                         {"time", "{duration: 120 s, warmup: 120 s, sample: 500 ms}"},
                         {"services[0].workload.arrivals", "{process: poisson, rate: 1.9 /s}"}})},
        {"H200", "llama2-70b-99", "Offline",
         with(capped, {{"services[0].scheduler.max_sequences", "806"},
                       {"services[0].workload.arrivals", "{process: closed, concurrency: 6448}"}})},
        {"H200", "mixtral-8x7b", "Server",
         with(capped, {{"services[0].model", "mixtral-8x7b"},
                       {"services[0].workload.output",
                        "{distribution: lognormal, median: 115, sigma: 0.7, max: 1024}"},
                       {"services[0].workload.arrivals", "{process: poisson, rate: 311.6 /s}"}})},
    };
    return all;
}

Submission const* submitted(Log const& log) {
    for (Submission const& s : submissions())
        if (log.hardware.find(s.hardware) != std::string::npos && log.model == s.model &&
            log.scenario == s.scenario)
            return &s;
    return nullptr;
}

}  // namespace

TEST_CASE("loaded servers draw at the wall what their benchmark's logs say, within 10 %") {
    std::vector<Log> const logs = read_logs();
    if (logs.empty()) MESSAGE("skipped: ../shared/validation is absent");
    for (Log const& log : logs) {
        CAPTURE(log.hardware);
        CAPTURE(log.model);
        CAPTURE(log.scenario);
        Submission const* const submission = submitted(log);
        REQUIRE(submission != nullptr);
        auto const run =
            mw::test::run_deck("../../../inputs/studies/mlperf_server.yaml", submission->overrides);
        double const wall_w =
            static_cast<double>(run.results.racks_energy_uj) * 1e-6 / run.results.measured_s;
        double const board_w =
            static_cast<double>(run.results.boards_energy_uj) * 1e-6 / run.results.measured_s / 8;
        double const tokens_per_s =
            static_cast<double>(run.results.counts[engine::Count::output_tokens]) / run.results.measured_s;
        MESSAGE(log.hardware, " ", log.model, " ", log.scenario, ": ", wall_w, " W, measured ", log.plateau_w,
                ", ", 100 * (wall_w / log.plateau_w - 1), " % (boards at ", board_w, " W, ", tokens_per_s,
                " tokens/s)");
        CHECK(wall_w == doctest::Approx(log.plateau_w).epsilon(0.10));
    }
}
