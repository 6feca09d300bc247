#pragma once

#include <span>
#include <vector>

namespace mw::plant {

/*!
 * What a utility asks of a power series with equal spacing: how fast it moves, how peaky it is, and how much it swings at which
 * frequency (grid codes and turbine shafts are sensitive from 0.1 to 20 Hz).
 */
struct RampRates {
    double up_w_per_s{0};    //!< steepest rise between neighbouring samples
    double down_w_per_s{0};  //!< steepest fall, positive
    double up_w_per_min{0};  //!< largest rise over any minute; 0 where the series is shorter
    double down_w_per_min{0};
};
[[nodiscard]] RampRates ramp_rates(std::span<double const> watts, double sample_s);

//! 99th percentile (nearest rank) over mean; 1 for a constant series, 0 for none.
[[nodiscard]] double p99_over_mean(std::span<double const> watts);

/*!
 * Amplitude of a series' swing at one frequency [W].
 *
 *     A(f) = 2/N |sum_n (P_n - mean) exp(-2 pi i f n dt)|
 *
 * Goertzel's recurrence, in one pass. Valid below half the sample rate; frequencies closer than 1/(N dt) cannot be told apart.
 * Worked: 5 MW + 0.3 MW sin(2 pi 1 Hz t), 10 s at 20 samples/s: 0.3 MW at 1 Hz, below 1 W at 2 Hz.
 */
[[nodiscard]] double swing_w(std::span<double const> watts, double sample_s, double frequency_hz);

struct SpectrumLine {
    double frequency_hz;
    double amplitude_w;
};
//! Swings at the series' own frequencies k/(N dt) within [from, to], but not above half the sample rate.
[[nodiscard]] std::vector<SpectrumLine> spectrum(std::span<double const> watts, double sample_s,
                                                 double from_hz = 0.1, double to_hz = 20.0);

}  // namespace mw::plant
