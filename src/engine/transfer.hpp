#pragma once

#include <cstdint>
#include <vector>

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

//! How much of what somebody sends comes over a link.
struct LinkPart {
    fabric::LinkIndex link{0};
    std::int64_t weight{
        fabric::
            full_weight};  //!< bytes on this link for each byte of the rate, in parts of full_weight, >= 1

    friend bool operator==(LinkPart const&, LinkPart const&) = default;
};

//! A transfer that ended in this window, for its home rack.
struct Arrival {
    Transfer transfer;
    core::TimeNs at_ns{0};  //!< its last byte left
    double use{0};  //!< of its links, the least, in the step in which it ends and until it ends; 1: full
};

//! Traffic that never ends by itself: it would like a rate and takes what it is granted. An all-to-all, reads of a memory pool.
struct StandingDemand {
    std::uint64_t id{0};  //!< a number of its own kind
    core::RackId home;
    std::int64_t bytes_per_s{0};
    std::vector<LinkPart> uses;        //!< each link once
    std::int64_t line_bytes_per_s{0};  //!< while it sends; for its burst share
    TrafficLabel label{0};             //!< under which the links count its bytes
};

//! How several ranks find shares; the same ones.
enum class Sharing : std::uint8_t {
    by_plan,    //!< each all of them where instances send all the time and ranks are few; else in rounds
    each_all,   //!< every rank knows all transfers and demands
    in_rounds,  //!< with those ranks that have a part in a transfer
};

}  // namespace mw::engine
