#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "megaweave/core/time.hpp"

namespace mw::serving {

/*!
 * Times between the tokens of a batch whose sequences all gain their tokens at the same moments, and the longest of them since a sequence
 * joined, without a look at the sequences.
 *
 * Keeps only gaps that no later one exceeds, so `longest_since` is a search in a falling list. Worked: gaps 5, 9, 3, 4 leave
 * 9 and 4; the longest since the third is 4. Thread safety: none.
 */
class TokenGaps {
  public:
    //! Tokens come now. `shared`: somebody had one at the moment before, too. Returns the gap [ns].
    core::TimeNs add(core::TimeNs now_ns, bool shared) {
        core::TimeNs const gap_ns = now_ns - last_ns_;
        last_ns_ = now_ns;
        if (shared) {
            while (!longest_.empty() && longest_.back().gap_ns <= gap_ns) longest_.pop_back();
            longest_.push_back({moments_, gap_ns});
        } else {
            longest_.clear();
        }
        ++moments_;
        return gap_ns;
    }
    //! Number of moments so far: the mark of a sequence whose next token is one of the batch's.
    [[nodiscard]] std::int64_t mark() const { return moments_; }
    //! When tokens came last [ns].
    [[nodiscard]] core::TimeNs last_ns() const { return last_ns_; }
    //! Longest gap since a mark; 0 where there was none.
    [[nodiscard]] core::TimeNs longest_since(std::int64_t mark) const {
        auto const at = std::ranges::lower_bound(longest_, mark, {}, &Gap::moment);
        return at == longest_.end() ? 0 : at->gap_ns;
    }

    template <class Archive>
    void archive(Archive& ar) {
        ar& last_ns_& moments_& longest_;
    }

  private:
    struct Gap {
        std::int64_t moment;
        core::TimeNs gap_ns;
    };

    core::TimeNs last_ns_{0};
    std::int64_t moments_{0};
    std::vector<Gap> longest_;
};

}  // namespace mw::serving
