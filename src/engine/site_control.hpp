#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "megaweave/config/deck.hpp"
#include "megaweave/core/time.hpp"

namespace mw::engine {

//! Boards that a policy caps alike; the first class is the last to be capped.
inline constexpr std::size_t most_classes = 8;
using ClassCaps = std::array<double, most_classes>;  //!< watts of a board; 0: none

//! Over a control period, by class. Integers, so that racks and ranks add up exactly.
struct ClassSums {
    std::array<std::int64_t, most_classes> energy_uj{};  //!< of the boards
    std::array<std::int64_t, most_classes> boards{};
};

//! Of a rack over a control period.
struct PeriodEnergy {
    std::int64_t rack_uj{0};
    std::int64_t boards_uj{0};
};

/*!
 * Keeps a meter to a budget by the power that it leaves to the boards behind it.
 *
 *     target: boards' power + (B (1 - margin) - P) / mu,   mu: watts at the meter that go with one at the boards, at least
 *
 * From what boards drew while they are settling, from the last target when they keep to it. Above B at once, below it half-way each period, so that what the boards cannot use is found and given to those that can. If every
 * board keeps to its part of the target, P returns below B: a surge passes B for at most one period plus the caps' settling time.
 * A target cannot go below what idle boards draw: a budget below that is passed, and stays so.
 * Worked: 1 MW budget, 3 % margin, 1.03 MW drawn, of it 600 kW by boards, 1.1 W at the meter for each of theirs: the target is
 * 600 - 60/1.1 = 545.5 kW.
 */
class BudgetGovernor {
  public:
    //! Watts for the boards of the next period; `least_w`, `most_w`: that they can draw at all. 0 budget: `most_w`.
    double step(double budget_w, double margin, double power_w, double boards_w, double factor,
                double least_w, double most_w);
    [[nodiscard]] double target_w() const { return target_w_; }

    template <class Archive>
    void archive(Archive& ar) {
        ar& target_w_;
    }

  private:
    double target_w_{0};
};

/*!
 * Shares a target out: one cap for all (proportional, shed), or the lowest classes first.
 *
 * In order, each class may draw all that is left when those after it draw the floor; what it did draw is then gone from the target.
 * `floor_w`, `tdp_w`: of a board. Worked: two classes of 10 boards drew 5 and 4 kW, target 7 kW, floor 140 W: the first may
 * draw (7 - 1.4)/10 = 560 W a board, the second (7 - 5)/10 = 200 W.
 */
[[nodiscard]] ClassCaps share_out(double target_w, std::array<double, most_classes> const& drew_w,
                                  std::array<std::int64_t, most_classes> const& boards, bool alike,
                                  double floor_w, double tdp_w);

//! Class of a service's instances under a policy.
[[nodiscard]] std::size_t class_of(plant::BudgetPolicy policy, std::size_t service, bool prefill);

//! Budget of the site at a time, with its demand-response event.
[[nodiscard]] double budget_w(config::Deck const& deck, core::TimeNs now_ns);

}  // namespace mw::engine
