#pragma once

#include <array>
#include <string>

#include "schema.hpp"

//! What every entry of the catalogue has.
namespace mw::config {

inline constexpr std::array<std::string_view, hardware::precision_count> precisions{"fp4", "fp8", "bf16"};

//! An entry is called by its key in the catalogue; an inline block may state a name.
void describe_name(Fields& fields, std::string& name);
void describe(Fields& fields, hardware::Provenance& provenance, Rule source_rule = anything);
//! Every entry of the catalogue says where it comes from; a user's inline block may.
[[nodiscard]] Rule source_rule(Fields const& fields);
//! A month as `2026-02`, in months since year 0; `unknown`: 0.
void describe_month(Fields& fields, std::string_view key, std::int64_t& months);

}  // namespace mw::config
