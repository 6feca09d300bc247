#pragma once

#include <cstdint>
#include <string>

#include "megaweave/core/time.hpp"
#include "megaweave/llm/engine_params.hpp"
#include "megaweave/llm/memory.hpp"
#include "megaweave/llm/params.hpp"
#include "megaweave/llm/timing_table.hpp"
#include "megaweave/workload/params.hpp"

namespace mw::serving {

enum class Mode : std::uint8_t { unified, disaggregated };
enum class RouterPolicy : std::uint8_t { least_loaded, round_robin };

//! What an iteration is made of.
enum class SchedulerPolicy : std::uint8_t {
    mixed,  //!< decode and chunks of prompts share the token budget (vLLM V1, TensorRT-LLM, Sarathi-Serve)
    prefill_first  //!< prompts run alone while there are any that fit, then decode goes on (SGLang, vLLM V0)
};

//! When a waiting request is let in.
enum class Admission : std::uint8_t {
    watermark,      //!< its prompt fits; decode that runs out of blocks preempts (vLLM, SGLang)
    reserve_output  //!< prompt and whole output fit: no preemption (TensorRT-LLM's GUARANTEED_NO_EVICT)
};

//! Where a decoding sequence goes that has to give way.
enum class Preemption : std::uint8_t {
    recompute,  //!< its blocks are freed; prompt and output so far are processed again
    swap        //!< its blocks move to the memory pool and come back; recomputed where the pool is full
};

//! Where the blocks of prefix hits lie.
enum class PrefixCache : std::uint8_t { hbm, pool };

//! What a service begins with.
enum class Start : std::uint8_t {
    warm,  //!< weights are in HBM at time 0
    cold   //!< they are loaded from the memory pool first
};

struct SchedulerParams {
    std::int64_t max_sequences{256};
    std::int64_t max_batched_tokens{8192};  //!< tokens of an iteration, decode first
    //! Input and output tokens of a request at most; longer ones are rejected, as engines do. 0: no limit but the KV cache.
    std::int64_t max_model_len{0};
    SchedulerPolicy policy{SchedulerPolicy::mixed};
    //! New requests are looked for before every so-manieth decode iteration, and before any after a prompt or a pause (SGLang,
    //! scheduler_recv_interval).
    std::int64_t poll_iterations{1};
    bool chunked_prefill{true};  //!< false: prompts run whole, and alone whatever the policy
    Admission admission{Admission::watermark};
    std::int64_t block_tokens{16};  //!< of a KV block
    std::int64_t kv_blocks{0};      //!< force an instance's KV capacity; 0: what its memory holds
    double memory_share{0.90};      //!< of memory, by the rule
    llm::MemoryRule memory_rule{llm::MemoryRule::of_total};
    double memory_reserve_bytes{1.5e9};  //!< per accelerator: context, libraries' buffers, fragments
    double logit_copies{3};              //!< in FP32, set aside for every sequence that may run
    bool frees_windows{true};            //!< blocks that a sliding window has left
    double watermark{0.01};              //!< of the blocks, kept free when a new request is admitted
    //! `recompute`: blocks that HBM has no room for lie in the memory pool, and attention reads them there. `swap`: attention reads
    //! HBM alone; the pool holds the sequences put aside.
    Preemption preemption{Preemption::recompute};
    PrefixCache prefix_cache{PrefixCache::hbm};
};

//! Speculative decoding: drafts are verified along with the next token (speculation.hpp).
struct SpeculativeParams {
    std::int64_t draft_tokens{0};  //!< of a sequence and iteration; 0: none
    double acceptance{0};          //!< probability that a draft is right if those before it were
    double draft_cost{0};  //!< of drafting one token, over a decode pass of the model; 0: one layer of it
};

//! One of the two pools of a disaggregated service whose pools differ.
struct PoolParams {
    std::int64_t instances{0};
    llm::Parallelism parallelism;

    [[nodiscard]] std::int64_t accelerators() const { return instances * parallelism.accelerators(); }
};

//! One service: a model, how it is laid out and served, and who asks.
struct ServiceParams {
    std::string name;
    llm::ModelParams model;
    llm::EngineParams engine;
    hardware::Precision weights{hardware::Precision::fp8};
    hardware::Precision kv_cache{hardware::Precision::fp8};
    llm::Parallelism parallelism;
    std::int64_t accelerators{0};  //!< its part of the cluster
    Mode mode{Mode::unified};
    double prefill_share{0.5};  //!< of the instances; disaggregated only
    //! Disaggregated, with unequal pools: so many prefill and decode instances behind one router are a unit, repeated as often as
    //! the accelerators allow. `parallelism`, `prefill_share` and `cell_instances` do not count then.
    PoolParams prefill_pool;
    PoolParams decode_pool;
    RouterPolicy router{RouterPolicy::least_loaded};
    std::int64_t cell_instances{128};  //!< at most this many instances behind one router
    Start start{Start::warm};
    SchedulerParams scheduler;
    SpeculativeParams speculative;
    workload::WorkloadParams workload;
    std::string timing_table;       //!< CSV of measured iteration times; "": roofline
    llm::TimingRules timing_rules;  //!< how it is looked up
    core::TimeNs ttft_objective_ns{core::never};
    core::TimeNs tpot_objective_ns{core::never};

    [[nodiscard]] bool unequal_pools() const {
        return mode == Mode::disaggregated && prefill_pool.instances > 0;
    }
    //! Of an instance that does so.
    [[nodiscard]] llm::Parallelism const& parallelism_of(bool prefill) const {
        if (!unequal_pools()) return parallelism;
        return prefill ? prefill_pool.parallelism : decode_pool.parallelism;
    }
};

}  // namespace mw::serving
