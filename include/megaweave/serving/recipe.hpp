#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "megaweave/hardware/params.hpp"
#include "megaweave/serving/params.hpp"

namespace mw::serving {

//! Of the measurements that followed a recipe.
enum class RecipeLoad : std::uint8_t { closed, max };

//! Settings with which published measurements ran, where they are not the engine's defaults, and which measurements these are.
struct RecipeParams {
    std::string name;
    std::vector<std::string> models;           //!< none: any …
    bool mixtures{false};                      //!< … with routed experts
    std::vector<std::string> accelerators;     //!< none: any
    std::vector<hardware::Precision> weights;  //!< none: any
    std::string engine;                        //!< family, such as sglang
    std::vector<std::string> versions;         //!< of the engine; none: any
    RecipeLoad load{RecipeLoad::closed};
    std::int64_t tensor{0};      //!< ranks; 0: any
    bool attention_data{false};  //!< only with several attention ranks

    std::int64_t poll_iterations{1};   //!< SchedulerParams::poll_iterations …
    std::int64_t busy_concurrency{0};  //!< … below so many requests in flight; 0: always. From there on …
    std::int64_t busy_poll_iterations{1};  //!< … this
    std::int64_t batched_tokens{0};        //!< SchedulerParams::max_batched_tokens of a scheduler, at least
    std::int64_t batched_prompts{0};       //!< the same, in prompts
    std::int64_t max_sequences{0};         //!< SchedulerParams::max_sequences of a scheduler; 0: the default
    bool tuned_limits{false};   //!< requests and tokens of an iteration, as the benchmark chose them
    bool whole_prompts{false};  //!< a prompt is not cut, so an iteration has room for one and a full batch
    std::optional<hardware::Precision> kv_cache;  //!< none: the engine's default
    double memory_share{0.9};
    bool spread_experts{false};  //!< over all accelerators of an instance
    //! Attention is data-parallel over them, and experts are spread, whatever the row states.
    bool spread_attention{false};
    SpeculativeParams speculative;
    hardware::Provenance provenance;
};

}  // namespace mw::serving
