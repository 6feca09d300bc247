#include "megaweave/engine/load_estimate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "full_instance.hpp"
#include "megaweave/llm/speculation.hpp"

namespace mw::engine {

namespace {

//! Of one accelerator's adapter.
double nic_bytes_per_s(World const& world) {
    return std::min(world.deck().cluster.rack.accelerator.scale_out_bytes_per_s,
                    static_cast<double>(world.deck().cluster.scale_out.link_bytes_per_s));
}

//! Caches pass the scale-out network: no prefill instance shares a scale-up domain with a decode instance.
bool passes_network(World const& world, serving::ServiceParams const& params) {
    return params.mode == serving::Mode::disaggregated && nic_bytes_per_s(world) > 0 &&
           std::min(params.parallelism_of(true).accelerators(),
                    params.parallelism_of(false).accelerators()) >= world.deck().cluster.rack.scale_up_domain;
}

//! A request of mean lengths, by iterations of one instance.
class MeanRequest {
  public:
    MeanRequest(World const& world, core::ServiceId id)
        : service_{&world.service(id)},
          input_{
              std::clamp<std::int64_t>(std::llround(mean_input_tokens(*service_)), 1, most_input(*service_))},
          output_{std::max(1.0, mean_output_tokens(*service_))},
          gain_{llm::expected_tokens(service_->params().speculative.draft_tokens,
                                     service_->params().speculative.acceptance)},
          prompt_s_{lone_prompt_s(world, id, input_)},
          transfer_s_{transfer_s(world, input_)} {}

    //! Duration of an iteration in which `sequences` decode together, each half done [s].
    [[nodiscard]] double iteration_s(double sequences) const {
        llm::Batch batch;
        batch.decode_sequences = std::max<std::int64_t>(1, std::llround(sequences));
        batch.tokens_per_sequence = 1 + service_->params().speculative.draft_tokens;
        double const context = static_cast<double>(input_) + 0.5 * output_;
        batch.context_tokens =
            std::llround(static_cast<double>(batch.decode_sequences) * context) + batch.decode_tokens();
        batch.sampled_tokens = batch.decode_tokens();
        batch.emitted_tokens = std::llround(static_cast<double>(batch.decode_sequences) * gain_);
        return core::to_seconds(service_->timing(false)(batch).duration_ns);
    }

    [[nodiscard]] double tpot_s(double sequences) const { return iteration_s(sequences) / gain_; }

    //! As its client sees it.
    [[nodiscard]] double ttft_s(double tpot) const {
        llm::EngineParams const& engine = service_->params().engine;
        double const held_back = std::min(static_cast<double>(engine.stream_interval), output_) - 1;
        return prompt_s_ + transfer_s_ + held_back * tpot +
               1e-9 * static_cast<double>(engine.response_ns + engine.response_per_token_ns * input_);
    }

    //! At a rate of requests to each instance that decodes, of which at most `most` at a time: by Little's law.
    [[nodiscard]] double life_s(double rate_per_s, double most) const {
        double sequences = 1;
        double life = 0;
        for (int i = 0; i < 60; ++i) {
            life = life_with(sequences, rate_per_s);
            sequences = 0.5 * (sequences + std::clamp(rate_per_s * life, 1.0, std::max(1.0, most)));
        }
        return life;
    }

    //! Prompts take their part of a unified instance's time.
    [[nodiscard]] double life_with(double sequences, double rate_per_s) const {
        bool const unified = service_->params().mode == serving::Mode::unified;
        double const prompts = unified ? std::min(0.9, rate_per_s * prompt_s_) : 0.0;
        double const tpot = tpot_s(sequences) / (1.0 - prompts);
        return ttft_s(tpot) + (output_ - 1) * tpot;
    }

  private:
    static std::int64_t most_input(ServiceModel const& service) {
        bool const unified = service.params().mode == serving::Mode::unified;
        return std::clamp<std::int64_t>(service.instance(!unified).longest_request() - 1, 1,
                                        workload::most_tokens);
    }

    //! Time of a prompt's cache from prefill to decode instance, alone on the network.
    [[nodiscard]] double transfer_s(World const& world, std::int64_t tokens) const {
        serving::ServiceParams const& params = service_->params();
        if (!passes_network(world, params)) return 0;
        std::int64_t const nics =
            std::min(params.parallelism_of(true).accelerators(), params.parallelism_of(false).accelerators());
        return static_cast<double>(service_->kv_bytes(tokens)) /
               (nic_bytes_per_s(world) * static_cast<double>(nics));
    }

    ServiceModel const* service_;
    std::int64_t input_;
    double output_;
    double gain_;
    double prompt_s_;
    double transfer_s_;
};

//! Instances of a service, and what its tightest cell can serve of the whole.
struct Pools {
    double prefill{0};
    double decode{0};
};

std::vector<Pools> pools_by_cell(World const& world, core::ServiceId id) {
    std::vector<Pools> cells;
    for (site::CellPlace const& cell : world.plan().cells()) {
        if (cell.service != id) continue;
        Pools& pools = cells.emplace_back();
        for (std::uint32_t i = cell.first_instance; i < cell.last_instance; ++i)
            ++(world.plan().instance(core::InstanceId{i}).prefill ? pools.prefill : pools.decode);
    }
    return cells;
}

//! Requests whose caches the adapters of a cell's instances carry.
double carried_per_s(World const& world, ServiceModel const& service, Pools const& cell) {
    serving::ServiceParams const& params = service.params();
    double const cache = static_cast<double>(service.kv_bytes(std::llround(mean_input_tokens(service))));
    if (!passes_network(world, params) || cache <= 0) return std::numeric_limits<double>::infinity();
    double const adapters =
        std::min(cell.prefill * static_cast<double>(params.parallelism_of(true).accelerators()),
                 cell.decode * static_cast<double>(params.parallelism_of(false).accelerators()));
    return adapters * nic_bytes_per_s(world) / cache;
}

void add_capacity(World const& world, core::ServiceId id, LoadEstimate& load, FullPace const& decode,
                  FullPace const& prefill) {
    constexpr double no_bound = std::numeric_limits<double>::infinity();
    std::vector<Pools> const cells = pools_by_cell(world, id);
    std::vector<std::uint64_t> const& weights = world.plan().cell_weights(id);
    bool const unified = world.service(id).params().mode == serving::Mode::unified;
    load.capacity_per_s = no_bound;
    for (std::uint32_t c = 0; c < cells.size(); ++c) {
        double const stretch =
            workload::CellShare{c, static_cast<std::uint32_t>(cells.size()), weights}.stretch();
        auto const bound_by = [&](Bound bound, double per_s) {
            if (stretch * per_s >= load.capacity_per_s) return;
            load.capacity_per_s = stretch * per_s;
            load.bound = bound;
        };
        bound_by(unified ? Bound::unified : Bound::decode, cells[c].decode * decode.requests_per_s);
        if (unified) continue;
        bound_by(Bound::prefill, cells[c].prefill * prefill.requests_per_s);
        bound_by(Bound::network, carried_per_s(world, world.service(id), cells[c]));
    }
}

}  // namespace

double offered_per_s(ServiceModel const& service) {
    workload::ArrivalParams const& arrivals = service.params().workload.arrivals;
    switch (arrivals.process) {
        case workload::Process::poisson:
        case workload::Process::gamma:
            return arrivals.rate_per_s;
        case workload::Process::trace:
            return service.trace()->mean_rate_per_s() * arrivals.scale;
        case workload::Process::closed:
        case workload::Process::burst:
            break;
    }
    return 0.0;
}

double mean_input_tokens(ServiceModel const& service) {
    return service.input().from_trace() ? service.trace()->mean_input_tokens() : service.input().mean();
}

double mean_output_tokens(ServiceModel const& service) {
    return service.output().from_trace() ? service.trace()->mean_output_tokens() : service.output().mean();
}

LoadEstimate estimate_load(World const& world, core::ServiceId id) {
    ServiceModel const& service = world.service(id);
    bool const unified = service.params().mode == serving::Mode::unified;
    LoadEstimate load;
    load.offered_per_s = offered_per_s(service);
    FullPace const decode = pace_of_full_instance(world, id, unified ? Role::unified : Role::decode);
    FullPace const prefill = unified ? FullPace{} : pace_of_full_instance(world, id, Role::prefill);
    add_capacity(world, id, load, decode, prefill);

    MeanRequest const request{world, id};
    load.tpot_s = request.tpot_s(1);
    load.ttft_s = request.ttft_s(load.tpot_s);
    double decoders = 0;
    for (Pools const& cell : pools_by_cell(world, id)) decoders += cell.decode;
    double const full_life_s = request.life_s(load.capacity_per_s / decoders, decode.running);
    load.in_flight = unified ? decoders * decode.running : load.capacity_per_s * full_life_s;
    workload::ArrivalParams const& arrivals = service.params().workload.arrivals;
    auto const concurrency = static_cast<double>(arrivals.concurrency);
    if (load.load() >= 1 || (load.offered_per_s == 0 && concurrency >= load.in_flight))
        load.life_s = load.capacity_per_s > 0 ? load.in_flight / load.capacity_per_s : 0.0;
    else if (load.offered_per_s > 0)
        load.life_s = request.life_s(load.offered_per_s / decoders, decode.running);
    else
        load.life_s = request.life_with(std::max(1.0, concurrency / decoders), 0);
    load.iteration_s = request.iteration_s(std::min(decode.running, load.load() * decode.running));
    return load;
}

}  // namespace mw::engine
