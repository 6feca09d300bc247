#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "megaweave/engine/load_estimate.hpp"
#include "run_deck.hpp"

// The estimate of capacity that `check` prints against the run itself with far more requests than it can serve. The data sheet
// (load_estimate.hpp) quotes the errors.

using namespace mw;

namespace {

struct Saturated {
    std::string name;
    std::string deck;
    std::vector<config::Override> overrides;
};

std::string const load = "services[0].workload.";

std::vector<Saturated> decks() {
    config::Override const warmup{"time.warmup", "60 s"};
    config::Override const period{"time.duration", "120 s"};
    config::Override const flood{load + "arrivals.rate", "200 /s"};
    return {{"unified, lognormal lengths",
             "unified.yaml",
             {{"cluster.accelerators", "16"}, warmup, period, flood}},
            {"disaggregated, prefill bound",
             "disaggregated.yaml",
             {{"cluster.accelerators", "32"}, warmup, period, flood}},
            {"disaggregated, decode bound",
             "disaggregated.yaml",
             {{"cluster.accelerators", "32"},
              warmup,
              period,
              flood,
              {load + "input", "{distribution: fixed, tokens: 200}"},
              {load + "output", "{distribution: uniform, min: 100, max: 900}"}}},
            {"mixture of experts",
             "unified.yaml",
             {{"cluster.accelerators", "8"},
              {"cluster.rack", "hgx-h200"},
              {"services[0].model", "deepseek-v3"},
              {"services[0].parallelism", "{tensor: 1, expert: 8, attention_data: 8}"},
              {"time.warmup", "200 s"},
              {"time.duration", "600 s"},
              flood}},
            {"long contexts, KV cache bound",
             "unified.yaml",
             {{"cluster.accelerators", "8"},
              {"services[0].scheduler.kv_blocks", "40000"},
              {load + "input", "{distribution: uniform, min: 20000, max: 60000}"},
              {load + "output", "{distribution: fixed, tokens: 500}"},
              {"time.warmup", "400 s"},
              {"time.duration", "2000 s"},
              {load + "arrivals.rate", "2 /s"}}}};
}

}  // namespace

TEST_CASE("the estimated capacity is what saturated services complete, to 10 %") {
    for (Saturated const& saturated : decks()) {
        CAPTURE(saturated.name);
        auto const run = test::run_deck(saturated.deck, saturated.overrides);
        engine::World const world{run.deck};
        core::ServiceId const id = core::ServiceId::of(0);
        engine::LoadEstimate const estimate = engine::estimate_load(world, id);
        // Tokens of the bounding kind over a request's mean: completions of 100 s are too few of the longest.
        bool const prefill = estimate.bound == engine::Bound::prefill;
        engine::Count const what = prefill ? engine::Count::input_tokens : engine::Count::output_tokens;
        double const mean = prefill ? engine::mean_input_tokens(world.service(id))
                                    : engine::mean_output_tokens(world.service(id));
        double const served = static_cast<double>(run.results.counts[what]) / run.results.measured_s / mean;
        MESSAGE(saturated.name, ": estimated ", estimate.capacity_per_s, "/s, served ", served, "/s, ",
                100 * (estimate.capacity_per_s / served - 1), " %");
        CHECK(estimate.capacity_per_s == doctest::Approx(served).epsilon(0.1));
    }
}

TEST_CASE("Five instances in cells of 1, 2 and 2 complete 14 requests/s each (runs/uneven_cells)") {
    auto const run =
        test::run_deck("unified.yaml", {{"cluster.accelerators", "40"},
                                        {"services[0].cell_instances", "2"},
                                        {"output.request_sample", "1"},
                                        {load + "arrivals.rate", "70 /s"},
                                        {load + "input", "{distribution: fixed, tokens: 1000}"},
                                        {load + "output", "{distribution: fixed, tokens: 100}"}});
    std::array<double, 5> completed{};
    for (engine::RequestRecord const& request : run.requests)
        ++completed.at(static_cast<std::size_t>(request.decode_instance));
    // 120 s: 1,680 each, sigma of a Poisson count 41; a router evens out two instances. Four sigma.
    for (double const count : completed) CHECK(std::abs(count - 1680) < 164);
}
