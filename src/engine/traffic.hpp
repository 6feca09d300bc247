#pragma once

#include <cstddef>
#include <cstdint>

#include "megaweave/core/ids.hpp"
#include "megaweave/fabric/traffic.hpp"

namespace mw::engine {

using fabric::traffic_classes;
using fabric::traffic_names;
using fabric::TrafficClass;

//! Under which number the links count bytes: one for each pair of service and class.
using TrafficLabel = std::uint16_t;

[[nodiscard]] constexpr TrafficLabel label_of(core::ServiceId service, TrafficClass traffic) {
    return static_cast<TrafficLabel>(service.index() * traffic_classes + static_cast<std::size_t>(traffic));
}
[[nodiscard]] constexpr std::size_t class_of(std::size_t label) {
    return label % traffic_classes;
}
[[nodiscard]] constexpr std::size_t service_of(std::size_t label) {
    return label / traffic_classes;
}

}  // namespace mw::engine
