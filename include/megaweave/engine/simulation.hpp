#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "megaweave/core/frame.hpp"
#include "megaweave/engine/results.hpp"
#include "megaweave/engine/world.hpp"
#include "megaweave/parallel/comm.hpp"
#include "megaweave/parallel/team.hpp"
#include "megaweave/site/partition.hpp"

namespace mw::engine {

//! What an observer may ask for; any rank's wish counts for all.
struct Wish {
    static constexpr std::uint64_t stop = 1;  //!< checkpoint, then end
    static constexpr std::uint64_t checkpoint = 2;
    static constexpr std::uint64_t first_reason =
        256;  //!< from here on the observer's own, agreed with the others
};

//! The state of a run between two windows, cut by rack so that any number of ranks can read it.
struct SavedState {
    std::int64_t windows{0};  //!< simulated so far
    core::TimeNs time_ns{0};
    std::vector<std::byte> global;              //!< the same on every rank
    std::vector<std::vector<std::byte>> racks;  //!< this rank's
};

//! Where the run stands, for whoever watches.
struct Progress {
    core::TimeNs now_ns{0};
    core::TimeNs end_ns{0};
    double output_tokens_per_s{0};  //!< of the last sample
    double facility_w{0};           //!< of the last sample
};

//! Records and steers a run. Called on every rank, in the same windows.
class Observer {
  public:
    virtual ~Observer() = default;
    virtual std::uint64_t wishes() = 0;                    //!< every window; cheap
    virtual void on_sample(core::Frame const& frame) = 0;  //!< collective
    virtual void on_window(Progress const& progress) = 0;  //!< cheap
    //! `agreed`: what any rank wished for. Collective.
    virtual void on_checkpoint(SavedState const& state, std::uint64_t agreed) = 0;
};

enum class Outcome : std::uint8_t { finished, stopped };

/*!
 * A run of the whole site on these ranks and threads: racks as logical processes, in windows of simulated time.
 *
 * The result is a function of the deck alone: everything that crosses racks takes effect in the next window or later and in an order that
 * no partition can change; see src/README.md.
 */
class Simulation {
  public:
    //! The world, communicator and team must outlive it. Collective.
    Simulation(World const& world, parallel::Comm& comm, parallel::Team& team);
    ~Simulation();
    Simulation(Simulation const&) = delete;
    Simulation& operator=(Simulation const&) = delete;

    //! Goes on from there instead of from the start. Collective.
    void restore(SavedState const& state);
    //! Collective.
    Outcome run(Observer& observer);
    //! Collective; the same on every rank.
    [[nodiscard]] Results results();
    //! This rank's sample of the measured requests, in rack order.
    [[nodiscard]] std::vector<RequestRecord> requests() const;
    //! This rank's bundles in the measured period, in recording order.
    [[nodiscard]] BundleColumns bundles() const;
    [[nodiscard]] site::Partition const& partition() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace mw::engine
