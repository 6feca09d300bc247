#pragma once

#include <cstdint>
#include <string>

#include "megaweave/core/time.hpp"
#include "megaweave/llm/params.hpp"
#include "megaweave/workload/params.hpp"

namespace mw::serving {

enum class Mode : std::uint8_t { unified, disaggregated };
enum class RouterPolicy : std::uint8_t { least_loaded, round_robin };

struct SchedulerParams {
    std::int64_t max_sequences{256};
    std::int64_t max_batched_tokens{8192};  //!< tokens of an iteration, decode first
    bool chunked_prefill{true};
    std::int64_t block_tokens{16};  //!< of a KV block
    std::int64_t kv_blocks{0};      //!< force an instance's KV capacity; 0: what its memory holds
    double memory_share{0.90};      //!< of HBM that weights, activations and KV may use
    double watermark{0.01};         //!< of the blocks, kept free when a new request is admitted
};

//! One service: a model, how it is laid out and served, and who asks.
struct ServiceParams {
    std::string name;
    llm::ModelParams model;
    hardware::Precision weights{hardware::Precision::fp8};
    hardware::Precision kv_cache{hardware::Precision::fp8};
    llm::Parallelism parallelism;
    std::int64_t accelerators{0};  //!< its part of the cluster
    Mode mode{Mode::unified};
    double prefill_share{0.5};  //!< of the instances; disaggregated only
    RouterPolicy router{RouterPolicy::least_loaded};
    std::int64_t cell_instances{128};  //!< at most this many instances behind one router
    SchedulerParams scheduler;
    workload::WorkloadParams workload;
    std::string timing_table;  //!< CSV of measured iteration times; "": roofline
    core::TimeNs ttft_objective_ns{core::never};
    core::TimeNs tpot_objective_ns{core::never};
};

}  // namespace mw::serving
