#pragma once

#include <cstdint>
#include <vector>

#include "megaweave/core/time.hpp"

namespace mw::hardware {

/*!
 * The bandwidth of one memory pool, shared by those who use it at the same time.
 *
 * Max-min fair: every reader gets the same rate, but no more than its own links carry, and what those leave goes to the others. Rates
 * change when a reader begins or ends and hold in between, so whoever runs the pool needs to come back only at `next_end_ns`. Works in
 * integers (bytes, bytes/s, ns); an end is rounded up to the next ns.
 *
 * Source: progressive filling (Bertsekas and Gallager, Data Networks, section 6.5.2) of one link, as a fluid between events.
 * Valid: reads that last much longer than a load's latency. Leaves out: banks and channels that are hit unevenly; bursts within an
 * iteration (a reader's bytes flow from its begin until they are done, though kernels ask for them layer by layer).
 * Worked: 12 GB/s; A begins 12 GB at 0 s, B 6 GB at 0.5 s, neither limited: A has 6 GB left then, both get 6 GB/s, both end at
 * 1.5 s. With B's links limited to 2 GB/s A gets 10 GB/s and ends at 1.1 s, B at 3.5 s.
 */
class SharedPool {
  public:
    explicit SharedPool(std::int64_t bytes_per_s) : bytes_per_s_{bytes_per_s} {}

    //! Times do not go back, nor past `next_end_ns`. `id` does not read at the moment; bytes and rates are positive.
    void begin(std::uint32_t id, std::int64_t bytes, std::int64_t most_bytes_per_s, core::TimeNs now_ns);
    //! When the next reader ends, unless another begins before; core::never if nobody reads.
    [[nodiscard]] core::TimeNs next_end_ns() const { return next_end_ns_; }
    [[nodiscard]] bool reads(std::uint32_t id) const;
    //! All who read give up; what has been moved was in vain.
    void stop(core::TimeNs now_ns);
    //! Who ends at `next_end_ns`, by id.
    [[nodiscard]] std::vector<std::uint32_t> take_ended();
    //! Since the beginning. `now_ns` is not after `next_end_ns`.
    [[nodiscard]] std::int64_t moved_bytes(core::TimeNs now_ns) const;

    template <class Archive>
    void archive(Archive& ar) {
        ar& readers_& at_ns_& next_end_ns_& moved_bytes_;
    }

  private:
    struct Reader {
        std::uint32_t id{0};
        std::int64_t left_bytes{0};  //!< at `at_ns_`
        std::int64_t most_bytes_per_s{0};
        std::int64_t bytes_per_s{0};
    };

    void run_until(core::TimeNs now_ns);
    void share();
    void find_next_end();

    std::int64_t bytes_per_s_;
    std::vector<Reader> readers_;  //!< those with the smallest limits first
    core::TimeNs at_ns_{0};        //!< rates hold from here on
    core::TimeNs next_end_ns_{core::never};
    std::int64_t moved_bytes_{0};  //!< up to `at_ns_`
};

}  // namespace mw::hardware
