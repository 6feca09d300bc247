#pragma once

namespace mw::parallel {

//! MPI from construction to destruction. Thread level: funneled (only the main thread communicates).
class Session {
  public:
    //! Throws core::WorldError if MPI cannot give that thread level.
    Session(int& argc, char**& argv);
    ~Session();
    Session(Session const&) = delete;
    Session& operator=(Session const&) = delete;

    //! Ends every rank at once: one that fails must not leave the others waiting.
    [[noreturn]] static void abort(int exit_code);
};

}  // namespace mw::parallel
