#pragma once

#include <memory>

namespace mw::app {

/*!
 * SIGTERM, SIGINT and SIGUSR1 ask the run to checkpoint and stop; the handler only takes note.
 *
 * Made after MPI, which installs handlers of its own. The earlier handlers come back at the end.
 */
class SignalWatch {
  public:
    SignalWatch();
    ~SignalWatch();
    SignalWatch(SignalWatch const&) = delete;
    SignalWatch& operator=(SignalWatch const&) = delete;

    //! The signal that came, or 0.
    [[nodiscard]] int seen() const;

  private:
    struct Previous;
    std::unique_ptr<Previous> previous_;
};

}  // namespace mw::app
