#pragma once

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

}  // namespace mw::core
