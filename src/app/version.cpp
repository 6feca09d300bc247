#include "version.hpp"

namespace mw::app {

// Written at every build (cmake/BuildInfo.cmake).
extern char const* const build_sources;
extern char const* const build_revision;

std::string build_text() {
    return std::string{"sources "} + build_sources + ", " MW_COMPILER ", " MW_BUILD_TYPE;
}

std::string version_text() {
    return std::string{"megaweave "} + version + " (revision " + build_revision + ", " + build_text() + ")";
}

}  // namespace mw::app
