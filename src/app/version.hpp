#pragma once

#include <string>

namespace mw::app {

inline constexpr char const* version = MW_VERSION;

//! Distinguishes this program from others whose results may differ in the last bit: "sources 0123456789ab, GNU 12.2.0, Release".
[[nodiscard]] std::string build_text();

//! For `--version`: "megaweave 0.1.0 (revision …, sources …, GNU 12.2.0, Release)".
[[nodiscard]] std::string version_text();

}  // namespace mw::app
