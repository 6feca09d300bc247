#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "megaweave/core/time.hpp"
#include "megaweave/llm/engine_params.hpp"
#include "megaweave/serving/request.hpp"

namespace mw::serving {

//! When a request came, when its first token was there, and its last.
struct RequestTimes {
    core::TimeNs arrival_ns{0};
    core::TimeNs first_ns{0};
    core::TimeNs done_ns{0};
};

/*!
 * The same times as its client sees them.
 *
 *     first = first + min(s, n) - 1 steps + delay,   done = done + delay,   step = (done - first) / (n - 1)
 *     delay = response_ns + response_per_token_ns x prompt
 *
 * An engine that delivers s tokens together shows its first one with the s-th. The delay of front end and streaming holds nothing
 * up. Worked: s = 20, 100 tokens, 10 ms a step, 15 ms delay: the first token comes 205 ms later, the last one 15 ms.
 */
[[nodiscard]] inline RequestTimes as_client_sees(llm::EngineParams const& engine, RequestTimes const& times,
                                                 std::int64_t input_tokens, std::int64_t output_tokens) {
    core::TimeNs const delay_ns = engine.response_ns + engine.response_per_token_ns * input_tokens;
    std::int64_t const held_back = std::min(engine.stream_interval, output_tokens) - 1;
    core::TimeNs const group_ns =
        held_back > 0 ? (times.done_ns - times.first_ns) * held_back / (output_tokens - 1) : 0;
    return {times.arrival_ns, times.first_ns + group_ns + delay_ns, times.done_ns + delay_ns};
}

//! Parts of a time to first token as the client sees it [ns], by TtftPart; they add up to it. `timeline` ends where the engine gave the token.
[[nodiscard]] inline std::array<core::TimeNs, ttft_parts> parts_of(Timeline const& timeline,
                                                                   core::TimeNs ttft_ns) {
    std::array<core::TimeNs, ttft_parts> parts = timeline.part_ns;
    core::TimeNs& delivery = parts[static_cast<std::size_t>(TtftPart::delivery)];
    delivery = ttft_ns;
    for (std::size_t p = 0; p + 1 < ttft_parts; ++p) delivery -= parts[p];
    return parts;
}

}  // namespace mw::serving
