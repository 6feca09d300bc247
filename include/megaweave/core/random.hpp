#pragma once

#include <cstdint>

namespace mw::core {

//! What a random number is for: part of its key, so that purposes never share numbers.
enum class Draw : std::uint32_t {
    arrival,
    input_length,
    output_length,
    route,
    sample,
    thinning,
    rotation,
    test,
    shed
};

/*!
 * Random numbers by key, not from a stream: `(seed; purpose, entity, index)` always gives the same number, whoever asks, in
 * whatever order, on whichever rank.
 *
 * Philox4x32-10 (Salmon et al., SC'11) through Random123. Thread-safe: no state but the seed.
 */
class KeyedRandom {
  public:
    explicit KeyedRandom(std::uint64_t seed) : seed_{seed} {}

    [[nodiscard]] std::uint64_t bits(Draw purpose, std::uint32_t entity, std::uint64_t index) const;
    //! In the open interval (0, 1): safe for logarithms and quantile functions.
    [[nodiscard]] double uniform(Draw purpose, std::uint32_t entity, std::uint64_t index) const;

  private:
    std::uint64_t seed_;
};

/*!
 * Standard normal quantile: the z with Phi(z) = p, for p in (0, 1).
 *
 * Source: Acklam's rational approximation with one Halley step; absolute error below 1e-12 for p in [1e-15, 1-1e-15].
 * Worked: normal_quantile(0.975) = 1.959964.
 */
[[nodiscard]] double normal_quantile(double p);

/*!
 * Quantile of the gamma distribution with the given shape and mean 1: x with P(shape, shape·x) = p.
 *
 * Bracketed Newton on the regularised incomplete gamma function (series and continued fraction, Numerical Recipes 6.2);
 * relative error below 1e-10. Worked: shape 1 is the exponential, gamma_quantile(1, 0.5) = ln 2.
 */
[[nodiscard]] double gamma_quantile(double shape, double p);

}  // namespace mw::core
