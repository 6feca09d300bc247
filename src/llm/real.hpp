#pragma once

#include <cstdint>

namespace mw::llm {

//! Counts are integers, work is not.
inline double real(std::int64_t n) {
    return static_cast<double>(n);
}

inline constexpr double activation_value_bytes = 2.0;  //!< BF16

}  // namespace mw::llm
