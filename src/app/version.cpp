#include "version.hpp"

#include "megaweave_build.hpp"

namespace mw::app {

std::string build_text() {
    return "sources " MW_SOURCES ", " MW_COMPILER ", " MW_BUILD_TYPE;
}

std::string version_text() {
    return std::string{"megaweave "} + version + " (revision " MW_REVISION ", " + build_text() + ")";
}

}  // namespace mw::app
