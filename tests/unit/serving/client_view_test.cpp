#include "megaweave/serving/client_view.hpp"

#include <doctest/doctest.h>

using mw::core::ns_per_ms;
using mw::core::TimeNs;
using mw::llm::EngineParams;
using mw::serving::as_client_sees;
using mw::serving::RequestTimes;

namespace {

//! A request of `tokens` output tokens, 10 ms a step, the first 50 ms after it came.
RequestTimes at_engine(std::int64_t tokens) {
    TimeNs const arrival_ns = 7 * ns_per_ms;
    TimeNs const first_ns = arrival_ns + 50 * ns_per_ms;
    return {arrival_ns, first_ns, first_ns + (tokens - 1) * 10 * ns_per_ms};
}

EngineParams engine(std::int64_t stream_interval, TimeNs response_ns, TimeNs per_token_ns) {
    EngineParams params;
    params.stream_interval = stream_interval;
    params.response_ns = response_ns;
    params.response_per_token_ns = per_token_ns;
    return params;
}

}  // namespace

TEST_CASE("20 tokens together and 15 ms on the way: the first is seen 205 ms later, the last 15 ms") {
    auto const times = at_engine(100);
    auto const seen = as_client_sees(engine(20, 15 * ns_per_ms, 0), times, 1000, 100);
    CHECK(seen.arrival_ns == times.arrival_ns);
    CHECK(seen.first_ns - times.first_ns == (19 * 10 + 15) * ns_per_ms);
    CHECK(seen.done_ns - times.done_ns == 15 * ns_per_ms);
}

TEST_CASE("an engine that streams every token without delay is seen as it is") {
    auto const times = at_engine(100);
    auto const seen = as_client_sees(engine(1, 0, 0), times, 1000, 100);
    CHECK(seen.first_ns == times.first_ns);
    CHECK(seen.done_ns == times.done_ns);
}

TEST_CASE("a longer prompt is longer on the way, and delays first and last token alike") {
    auto const times = at_engine(10);
    auto const seen = as_client_sees(engine(1, ns_per_ms, 2'000), times, 3000, 10);
    CHECK(seen.first_ns - times.first_ns == 7 * ns_per_ms);  // 1 ms + 3000 x 2 us
    CHECK(seen.done_ns - seen.first_ns == times.done_ns - times.first_ns);
}

TEST_CASE("an answer shorter than a group comes whole at its end, one of one token is not held back") {
    auto const params = engine(20, 0, 0);
    for (std::int64_t const tokens : {1, 2, 7, 20}) {
        CAPTURE(tokens);
        auto const times = at_engine(tokens);
        auto const seen = as_client_sees(params, times, 100, tokens);
        CHECK(seen.first_ns == times.done_ns);
        CHECK(seen.done_ns == times.done_ns);
    }
    // One more than a group: the last token is a step behind the first group.
    auto const seen = as_client_sees(params, at_engine(21), 100, 21);
    CHECK(seen.done_ns - seen.first_ns == 10 * ns_per_ms);
}
