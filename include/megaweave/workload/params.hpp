#pragma once

#include <cstdint>
#include <string>

namespace mw::workload {

enum class Process : std::uint8_t { poisson, gamma, closed, trace, burst };
enum class TraceFormat : std::uint8_t { csv, azure, mooncake };
enum class Law : std::uint8_t { fixed, uniform, lognormal, exponential, quantiles, trace };

//! When requests come.
struct ArrivalParams {
    Process process{Process::poisson};
    double rate_per_s{0};         //!< poisson, gamma
    double cv{1};                 //!< gamma: standard deviation over mean of the gaps
    std::int64_t concurrency{0};  //!< closed: requests in flight, a finished one is replaced at once
    std::int64_t requests{0};     //!< closed: that arrive in all, 0: without end; burst: all at time 0
    std::string file{};           //!< trace
    TraceFormat format{TraceFormat::csv};
    double scale{1};  //!< trace: rate multiplier; k copies, each rotated by its own offset; a fraction thins
    bool repeat{
        true};  //!< trace: from the start when it ends, if its requests do not all come at one instant

    //! Nothing arrives any more after so many requests.
    [[nodiscard]] bool finite() const {
        return process == Process::burst || (process == Process::closed && requests > 0) ||
               (process == Process::trace && !repeat);
    }
};

//! How many tokens.
struct LengthParams {
    Law law{Law::fixed};
    std::int64_t tokens{1};  //!< fixed
    std::int64_t min{1};     //!< uniform
    std::int64_t max{0};     //!< uniform, lognormal, exponential: drawn again within [1, max]; 0: no bound
    double median{0};        //!< lognormal
    double sigma{0};         //!< lognormal, of the logarithm
    double mean{0};          //!< exponential (geometric in tokens)
    std::string file{};      //!< quantiles: CSV `quantile,tokens` rising from 0 to 1, or `tokens,probability`
};

struct WorkloadParams {
    ArrivalParams arrivals;
    LengthParams input;
    LengthParams output;
    double prefix_hit{0};  //!< share of the input tokens that are found in the prefix cache
};

}  // namespace mw::workload
