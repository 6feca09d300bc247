#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "megaweave/engine/feasibility.hpp"

//! The parts of `assess`, each of one subject; all append to `warnings`.
namespace mw::engine {

using Warnings = std::vector<std::string>;

//! `requests`: that arrive in the run.
void warn_of_lengths(ServiceModel const& service, double requests, Warnings& warnings);
void warn_of_memory(ServiceModel const& service, Warnings& warnings);
void warn_of_hashes(ServiceModel const& service, Warnings& warnings);
void warn_of_load(ServiceModel const& service, LoadEstimate const& load, Warnings& warnings);
void warn_of_objectives(ServiceModel const& service, LoadEstimate const& load, Warnings& warnings);
void warn_of_times(config::TimeParams const& time, ServiceModel const& service, LoadEstimate const& load,
                   Warnings& warnings);

//! 3207184 as 3,207,184.
[[nodiscard]] std::string grouped(std::int64_t number);
//! "49 %", "0.3 %".
[[nodiscard]] std::string percent(double share);
//! "76 ms", "1.2 s".
[[nodiscard]] std::string duration_text(double seconds);

}  // namespace mw::engine
