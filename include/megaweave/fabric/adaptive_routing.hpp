#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "megaweave/fabric/link_load.hpp"
#include "megaweave/fabric/topology.hpp"

namespace mw::fabric {

/*!
 * How much of a transfer's bytes takes detours (`routing: ugal`), by the load of the links when it starts.
 *
 * UGAL lets a packet take a detour where that means less waiting than the shortest way. Here a flow is divided, and of all x in sixteenths
 * it takes the one with the smallest
 *
 *     T(x) = max(1 / line rate, max over links of (crowd + w) / ((1 - held) C)),    w = (1 - x) m + x v > 0
 *
 * and of those the smallest x. T is the time per byte that the loads promise (`LinkLoad`); m and v are what a link carries of a byte on
 * the shortest ways and on the detours; the parts of a flow move in step. So an idle network has no detours, nor has a flow that its
 * own hosts limit. Detours are those of `valiant`: 8, drawn by the transfer's hash.
 *
 * UGAL multiplies waiting by hops, since a longer way takes more from others. In a fluid whose flows send what they get (no queue grows
 * without end) that keeps a torus under tornado traffic, 3 hops against 8, on its shortest ways for good; without it, detours end where they no
 * longer pay. What they take from others shows in uniform traffic: all-to-all on a dragonfly loses 2 to 4 % in the mean (`tests/unit/fabric`).
 *
 * Source: Singh, Load-Balanced Routing in Interconnection Networks, Stanford 2005; with the loads of all links known (UGAL-G): Kim et al.,
 * Technology-Driven, Highly-Scalable Dragonfly Topology, ISCA 2008.
 * Validity: flows that last longer than their choice's information is old. `flows` chooses flow by flow, from the state at its start;
 * a run from the loads of a window that has closed: transfers that start within two windows do not see each other.
 * Leaves out: a choice packet by packet, or a second one under way; local information only (UGAL-L); loads by priority.
 * Worked: line rate and all links C, detours idle. The shortest way has a link with held = 1/2: T(0) = 2 / C, and from x = 1/2 on 1 / C: half of
 * the bytes. It has crowd = 1 instead: T = (2 - x) / C, and 1 / C at x = 1: all bytes.
 */
class AdaptiveRouting {
  public:
    using Loads = std::function<LinkLoad(LinkIndex)>;

    explicit AdaptiveRouting(Topology const& network) : network_{&network} {}

    //! Sixteenths of the bytes for `Route::detour`. Not thread-safe: it keeps its memory.
    [[nodiscard]] std::int32_t operator()(Route const& route, std::int64_t line_bytes_per_s,
                                          Loads const& loads);

  private:
    //! One link, with both ways' parts of a byte.
    struct Option {
        LinkIndex link{0};
        double direct{0};  // of a byte
        double around{0};
        double free_bytes_per_s{0};
        double crowd{0};
    };

    void weigh(Path const& path, double Option::*part, Loads const& loads);
    [[nodiscard]] double time_per_byte(double share, double line_bytes_per_s) const;

    Topology const* network_;
    Path path_;
    std::vector<Option> options_;
};

}  // namespace mw::fabric
