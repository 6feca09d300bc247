// main() of the programs in tests/parallel: every rank runs every test case, the program fails if any rank fails.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "megaweave/parallel/comm.hpp"
#include "megaweave/parallel/session.hpp"

int main(int argc, char** argv) {
    mw::parallel::Session const session{argc, argv};
    mw::parallel::Comm const comm;
    doctest::Context context{argc, argv};
    if (!comm.root()) context.setOption("minimal", true);  // the others speak only when they fail
    int const mine = context.run();
    return static_cast<int>(comm.max(mine));
}
