#include "trace_formats.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "megaweave/core/text_file.hpp"

namespace mw::workload {

namespace {

constexpr double most_seconds = 9e9;  // of 64-bit nanoseconds

// `width` digits, then the separator, if there is one.
std::optional<int> take_digits(std::string_view& text, std::size_t width, std::string_view separators) {
    if (text.size() < width + (separators.empty() ? 0 : 1)) return std::nullopt;
    int value = 0;
    for (char const c : text.substr(0, width)) {
        if (c < '0' || c > '9') return std::nullopt;
        value = 10 * value + (c - '0');
    }
    text.remove_prefix(width);
    if (separators.empty()) return value;
    if (separators.find(text.front()) == std::string_view::npos) return std::nullopt;
    text.remove_prefix(1);
    return value;
}

std::optional<core::TimeNs> take_fraction_ns(std::string_view text) {
    if (text.empty()) return 0;
    if (text.front() != '.' || text.size() < 2 || text.size() > 10) return std::nullopt;
    text.remove_prefix(1);
    auto const width = text.size();
    auto const digits = take_digits(text, width, "");
    if (!digits) return std::nullopt;
    core::TimeNs value = *digits;
    for (auto i = width; i < 9; ++i) value *= 10;
    return value;
}

std::optional<core::TimeNs> to_arrival_ns(std::string_view text, std::size_t line, Mistakes& mistakes) {
    auto const seconds = to_number(text);
    if (seconds && *seconds >= 0 && *seconds < most_seconds) return core::from_seconds(*seconds);
    mistakes.add(line, "arrival_s is '" + std::string{text} +
                           (seconds && *seconds < 0 ? "'. It cannot be negative"
                                                    : "'. It must be a number of seconds, as 12.5"));
    return std::nullopt;
}

std::optional<core::TimeNs> to_azure_ns(std::string_view text, std::size_t line, Mistakes& mistakes) {
    auto const time = to_timestamp_ns(text);
    if (!time)
        mistakes.add(line, "TIMESTAMP is '" + std::string{text} +
                               "'. It must be a date and time, as 2023-11-16 18:15:46.6805900");
    return time;
}

template <class ToTime>
std::vector<TraceRequest> read_rows(std::string const& file, std::vector<std::string> const& columns,
                                    ToTime to_time, Mistakes& mistakes) {
    std::string const text = core::need_text_file(file, core::table_limits);
    CsvReader rows{text, columns, mistakes};
    std::vector<TraceRequest> requests;
    if (!rows.read_header()) return requests;
    while (rows.next()) {
        auto const& fields = rows.fields();
        auto const time = to_time(fields[0], rows.line(), mistakes);
        auto const input = to_tokens(fields[1], columns[1], rows.line(), mistakes);
        auto const output = to_tokens(fields[2], columns[2], rows.line(), mistakes);
        if (time && input && output) requests.push_back({*time, *input, *output});
    }
    return requests;
}

}  // namespace

std::optional<core::TimeNs> to_timestamp_ns(std::string_view text) {
    if (text.ends_with("Z")) text.remove_suffix(1);
    if (text.ends_with("+00:00")) text.remove_suffix(6);
    auto const year = take_digits(text, 4, "-");
    auto const month = take_digits(text, 2, "-");
    auto const day = take_digits(text, 2, " T");
    auto const hour = take_digits(text, 2, ":");
    auto const minute = take_digits(text, 2, ":");
    auto const second = take_digits(text, 2, "");
    auto const fraction = take_fraction_ns(text);
    if (!year || !month || !day || !hour || !minute || !second || !fraction) return std::nullopt;
    std::chrono::year_month_day const date{std::chrono::year{*year},
                                           std::chrono::month{static_cast<unsigned>(*month)},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok() || *year < 1970 || *year > 2200 || *hour > 23 || *minute > 59 || *second > 60)
        return std::nullopt;
    auto const days = std::chrono::sys_days{date}.time_since_epoch().count();
    return ((days * std::int64_t{24} + *hour) * 60 + *minute) * 60 * core::ns_per_s +
           *second * core::ns_per_s + *fraction;
}

void spread_equal_times(std::vector<TraceRequest>& requests) {
    if (requests.empty()) return;
    auto const first = requests.front().arrival_ns;
    auto const last = requests.back().arrival_ns;
    std::int64_t slots = 0;  // distinct times after the first
    for (std::size_t i = 1; i < requests.size(); ++i)
        slots += requests[i].arrival_ns != requests[i - 1].arrival_ns;
    auto const mean_slot = slots == 0 ? 0 : (last - first) / slots;
    for (std::size_t begin = 0; begin < requests.size();) {
        auto const start = requests[begin].arrival_ns;
        auto end = begin + 1;
        while (end < requests.size() && requests[end].arrival_ns == start) ++end;
        auto const length = end < requests.size() ? requests[end].arrival_ns - start : mean_slot;
        auto const step = length / static_cast<std::int64_t>(end - begin);
        for (auto i = begin; i < end; ++i)
            requests[i].arrival_ns += step * static_cast<std::int64_t>(i - begin);
        begin = end;
    }
}

std::vector<TraceRequest> read_csv_trace(std::string const& file, Mistakes& mistakes) {
    return read_rows(file, {"arrival_s", "input_tokens", "output_tokens"}, to_arrival_ns, mistakes);
}

std::vector<TraceRequest> read_azure_trace(std::string const& file, Mistakes& mistakes) {
    return read_rows(file, {"TIMESTAMP", "ContextTokens", "GeneratedTokens"}, to_azure_ns, mistakes);
}

}  // namespace mw::workload
