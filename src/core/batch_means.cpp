#include "megaweave/core/batch_means.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "megaweave/core/check.hpp"

namespace mw::core {

namespace {

struct Batches {
    double variance{0};     //!< of a batch's deviation
    double correlation{0};  //!< with the next one's
};

std::vector<double> sums_of(std::span<double const> values, std::size_t batches) {
    std::vector<double> sums(batches, 0.0);
    for (std::size_t i = 0; i < values.size(); ++i) sums[i * batches / values.size()] += values[i];
    return sums;
}

Batches divide(std::span<double const> x, std::span<double const> n, double ratio, std::size_t count) {
    std::vector<double> deviation = sums_of(x, count);
    std::vector<double> const weight = sums_of(n, count);
    for (std::size_t i = 0; i < count; ++i) deviation[i] -= ratio * weight[i];
    double square = 0;
    double product = 0;
    for (std::size_t i = 0; i < count; ++i) square += deviation[i] * deviation[i];
    for (std::size_t i = 0; i + 1 < count; ++i) product += deviation[i] * deviation[i + 1];
    return {square / static_cast<double>(count - 1),
            square > 0 ? std::clamp(product / square, 0.0, 0.9) : 0.0};
}

}  // namespace

std::optional<BatchMean> batch_mean(std::span<double const> x, std::span<double const> n) {
    MW_EXPECT(x.size() == n.size(), "a ratio has as many numerators as denominators");
    double const all_n = std::accumulate(n.begin(), n.end(), 0.0);
    if (all_n <= 0) return {};
    BatchMean result{std::accumulate(x.begin(), x.end(), 0.0) / all_n, {}};
    constexpr std::size_t fine = 16;
    constexpr double t_fine = 2.131;    // Student, 15 degrees of freedom
    constexpr double t_coarse = 2.365;  // 7
    constexpr double correlated = 0.3;
    if (x.size() < fine) return result;
    Batches batches = divide(x, n, result.mean, fine);
    std::size_t count = fine;
    if (batches.correlation > correlated) batches = divide(x, n, result.mean, count = fine / 2);
    double const inflation = (1 + batches.correlation) / (1 - batches.correlation);
    double const k = static_cast<double>(count);
    result.half_width =
        (count == fine ? t_fine : t_coarse) * std::sqrt(batches.variance * inflation / k) / (all_n / k);
    return result;
}

}  // namespace mw::core
