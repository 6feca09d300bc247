#include "megaweave/parallel/session.hpp"

#include <mpi.h>

#include <cstdlib>

#include "megaweave/core/error.hpp"

namespace mw::parallel {

Session::Session(int& argc, char**& argv) {
    int provided = MPI_THREAD_SINGLE;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    if (provided < MPI_THREAD_FUNNELED)
        throw core::WorldError("this MPI allows no threads (MPI_THREAD_FUNNELED is needed)");
}

Session::~Session() {
    MPI_Finalize();
}

void Session::abort(int exit_code) {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    std::abort();  // MPI_Abort is not declared noreturn
}

}  // namespace mw::parallel
