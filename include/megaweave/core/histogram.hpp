#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "megaweave/core/time.hpp"

namespace mw::core {

/*!
 * Counts of non-negative integers (nanoseconds, tokens) in buckets of equal relative width.
 *
 * 128 buckets per octave, each at most 0.8 % wide: a quantile is at most that far off, half of it for spread-out data; mean, smallest
 * and largest value are exact. Adding and merging are associative, so that the
 * result does not depend on ranks or threads. Storage grows with the range that was seen, not with the possible one.
 */
class Histogram {
  public:
    void add(std::int64_t value, std::int64_t count = 1);
    void merge(Histogram const& other);

    [[nodiscard]] std::int64_t count() const { return count_; }
    [[nodiscard]] double mean() const;
    //! Linear inside the bucket, within the range that was seen. 0 if empty.
    [[nodiscard]] double quantile(double q) const;

    [[nodiscard]] std::int32_t first_bucket() const { return first_; }
    [[nodiscard]] std::vector<std::int64_t> const& buckets() const { return counts_; }
    //! Smallest value of a bucket.
    [[nodiscard]] static double lower_edge(std::int32_t bucket);
    [[nodiscard]] static std::int32_t bucket_of(std::int64_t value);

    template <class Archive>
    void archive(Archive& ar) {
        ar& first_& counts_& count_& smallest_& largest_& sum_low_& sum_high_;
    }

  private:
    void reserve(std::int32_t bucket);

    std::int32_t first_{0};
    std::vector<std::int64_t> counts_;
    std::int64_t count_{0};
    std::int64_t smallest_{std::numeric_limits<std::int64_t>::max()};
    std::int64_t largest_{0};
    std::uint64_t sum_low_{0};  // 128-bit sum: e2e of 10^9 requests of an hour overflows 64 bits
    std::uint64_t sum_high_{0};
};

}  // namespace mw::core
