#pragma once

#include "megaweave/engine/deployment.hpp"
#include "megaweave/parallel/comm.hpp"

namespace mw::app {

//! Bytes that this process may use: the machine's memory, less where a control group or a resource limit says so.
[[nodiscard]] double machine_memory();

//! Bytes that a run needs beside the program itself.
[[nodiscard]] double memory_of(engine::World const& world);

//! Throws core::InputError, on every rank, where a run needs more memory than the ranks' machines have; names the key to change.
void refuse_beyond_memory(engine::World const& world, parallel::Comm const& comm);

}  // namespace mw::app
