# Run at every build: writes OUT, a source file that tells this program from others, if it changed. The hash of the sources counts and not
# the revision alone, so that a tree with uncommitted changes has its own name, and one whose documents changed keeps it.
#
#     cmake -DSOURCE=<project> -DOUT=<file> -P BuildInfo.cmake
file(GLOB_RECURSE files RELATIVE ${SOURCE} ${SOURCE}/src/*.cpp ${SOURCE}/src/*.hpp ${SOURCE}/include/*.hpp ${SOURCE}/cmake/Modules.cmake)
list(SORT files)
set(hashes "")
foreach(file ${files})
  file(SHA1 ${SOURCE}/${file} hash)
  string(APPEND hashes "${file} ${hash}\n")
endforeach()
string(SHA1 sources "${hashes}")
string(SUBSTRING ${sources} 0 12 sources)

set(revision "")
find_program(git git)
if(git)
  execute_process(COMMAND ${git} -C ${SOURCE} describe --always --dirty --abbrev=10
    OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT revision)
  set(revision unknown)
endif()

set(text "namespace mw::app {
extern char const* const build_sources;
extern char const* const build_revision;
char const* const build_sources = \"${sources}\";
char const* const build_revision = \"${revision}\";
}
")
set(old "")
if(EXISTS ${OUT})
  file(READ ${OUT} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${OUT} "${text}")
endif()
