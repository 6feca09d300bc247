#pragma once

#include <cstdint>
#include <optional>

#include "megaweave/core/histogram.hpp"

namespace mw::core {

/*!
 * Distribution of how long something takes, where some of it has not yet ended.
 *
 *     S(v) = product over values u <= v of 1 - d(u) / n(u)
 *
 * d(u) are those that took u, n(u) those that took u or longer or have lasted u or longer so far. `open` has the ages of those that still
 * last, and `never` counts those that will not end. Averages over those that ended alone would be too short: the slowest are missing.
 * Source: Kaplan and Meier, J. Am. Stat. Assoc. 53 (1958), product-limit estimate. Valid: what still lasts is no different from what ended
 * at the same age. With nothing open it is the histogram itself. Worked: 1, 2, 4 s took three, a fourth has waited 3 s: the median is 2 s,
 * S(4 s) = 0, the mean 2.75 s; had the fourth waited 5 s, S(4 s) = 0.25, and the 90th percentile is unknown.
 */
class Survival {
  public:
    Survival(Histogram const& ended, Histogram const& open, std::int64_t never_ends);

    [[nodiscard]] std::int64_t count() const { return ended_.count() + open_.count() + never_; }
    //! Value that a share q stays below; none where too little has ended to know it.
    [[nodiscard]] std::optional<double> quantile(double q) const;
    //! A value that the quantile is not below, as if all that is open ended now; none where it will never end.
    [[nodiscard]] std::optional<double> at_least(double q) const;
    //! Up to one in a hundred that is left is taken to end where it stands (Efron's tail, a lower bound); none where more is.
    [[nodiscard]] std::optional<double> mean() const;

  private:
    //! Calls visit(bucket, S before, S after) for every bucket in which something ended.
    template <class Visitor>
    void steps(Visitor&& visit) const;

    Histogram const& ended_;
    Histogram const& open_;
    std::int64_t never_;
};

}  // namespace mw::core
