#include "megaweave/core/random.hpp"

#include <Random123/philox.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "megaweave/core/check.hpp"

namespace mw::core {

std::uint64_t KeyedRandom::bits(Draw purpose, std::uint32_t entity, std::uint64_t index) const {
    using Generator = r123::Philox4x32;
    Generator::key_type const key{
        {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)}};
    Generator::ctr_type const counter{{static_cast<std::uint32_t>(index),
                                       static_cast<std::uint32_t>(index >> 32), entity,
                                       static_cast<std::uint32_t>(purpose)}};
    auto const out = Generator{}(counter, key);
    return (static_cast<std::uint64_t>(out[1]) << 32) | out[0];
}

double KeyedRandom::uniform(Draw purpose, std::uint32_t entity, std::uint64_t index) const {
    // 53 bits, centred in their cell: never 0, never 1.
    return (static_cast<double>(bits(purpose, entity, index) >> 11) + 0.5) * 0x1.0p-53;
}

namespace {

double acklam(double p) {
    static constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                                   1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
    static constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                                   6.680131188771972e+01, -1.328068155288572e+01};
    static constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                                   -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
    static constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                                   3.754408661907416e+00};
    auto const tail = [](double q) {
        return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
               ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1.0);
    };
    constexpr double low = 0.02425;
    if (p < low) return tail(std::sqrt(-2.0 * std::log(p)));
    if (p > 1.0 - low) return -tail(std::sqrt(-2.0 * std::log1p(-p)));
    double const q = p - 0.5;
    double const r = q * q;
    return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
           (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1.0);
}

double gamma_p_series(double a, double x) {
    double term = 1.0 / a;
    double sum = term;
    for (double n = a + 1.0; std::abs(term) > std::abs(sum) * 1e-16; n += 1.0) sum += (term *= x / n);
    return sum * std::exp(-x + a * std::log(x) - std::lgamma(a));
}

double gamma_q_fraction(double a, double x) {
    constexpr double tiny = std::numeric_limits<double>::min() * 1e10;
    double b = x + 1.0 - a;
    double c = 1.0 / tiny;
    double d = 1.0 / b;
    double h = d;
    for (int i = 1; i < 10'000; ++i) {
        double const an = -i * (i - a);
        b += 2.0;
        d = an * d + b;
        if (std::abs(d) < tiny) d = tiny;
        c = b + an / c;
        if (std::abs(c) < tiny) c = tiny;
        d = 1.0 / d;
        double const step = d * c;
        h *= step;
        if (std::abs(step - 1.0) < 1e-16) break;
    }
    return std::exp(-x + a * std::log(x) - std::lgamma(a)) * h;
}

double gamma_p(double a, double x) {
    if (x <= 0.0) return 0.0;
    return x < a + 1.0 ? gamma_p_series(a, x) : 1.0 - gamma_q_fraction(a, x);
}

}  // namespace

double normal_quantile(double p) {
    MW_EXPECT(p > 0.0 && p < 1.0, "a quantile needs a probability inside (0, 1)");
    double const x = acklam(p);
    constexpr double sqrt_2pi = 2.506628274631000502;
    double const error = 0.5 * std::erfc(-x * M_SQRT1_2) - p;
    double const u = error * sqrt_2pi * std::exp(0.5 * x * x);
    return x - u / (1.0 + 0.5 * x * u);
}

double gamma_quantile(double shape, double p) {
    MW_EXPECT(shape > 0.0, "the shape of a gamma law is positive");
    MW_EXPECT(p > 0.0 && p < 1.0, "a quantile needs a probability inside (0, 1)");
    // Wilson-Hilferty guess, or the leading term of the series where that fails.
    double const z = normal_quantile(p);
    double const cube = 1.0 - 1.0 / (9.0 * shape) + z / (3.0 * std::sqrt(shape));
    double x =
        cube > 0.1 ? shape * cube * cube * cube : std::exp((std::log(p) + std::lgamma(shape + 1.0)) / shape);
    if (x < std::numeric_limits<double>::min()) return 0.0;
    double low = 0.0;
    double high = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 200; ++i) {
        double const error = gamma_p(shape, x) - p;
        (error > 0.0 ? high : low) = x;
        double const density = std::exp((shape - 1.0) * std::log(x) - x - std::lgamma(shape));
        double next = density > 0.0 ? x - error / density : -1.0;
        if (!(next > low && next < high)) next = std::isinf(high) ? 2.0 * x : 0.5 * (low + high);
        if (std::abs(next - x) <= 1e-14 * x) return next / shape;
        x = next;
    }
    return x / shape;
}

}  // namespace mw::core
