#pragma once

#include <memory>
#include <vector>

#include "megaweave/config/deck.hpp"
#include "megaweave/core/random.hpp"
#include "megaweave/hardware/power.hpp"
#include "megaweave/llm/iteration.hpp"
#include "megaweave/llm/memory.hpp"
#include "megaweave/serving/instance.hpp"
#include "megaweave/site/plan.hpp"
#include "megaweave/workload/arrivals.hpp"
#include "megaweave/workload/lengths.hpp"
#include "megaweave/workload/trace.hpp"

namespace mw::engine {

//! One service as the racks need it: models built once, then only read.
class ServiceModel {
  public:
    //! Throws core::InputError if the model does not fit into its accelerators' memory, or a file it names is wrong.
    ServiceModel(serving::ServiceParams const& params, hardware::RackParams const& rack);

    ServiceModel(ServiceModel const&) = delete;
    ServiceModel& operator=(ServiceModel const&) = delete;

    [[nodiscard]] serving::ServiceParams const& params() const { return params_; }
    [[nodiscard]] llm::MemoryPlan const& memory() const { return memory_; }
    [[nodiscard]] serving::InstanceParams const& instance(bool prefill_pool) const {
        return prefill_pool ? prefill_pool_ : pool_;
    }
    [[nodiscard]] serving::Timing const& timing() const { return timing_; }
    [[nodiscard]] workload::LengthLaw const& input() const { return input_; }
    [[nodiscard]] workload::LengthLaw const& output() const { return output_; }
    [[nodiscard]] workload::Trace const* trace() const { return trace_.get(); }
    //! Bytes of the KV cache of a context of that many tokens, all accelerators of an instance together.
    [[nodiscard]] std::int64_t kv_bytes(std::int64_t tokens) const;
    //! Power and time shares of an iteration, per accelerator.
    [[nodiscard]] hardware::DynamicPower power(llm::IterationCost const& cost) const;

  private:
    serving::ServiceParams params_;
    double accelerators_;
    llm::MemoryPlan memory_;
    serving::InstanceParams pool_;
    serving::InstanceParams prefill_pool_;
    serving::Timing timing_;
    workload::LengthLaw input_;
    workload::LengthLaw output_;
    std::unique_ptr<workload::Trace> trace_;
    hardware::AcceleratorPower power_;
    double kv_bytes_per_token_;
};

//! What every rack sees and nobody changes: the deck, the plan, the models.
class World {
  public:
    explicit World(config::Deck const& deck);

    [[nodiscard]] config::Deck const& deck() const { return deck_; }
    [[nodiscard]] site::Plan const& plan() const { return plan_; }
    [[nodiscard]] ServiceModel const& service(core::ServiceId id) const { return *services_[id.index()]; }
    [[nodiscard]] std::size_t services() const { return services_.size(); }
    [[nodiscard]] core::KeyedRandom const& random() const { return random_; }
    [[nodiscard]] core::TimeNs warmup_ns() const { return deck_.time.warmup_ns; }
    [[nodiscard]] core::TimeNs end_ns() const { return deck_.time.warmup_ns + deck_.time.duration_ns; }

  private:
    config::Deck deck_;
    site::Plan plan_;
    std::vector<std::unique_ptr<ServiceModel>> services_;
    core::KeyedRandom random_;
};

}  // namespace mw::engine
