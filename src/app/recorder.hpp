#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "megaweave/engine/simulation.hpp"
#include "megaweave/io/run_file.hpp"
#include "progress.hpp"
#include "run_output.hpp"

namespace mw::app {

//! When and why a run writes a checkpoint or stops early.
struct StopRules {
    std::chrono::steady_clock::time_point start;  //!< of the program
    double time_limit_s{0};                       //!< of wall time since then; 0: none
    double checkpoint_every_s{0};                 //!< of wall time; 0: only when stopped
};

/*!
 * Watches a simulation: writes run.h5 and the checkpoints, shows progress, and asks it to stop when a signal came or time is up.
 */
class Recorder final : public engine::Observer {
  public:
    Recorder(engine::World const& world, engine::Simulation const& simulation, parallel::Comm const& comm,
             RunOutput const& output, std::optional<Beginning> const& beginning, StopRules rules, bool quiet);

    std::uint64_t wishes() override;
    void on_sample(core::Frame const& frame) override;
    void on_window(engine::Progress const& progress) override;
    void on_checkpoint(engine::SavedState const& state, std::uint64_t agreed) override;

    //! Closes run.h5 with everything that is known at the end. Collective.
    void finish(engine::Simulation const& simulation, engine::Results const& results);
    //! Why the run was asked to stop, for the user; "" if it was not.
    [[nodiscard]] std::string const& stop_reason() const { return stop_reason_; }
    //! Simulated time of the last checkpoint.
    [[nodiscard]] core::TimeNs checkpoint_ns() const { return checkpoint_ns_; }

  private:
    using Clock = std::chrono::steady_clock;

    engine::World const& world_;
    site::Partition const& partition_;
    parallel::Comm const& comm_;
    std::string directory_;
    StopRules rules_;
    io::RunFile file_;
    std::optional<ProgressLine> progress_;
    Clock::time_point last_checkpoint_{Clock::now()};
    std::string stop_reason_;
    core::TimeNs checkpoint_ns_{0};
};

}  // namespace mw::app
