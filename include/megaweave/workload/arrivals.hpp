#pragma once

#include <cstdint>
#include <variant>

#include "megaweave/core/random.hpp"
#include "megaweave/core/time.hpp"
#include "megaweave/workload/arrival_processes.hpp"
#include "megaweave/workload/lengths.hpp"
#include "megaweave/workload/params.hpp"
#include "megaweave/workload/trace.hpp"

namespace mw::workload {

//! One request as it comes to a cell.
struct Arrival {
    core::TimeNs time_ns{0};
    std::int64_t input_tokens{1};
    std::int64_t output_tokens{1};
    std::uint64_t index{0};  //!< running number within the cell
};

/*!
 * The requests that come to one cell (front end) of a service, in time order: an arrival process (arrival_processes.hpp says
 * how each is split over the cells) and two length laws.
 *
 * Times never decrease. Everything is keyed by (seed, entity, index): a stream gives the same requests on any rank, with or
 * without a restart. Input and output lengths are independent unless both come from a trace.
 */
class ArrivalStream {
  public:
    /*!
     * `entity` keys the random numbers: unique per service and cell, with the cells of a service numbered in a row, so that
     * `entity − cell` names the service (the cells must agree on how copies of a trace are rotated). `trace` is needed for
     * trace arrivals only. The laws, the trace and the share's weights must outlive the stream.
     */
    ArrivalStream(WorkloadParams const& params, LengthLaw const& input, LengthLaw const& output,
                  Trace const* trace, std::uint64_t seed, std::uint32_t entity, CellShare const& share);

    //! When the next request arrives; core::never when none is due (closed loop, all in flight).
    [[nodiscard]] core::TimeNs next_ns() const;
    //! Pops the next request; there must be one.
    Arrival take();
    //! Closed loop: a request finished, the next one arrives now. In time order. Does nothing for other processes.
    void replace(core::TimeNs now_ns);

    //! Dynamic state only: parameters, laws and trace are given again by the constructor.
    template <class Ar>
    void archive(Ar& ar) {
        ar& taken_;
        std::visit([&ar](auto& process) { ar& process; }, process_);
    }

  private:
    using Process = std::variant<RenewalProcess, ClosedLoop, TraceReplay>;
    static Process make(ArrivalParams const& params, Trace const* trace, CellKey const& key);

    [[nodiscard]] std::int64_t length(LengthLaw const& law, core::Draw purpose, std::int32_t traced) const;

    CellKey key_;
    LengthLaw const* input_;
    LengthLaw const* output_;
    Process process_;
    std::uint64_t taken_{0};
};

}  // namespace mw::workload
