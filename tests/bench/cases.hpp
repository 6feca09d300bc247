#pragma once

#include <string>
#include <vector>

#include "megaweave/config/deck.hpp"
#include "megaweave/parallel/comm.hpp"

/*!
 * The benchmarks, by what they measure. Each function registers its cases under names that begin with its own.
 *
 * Those that take a communicator are collective: every rank must run the same number of iterations, so theirs is fixed. They are all that
 * runs on several ranks; on one rank everything runs.
 */
namespace mw::bench {

void register_core();
void register_workload();
void register_llm();
void register_batcher();
void register_max_min();
void register_rack();
void register_exchange(parallel::Comm& comm);
void register_fabric(parallel::Comm& comm);
void register_hdf5(parallel::Comm& comm);

//! inputs/clusters/h100_100k.yaml (12,500 instances of llama-3.1-70b on 8 H100 each), with changes.
[[nodiscard]] inline config::Deck reference_deck(std::vector<config::Override> const& changes = {}) {
    return config::read_deck(std::string{MW_SOURCE_DIR} + "/inputs/clusters/h100_100k.yaml", changes);
}

}  // namespace mw::bench
