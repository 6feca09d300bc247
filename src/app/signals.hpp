#pragma once

/*!
 * Signals that ask a run to stop: SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU. Watched from the program's first instruction
 * (`run` only; other commands end by the signal), and again after MPI_Init, which may install handlers of its own.
 *
 * While MPI starts a signal is noted, since mpirun can hang over a rank that ends then; after `prepare` nothing has begun yet, and one
 * ends the program at once with exit code 75; after `defer` it is noted, and the run stops after a checkpoint. A second SIGTERM, SIGINT or SIGHUP, a second later or more, ends it at once (128 + signal).
 */
namespace mw::app::signals {

void watch();

//! From now on a signal ends the program, since nothing has begun. False if one came before.
[[nodiscard]] bool prepare();

//! From now on a signal is noted, since files are being written.
void defer();

//! The first signal that was noted, or 0.
[[nodiscard]] int seen();

}  // namespace mw::app::signals
