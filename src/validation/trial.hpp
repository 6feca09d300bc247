#pragma once

#include "layout.hpp"
#include "megaweave/config/deck.hpp"
#include "megaweave/config/entries.hpp"
#include "megaweave/validation/points.hpp"

namespace mw::validation {

// Of a steady batch, in mean lives of a request.
inline constexpr std::int64_t lives_left_out = 2;
inline constexpr std::int64_t lives_measured = 3;

//! An experiment as the emulator runs it.
struct Trial {
    config::Deck deck;
    Arrangement arrangement;
    std::int64_t requests{0};  //!< that come in all; 0: without end (steady state)
    double cost{0};            //!< expected iterations, to deal the trials to ranks
};

/*!
 * Builds the deployment of an experiment, with the load that its measurement had:
 * - max: all requests at time 0; as many as the publisher used for these lengths (TensorRT-LLM, performance overviews v1.0 and 1.1:
 *   128/128 30,000 … 20000/2000 1,000), elsewhere 3e6 output tokens' worth, at least 1,000 and at most 30,000;
 * - static: one batch at time 0, run to its end;
 * - closed: 10 x concurrency requests, as the InferenceMAX client sends, ramp and drain included;
 * - steady_batch: the measured mean batch kept in flight; two mean lives of a request left out, three measured.
 * Where only a data set is named: prompts of 334 tokens (chat: mean of ServeGen's m-mid, shared traces) or 2,048 (code completion:
 * mean of the Azure code trace), and lognormal answers around the stated mean with sigma 0.3 (where caches filled the memory, the
 * measured batches held contexts of about half of the answers' mean length).
 * Throws CannotRun.
 */
[[nodiscard]] Trial make_trial(PointsFile const& file, Experiment const& experiment,
                               config::Entries const& entries);

}  // namespace mw::validation
