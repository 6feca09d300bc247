#pragma once

#include <cstdint>

#include "megaweave/engine/world.hpp"

namespace mw::engine {

//! Requests of a service one after the other, without chance: quantiles at low-discrepancy points, or rows all over its trace.
class EvenRequests {
  public:
    explicit EvenRequests(ServiceModel const& service) : service_{&service} {}
    [[nodiscard]] serving::Request operator()(std::uint64_t index) const;

  private:
    ServiceModel const* service_;
};

//! What the instance does with its requests.
enum class Role : std::uint8_t { unified, prefill, decode };

//! An instance that always has more to do.
struct FullPace {
    double requests_per_s{0};  //!< that arrive, those that it never sees or rejects included; 0: nothing fits
    double running{0};         //!< mean number at work
};

//! Serves alone until its pace is known (load_estimate.hpp).
[[nodiscard]] FullPace pace_of_full_instance(World const& world, core::ServiceId id, Role role);

//! From arrival to the end of the prompt of a request that is alone [s]; less where that takes more than 60,000 iterations.
[[nodiscard]] double lone_prompt_s(World const& world, core::ServiceId id, std::int64_t input_tokens);

}  // namespace mw::engine
