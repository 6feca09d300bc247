#include "megaweave/engine/world.hpp"

#include <fmt/format.h>

#include <cmath>

#include "megaweave/core/error.hpp"
#include "megaweave/llm/architecture.hpp"
#include "megaweave/llm/timing_table.hpp"

namespace mw::engine {

namespace {

serving::Timing make_timing(serving::ServiceParams const& params, hardware::RackParams const& rack) {
    llm::IterationModel roofline{params.model, params.weights, params.kv_cache, params.parallelism, rack};
    if (params.timing_table.empty()) return roofline;
    return llm::TimingTable{params.timing_table, roofline};
}

serving::InstanceParams make_pool(serving::ServiceParams const& params, llm::MemoryPlan const& memory,
                                  bool prefill_only) {
    std::int64_t const forced = params.scheduler.kv_blocks;
    return {params.scheduler, prefill_only, forced > 0 ? forced : memory.kv_blocks};
}

llm::MemoryPlan make_memory(serving::ServiceParams const& params, hardware::RackParams const& rack) {
    llm::MemoryPlan const memory =
        llm::plan_memory(params.model, params.weights, params.kv_cache, params.parallelism, rack.accelerator,
                         params.scheduler.block_tokens, params.scheduler.memory_share,
                         params.scheduler.max_batched_tokens, params.scheduler.max_sequences);
    if (memory.kv_blocks <= 0 && params.scheduler.kv_blocks == 0)
        throw core::InputError(fmt::format(
            "service '{}': {} does not fit: {:.1f} GB of weights and {:.1f} GB of activations on each {} "
            "with {:.0f} GB of memory, of which {:.0f} % "
            "may be used. Spread it over more accelerators (services[].parallelism) or use narrower weights",
            params.name, params.model.name, memory.weight_bytes_per_accelerator * 1e-9,
            memory.activation_bytes * 1e-9, rack.accelerator.name, rack.accelerator.hbm_bytes * 1e-9,
            100 * params.scheduler.memory_share));
    return memory;
}

site::PlanParams plan_params(config::Deck const& deck) {
    site::PlanParams plan{deck.cluster.accelerators, deck.cluster.rack, deck.cluster.scale_out, {}};
    for (serving::ServiceParams const& service : deck.services)
        plan.services.push_back({service.accelerators, service.parallelism.accelerators(),
                                 service.mode == serving::Mode::disaggregated ? service.prefill_share : 0.0,
                                 service.cell_instances});
    return plan;
}

}  // namespace

ServiceModel::ServiceModel(serving::ServiceParams const& params, hardware::RackParams const& rack)
    : params_{params},
      accelerators_{static_cast<double>(params.parallelism.accelerators())},
      memory_{make_memory(params, rack)},
      pool_{make_pool(params, memory_, false)},
      prefill_pool_{make_pool(params, memory_, true)},
      timing_{make_timing(params, rack)},
      input_{params.workload.input},
      output_{params.workload.output},
      power_{rack.accelerator},
      kv_bytes_per_token_{llm::kv_bytes_per_token(params.model, params.kv_cache)} {
    workload::ArrivalParams const& arrivals = params.workload.arrivals;
    if (arrivals.process == workload::Process::trace)
        trace_ = std::make_unique<workload::Trace>(arrivals.file, arrivals.format);
}

std::int64_t ServiceModel::kv_bytes(std::int64_t tokens) const {
    return std::llround(kv_bytes_per_token_ * static_cast<double>(tokens));
}

hardware::DynamicPower ServiceModel::power(llm::IterationCost const& cost) const {
    return power_(hardware::Activity{(cost.flops - cost.attention_flops) / accelerators_,
                                     cost.attention_flops / accelerators_, cost.hbm_bytes / accelerators_,
                                     cost.scale_up_bytes / accelerators_, core::to_seconds(cost.duration_ns)},
                  params_.weights);
}

World::World(config::Deck const& deck) : deck_{deck}, plan_{plan_params(deck)}, random_{deck.seed} {
    for (serving::ServiceParams const& service : deck.services)
        services_.push_back(std::make_unique<ServiceModel>(service, deck.cluster.rack));
}

}  // namespace mw::engine
