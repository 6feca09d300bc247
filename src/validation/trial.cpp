#include "trial.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine_choice.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/integer.hpp"
#include "megaweave/engine/world.hpp"

namespace mw::validation {

namespace {

using workload::Law;
using workload::Process;

constexpr double chat_prompt_tokens = 334;
constexpr double code_prompt_tokens = 2048;
constexpr double answer_sigma = 0.3;
constexpr double answer_most = 8;  // times the mean
constexpr std::int64_t closed_waves = 10;
constexpr core::TimeNs longest_run_ns = 10'000'000 * core::ns_per_s;
// Windows without events are jumped over, so a short one costs nothing; it is what a request waits at the router.
constexpr core::TimeNs window_ns = 100 * core::ns_per_us;
constexpr core::TimeNs transfer_window_ns = core::ns_per_ms;

struct Published {
    int input;
    int output;
    std::int64_t requests;
};
constexpr Published published_requests[] = {
    {128, 128, 30000},  {128, 2048, 3000},  {128, 4096, 1500},  {1000, 2000, 1500},  {2048, 128, 3000},
    {2048, 2048, 1500}, {5000, 500, 1500},  {1000, 1000, 3000}, {500, 2000, 3000},   {20000, 2000, 1000},
    {1024, 1024, 3000}, {8192, 1024, 1500}, {1024, 8192, 1500}, {32768, 1024, 1000}, {1024, 32768, 1000}};

std::int64_t max_requests(Setup const& setup) {
    for (Published const& row : published_requests)
        if (setup.input_tokens == row.input && setup.output_tokens == row.output) return row.requests;
    return std::clamp<std::int64_t>(std::llround(3e6 / setup.output_tokens), 1000, 30000);
}

workload::LengthParams length(double tokens, bool uniform) {
    workload::LengthParams law;
    law.law = uniform ? Law::uniform : Law::fixed;
    law.tokens = std::llround(tokens);
    law.min = std::max<std::int64_t>(1, std::llround(0.8 * tokens));
    law.max = uniform ? std::llround(tokens) : 0;
    return law;
}

workload::LengthParams answers(double mean) {
    workload::LengthParams law;
    law.law = Law::lognormal;
    law.sigma = answer_sigma;
    law.median = mean * std::exp(-0.5 * answer_sigma * answer_sigma);
    law.max = std::llround(answer_most * mean);
    return law;
}

double prompt_tokens(Setup const& setup) {
    if (setup.input_tokens >= 1) return setup.input_tokens;
    if (setup.input_dataset.find("prompts") == std::string::npos)
        throw CannotRun(fmt::format("the prompts' length is not given ('{}')", setup.input_dataset));
    return setup.input_dataset.find("fim") == std::string::npos ? chat_prompt_tokens : code_prompt_tokens;
}

void set_load(Setup const& setup, workload::WorkloadParams& load) {
    if (setup.output_tokens < 1) throw CannotRun("the answers' length is not given");
    auto const in_flight = static_cast<std::int64_t>(std::llround(setup.concurrency));
    if (setup.load != Load::max && in_flight < 1) throw CannotRun("the concurrency is not given");
    load.input = length(prompt_tokens(setup), setup.uniform_lengths);
    load.output = setup.input_tokens >= 1 ? length(setup.output_tokens, setup.uniform_lengths)
                                          : answers(setup.output_tokens);
    load.arrivals.concurrency = in_flight;
    switch (setup.load) {
        case Load::max:
        case Load::static_batch:
            load.arrivals.process = Process::burst;
            load.arrivals.requests = setup.load == Load::max ? max_requests(setup) : in_flight;
            break;
        case Load::closed:
            load.arrivals.process = Process::closed;
            load.arrivals.requests = closed_waves * in_flight;
            break;
        case Load::steady_batch:
            load.arrivals.process = Process::closed;
            break;
    }
}

config::Deck bare_deck(Setup const& setup, Arrangement const& arrangement, config::Entries const& entries) {
    hardware::RackParams const* const rack = entries.rack(setup.hardware);
    if (rack == nullptr)
        throw CannotRun("accelerator '" + setup.hardware + "' is not in the catalogue of racks");
    config::Deck deck;
    deck.name = setup.source;
    deck.cluster.rack = *rack;
    deck.cluster.accelerators = arrangement.accelerators();
    // The network wants whole nodes. Only what is on the boards is compared, so a node may be cut to what is used.
    std::int64_t const rack_size = rack->accelerators();
    deck.cluster.rack.node.accelerators = std::gcd(deck.cluster.accelerators, rack->node.accelerators);
    deck.cluster.rack.nodes = rack_size / deck.cluster.rack.node.accelerators;
    auto& network = deck.cluster.scale_out;
    network.endpoints = deck.cluster.accelerators;
    network.nics_per_node = deck.cluster.rack.node.accelerators;
    network.link_bytes_per_s = std::llround(rack->accelerator.scale_out_bytes_per_s);
    network.tiers = 2;
    deck.cluster.optics = entries.any_optics();
    deck.cluster.network_switch = entries.any_switch();
    deck.time = {longest_run_ns, 0, arrangement.prefill ? transfer_window_ns : window_ns, longest_run_ns};
    deck.output.request_sample = 1;
    return deck;
}

serving::ServiceParams make_service(Setup const& setup, Arrangement const& arrangement,
                                    config::Entries const& entries) {
    llm::ModelParams const* const model = entries.model(setup.model);
    if (model == nullptr) throw CannotRun("model '" + setup.model + "' is not in the catalogue");
    for (Pool const* pool : {&arrangement.decode, arrangement.prefill ? &*arrangement.prefill : nullptr})
        if (pool != nullptr)
            if (std::string const why = impossible(*model, *pool); !why.empty()) throw CannotRun(why);
    serving::ServiceParams service;
    service.name = setup.model;
    service.model = *model;
    service.weights = setup.weights;
    service.parallelism = arrangement.decode.parallelism;
    if (arrangement.prefill) {
        service.mode = serving::Mode::disaggregated;
        service.prefill_pool = {arrangement.prefill->instances, arrangement.prefill->parallelism};
        service.decode_pool = {arrangement.decode.instances, arrangement.decode.parallelism};
    }
    service.accelerators = arrangement.accelerators();
    set_load(setup, service.workload);
    choose_engine(setup, entries, service);
    return service;
}

//! How long one request lives in the steady batch, from the time of an iteration of the mean batch.
double life_s(Setup const& setup, engine::World const& world) {
    llm::Batch batch;
    batch.decode_sequences = std::llround(setup.concurrency);
    batch.sampled_tokens = batch.decode_sequences;
    batch.context_tokens = std::llround(setup.concurrency * (prompt_tokens(setup) + setup.output_tokens));
    auto const cost = world.service(core::ServiceId::of(0)).timing()(batch);
    return core::to_seconds(cost.duration_ns) * setup.output_tokens;
}

void set_times(Setup const& setup, engine::World const& world, Trial& trial) {
    if (setup.load == Load::steady_batch) {
        // Whole windows, or the one sample would lie behind the end.
        core::TimeNs const window = trial.deck.time.window_ns;
        core::TimeNs const life = core::ceil_div(core::from_seconds(life_s(setup, world)), window) * window;
        trial.deck.time.warmup_ns = lives_left_out * life;
        trial.deck.time.duration_ns = lives_measured * life;
        trial.deck.time.sample_ns = trial.deck.time.duration_ns;
    }
}

double expected_iterations(Setup const& setup, Trial const& trial) {
    workload::ArrivalParams const& arrivals = trial.deck.services.front().workload.arrivals;
    if (setup.load == Load::steady_batch)
        return static_cast<double>(lives_left_out + lives_measured) * setup.output_tokens;
    auto const requests = static_cast<double>(arrivals.requests);
    double const at_once = setup.load == Load::closed ? setup.concurrency : std::min(requests, 512.0);
    return setup.output_tokens * requests / at_once + requests;
}

Trial build(Setup const& setup, Arrangement const& arrangement, config::Entries const& entries) {
    Trial trial;
    trial.arrangement = arrangement;
    trial.deck = bare_deck(setup, arrangement, entries);
    trial.deck.services.push_back(make_service(setup, arrangement, entries));
    trial.requests = trial.deck.services.front().workload.arrivals.requests;
    try {
        engine::World const world{trial.deck};  // does it fit?
        set_times(setup, world, trial);
    } catch (core::InputError const& error) {
        throw CannotRun(error.messages().front());
    }
    trial.cost = expected_iterations(setup, trial);
    return trial;
}

}  // namespace

Trial make_trial(PointsFile const& file, Experiment const& experiment, config::Entries const& entries) {
    Setup const& setup = experiment.setup;
    if (setup.disaggregated) return build(setup, disaggregated_arrangement(setup, file, experiment), entries);
    std::vector<Arrangement> const candidates = arrangements(setup);
    for (std::size_t i = 0; i + 1 < candidates.size(); ++i) {
        try {
            return build(setup, candidates[i], entries);
        } catch (CannotRun const&) {  // the next may do; the last one's reason is told
        }
    }
    return build(setup, candidates.back(), entries);
}

}  // namespace mw::validation
