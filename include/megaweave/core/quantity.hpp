#pragma once

#include <compare>

namespace mw::core {

/*!
 * A number with its unit in the type: not a units library, only a guard against mixing watts with kelvins.
 *
 * Unwrap with `value()` at the point of use; raw numbers in inner loops carry the unit as a suffix (`_w`, `_ns`).
 */
template <class Unit>
class Quantity {
  public:
    constexpr Quantity() = default;
    constexpr explicit Quantity(double value) : value_{value} {}
    [[nodiscard]] constexpr double value() const { return value_; }

    friend constexpr auto operator<=>(Quantity, Quantity) = default;
    friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity{a.value_ + b.value_}; }
    friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity{a.value_ - b.value_}; }
    friend constexpr Quantity operator*(Quantity a, double k) { return Quantity{a.value_ * k}; }
    friend constexpr Quantity operator*(double k, Quantity a) { return a * k; }
    friend constexpr double operator/(Quantity a, Quantity b) { return a.value_ / b.value_; }
    constexpr Quantity& operator+=(Quantity b) { return value_ += b.value_, *this; }

  private:
    double value_{0.0};
};

using Watts = Quantity<struct WattUnit>;
using Celsius = Quantity<struct CelsiusUnit>;
using Kelvins = Quantity<struct KelvinUnit>;

}  // namespace mw::core
