#pragma once

#include <algorithm>
#include <cstdint>

#include "megaweave/core/integer.hpp"
#include "megaweave/core/time.hpp"
#include "megaweave/engine/results.hpp"

namespace mw::engine {

//! A meter saw `drew_uj` in a sample: adds to `use` what is beyond the budget in force (0: none).
inline void watch_budget(BudgetUse& use, std::int64_t drew_uj, double budget_w, core::TimeNs sample_ns) {
    if (budget_w <= 0) return;
    double const allowed_uj = budget_w * core::to_seconds(sample_ns) * 1e6;
    if (static_cast<double>(drew_uj) <= allowed_uj) return;
    use.above_ns += sample_ns;
    use.energy_above_uj = core::checked_sum(use.energy_above_uj, drew_uj - std::llround(allowed_uj),
                                            "the energy above a budget [uJ]");
    double const drew_mw = static_cast<double>(drew_uj) * 1e-3 / core::to_seconds(sample_ns);
    use.worst_mw = std::max(use.worst_mw, core::to_count(drew_mw, "power above a budget [mW]"));
}

}  // namespace mw::engine
