#pragma once

#include "megaweave/parallel/comm.hpp"
#include "options.hpp"

namespace mw::app {

inline constexpr int exit_done = 0;
inline constexpr int exit_input = 2;
inline constexpr int exit_world = 3;
inline constexpr int exit_stopped = 75;

// Each runs on every rank and returns the exit code; mistakes are exceptions (core/error.hpp).
int run_command(Options const& options, parallel::Comm& comm);
int check_command(Options const& options, parallel::Comm& comm);
int flows_command(Options const& options, parallel::Comm& comm);
int validate_command(Options const& options, parallel::Comm& comm);
int work_command(Options const& options, parallel::Comm& comm);
int catalogue_command(Options const& options, parallel::Comm& comm);

}  // namespace mw::app
