#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "megaweave/workload/trace.hpp"
#include "text_table.hpp"

namespace mw::workload {

// Readers of the formats: rows in the file's order, times from any origin. What is wrong goes to `mistakes`.

[[nodiscard]] std::vector<TraceRequest> read_csv_trace(std::string const& file, Mistakes& mistakes);
[[nodiscard]] std::vector<TraceRequest> read_azure_trace(std::string const& file, Mistakes& mistakes);
//! Sets Trace::reusable_tokens too.
[[nodiscard]] std::vector<TraceRequest> read_mooncake_trace(std::string const& file, Mistakes& mistakes,
                                                            std::int64_t& reusable_tokens);

//! Azure's timestamps, in ns since 1970; nothing if malformed.
[[nodiscard]] std::optional<core::TimeNs> to_timestamp_ns(std::string_view text);

//! Spreads equal times of a sorted trace evenly up to the next distinct one; the last ones over the mean slot.
void spread_equal_times(std::vector<TraceRequest>& requests);

}  // namespace mw::workload
