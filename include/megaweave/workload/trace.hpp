#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "megaweave/core/time.hpp"
#include "megaweave/workload/params.hpp"

namespace mw::workload {

//! One request of a recorded trace.
struct TraceRequest {
    core::TimeNs arrival_ns{0};  //!< from the trace's first arrival
    std::int32_t input_tokens{1};
    std::int32_t output_tokens{1};
};

/*!
 * A recorded trace, whole in memory: read once, then shared read-only by every cell that replays it.
 *
 * Invariants: sorted by arrival, the first arrival at 0, every length at least 1.
 *
 * Formats (blank lines are skipped, columns may stand in any order, columns that are not needed are ignored):
 * - csv: `arrival_s,input_tokens,output_tokens`;
 * - azure: `TIMESTAMP,ContextTokens,GeneratedTokens` (Azure Public Dataset), timestamps `2023-11-16 18:15:46.6805900`, read
 *   exactly, down to their 100 ns digits; `T` instead of the blank and a `Z` or `+00:00` at the end are accepted;
 * - mooncake: JSON lines with `timestamp` (ms), `input_length`, `output_length` and `hash_ids` (FAST'25 release). The hashes
 *   are checked for being non-negative integers, counted (`reusable_tokens`) and then dropped: prefix reuse is not modelled from them yet.
 *
 * A length of 0 counts as 1, for an engine always prefills and samples a token. Mooncake's public conversation trace is
 * quantised to slots of about 3 s: requests of equal timestamp are spread evenly up to the next distinct timestamp, those of
 * the last one over the mean slot. Worked: three requests at 0 ms before one at 3000 ms arrive at 0, 1, 2 and 3 s.
 */
class Trace {
  public:
    //! Throws core::InputError with up to 20 mistakes at once, each as "file:line: what is wrong. How to mend it".
    explicit Trace(std::string const& file, TraceFormat format);

    [[nodiscard]] std::vector<TraceRequest> const& requests() const { return requests_; }
    //! Last arrival plus the mean gap: the period when the trace repeats, so that repetition keeps the rate.
    [[nodiscard]] core::TimeNs span_ns() const { return span_ns_; }

    //! All arrive at once: there is no rate, and nothing to repeat.
    [[nodiscard]] bool one_instant() const { return requests_.back().arrival_ns == 0; }

    //! 0 where all arrive at once.
    [[nodiscard]] double mean_rate_per_s() const;
    [[nodiscard]] double mean_input_tokens() const;
    [[nodiscard]] double mean_output_tokens() const;
    //! Of all requests.
    [[nodiscard]] std::int64_t input_tokens() const;
    /*!
     * Input tokens that a prefix cache without end would have when the requests come in the file's order: of each request its first blocks of
     * 512 tokens whose hashes were there before, but for its last token. Worked: 50 requests of 16,384 tokens with the same 32 hashes:
     * 49 x 31 x 512 = 777,728 of 819,200.
     */
    [[nodiscard]] std::int64_t reusable_tokens() const { return reusable_tokens_; }

  private:
    std::vector<TraceRequest> requests_;
    core::TimeNs span_ns_{0};
    std::int64_t reusable_tokens_{0};
};

}  // namespace mw::workload
