#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "megaweave/core/integer.hpp"
#include "megaweave/core/prefetch.hpp"
#include "megaweave/core/time.hpp"
#include "message.hpp"

namespace mw::engine {

//! 100 kW: thousands of accelerators in a rack add up to less than 63 bits of picojoules in 25 ms.
inline constexpr double most_accelerator_mw = 1e8;

[[nodiscard]] inline std::int64_t to_mw(double accelerator_w) {
    return core::to_count(accelerator_w * 1e3, "the dynamic power of an accelerator [mW]",
                          most_accelerator_mw);
}

//! What a meter saw since it was read last.
struct MeterReading {
    std::array<core::TimeNs, llm::share_count>
        accelerator_ns{};  //!< accelerator time by share, idle included
    std::int64_t compute_uj{0};
    std::int64_t memory_uj{0};
    std::int64_t link_uj{0};
    std::vector<std::int64_t> bins_pj;  //!< the three together, by fine bin of the time that was read
};

/*!
 * The accelerators of one rack: what they do, what they draw above their resident idle, and where their time goes.
 *
 * Works in integers: power in mW times time in ns is pJ, carried as a remainder below one uJ, so that nothing is lost however often it is
 * read. Work in progress is attributed up to the moment of reading, in proportion; what rounding leaves goes to `overhead`, so
 * that the shares of every interval add up to the accelerators' time exactly. Beside the total it keeps energy in bins that are finer than a
 * sample, from which the site's power quality is told.
 */
class Meter {
  public:
    //! `bin_ns`: length of the fine bins, counted from the last reading.
    Meter(std::int64_t accelerators, core::TimeNs bin_ns)
        : accelerators_{accelerators}, bin_ns_{bin_ns}, bin_end_ns_{bin_ns} {}

    //! A group of accelerators that work together (an instance's, or its part in this rack). Returns its number.
    std::size_t add_group(std::int64_t accelerators);
    //! The group begins new work now; what it did before ends.
    void begin(std::size_t group, core::TimeNs now_ns, Work const& work);
    void end(std::size_t group, core::TimeNs now_ns);
    [[nodiscard]] std::int64_t accelerators(std::size_t group) const { return groups_[group].accelerators; }
    [[nodiscard]] MeterReading read(core::TimeNs now_ns);
    //! Hints that the bins, or a group near this one, are needed soon.
    void prefetch() const { core::prefetch(&bins_pj_.back()); }
    void prefetch(std::size_t group) const { core::prefetch(groups_.data() + group, sizeof(Group)); }

    template <class Archive>
    void archive(Archive& ar) {
        ar& groups_& at_ns_& read_ns_& compute_& memory_& link_& busy_ns_& bins_pj_& bin_end_ns_;
    }

  private:
    struct Group {
        std::int64_t accelerators{0};
        core::TimeNs start_ns{0};
        Work work;                                                   //!< duration 0: idle
        std::array<core::TimeNs, llm::share_count> attributed_ns{};  //!< of the work, for one accelerator
    };
    struct Component {
        std::int64_t rate_mw{0};
        std::int64_t energy_uj{0};
        std::int64_t rest_pj{0};  //!< below one uJ
        void add(core::TimeNs dt_ns);
    };

    void integrate(core::TimeNs now_ns);
    void fill_bins(core::TimeNs now_ns);
    void attribute(Group& group, core::TimeNs now_ns);
    void change_rates(Group const& group, std::int64_t sign);

    std::int64_t accelerators_;
    std::vector<Group> groups_;
    core::TimeNs at_ns_{0};
    core::TimeNs read_ns_{0};
    Component compute_;
    Component memory_;
    Component link_;
    std::array<core::TimeNs, llm::share_count> busy_ns_{};  //!< since the last reading
    core::TimeNs bin_ns_;
    core::TimeNs bin_end_ns_;               //!< of the last bin
    std::vector<std::int64_t> bins_pj_{0};  //!< since the last reading
};

}  // namespace mw::engine
