#pragma once

#include <cstdint>

#include "megaweave/core/ids.hpp"
#include "megaweave/core/time.hpp"
#include "megaweave/fabric/link_load.hpp"
#include "megaweave/fabric/topology.hpp"
#include "traffic.hpp"

namespace mw::engine {

//! Bytes on their way over the fabric. Plain data: it travels between ranks.
struct Transfer {
    std::uint64_t id{0};     //!< home rack in the high half, its running number in the low half
    core::RackId home;       //!< the rack that asked for it and learns of its end
    std::uint32_t fetch{0};  //!< of the home rack
    std::int64_t bytes{0};
    std::int64_t bytes_left{0};
    std::int64_t bytes_per_s{0};      //!< line rate of its ends
    core::TimeNs present_from_ns{0};  //!< first byte may move
    core::TimeNs latency_ns{0};       //!< of the last byte
    fabric::Route route;              //!< src = dst: inside a scale-up domain, which is not contended
    bool leaves_rack{false};
    TrafficLabel label{0};  //!< under which the links count its bytes
};

//! What a link tells all ranks of its load, where transfers choose their detours by it.
struct LoadNews {
    fabric::LinkIndex link{0};
    fabric::LinkLoad load;
};

//! A standing demand would like another rate. Travels like a transfer.
struct DemandChange {
    std::uint64_t id{0};
    std::int64_t bytes_per_s{0};
};

//! What a standing demand was granted in a window, for its home.
struct Grant {
    std::uint64_t id{0};
    core::RackId home;
    double of_demand{1};  //!< share of what it would like
    double of_line{
        1};  //!< of its line rate, what it would be granted for a moment beside the transfers that are there
    double use{0};  //!< of its links, the least

    //! Another, that says the same.
    [[nodiscard]] bool says(Grant const& other) const {
        return of_demand == other.of_demand && of_line == other.of_line && use == other.use;
    }
};

//! A standing demand as it stands in a checkpoint.
struct StandingState {
    std::uint64_t id{0};
    std::int64_t bytes_per_s{0};
    std::int64_t granted{0};
    core::TimeNs counted_until_ns{0};
};

}  // namespace mw::engine
