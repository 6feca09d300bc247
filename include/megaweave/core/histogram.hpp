#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "megaweave/core/time.hpp"

namespace mw::core {

/*!
 * Counts of non-negative integers (nanoseconds, tokens) in buckets of equal relative width.
 *
 * 2^sub_bits buckets per octave. With 128 each is at most 0.8 % wide: a quantile is at most that far off, half of it for spread-out data;
 * mean, smallest and largest value are exact. With 16 it is 6 %. Adding and merging are associative, so that the
 * result does not depend on ranks or threads. Storage grows with the range that was seen, not with the possible one.
 */
template <int sub_bits>
class LogHistogram {
  public:
    void add(std::int64_t value, std::int64_t count = 1);
    void merge(LogHistogram const& other);

    [[nodiscard]] std::int64_t count() const { return count_; }
    [[nodiscard]] double mean() const;
    //! Linear inside the bucket, within the range that was seen. 0 if empty.
    [[nodiscard]] double quantile(double q) const;

    [[nodiscard]] std::int32_t first_bucket() const { return first_; }
    [[nodiscard]] std::vector<std::int64_t> const& buckets() const { return counts_; }
    //! Smallest value of a bucket.
    [[nodiscard]] static double lower_edge(std::int32_t bucket);
    [[nodiscard]] static std::int32_t bucket_of(std::int64_t value);
    //! Between the edges of a bucket; 0 where it holds a single value.
    [[nodiscard]] static double width(std::int32_t bucket);

    template <class Archive>
    void archive(Archive& ar) {
        ar& first_& counts_& count_& smallest_& largest_& sum_low_& sum_high_;
    }

  private:
    static constexpr std::int64_t per_octave = std::int64_t{1} << sub_bits;
    void reserve(std::int32_t bucket);

    std::int32_t first_{0};
    std::vector<std::int64_t> counts_;
    std::int64_t count_{0};
    std::int64_t smallest_{std::numeric_limits<std::int64_t>::max()};
    std::int64_t largest_{0};
    std::uint64_t sum_low_{0};  // 128-bit sum: e2e of 10^9 requests of an hour overflows 64 bits
    std::uint64_t sum_high_{0};
};

using Histogram = LogHistogram<7>;
//! A sixteenth of the memory, for quantities of which every rack keeps several.
using CoarseHistogram = LogHistogram<4>;

extern template class LogHistogram<7>;
extern template class LogHistogram<4>;

}  // namespace mw::core
