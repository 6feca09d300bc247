#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "megaweave/core/random.hpp"
#include "megaweave/core/time.hpp"
#include "megaweave/workload/cell_share.hpp"
#include "megaweave/workload/params.hpp"
#include "megaweave/workload/trace.hpp"

namespace mw::workload {

//! Which of a service's cells asks, and its random numbers.
struct CellKey {
    core::KeyedRandom random;
    std::uint32_t entity;  //!< unique per service and cell
    CellShare share;

    //! The same for all cells of a service, provided that they are numbered in a row.
    [[nodiscard]] std::uint32_t service() const { return entity - share.cell; }
};

/*!
 * Independent gaps of mean 1/(part of the rate) and coefficient of variation cv: Poisson (cv 1) or gamma, shape 1/cv².
 *
 *     gap = −ln(u) / rate   or   gap = Q_gamma(1/cv²; u) / rate, rounded to whole nanoseconds
 *
 * A service's Poisson process splits exactly into one per cell. Gamma processes do not: each cell has its own renewal process
 * of the stated cv, so the sum over many cells is smoother than the cv says for cv > 1 (it tends to Poisson). The first gap is
 * drawn from the law of the time left (stationary process), so that cells do not start in step and the rate holds from time 0.
 * cv 0 is a metronome with a random phase. Leaves out: rates that change with the hour (replay a trace for that).
 * Worked: 500 /s over 4 equal cells: gaps of 8 ms on average in each.
 */
class RenewalProcess {
  public:
    RenewalProcess(ArrivalParams const& params, CellKey const& key);

    [[nodiscard]] core::TimeNs next_ns() const { return next_ns_; }
    void advance();

    template <class Ar>
    void archive(Ar& ar) {
        ar& next_ns_& drawn_;
    }

  private:
    [[nodiscard]] double first_gap() const;  // in units of the mean gap
    [[nodiscard]] double gap() const;
    void step(double gap);

    CellKey key_;
    double mean_gap_ns_;
    double shape_;  // infinite for cv 0
    core::TimeNs next_ns_{0};
    std::uint64_t drawn_{0};
};

/*!
 * A fixed number of requests in flight: all arrive at time 0, and each that finishes is replaced at once, until `requests` have
 * arrived (0: without end). A burst is a closed loop whose requests are all in flight from the start.
 *
 * The service's concurrency and requests are split by the cells' shares as evenly as integers allow (CellShare::of). Leaves out: think
 * time. Worked: 10 over 4 equal cells: 3, 3, 2, 2; of 21 requests the first cell gets 6, three at once and three as replacements.
 */
class ClosedLoop {
  public:
    ClosedLoop(ArrivalParams const& params, CellKey const& key);

    [[nodiscard]] core::TimeNs next_ns() const { return due_ns_.empty() ? core::never : due_ns_.front(); }
    void advance() { due_ns_.pop_front(); }
    void replace(core::TimeNs now_ns);

    template <class Ar>
    void archive(Ar& ar) {
        ar& due_ns_& last_ns_& replacements_;
    }

  private:
    std::deque<core::TimeNs> due_ns_;
    core::TimeNs last_ns_{0};       // of the queue, also when it is empty
    std::int64_t replacements_{0};  // that may still come
};

/*!
 * A trace played at `scale` times its rate: ceil(scale) copies, repeated for as long as the run lasts unless `repeat` says otherwise.
 *
 * Copy 0 starts at the trace's beginning; every further copy is rotated by its own uniform offset, so that copies do not
 * burst together. The last copy of a fractional scale keeps each request with probability equal to the fraction; the numbers of
 * requests that it drops in a row are geometric, and drawn in one piece. Whole
 * groups of `cells` copies give each cell one copy; copies left over, and the thinned one, are dealt request by request
 * (Dealer), so that the union over the cells is the same for any number of cells. Where cells differ all copies are dealt
 * request by request. Cost per arrival: O(log copies), of the thinned copy O(cells).
 *
 * Leaves out: sessions (a rotated copy may cut one). Worked: scale 2.5 on 2 cells: copy 0 to cell 0, copy 1 to cell 1, of
 * copy 2 every second request to each, each kept with probability 0.5.
 */
class TraceReplay {
  public:
    //! Keeps a pointer to the trace, which must outlive it.
    TraceReplay(ArrivalParams const& params, Trace const& trace, CellKey const& key);

    [[nodiscard]] core::TimeNs next_ns() const { return heap_.empty() ? core::never : heap_.front().time_ns; }
    //! The row that is due at next_ns().
    [[nodiscard]] TraceRequest const& row() const;
    void advance();

    template <class Ar>
    void archive(Ar& ar) {
        ar& heap_;
    }

  private:
    // Where a copy stands. The request's number counts on through repetitions: row + repetition · rows.
    struct Cursor {
        core::TimeNs time_ns;
        std::uint64_t request;
        std::uint64_t copy;
        std::uint64_t kept;  // draws made so far; of a thinned copy
    };
    static bool later(Cursor const& a, Cursor const& b);

    void place(Cursor& cursor) const;  // sets the time
    [[nodiscard]] bool thinned(std::uint64_t copy) const;
    //! To this cell's first kept request at or after the cursor. Runs of dropped ones are drawn whole, so a tiny share costs no time.
    void skip_dropped(Cursor& cursor) const;
    [[nodiscard]] std::uint64_t stride(std::uint64_t copy) const;
    [[nodiscard]] bool takes(Cursor const& cursor) const;
    [[nodiscard]] core::TimeNs offset_ns(std::uint64_t copy) const;

    Trace const* trace_;
    CellKey key_;
    Dealer dealer_;
    std::uint64_t copies_;
    std::uint64_t whole_{0};  // the first so many copies go to one cell each
    bool once_;
    double last_share_{1};      // of the last copy's requests that are kept
    std::vector<Cursor> heap_;  // earliest first; ties by copy
};

}  // namespace mw::workload
