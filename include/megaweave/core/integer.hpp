#pragma once

#include <cmath>
#include <cstdint>

namespace mw::core {

//! For sums and products that may exceed 63 bits.
__extension__ using Wide = __int128;

//! a·b/c, rounded down, without overflow of the product.
[[nodiscard]] constexpr std::int64_t mul_div(std::int64_t a, std::int64_t b, std::int64_t c) {
    return static_cast<std::int64_t>(static_cast<Wide>(a) * b / c);
}

[[nodiscard]] constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
    return (a + b - 1) / b;
}

//! Largest result of one conversion: half of 63 bits, so that a sum of two still fits.
inline constexpr double most_countable = 4.6e18;

//! Largest sum: 63 bits, less what rounding to a double takes.
inline constexpr double most_sum = 9.2e18;

//! Throws core::TooLarge, which names the quantity, with its unit in brackets.
[[noreturn]] void too_large(char const* quantity, double value);

//! The nearest integer. The only way from watts, joules and seconds to the integers that sums use.
[[nodiscard]] inline std::int64_t to_count(double value, char const* quantity, double most = most_countable) {
    if (!(std::abs(value) <= most)) too_large(quantity, value);  // not a number: neither
    return std::llround(value);
}

[[nodiscard]] inline std::int64_t checked_sum(std::int64_t a, std::int64_t b, char const* quantity) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(a, b, &sum))
        too_large(quantity, static_cast<double>(a) + static_cast<double>(b));
    return sum;
}

[[nodiscard]] inline std::int64_t checked_product(std::int64_t a, std::int64_t b, char const* quantity) {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(a, b, &product))
        too_large(quantity, static_cast<double>(a) * static_cast<double>(b));
    return product;
}

}  // namespace mw::core
