#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "megaweave/core/ids.hpp"
#include "megaweave/core/time.hpp"

namespace mw::serving {

//! Where the time to the first token goes, in the order in which a request passes through.
enum class TtftPart : std::uint8_t {
    router,           //!< from the router to the instance that takes the prompt
    prefill_queue,    //!< there, until an iteration takes it up
    prefill,          //!< its prompt, with what interrupts it
    transfer,         //!< of its KV cache, from the first byte asked for to the last one there
    decode_queue,     //!< for KV blocks before the transfer, and for an iteration after it
    first_iteration,  //!< the decode instance computes the first token (FirstToken::resampled)
    delivery,         //!< front end and streaming; seen by the client alone
    count_
};
inline constexpr std::size_t ttft_parts = static_cast<std::size_t>(TtftPart::count_);
inline constexpr std::array<char const*, ttft_parts> ttft_part_names = {
    "router", "prefill_queue", "prefill", "transfer", "decode_queue", "first_iteration", "delivery"};

/*!
 * How a request has spent its time so far. Each moment from its arrival on belongs to one part, so the parts add up to the time to
 * first token to the nanosecond.
 */
struct Timeline {
    std::array<core::TimeNs, ttft_parts> part_ns{};
    core::TimeNs from_ns{0};  //!< everything before is accounted for
    core::TimeNs contention_ns{
        0};  //!< of the transfer, what other traffic cost: beyond its time on an empty network

    //! The time since `from_ns` belongs to `part`.
    void close(TtftPart part, core::TimeNs now_ns) {
        part_ns[static_cast<std::size_t>(part)] += now_ns - from_ns;
        from_ns = now_ns;
    }
};

//! One request on its way through the site. Plain data: it travels in messages.
struct Request {
    std::uint64_t id{
        0};  //!< unique in the run: cell in the high half, number within the cell in the low half
    core::TimeNs arrival_ns{0};      //!< at the router
    core::TimeNs scheduled_ns{-1};   //!< its first tokens entered an iteration; -1: not yet
    core::TimeNs first_token_ns{0};  //!< when it left the engine; 0: not yet
    core::TimeNs last_token_ns{0};   //!< the latest one, as of when it last left a batch
    core::TimeNs longest_gap_ns{0};  //!< between two tokens, up to then
    Timeline timeline;
    std::int32_t input_tokens{0};
    std::int32_t prefix_tokens{0};  //!< of the input, that are in the cache already
    std::int32_t output_tokens{0};  //!< that it will have when complete
    std::int32_t generated{0};      //!< output tokens so far
    std::int32_t preemptions{0};
    bool handed_over{false};  //!< disaggregated: a decode instance goes on with it
    core::ServiceId service;
    core::CellId cell;
    core::InstanceId prefill;  //!< where its prompt is processed
    core::InstanceId decode;   //!< where its tokens are generated; the same instance when unified

    //! Tokens that must be in the KV cache before the next one can be generated.
    [[nodiscard]] std::int64_t context_tokens() const { return std::int64_t{input_tokens} + generated; }
    //! Tokens in its KV cache when its prompt is processed.
    [[nodiscard]] std::int64_t prompt_cache_tokens() const {
        return generated == 0 ? input_tokens : context_tokens() - 1;
    }
};

}  // namespace mw::serving
