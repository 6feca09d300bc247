#pragma once

#include <cstdint>
#include <vector>

#include "megaweave/core/time.hpp"

namespace mw::engine {

//! Equal parts of a sample, at most 25 ms each, by which facility power is followed up to 20 Hz.
struct SwingBins {
    std::int64_t count{1};
    core::TimeNs length_ns{0};
};
[[nodiscard]] SwingBins swing_bins(core::TimeNs sample_ns);

/*!
 * A rack's energy over a sample, by bin.
 *
 * What the boards drew above idle is metered by bin and reaches the rack's meter times `pass_on` (what its supplies add); all else is spread
 * evenly: hosts, fans and adapters are slower. The bins add up to `total_uj`.
 * Worked: 100 J in two bins, of which the boards' work made 10 and 30 J, passed on as it is: 40 and 60 J.
 */
[[nodiscard]] std::vector<std::int64_t> split_energy(std::int64_t total_uj,
                                                     std::vector<std::int64_t> const& work_pj, double pass_on,
                                                     std::int64_t bins);

}  // namespace mw::engine
