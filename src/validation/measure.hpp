#pragma once

#include <span>

#include "megaweave/engine/results.hpp"
#include "megaweave/serving/client_view.hpp"
#include "megaweave/validation/validate.hpp"
#include "trial.hpp"

namespace mw::validation {

//! Runs a trial alone on the calling thread (no MPI) and reads off what its publisher measured. Throws CannotRun.
[[nodiscard]] Prediction measure(Setup const& setup, Trial const& trial);

//! A request from arrival to last token, as its client sees it.
struct FinishedRequest {
    std::int64_t input_tokens{0};
    std::int64_t output_tokens{0};
    serving::RequestTimes times;
};

/*!
 * What a benchmark's client prints of a run with an end, from the first request to the last token: throughputs, and mean, median
 * and p99 of ttft, tpot and e2e [s].
 */
[[nodiscard]] std::vector<Metric> finite_metrics(std::vector<FinishedRequest> const& requests,
                                                 Arrangement const& arrangement);

//! What a batch of constant size was seen to do; gaps between the tokens of a sequence in s.
struct SteadyState {
    double input_per_s{0};
    double output_per_s{0};
    double gap_mean_s{0};
    double gap_median_s{0};
    double gap_p99_s{0};
};

//! Throughputs, and mean, median and p99 of itl [s].
[[nodiscard]] std::vector<Metric> steady_metrics(SteadyState const& state, Arrangement const& arrangement);

//! Value below which a share q of the values lies, linear between them (NumPy's default). Sorts them; 0 if there is none.
[[nodiscard]] double percentile(std::vector<double>& values, double q);

}  // namespace mw::validation
