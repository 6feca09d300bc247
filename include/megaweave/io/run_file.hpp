#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "megaweave/core/frame.hpp"
#include "megaweave/core/histogram.hpp"
#include "megaweave/core/time.hpp"
#include "megaweave/parallel/comm.hpp"

namespace mw::io {

//! A rack as the output shows it. The floor is the x-y plane, z is up.
struct RackInfo {
    std::string name;
    std::int32_t hall{0};
    std::int32_t row{0};
    std::array<double, 3> position_m{};  //!< centre of the footprint; z = 0 at the floor
    std::array<double, 3> size_m{};      //!< along x, y, z
    std::int32_t accelerators{0};
};

//! A bundle of parallel links, one direction.
struct LinkInfo {
    std::string name;
    std::array<double, 3> from_m{};
    std::array<double, 3> to_m{};
    double capacity_bytes_per_s{0};
    std::int32_t tier{0};
    std::int32_t rack{0};  //!< index of the rack that owns it
};

//! An instance of a service: joins the instances of /requests to racks.
struct InstanceInfo {
    std::string name;  //!< unique in the run
    std::string service;
    std::string role;      //!< "unified", "prefill" or "decode"
    std::int32_t rack{0};  //!< index of the rack that runs it
    std::int64_t first_accelerator{0};
    std::int64_t accelerators{0};
    std::int32_t cell{0};  //!< of the run: whose router it hears
};

//! Racks and links of the run, and this rank's contiguous part of both (which may be empty).
struct RunShape {
    std::int64_t racks_total{0};
    std::int64_t first_rack{0};
    std::vector<RackInfo> racks;
    std::int64_t links_total{0};
    std::int64_t first_link{0};
    std::vector<LinkInfo> links;
    std::vector<InstanceInfo> instances{};  //!< all of them, on the root; empty elsewhere
};

//! What a checkpoint notes of the samples before it, so that a restart can tell whether run.h5 still holds them.
struct Recorded {
    std::int64_t rows{0};
    std::optional<std::uint64_t> hash;  //!< of every value in them; none: not checked
};

//! What a run is, equal on every rank.
struct RunIdentity {
    std::string program_version;
    std::string build;  //!< sources, compiler, kind of build
    std::string deck_name;
    std::string effective_deck;
    std::uint64_t physics_hash{0};
    core::TimeNs warmup_ns{0};
    core::TimeNs sample_ns{0};
};

//! Parts of a time to first token, as columns of /requests.
inline constexpr std::array<char const*, 7> ttft_part_names = {
    "router", "prefill_queue", "prefill", "transfer", "decode_queue", "first_iteration", "delivery"};

//! One request of the recorded sample. Times count from the start of the warm-up; instances are -1 where there was none.
struct RequestRow {
    std::uint64_t id{0};
    std::int32_t service{0};
    core::TimeNs arrival_ns{0};
    core::TimeNs first_token_ns{0};
    core::TimeNs completed_ns{0};
    std::int32_t input_tokens{0};
    std::int32_t output_tokens{0};
    std::int32_t preemptions{0};
    std::int32_t prefill_instance{-1};
    std::int32_t decode_instance{-1};
    std::array<core::TimeNs, ttft_part_names.size()> part_ns{};  //!< of the time to first token
    core::TimeNs contention_ns{0};
    core::TimeNs longest_gap_ns{0};
};

struct NamedHistogram {
    std::string name;  //!< "ttft"
    std::string unit;  //!< as stored: "s"
    std::string description;
    double unit_scale{1};  //!< stored = value * unit_scale: 1e-9 for nanoseconds shown in seconds
    core::Histogram histogram;
};

//! Swings of the facility's power by frequency; empty where the run has too few samples.
struct PowerSpectrum {
    std::vector<double> frequency_hz;
    std::vector<double> amplitude_w;
};

//! What each link carried in the measured period: this rank's, in recording order.
struct LinkTotals {
    std::vector<float> mean_utilisation;
    std::vector<float> peak_utilisation;  //!< highest sample
    std::vector<float> full_share;        //!< of the time, in samples of 90 % or more
    std::vector<std::string> services;    //!< by label: of its service; equal on all ranks
    std::vector<std::string> classes;     //!< by label: of its traffic
    std::vector<std::int64_t> bytes;      //!< [link x label]
};

/*!
 * run.h5, written by all ranks together, and run.xdmf beside it.
 *
 * Every member function is collective: all ranks call it, in the same order. What goes wrong on one rank (disk full, a directory
 * that cannot be written) is thrown as core::WorldError on all of them, naming the file and what HDF5 said.
 *
 * A killed run leaves a file that opens at the last flush: metadata stay in memory between flushes, every flush ends with
 * H5Fflush, and no byte that an earlier flush wrote is rewritten, except HDF5's own metadata while it flushes. (For that,
 * compressed chunks hold one sample and are never reopened; rows under 4 KiB are stored plain and grow in place.)
 *
 * The `Comm` must outlive the file. Destroying an unfinished file closes it (collective) and drops what was not flushed; while
 * an exception unwinds it is left open, since the other ranks may never come to close it.
 */
class RunFile {
  public:
    static constexpr std::int32_t format_version = 1;

    //! Starts a new file; an older one of that name is unlinked first, so its readers keep what they have.
    [[nodiscard]] static RunFile create(parallel::Comm const& comm, std::string path, RunIdentity identity,
                                        RunShape const& shape);

    /*!
     * Goes on after the samples that an interrupted run had recorded in `from`, in a new file that takes the name `path` once it is
     * whole (both may be the same; else `from` stays as it is). Only their values are taken over; later ones and the results of a
     * finished run are dropped. Any number of ranks. Refuses the file of another deck or another plan, one with fewer rows, and one
     * whose values do not match their hash. `make_way` is called on the root before the new file takes its name.
     */
    [[nodiscard]] static RunFile reopen(parallel::Comm const& comm, std::string path, RunIdentity identity,
                                        RunShape const& shape, std::string const& from,
                                        Recorded const& recorded, std::function<void()> const& make_way = {});

    ~RunFile();
    RunFile(RunFile&&) noexcept;
    RunFile& operator=(RunFile&&) = delete;

    //! Holds one sample; writes by itself once 32 rows or 16 MiB (of all ranks together) are held.
    void append(core::Frame const& frame);

    //! Writes what is held and makes it safe against a kill; run.xdmf then shows all rows.
    void flush();

    //! Samples appended so far, those before a restart included.
    [[nodiscard]] std::int64_t rows() const;

    //! The same, with the hash of their values on all ranks. Collective.
    [[nodiscard]] Recorded recorded() const;

    //! Once, before `finish`. Stored in rank order: give each rank's rows in rack order and the file is the same for any ranks.
    void write_requests(std::vector<RequestRow> const& mine);

    //! Once, before `finish`.
    void write_link_totals(LinkTotals const& totals);

    //! Once, before `finish`. Equal on all ranks.
    void write_histograms(std::vector<NamedHistogram> const& histograms);

    //! Once, before `finish`. Equal on all ranks.
    void write_power_spectrum(PowerSpectrum const& spectrum);

    //! Flushes, marks the file as complete and closes it.
    void finish(std::string const& digest);

  private:
    struct State;
    explicit RunFile(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace mw::io
