#include "megaweave/workload/length_laws.hpp"

#include <algorithm>
#include <cmath>

#include "megaweave/core/check.hpp"
#include "megaweave/core/random.hpp"

namespace mw::workload {

namespace {

double normal_cdf(double z) {
    return 0.5 * std::erfc(-z * M_SQRT1_2);
}

// Largest double below 1: p stays inside (0, 1) after rescaling.
constexpr double below_one = 1.0 - 0x1.0p-53;

std::int64_t rounded(double tokens, std::int64_t max) {
    return static_cast<std::int64_t>(std::clamp(std::floor(tokens + 0.5), 1.0, static_cast<double>(max)));
}

// Integral from 0 to x of max(1, round(t)).
double integral_of_rounded(double x) {
    if (x < 1.5) return x;
    double const n = std::floor(x + 0.5);
    return 0.5 + 0.5 * n * (n - 1.0) + n * (x - n + 0.5);
}

}  // namespace

std::int64_t UniformLaw::quantile(double p) const {
    return min + std::min(static_cast<std::int64_t>(p * static_cast<double>(max - min + 1)), max - min);
}

LognormalLaw::LognormalLaw(double median, double sigma, std::int64_t max)
    : median_{median}, sigma_{sigma}, max_{max} {
    MW_EXPECT(median > 0 && sigma > 0 && max >= 1,
              "a lognormal law needs a positive median, sigma and bound");
    p_low_ = cdf(0.5);
    p_range_ = cdf(static_cast<double>(max) + 0.5) - p_low_;
    MW_EXPECT(p_range_ > 1e-12, "the bound must leave something of the law");
}

double LognormalLaw::cdf(double tokens) const {
    return normal_cdf(std::log(tokens / median_) / sigma_);
}

std::int64_t LognormalLaw::quantile(double p) const {
    double const inner = std::min(p_low_ + p * p_range_, below_one);
    return rounded(median_ * std::exp(sigma_ * core::normal_quantile(inner)), max_);
}

double LognormalLaw::mean() const {
    // Count by count where rounding matters, the partial mean of the continuous law beyond.
    auto const exact = std::min<std::int64_t>(max_, 4096);
    double sum = 0;
    double below = p_low_;
    for (std::int64_t tokens = 1; tokens <= exact; ++tokens) {
        double const above = cdf(static_cast<double>(tokens) + 0.5);
        sum += static_cast<double>(tokens) * (above - below);
        below = above;
    }
    auto const shifted = [this](double tokens) {
        return normal_cdf(std::log(tokens / median_) / sigma_ - sigma_);
    };
    double const tail = shifted(static_cast<double>(max_) + 0.5) - shifted(static_cast<double>(exact) + 0.5);
    return (sum + median_ * std::exp(0.5 * sigma_ * sigma_) * tail) / p_range_;
}

GeometricLaw::GeometricLaw(double mean, std::int64_t max)
    : mean_{mean}, max_{max}, log_q_{std::log1p(-1.0 / mean)} {
    MW_EXPECT(mean > 1 && max >= 1, "a geometric law on 1, 2, … needs a mean above 1 and a bound");
}

std::int64_t GeometricLaw::quantile(double p) const {
    double const inner = -p * std::expm1(static_cast<double>(max_) * log_q_);
    double const tokens = std::ceil(std::log1p(-std::min(inner, below_one)) / log_q_);
    return static_cast<std::int64_t>(std::clamp(tokens, 1.0, static_cast<double>(max_)));
}

double GeometricLaw::mean() const {
    auto const n = static_cast<double>(max_);
    return mean_ - n * std::exp(n * log_q_) / -std::expm1(n * log_q_);
}

LinearLaw::LinearLaw(std::vector<double> quantiles, std::vector<double> tokens)
    : quantiles_{std::move(quantiles)}, tokens_{std::move(tokens)} {
    MW_EXPECT(quantiles_.size() >= 2 && quantiles_.size() == tokens_.size(),
              "a quantile table needs two points at least");
}

std::int64_t LinearLaw::quantile(double p) const {
    auto const above = std::upper_bound(quantiles_.begin() + 1, quantiles_.end() - 1, p);
    auto const i = static_cast<std::size_t>(above - quantiles_.begin());
    double const part = (p - quantiles_[i - 1]) / (quantiles_[i] - quantiles_[i - 1]);
    return rounded(tokens_[i - 1] + part * (tokens_[i] - tokens_[i - 1]), most_tokens);
}

double LinearLaw::mean() const {
    double sum = 0;
    for (std::size_t i = 1; i < tokens_.size(); ++i) {
        double const rise = tokens_[i] - tokens_[i - 1];
        double const here =
            rise > 1e-3 ? (integral_of_rounded(tokens_[i]) - integral_of_rounded(tokens_[i - 1])) / rise
                        : static_cast<double>(rounded(tokens_[i], most_tokens));
        sum += here * (quantiles_[i] - quantiles_[i - 1]);
    }
    return sum;
}

DiscreteLaw::DiscreteLaw(std::vector<std::int64_t> tokens, std::vector<double> const& probabilities)
    : tokens_{std::move(tokens)} {
    MW_EXPECT(!tokens_.empty() && tokens_.size() == probabilities.size(), "one probability for each count");
    double sum = 0;
    for (double const probability : probabilities) cumulative_.push_back(sum += probability);
    for (double& cumulative : cumulative_) cumulative /= sum;
    tokens_.front() = std::max<std::int64_t>(tokens_.front(), 1);
}

std::int64_t DiscreteLaw::quantile(double p) const {
    auto const above = std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, p);
    return tokens_[static_cast<std::size_t>(above - cumulative_.begin())];
}

double DiscreteLaw::mean() const {
    double sum = 0;
    double below = 0;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
        sum += static_cast<double>(tokens_[i]) * (cumulative_[i] - below);
        below = cumulative_[i];
    }
    return sum;
}

std::int64_t TraceLaw::quantile(double) const {
    MW_EXPECT(false, "lengths that stand in a trace have no law");
    return 1;
}

double TraceLaw::mean() const {
    MW_EXPECT(false, "ask the trace for its mean lengths");
    return 1;
}

}  // namespace mw::workload
