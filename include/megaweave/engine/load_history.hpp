#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "megaweave/core/time.hpp"
#include "megaweave/engine/service_load.hpp"

namespace mw::engine {

//! Sums over the whole site in one sample.
struct SiteSample {
    core::TimeNs length_ns{0};
    std::int64_t output_tokens{0};
    std::int64_t energy_uj{0};  //!< of the facility
    std::int64_t first_tokens{0};
    std::int64_t ttft_ns{0};  //!< summed over them
    std::int64_t tpot_samples{0};
    std::int64_t tpot_ns{0};
    std::int64_t completions{0};
};

/*!
 * The measured period, sample by sample, for whoever asks whether it was steady and how well its means are known.
 *
 * Keeps `most` samples: when there are more, neighbours become one, so that a long run needs no more memory.
 */
class LoadHistory {
  public:
    static constexpr std::size_t most = 8192;

    explicit LoadHistory(std::size_t services = 0) : services_{services} {}

    //! `loads` of all services at the sample's end; their flows since the run began.
    void add(SiteSample const& sample, std::span<ServiceLoad const> loads);
    //! The flows so far are those before the measured period.
    void begin(std::span<ServiceLoad const> loads) { last_.assign(loads.begin(), loads.end()); }

    [[nodiscard]] std::vector<SiteSample> const& samples() const { return samples_; }
    //! Load of one service in one sample: flows are those of the sample, the rest stands at its end.
    [[nodiscard]] ServiceLoad const& load(std::size_t sample, std::size_t service) const {
        return loads_[sample * services_ + service];
    }

    template <class Archive>
    void archive(Archive& ar) {
        ar& services_& merged_& pending_& samples_& loads_& last_;
    }

  private:
    void halve();

    std::size_t services_;
    std::int64_t merged_{1};   //!< samples of the run in one of the history
    std::int64_t pending_{0};  //!< of them, that the last one holds; 0: it is whole
    std::vector<SiteSample> samples_;
    std::vector<ServiceLoad> loads_;  //!< [sample][service]
    std::vector<ServiceLoad> last_;   //!< as they were told
};

}  // namespace mw::engine
