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

//! Energy storage at a rack: batteries or capacitors behind the power shelf.
struct RackStorageParams {
    double capacity_j{0};
    double charge_w{0};     //!< at most, into the store
    double discharge_w{0};  //!< at most, to the rack
    double round_trip{0.90};
    double smoothing_s{30};       //!< the grid sees a first-order average over this time
    double set_point_share{0.5};  //!< charge it returns to
};

/*!
 * Smooths what a rack draws from the grid, as far as power and charge allow.
 *
 *     target: dG/dt = (P - G) / smoothing, plus a slow return of the charge to its set point;   store takes G - P
 *
 * Losses (1 - round_trip) are taken on charging. Energy is conserved: grid = rack + change of charge + losses.
 * Leaves out: ageing, state-dependent voltage, self-discharge.
 * Worked: a step from 60 to 120 kW with 30 s smoothing and enough charge: the grid sees 60 kW at once, 97.9 kW after 30 s (63 %).
 */
class RackStorage {
  public:
    //! Begins at its set point, with the grid at `power_w`.
    RackStorage(RackStorageParams const& params, double power_w);

    //! The rack draws `power_w` for `seconds` (at most a tenth of the smoothing time): what the grid gives meanwhile [W].
    double step(double power_w, double seconds);
    [[nodiscard]] double charge_j() const { return charge_j_; }
    [[nodiscard]] double lost_j() const { return lost_j_; }

    template <class Archive>
    void archive(Archive& ar) {
        ar& grid_w_& charge_j_& lost_j_;
    }

  private:
    RackStorageParams params_;
    double grid_w_;
    double charge_j_;
    double lost_j_{0};
};

}  // namespace mw::plant
