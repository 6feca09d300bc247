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

//! What a memory pool offers a service's instances.
struct PoolOffer {
    double kv_bytes_per_accelerator{0};  //!< of its capacity, for caches
    llm::PoolReads reads;
};

//! One service as the racks need it: models built once, then only read.
class ServiceModel {
  public:
    //! Throws core::InputError if the model does not fit into its accelerators' memory, or a file it names is wrong.
    ServiceModel(serving::ServiceParams const& params, hardware::RackParams const& rack,
                 PoolOffer const& offer = {});

    ServiceModel(ServiceModel const&) = delete;
    ServiceModel& operator=(ServiceModel const&) = delete;

    [[nodiscard]] serving::ServiceParams const& params() const { return params_; }
    //! Of a prefill instance, or of one that decodes (or does both).
    [[nodiscard]] llm::MemoryPlan const& memory(bool prefill = false) const { return pool(prefill).memory; }
    [[nodiscard]] serving::InstanceParams const& instance(bool prefill) const {
        return prefill ? prefill_instance_ : pool_.instance;
    }
    [[nodiscard]] serving::Timing const& timing(bool prefill = false) const { return pool(prefill).timing; }
    //! What the timing's work is counted with.
    [[nodiscard]] llm::IterationModel const& model(bool prefill) const { return pool(prefill).model; }
    [[nodiscard]] workload::LengthLaw const& input() const { return input_; }
    [[nodiscard]] workload::LengthLaw const& output() const { return output_; }
    [[nodiscard]] workload::Trace const* trace() const { return trace_.get(); }
    //! Bytes of the KV cache of a context of that many tokens, all accelerators of an instance together.
    [[nodiscard]] std::int64_t kv_bytes(std::int64_t tokens) const;
    //! What each of an instance's accelerators does in an iteration.
    [[nodiscard]] hardware::Activity activity(llm::IterationCost const& cost, bool prefill = false) const;
    //! Power of one accelerator in an iteration, above its resident idle.
    [[nodiscard]] hardware::DynamicPower power(llm::IterationCost const& cost, bool prefill = false) const {
        return power_(activity(cost, prefill), params_.weights, cost.clock);
    }
    [[nodiscard]] hardware::AcceleratorPower const& power_law() const { return power_; }
    //! Power of one accelerator whose kernels wait for memory, above its resident idle.
    [[nodiscard]] hardware::DynamicPower stalled_power(double clock) const {
        return power_(hardware::Activity{.seconds = 1.0}, params_.weights, clock);
    }

  private:
    //! What instances of one layout have in common.
    struct Pool {
        Pool(serving::ServiceParams const& params, llm::Parallelism const& parallelism, bool prefill_only,
             hardware::RackParams const& rack, PoolOffer const& offer);
        double accelerators;
        llm::MemoryPlan memory;
        serving::InstanceParams instance;
        llm::IterationModel model;
        serving::Timing timing;
    };
    [[nodiscard]] Pool const& pool(bool prefill) const {
        return prefill && prefill_pool_ ? *prefill_pool_ : pool_;
    }

    serving::ServiceParams params_;
    Pool pool_;
    std::unique_ptr<Pool> prefill_pool_;  //!< where it differs
    serving::InstanceParams prefill_instance_;
    workload::LengthLaw input_;
    workload::LengthLaw output_;
    std::unique_ptr<workload::Trace> trace_;
    hardware::AcceleratorPower power_;
    double kv_bytes_per_token_;
    bool block_scaled_;  //!< FP8 experts, whose kernels undo the scales of blocks
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
    //! Every service's arrivals end (bursts, closed loops of a number of requests): the run may end when all is served.
    [[nodiscard]] bool finite() const;

  private:
    config::Deck deck_;
    site::Plan plan_;
    std::vector<std::unique_ptr<ServiceModel>> services_;
    core::KeyedRandom random_;
};

}  // namespace mw::engine
