#pragma once

#include <optional>
#include <span>

namespace mw::core {

/*!
 * A mean of a time series and how well it is known.
 *
 *     r = sum(x) / sum(n),   h = t(0.975, k - 1) sqrt(v / k) / mean(N),   v = sum((X_i - r N_i)^2) / (k - 1) (1 + a) / (1 - a)
 *
 * X_i and N_i are sums over k = 16 batches of neighbouring samples (8 where these are still correlated), a the correlation of a batch's
 * deviation with the next one's, 0 at least and 0.9 at most. Source: batch means with a ratio estimator, Law, Simulation Modeling and
 * Analysis, 5th ed., sections 9.5.3 and 9.6. Valid: a stationary series several times longer than what it remembers; says nothing of a
 * drift. Worked: batches 9 and 11 in turn, 16 of them, n = 1: mean 10, a = 0, h = 2.131 sqrt(16/15 / 16) = 0.550.
 */
struct BatchMean {
    double mean{0};
    std::optional<double>
        half_width;  //!< of the 95 % confidence interval; none with fewer than 16 samples or no data
};

//! `x` and `n` by sample: what is summed, and what it is a mean over (a count, or the sample's seconds). Equal lengths.
[[nodiscard]] std::optional<BatchMean> batch_mean(std::span<double const> x, std::span<double const> n);

}  // namespace mw::core
