#include "power_bins.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mw::engine {

namespace {

constexpr core::TimeNs longest_bin_ns = 25 * core::ns_per_ms;

}  // namespace

SwingBins swing_bins(core::TimeNs sample_ns) {
    std::int64_t const count = (sample_ns + longest_bin_ns - 1) / longest_bin_ns;
    return {count, sample_ns / count};
}

std::vector<std::int64_t> split_energy(std::int64_t total_uj, std::vector<std::int64_t> const& work_pj,
                                       double pass_on, std::int64_t bins) {
    std::vector<std::int64_t> parts(static_cast<std::size_t>(bins), 0);
    double work_uj = 0;
    for (std::int64_t const pj : work_pj) work_uj += static_cast<double>(pj) * 1e-6;
    double const even_uj = (static_cast<double>(total_uj) - pass_on * work_uj) / static_cast<double>(bins);
    std::int64_t left_uj = total_uj;
    for (std::size_t b = 0; b + 1 < parts.size(); ++b) {
        double const here_uj = b < work_pj.size() ? static_cast<double>(work_pj[b]) * 1e-6 : 0.0;
        parts[b] = std::clamp<std::int64_t>(std::llround(even_uj + pass_on * here_uj), 0, left_uj);
        left_uj -= parts[b];
    }
    parts.back() = left_uj;  // with what a last, shorter bin had
    return parts;
}

}  // namespace mw::engine
