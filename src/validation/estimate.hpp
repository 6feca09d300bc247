#pragma once

#include "megaweave/validation/validate.hpp"
#include "trial.hpp"

namespace mw::validation {

/*!
 * What the emulator would say, in a hundredth of the time: for calibration, which asks hundreds of times.
 *
 * One instance, the same iteration model, scheduler limits and KV capacity; but between two events (a prompt, an end) all
 * iterations count as equal to the middle one, KV memory is counted in tokens, and requests never wait at a router. Throughput, TTFT,
 * TPOT and inter-token latency only; of steady batches what happens once the batch is full. A validation with and without it shows
 * how they differ.
 * Valid: unified services without speculation. Throws CannotRun for others.
 */
[[nodiscard]] Prediction estimate(Setup const& setup, Trial const& trial);

}  // namespace mw::validation
