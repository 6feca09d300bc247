#pragma once

#include <array>

#include "megaweave/llm/iteration.hpp"

namespace mw::llm {

//! Words for the parts of an iteration's time, by Share.
inline constexpr std::array<char const*, share_count> share_names = {
    "compute", "hbm", "scale_up", "scale_out", "memory_pool", "overhead", "idle"};

}  // namespace mw::llm
