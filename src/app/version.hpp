#pragma once

namespace mw::app {

inline constexpr char const* version = MW_VERSION;

}  // namespace mw::app
