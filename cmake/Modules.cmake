# One static library per folder of src/, with the flags that every target shares.

add_library(mw_flags INTERFACE)
target_compile_options(mw_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast -Werror
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> # false alarms of GCC 12 in "literal" + string
  -ffp-contract=off) # the same bits on machines with and without fused multiply-add
target_include_directories(mw_flags INTERFACE ${PROJECT_SOURCE_DIR}/include)
if(MW_AUDIT)
  target_compile_definitions(mw_flags INTERFACE MW_AUDIT_ENABLED=1)
endif()
if(MW_SANITIZE)
  target_compile_options(mw_flags INTERFACE -fsanitize=${MW_SANITIZE} -fno-omit-frame-pointer -Wno-maybe-uninitialized)
  target_link_options(mw_flags INTERFACE -fsanitize=${MW_SANITIZE})
endif()

# mw_module(NAME [USES modules…] [LIBRARIES targets…])
# `USES` is public, as the layer table of src/README.md has it; outside libraries stay private to the module.
function(mw_module name)
  cmake_parse_arguments(ARG "" "" "USES;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  if(sources)
    add_library(mw_${name} STATIC ${sources})
    set(public PUBLIC)
    set(private PRIVATE)
  else()
    add_library(mw_${name} INTERFACE)
    set(public INTERFACE)
    set(private INTERFACE)
  endif()
  target_link_libraries(mw_${name} ${public} mw_flags)
  foreach(used ${ARG_USES})
    target_link_libraries(mw_${name} ${public} mw_${used})
  endforeach()
  if(ARG_LIBRARIES)
    target_link_libraries(mw_${name} ${private} ${ARG_LIBRARIES})
  endif()
  target_include_directories(mw_${name} ${private} ${PROJECT_SOURCE_DIR}/src/${name})
endfunction()
