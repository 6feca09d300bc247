#include "megaweave/workload/trace.hpp"

#include <algorithm>

#include "megaweave/core/check.hpp"
#include "trace_formats.hpp"

namespace mw::workload {

namespace {

std::vector<TraceRequest> read_rows(std::string const& file, TraceFormat format, Mistakes& mistakes,
                                    std::int64_t& reusable_tokens) {
    switch (format) {
        case TraceFormat::csv:
            return read_csv_trace(file, mistakes);
        case TraceFormat::azure:
            return read_azure_trace(file, mistakes);
        case TraceFormat::mooncake:
            return read_mooncake_trace(file, mistakes, reusable_tokens);
    }
    MW_EXPECT(false, "a trace format without a reader");
    return {};
}

template <class Member>
double mean_of(std::vector<TraceRequest> const& requests, Member member) {
    std::int64_t sum = 0;
    for (auto const& request : requests) sum += request.*member;
    return static_cast<double>(sum) / static_cast<double>(requests.size());
}

}  // namespace

Trace::Trace(std::string const& file, TraceFormat format) {
    Mistakes mistakes{file};
    requests_ = read_rows(file, format, mistakes, reusable_tokens_);
    mistakes.throw_if_any();

    auto const earlier = [](TraceRequest const& a, TraceRequest const& b) {
        return a.arrival_ns < b.arrival_ns;
    };
    std::stable_sort(requests_.begin(), requests_.end(), earlier);
    if (requests_.empty()) mistakes.add("has no requests");
    mistakes.throw_if_any();

    if (format == TraceFormat::mooncake) spread_equal_times(requests_);
    auto const origin = requests_.front().arrival_ns;
    for (auto& request : requests_) request.arrival_ns -= origin;
    auto const last = requests_.back().arrival_ns;
    auto const gaps = std::max<std::int64_t>(1, static_cast<std::int64_t>(requests_.size()) - 1);
    span_ns_ = last + std::max<core::TimeNs>(1, (last + gaps / 2) / gaps);
}

double Trace::mean_rate_per_s() const {
    if (one_instant()) return 0.0;
    return static_cast<double>(requests_.size()) / core::to_seconds(span_ns_);
}
std::int64_t Trace::input_tokens() const {
    std::int64_t sum = 0;
    for (TraceRequest const& request : requests_) sum += request.input_tokens;
    return sum;
}
double Trace::mean_input_tokens() const {
    return mean_of(requests_, &TraceRequest::input_tokens);
}
double Trace::mean_output_tokens() const {
    return mean_of(requests_, &TraceRequest::output_tokens);
}

}  // namespace mw::workload
