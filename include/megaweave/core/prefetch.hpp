#pragma once

#include <cstddef>

namespace mw::core {

//! Asks for memory that will be touched soon. Only a hint: nothing is read, and the address need not be valid.
inline void prefetch(void const* address, std::size_t bytes = 1) {
    constexpr std::size_t line = 64;
    for (std::size_t offset = 0; offset < bytes; offset += line)
        __builtin_prefetch(static_cast<char const*>(address) + offset);
}

}  // namespace mw::core
