#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mw::workload {

/*
 * The laws of token counts, each a quantile function: `quantile(p)`, p in (0, 1), rises with p and lies in [1, max]. One
 * uniform number gives one count, so a keyed random number gives the same count whoever asks. A bound conditions the law on
 * [1, max] (the same law as drawing again until it fits). "No bound" still bounds at `most_tokens`.
 */

inline constexpr std::int64_t most_tokens = 2'147'483'647;

//! Always the same count.
struct FixedLaw {
    std::int64_t tokens;
    [[nodiscard]] std::int64_t quantile(double) const { return tokens; }
    [[nodiscard]] double mean() const { return static_cast<double>(tokens); }
};

//! Every count from min to max, both included, equally likely.
struct UniformLaw {
    std::int64_t min;
    std::int64_t max;
    [[nodiscard]] std::int64_t quantile(double p) const;
    [[nodiscard]] double mean() const { return 0.5 * (static_cast<double>(min) + static_cast<double>(max)); }
};

/*!
 * Lognormal law, rounded to the nearest count, conditioned on [1, max].
 *
 *     tokens = round(median · exp(sigma · z)),  z standard normal with median · exp(sigma · z) in [0.5, max + 0.5)
 *
 * Source: the usual fit of prompt and answer lengths (ServeGen, 2025, for the bodies). Leaves out: heavier tails, the
 * correlation of input and output. Worked: median 1500, sigma 0.8 has mean 2065.7; with max 32768, 2063.5.
 */
class LognormalLaw {
  public:
    LognormalLaw(double median, double sigma, std::int64_t max);
    [[nodiscard]] std::int64_t quantile(double p) const;
    [[nodiscard]] double mean() const;

  private:
    [[nodiscard]] double cdf(double tokens) const;

    double median_;
    double sigma_;
    std::int64_t max_;
    double p_low_{0};  // probability below 0.5 tokens, and of the range that is left
    double p_range_{1};
};

/*!
 * Geometric law on 1, 2, …, the exponential of whole tokens: each further token comes with probability q = 1 − 1/mean.
 *
 *     tokens = ceil(ln(1 − p') / ln q),  p' = p (1 − q^max)
 *
 * `mean` is that of the unbounded law. Worked: mean 100 has median 69; with max 100 its mean is 42.26.
 */
class GeometricLaw {
  public:
    GeometricLaw(double mean, std::int64_t max);
    [[nodiscard]] std::int64_t quantile(double p) const;
    [[nodiscard]] double mean() const;

  private:
    double mean_;
    std::int64_t max_;
    double log_q_;
};

/*!
 * Quantiles from a file, linear between its points, rounded to the nearest count and at least 1.
 *
 * Worked: (0, 10), (0.5, 20), (1, 100) gives quantile(0.25) = 15, quantile(0.75) = 60, mean 37.5.
 */
class LinearLaw {
  public:
    //! `quantiles` rises strictly from 0 to 1; `tokens` does not fall.
    LinearLaw(std::vector<double> quantiles, std::vector<double> tokens);
    [[nodiscard]] std::int64_t quantile(double p) const;
    [[nodiscard]] double mean() const;

  private:
    std::vector<double> quantiles_;
    std::vector<double> tokens_;
};

//! A probability for each count, from a file. Counts of 0 count as 1; probabilities are normalised.
class DiscreteLaw {
  public:
    //! `tokens` rises strictly.
    DiscreteLaw(std::vector<std::int64_t> tokens, std::vector<double> const& probabilities);
    [[nodiscard]] std::int64_t quantile(double p) const;
    [[nodiscard]] double mean() const;

  private:
    std::vector<std::int64_t> tokens_;
    std::vector<double> cumulative_;
};

//! Lengths stand in the trace: there is no law to ask.
struct TraceLaw {
    [[nodiscard]] std::int64_t quantile(double p) const;
    [[nodiscard]] double mean() const;
};

}  // namespace mw::workload
