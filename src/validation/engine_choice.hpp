#pragma once

#include "megaweave/config/entries.hpp"
#include "megaweave/serving/params.hpp"
#include "megaweave/validation/points.hpp"
#include "megaweave/validation/validate.hpp"

namespace mw::validation {

//! Catalogue name of the engine generation that a row states: `vllm-0.13.0`, `tensorrt-llm-1.2.0rc6.post3`; without a
//! version `vllm-` and the source, which kept to one.
[[nodiscard]] std::string engine_key(Setup const& setup);

[[nodiscard]] EngineUsed engine_used(Setup const& setup, llm::EngineParams const& entry,
                                     std::string const& accelerator);

/*!
 * Gives a service the engine that a row names: what its kernels reach and its host costs, scheduler, precision of the KV cache. The
 * only place that knows engines by name.
 *
 * An unknown generation falls back to its family's catalogue entry, then to `generic`. Scheduler: the engines' defaults and the
 * limits that their benchmarks set; every attention rank has a scheduler of its own with these limits. The service's layout and
 * lengths are known. Measurements in a closed loop or under maximum load take the settings of the
 * catalogue's first recipe that they match.
 */
void choose_engine(Setup const& setup, config::Entries const& entries, serving::ServiceParams& service);

}  // namespace mw::validation
