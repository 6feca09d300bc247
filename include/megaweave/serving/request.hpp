#pragma once

#include <cstdint>

#include "megaweave/core/ids.hpp"
#include "megaweave/core/time.hpp"

namespace mw::serving {

//! One request on its way through the site. Plain data: it travels in messages.
struct Request {
    std::uint64_t id{
        0};  //!< unique in the run: cell in the high half, number within the cell in the low half
    core::TimeNs arrival_ns{0};     //!< at the router
    core::TimeNs scheduled_ns{-1};  //!< its first tokens entered an iteration; -1: not yet
    core::TimeNs first_token_ns{0};
    std::int32_t input_tokens{0};
    std::int32_t prefix_tokens{0};  //!< of the input, that are in the cache already
    std::int32_t output_tokens{0};  //!< that it will have when complete
    std::int32_t generated{0};      //!< output tokens so far
    std::int32_t preemptions{0};
    core::ServiceId service;
    core::CellId cell;
    core::InstanceId prefill;  //!< where its prompt is processed
    core::InstanceId decode;   //!< where its tokens are generated; the same instance when unified

    //! Tokens that must be in the KV cache before the next one can be generated.
    [[nodiscard]] std::int64_t context_tokens() const { return std::int64_t{input_tokens} + generated; }
};

}  // namespace mw::serving
