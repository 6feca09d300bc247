#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "megaweave/core/time.hpp"
#include "megaweave/fabric/params.hpp"
#include "megaweave/hardware/params.hpp"
#include "megaweave/plant/params.hpp"
#include "megaweave/serving/params.hpp"

namespace mw::config {

struct TimeParams {
    core::TimeNs duration_ns{30 * core::ns_per_s};  //!< measured
    core::TimeNs warmup_ns{0};                      //!< simulated first, left out of every statistic
    core::TimeNs window_ns{core::ns_per_ms};        //!< lookahead of the parallel engine
    core::TimeNs sample_ns{
        100 * core::ns_per_ms};  //!< spacing of the recorded time series, a multiple of the window
};

struct ClusterParams {
    std::int64_t accelerators{0};
    hardware::RackParams rack;
    hardware::BoardControlParams boards;
    fabric::NetworkParams scale_out;
    fabric::OpticsParams optics;
    fabric::SwitchParams network_switch;
    fabric::TransportParams transport;
    hardware::MemoryPoolParams memory_pool;
    fabric::OpticsParams pool_optics;  //!< of the links between accelerators and pool
};

struct OutputParams {
    std::string directory;
    core::TimeNs checkpoint_every_ns{600 * core::ns_per_s};  //!< of wall time; 0: only when stopped
    double request_sample{1};  //!< share of the requests that /requests of run.h5 lists
};

/*!
 * A deck with every name resolved and every default filled in: all that a run depends on.
 *
 * `effective_yaml` is the deck after `--set`, with catalogue entries written out, as stored in run.h5; `physics_hash` covers
 * everything that can change a result or what is recorded (not output.directory and the like) and guards restarts; it is the hash of
 * `physics_yaml`.
 */
struct Deck {
    std::string path;
    std::string name;
    std::uint64_t seed{1};
    TimeParams time;
    ClusterParams cluster;
    std::vector<serving::ServiceParams> services;
    plant::FacilityParams facility;
    OutputParams output;
    std::string effective_yaml;
    std::string physics_yaml;
    std::uint64_t physics_hash{0};
    std::vector<std::string> warnings;                       //!< e.g. estimates that the result rests on
    std::map<std::string, std::string, std::less<>> places;  //!< `file:line:column` by path; none if not read

    //! `file:line:column: message`, at a path or the block above it that the deck has: for mistakes that only a model can see.
    [[nodiscard]] std::string placed(std::string_view at, std::string const& message) const;
};

//! `path=value` from the command line, in order.
struct Override {
    std::string path;
    std::string value;
};

/*!
 * Reads a deck and the catalogue it names. Throws `core::InputError` with every mistake at once, each as
 * `file:line:column: what is wrong in path. How to mend it`. `text`: the deck itself, if it came through a pipe; `path` is then its
 * name in messages, and files that it names are relative to the working directory.
 */
[[nodiscard]] Deck read_deck(std::string const& path, std::vector<Override> const& overrides = {},
                             std::optional<std::string> const& text = {});

//! A deck for `megaweave flows`: the fabric alone. Of a whole deck it reads the same keys and skips the rest.
struct FlowsDeck {
    std::string name;
    std::uint64_t seed{1};
    bool explicit_topology{false};
    fabric::TransportParams transport;
    fabric::NetworkParams network;  //!< unless explicit: nodes of one NIC unless the deck names a rack
};

//! Needs only `name` and `cluster.scale_out`, for a Clos also `cluster.accelerators`. Throws like `read_deck`.
[[nodiscard]] FlowsDeck read_flows_deck(std::string const& path, std::vector<Override> const& overrides = {},
                                        std::optional<std::string> const& text = {});

}  // namespace mw::config
