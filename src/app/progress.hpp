#pragma once

#include <chrono>

#include "megaweave/engine/simulation.hpp"

namespace mw::app {

/*!
 * Says how far a run is: one line that rewrites itself on a terminal, plain lines every few seconds in a batch log. On stderr,
 * so that stdout holds results only. Give it to the root alone.
 */
class ProgressLine {
  public:
    explicit ProgressLine(bool quiet);
    ~ProgressLine();
    ProgressLine(ProgressLine const&) = delete;
    ProgressLine& operator=(ProgressLine const&) = delete;

    void show(engine::Progress const& progress);
    //! Ends the line on a terminal, so that other text may follow.
    void end();

  private:
    using Clock = std::chrono::steady_clock;

    bool quiet_;
    bool terminal_;
    bool shown_{false};
    Clock::time_point start_{Clock::now()};
    Clock::time_point next_;
    core::TimeNs start_ns_{-1};  //!< simulated
};

}  // namespace mw::app
