#include "megaweave/core/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "megaweave/core/check.hpp"

namespace mw::core {

template <int sub_bits>
std::int32_t LogHistogram<sub_bits>::bucket_of(std::int64_t value) {
    if (value < per_octave)
        return static_cast<std::int32_t>(value);  // exact where buckets would be narrower than one
    int const shift = 63 - sub_bits - std::countl_zero(static_cast<std::uint64_t>(value));
    return static_cast<std::int32_t>(shift * per_octave + (value >> shift));
}

template <int sub_bits>
double LogHistogram<sub_bits>::lower_edge(std::int32_t bucket) {
    if (bucket < 2 * per_octave) return bucket;
    auto const shift = static_cast<int>(bucket / per_octave - 1);
    return std::ldexp(static_cast<double>(bucket - shift * per_octave), shift);
}

template <int sub_bits>
double LogHistogram<sub_bits>::width(std::int32_t bucket) {
    return bucket < 2 * per_octave ? 0.0 : lower_edge(bucket + 1) - lower_edge(bucket);
}

template <int sub_bits>
void LogHistogram<sub_bits>::reserve(std::int32_t bucket) {
    if (counts_.empty()) {
        first_ = bucket;
        counts_.assign(1, 0);
    } else if (bucket < first_) {
        counts_.insert(counts_.begin(), static_cast<std::size_t>(first_ - bucket), 0);
        first_ = bucket;
    } else if (static_cast<std::size_t>(bucket - first_) >= counts_.size()) {
        counts_.resize(static_cast<std::size_t>(bucket - first_) + 1, 0);
    }
}

template <int sub_bits>
void LogHistogram<sub_bits>::add(std::int64_t value, std::int64_t count) {
    MW_EXPECT(value >= 0, "a histogram holds non-negative values");
    std::int32_t const bucket = bucket_of(value);
    reserve(bucket);
    counts_[static_cast<std::size_t>(bucket - first_)] += count;
    count_ += count;
    smallest_ = std::min(smallest_, value);
    largest_ = std::max(largest_, value);
    auto const addend = static_cast<std::uint64_t>(value) * static_cast<std::uint64_t>(count);
    sum_low_ += addend;
    sum_high_ += sum_low_ < addend ? 1U : 0U;
}

template <int sub_bits>
void LogHistogram<sub_bits>::merge(LogHistogram const& other) {
    if (other.counts_.empty()) return;
    reserve(other.first_);
    reserve(other.first_ + static_cast<std::int32_t>(other.counts_.size()) - 1);
    for (std::size_t i = 0; i < other.counts_.size(); ++i)
        counts_[i + static_cast<std::size_t>(other.first_ - first_)] += other.counts_[i];
    count_ += other.count_;
    smallest_ = std::min(smallest_, other.smallest_);
    largest_ = std::max(largest_, other.largest_);
    sum_low_ += other.sum_low_;
    sum_high_ += other.sum_high_ + (sum_low_ < other.sum_low_ ? 1U : 0U);
}

template <int sub_bits>
double LogHistogram<sub_bits>::mean() const {
    if (count_ == 0) return 0.0;
    return (static_cast<double>(sum_high_) * 0x1.0p64 + static_cast<double>(sum_low_)) /
           static_cast<double>(count_);
}

template <int sub_bits>
double LogHistogram<sub_bits>::quantile(double q) const {
    if (count_ == 0) return 0.0;
    double const target = std::clamp(q, 0.0, 1.0) * static_cast<double>(count_);
    double seen = 0.0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        auto const here = static_cast<double>(counts_[i]);
        if (here > 0.0 && seen + here >= target) {
            auto const bucket = first_ + static_cast<std::int32_t>(i);
            return std::clamp(lower_edge(bucket) + width(bucket) * (target - seen) / here,
                              static_cast<double>(smallest_), static_cast<double>(largest_));
        }
        seen += here;
    }
    return static_cast<double>(largest_);
}

template class LogHistogram<7>;
template class LogHistogram<4>;

}  // namespace mw::core
