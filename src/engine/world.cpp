#include "megaweave/engine/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "megaweave/core/error.hpp"
#include "megaweave/llm/architecture.hpp"
#include "megaweave/llm/speculation.hpp"
#include "megaweave/llm/timing_table.hpp"

namespace mw::engine {

namespace {

//! A service's model is too large; who knows the deck says where.
class DoesNotFit : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

serving::Timing make_timing(serving::ServiceParams const& params, llm::IterationModel const& roofline) {
    serving::Timing timing = roofline;
    if (!params.timing_table.empty())
        timing = llm::TimingTable{params.timing_table, roofline, params.timing_rules};
    if (params.speculative.draft_tokens == 0) return timing;
    double const given = params.speculative.draft_cost;
    return llm::SpeculativeIteration{std::move(timing), given > 0 ? given : llm::draft_cost(params.model)};
}

serving::InstanceParams make_pool(serving::ServiceParams const& params, llm::MemoryPlan const& memory,
                                  double accelerators, bool prefill_only, PoolOffer const& offer) {
    serving::InstanceParams instance;
    instance.scheduler = params.scheduler;
    instance.scheduler.max_sequences = memory.max_sequences;  // fewer where their constant states do not fit
    instance.prefill_only = prefill_only;
    instance.speculative = params.speculative;
    instance.first_token = llm::first_token_of(params.engine);
    instance.kv_blocks = params.scheduler.kv_blocks > 0 ? params.scheduler.kv_blocks : memory.kv_blocks;
    // One copy of a block is enough, even where every tensor rank has one in its HBM.
    double const block_bytes = memory.kv_bytes_per_token * static_cast<double>(params.scheduler.block_tokens);
    auto const blocks =
        static_cast<std::int64_t>(offer.kv_bytes_per_accelerator * accelerators / block_bytes);
    if (params.scheduler.preemption == serving::Preemption::swap) {
        instance.swap_blocks = blocks;
    } else {
        instance.pool_blocks = blocks;
        instance.kv_blocks += blocks;
    }
    if (params.start == serving::Start::cold) {
        instance.load_bytes = memory.weight_bytes_per_accelerator * accelerators;
        instance.load_links = accelerators;
    }
    return instance;
}

llm::MemoryPlan make_memory(serving::ServiceParams const& params, llm::Parallelism const& parallelism,
                            hardware::RackParams const& rack) {
    serving::SchedulerParams const& scheduler = params.scheduler;
    llm::MemoryPlan const memory = llm::plan_memory(
        params.model, {params.weights, params.kv_cache}, parallelism, rack.accelerator,
        {scheduler.memory_rule, scheduler.memory_share, scheduler.memory_reserve_bytes,
         scheduler.block_tokens, scheduler.max_batched_tokens, scheduler.max_sequences,
         scheduler.logit_copies, scheduler.frees_windows, params.speculative.draft_tokens > 0});
    if (memory.kv_blocks <= 0 && scheduler.kv_blocks == 0)
        throw DoesNotFit(fmt::format(
            "service '{}': {} does not fit: {:.1f} GB of weights, {:.1f} GB of activations and {:.1f} GB of "
            "reserve on each {} with {:.1f} GB of memory, of which {:.0f} % may be used. Spread it over more "
            "accelerators (services[].parallelism) or use narrower weights",
            params.name, params.model.name, memory.weight_bytes_per_accelerator * 1e-9,
            memory.activation_bytes * 1e-9, memory.reserve_bytes * 1e-9, rack.accelerator.name,
            memory.usable_bytes * 1e-9, 100 * scheduler.memory_share));
    return memory;
}

site::PlanParams plan_params(config::Deck const& deck) {
    site::PlanParams plan{deck.cluster.accelerators, deck.cluster.rack, deck.cluster.scale_out, {}};
    for (serving::ServiceParams const& service : deck.services)
        plan.services.push_back(
            {service.accelerators, service.parallelism_of(false).accelerators(),
             service.mode == serving::Mode::disaggregated ? service.prefill_share : 0.0,
             service.cell_instances,
             service.unequal_pools()
                 ? site::Unit{service.prefill_pool.instances, service.prefill_pool.parallelism.accelerators(),
                              service.decode_pool.instances}
                 : site::Unit{}});
    return plan;
}

site::Plan make_plan(config::Deck const& deck) {
    try {
        return site::Plan{plan_params(deck)};
    } catch (core::InputError const& error) {
        throw core::InputError(deck.placed("services", error.what()));
    }
}

//! What a load waits for the network, where that is between it and the memory.
core::TimeNs there_and_back_ns(site::Plan const& plan) {
    if (plan.memory_nodes() == 0) return 0;
    fabric::Path path;
    return 2 * plan.latency_ns({static_cast<std::int32_t>(plan.memory_node(0)), 0}, path);
}

//! Every accelerator has an equal part of its pool, less the weights that cold services keep there, once each.
PoolOffer make_offer(config::Deck const& deck, site::Plan const& plan) {
    hardware::MemoryPoolParams const& pool = deck.cluster.memory_pool;
    if (!pool.present()) return {};
    double weights = 0;
    for (serving::ServiceParams const& service : deck.services) {
        if (service.start != serving::Start::cold) continue;
        llm::WeightBytes const bytes = llm::weight_bytes(service.model, service.weights);
        weights += bytes.dense + bytes.head + bytes.embedding + bytes.experts;
    }
    if (weights > pool.capacity_bytes)
        throw core::InputError(deck.placed(
            "cluster.memory_pool.capacity",
            fmt::format("cluster.memory_pool: {:.4g} TB hold no {:.4g} TB of weights, which services that "
                        "start cold load "
                        "from there. Use more capacity, or start: warm",
                        pool.capacity_bytes * 1e-12, weights * 1e-12)));
    std::int64_t const members =
        pool.on_network() ? deck.cluster.accelerators : pool.accelerators(deck.cluster.rack);
    return {(pool.capacity_bytes - weights) / static_cast<double>(members),
            {pool.prefetch, pool.memory.latency_ns + there_and_back_ns(plan)}};
}

// Fitted over whole decode iterations, as calibrate_power.py has it, not over the experts' kernels alone.
bool has_block_scales(serving::ServiceParams const& params) {
    return params.weights == hardware::Precision::fp8 && params.model.fp8_block > 0 &&
           llm::moe_layers(params.model) > 0 &&
           params.model.expert_weights[hardware::index_of(params.weights)] == hardware::Precision::fp8;
}

}  // namespace

ServiceModel::Pool::Pool(serving::ServiceParams const& params, llm::Parallelism const& parallelism,
                         bool prefill_only, hardware::RackParams const& rack, PoolOffer const& offer)
    : accelerators{static_cast<double>(parallelism.accelerators())},
      memory{make_memory(params, parallelism, rack)},
      instance{make_pool(params, memory, accelerators, prefill_only, offer)},
      model{params.model, params.weights, params.kv_cache, parallelism, rack, params.engine, offer.reads},
      timing{make_timing(params, model)} {}

ServiceModel::ServiceModel(serving::ServiceParams const& params, hardware::RackParams const& rack,
                           PoolOffer const& offer)
    : params_{params},
      pool_{params, params.parallelism_of(false), false, rack, offer},
      prefill_pool_{params.unequal_pools()
                        ? std::make_unique<Pool>(params, params.parallelism_of(true), true, rack, offer)
                        : nullptr},
      prefill_instance_{make_pool(params, memory(true), pool(true).accelerators, true, offer)},
      input_{params.workload.input},
      output_{params.workload.output},
      power_{rack.accelerator},
      kv_bytes_per_token_{llm::kv_bytes_per_token(params.model, params.kv_cache)},
      block_scaled_{has_block_scales(params)} {
    prefill_instance_.decode_blocks = pool_.instance.kv_blocks;
    workload::ArrivalParams const& arrivals = params.workload.arrivals;
    if (arrivals.process == workload::Process::trace)
        trace_ = std::make_unique<workload::Trace>(arrivals.file, arrivals.format);
}

std::int64_t ServiceModel::kv_bytes(std::int64_t tokens) const {
    return core::to_count(kv_bytes_per_token_ * static_cast<double>(tokens), "a KV cache [B]");
}

hardware::Activity ServiceModel::activity(llm::IterationCost const& cost, bool prefill) const {
    double const accelerators = pool(prefill).accelerators;
    hardware::Activity activity;
    activity.flops = (cost.flops - cost.attention_flops) / accelerators;
    activity.bf16_flops = cost.attention_flops / accelerators;
    activity.hbm_bytes = cost.hbm_bytes / accelerators;
    activity.link_bytes = cost.scale_up_bytes / accelerators;
    activity.seconds = core::to_seconds(cost.duration_ns);
    activity.weight_bytes = cost.weight_bytes / accelerators;
    activity.logits = cost.logits;
    if (cost.duration_ns > 0) {
        // A pipeline's bubble. While kernels wait for the host, clocks run on: launch-bound decode is such a wait.
        auto const waiting = static_cast<double>(cost.share(llm::Share::idle));
        activity.busy_share = 1.0 - waiting / static_cast<double>(cost.duration_ns);
    }
    activity.rescale_share = block_scaled_ ? activity.busy_share : 0.0;
    return activity;
}

World::World(config::Deck const& deck) : deck_{deck}, plan_{make_plan(deck)}, random_{deck.seed} {
    PoolOffer const offer = make_offer(deck, plan_);
    for (std::size_t s = 0; s < deck.services.size(); ++s) {
        try {
            services_.push_back(std::make_unique<ServiceModel>(deck.services[s], deck.cluster.rack, offer));
        } catch (DoesNotFit const& error) {
            throw core::InputError(deck.placed(fmt::format("services[{}].model", s), error.what()));
        }
    }
}

bool World::finite() const {
    return !deck_.services.empty() &&
           std::ranges::all_of(deck_.services, [](serving::ServiceParams const& service) {
               return service.workload.arrivals.finite();
           });
}

}  // namespace mw::engine
