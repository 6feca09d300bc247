#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "megaweave/core/time.hpp"

namespace mw::parallel {

//! What every rank tells all others once a window.
struct Pulse {
    core::TimeNs next_event_ns{
        core::never};        //!< of this rank, messages it sends now included; agreed value: the earliest
    std::uint64_t flags{0};  //!< stop requests and the like; agreed value: of any rank (bitwise or)
};

//! One neighbour's part of a swap.
struct Swap {
    int rank{0};
    std::span<std::int64_t const> send;
    std::span<std::int64_t> receive;
};

//! Traffic counters: they, not wall time, tell how a run scales.
struct CommCounters {
    std::int64_t exchanges{0};
    std::int64_t bytes{0};  //!< payload that left this rank
    std::int64_t point_to_point{0};
};

/*!
 * The ranks of a run, by verbs. A private duplicate of the world communicator: other libraries cannot disturb it.
 *
 * Reductions are on integers only, so their results do not depend on the number of ranks. Collective calls must be made by all
 * ranks in the same order, from the main thread. Errors of MPI end the whole run (no hang). A communicator of one rank calls
 * MPI for nothing.
 */
class Comm {
  public:
    Comm();
    //! One rank by itself, whatever the size of the run: for simulations that threads run side by side. Needs no MPI at all.
    [[nodiscard]] static Comm alone();
    ~Comm();
    Comm(Comm&&) noexcept;
    Comm& operator=(Comm&&) noexcept;

    [[nodiscard]] int rank() const { return rank_; }
    [[nodiscard]] int size() const { return size_; }
    [[nodiscard]] bool root() const { return rank_ == 0; }
    [[nodiscard]] CommCounters const& counters() const { return counters_; }

    void barrier() const;
    [[nodiscard]] std::int64_t sum(std::int64_t value) const;
    [[nodiscard]] std::int64_t max(std::int64_t value) const;
    [[nodiscard]] std::int64_t min(std::int64_t value) const;
    void sum(std::span<std::int64_t> values) const;   //!< element-wise, in place, on every rank
    void sum(std::span<std::uint64_t> values) const;  //!< modulo 2^64
    void max(std::span<std::int64_t> values) const;
    //! Sum over the ranks before this one.
    [[nodiscard]] std::int64_t sum_before(std::int64_t value) const;
    //! Root's bytes on every rank.
    void broadcast(std::vector<std::byte>& bytes) const;
    //! Every rank's bytes on the root, in rank order; empty elsewhere.
    [[nodiscard]] std::vector<std::vector<std::byte>> gather(std::vector<std::byte> const& bytes) const;

    /*!
     * The communication phase of a window: `outboxes[r]` goes to rank r, what came is appended to `inbox[r]` (cleared first).
     * Returns the agreed pulse. One small all-to-all for sizes and pulses, then point-to-point only where bytes move.
     */
    Pulse exchange(std::vector<std::vector<std::byte>> const& outboxes,
                   std::vector<std::vector<std::byte>>& inbox, Pulse mine);

    //! Both ways with some neighbours at once; each pair knows the sizes. No other rank takes part.
    void swap(std::span<Swap const> swaps);

    //! The MPI communicator, for libraries that need one (cast to MPI_Comm* in the module that links MPI); none if alone().
    [[nodiscard]] void* native() const;

  private:
    struct Handle;
    explicit Comm(std::unique_ptr<Handle> handle);
    std::unique_ptr<Handle> handle_;
    int rank_{0};
    int size_{1};
    CommCounters counters_;
};

}  // namespace mw::parallel
