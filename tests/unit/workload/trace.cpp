#include "megaweave/workload/trace.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "files.hpp"

using namespace mw::workload;
using mw::core::ns_per_ms;
using mw::core::ns_per_s;
using mw::test::shared_trace;
using mw::test::TempFile;

namespace {

std::vector<std::int64_t> times_ns(Trace const& trace) {
    std::vector<std::int64_t> times;
    for (auto const& request : trace.requests()) times.push_back(request.arrival_ns);
    return times;
}

// What ../shared/traces/README.md and stats.json say of a file.
struct Published {
    char const* file;
    TraceFormat format;
    std::size_t rows;
    double span_s;
    double rate_per_s;
    double input;
    double output;
};

}  // namespace

TEST_CASE("a csv trace is sorted, moved to time 0, and its span adds one mean gap") {
    TempFile const file{"trace.csv",
                        "arrival_s,input_tokens,output_tokens\n12,100,10\n10,200,20\n16,300,0\n"};
    Trace const trace{file.path(), TraceFormat::csv};
    CHECK(times_ns(trace) == std::vector<std::int64_t>{0, 2 * ns_per_s, 6 * ns_per_s});
    CHECK(trace.requests()[0].input_tokens == 200);
    CHECK(trace.requests()[2].output_tokens == 1);  // none counts as one
    CHECK(trace.span_ns() == 9 * ns_per_s);         // 6 s + 6 s / 2 gaps
    CHECK(trace.mean_rate_per_s() == doctest::Approx(3.0 / 9.0));
    CHECK(trace.mean_input_tokens() == doctest::Approx(200.0));
    CHECK(trace.mean_output_tokens() == doctest::Approx(31.0 / 3.0));
}

TEST_CASE("columns in another order, extra ones, blank lines, CR LF and a byte order mark do not disturb") {
    TempFile const file{
        "trace.csv",
        "\xEF\xBB\xBFoutput_tokens, user ,arrival_s,input_tokens\r\n\r\n7,ann,0,5\r\n8,bob, 1.5 ,6\r\n\r\n"};
    Trace const trace{file.path(), TraceFormat::csv};
    REQUIRE(trace.requests().size() == 2);
    CHECK(trace.requests()[1].arrival_ns == 1'500 * ns_per_ms);
    CHECK(trace.requests()[1].input_tokens == 6);
    CHECK(trace.requests()[1].output_tokens == 8);
}

TEST_CASE("azure timestamps keep their 100 ns digits, also over midnight and a leap day") {
    TempFile const file{"azure.csv",
                        "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-02-28 23:59:59.9999999,1,2\n"
                        "2024-02-29 00:00:00.0000001,3,4\n2024-03-01T00:00:00+00:00,5,6\n"};
    Trace const trace{file.path(), TraceFormat::azure};
    CHECK(times_ns(trace) == std::vector<std::int64_t>{0, 200, 24 * 3600 * ns_per_s + 100});
}

TEST_CASE("equal mooncake timestamps are spread evenly up to the next distinct one") {
    // Three at 0 before one at 3000 ms: 0, 1, 2 and 3 s. The last two share the mean slot, 3 s.
    TempFile const file{"mooncake.jsonl",
                        R"({"timestamp": 0, "input_length": 10, "output_length": 1, "hash_ids": [0]}
{"timestamp": 0, "input_length": 11, "output_length": 1, "hash_ids": [0, 1]}
{"timestamp": 0, "input_length": 12, "output_length": 1, "hash_ids": []}
{"timestamp": 3000, "input_length": 13, "output_length": 1, "hash_ids": [7]}

{"timestamp": 3000, "input_length": 14, "output_length": 1, "hash_ids": [8]}
)"};
    Trace const trace{file.path(), TraceFormat::mooncake};
    CHECK(times_ns(trace) ==
          std::vector<std::int64_t>{0, ns_per_s, 2 * ns_per_s, 3 * ns_per_s, 4'500 * ns_per_ms});
    CHECK(trace.requests()[4].input_tokens == 14);
}

TEST_CASE("the public traces have the published rows, spans, rates and lengths") {
    Published const table[] = {
        {"AzureLLMInferenceTrace_code_2023.csv", TraceFormat::azure, 8819, 3435.948, 2.566686, 2047.848282,
         27.882526},
        {"AzureLLMInferenceTrace_conv_2023.csv", TraceFormat::azure, 19366, 3501.722, 5.530422, 1154.697408,
         211.125942},
        {"mooncake_conversation_trace.jsonl", TraceFormat::mooncake, 12031, 3536.999, 3.401471, 12035.061342,
         342.618901},
        {"mooncake_synthetic_trace.jsonl", TraceFormat::mooncake, 3993, 1022.025, 3.91, 15325, 149},
    };
    for (auto const& published : table) {
        CAPTURE(published.file);
        auto const path = shared_trace(published.file);
        if (path.empty()) {
            MESSAGE("skipped: ../shared/traces is absent");
            return;
        }
        Trace const trace{path, published.format};
        CHECK(trace.requests().size() == published.rows);
        // Spreading moves the last arrival by less than one slot, 3 s.
        CHECK(std::abs(mw::core::to_seconds(trace.requests().back().arrival_ns) - published.span_s) < 3.0);
        // Tolerance: the table's digits; the rate's is the mean gap and slot that the span adds.
        CHECK(trace.mean_rate_per_s() == doctest::Approx(published.rate_per_s).epsilon(2e-3));
        CHECK(trace.mean_input_tokens() == doctest::Approx(published.input).epsilon(1e-4));
        CHECK(trace.mean_output_tokens() == doctest::Approx(published.output).epsilon(4e-3));
    }
}

TEST_CASE("spreading takes the 3 s slots out of the mooncake conversation trace") {
    auto const path = shared_trace("mooncake_conversation_trace.jsonl");
    if (path.empty()) {
        MESSAGE("skipped: ../shared/traces is absent");
        return;
    }
    auto const times = times_ns(Trace{path, TraceFormat::mooncake});
    CHECK(std::is_sorted(times.begin(), times.end()));
    CHECK(std::adjacent_find(times.begin(), times.end()) ==
          times.end());  // as read: 1,180 distinct of 12,031
    double sum = 0;
    double squares = 0;
    for (std::size_t i = 1; i < times.size(); ++i) {
        auto const gap = static_cast<double>(times[i] - times[i - 1]);
        sum += gap;
        squares += gap * gap;
    }
    auto const n = static_cast<double>(times.size() - 1);
    double const cv = std::sqrt(squares / n / (sum / n * sum / n) - 1);
    CHECK(cv < 1.0);  // the published 3.03 is an artefact of the slots
}
