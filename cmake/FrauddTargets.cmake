# One static library a folder of lib/, one program a folder of daemons/ and tools/, one test program
# a file of test/unit/, one fuzzer a file of test/fuzz/.

# fraudd_library(NAME SOURCES a.c … LINKS other … PRIVATE third-party …)
function(fraudd_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}/lib")
  target_link_libraries(${name} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_PRIVATE})
endfunction()

# All programs; all fuzzers of the fuzz preset: what a build makes without its unit tests.
add_custom_target(programs)
add_custom_target(fuzzers)

# fraudd_program(NAME SOURCES … LINKS … PRIVATE …)
function(fraudd_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/lib")
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} ${ARG_PRIVATE})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  add_dependencies(programs ${name})
endfunction()

# fraudd_unit_test(LIB FILE… LINKS …): test/unit/<lib>/test_<file>.c each become <lib>.<file> of ctest.
# FRAUDD_SOURCE_DIR is the checkout, for test data.
function(fraudd_unit_test lib)
  cmake_parse_arguments(ARG "" "" "LINKS" ${ARGN})
  foreach(file ${ARG_UNPARSED_ARGUMENTS})
    set(target test_${lib}_${file})
    add_executable(${target} ${lib}/test_${file}.c)
    target_link_libraries(${target} PRIVATE ${lib} ${ARG_LINKS} PkgConfig::cmocka)
    target_compile_definitions(${target} PRIVATE
      FRAUDD_SOURCE_DIR="${PROJECT_SOURCE_DIR}" FRAUDD_BUILD_DIR="${PROJECT_BINARY_DIR}")
    set_target_properties(${target} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/test")
    add_test(NAME ${lib}.${file} COMMAND ${target})
    set_tests_properties(${lib}.${file} PROPERTIES TIMEOUT 300)
  endforeach()
endfunction()

# fraudd_fuzzer(NAME LINKS …): test/fuzz/fuzz_<name>.c with LLVMFuzzerTestOneInput. In the fuzz preset
# it is a libFuzzer program; in every other one it is linked with replay.c and its corpus
# test/fuzz/corpus/<name>/ runs as the unit test fuzz.<name>.
function(fraudd_fuzzer name)
  cmake_parse_arguments(ARG "" "" "LINKS" ${ARGN})
  set(target fuzz_${name})
  if(NOT TARGET fuzzers)
    add_custom_target(fuzzers)
  endif()
  if(FRAUDD_FUZZ)
    add_executable(${target} fuzz_${name}.c)
    target_link_libraries(${target} PRIVATE ${ARG_LINKS})
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers ${target})
  else()
    add_executable(${target} fuzz_${name}.c replay.c)
    target_link_libraries(${target} PRIVATE ${ARG_LINKS})
    add_test(NAME fuzz.${name} COMMAND ${target} "${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name}")
  endif()
  add_dependencies(fuzzers ${target})
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzz")
endfunction()

# fraudd_manual(NAME.SECTION): the manual page of NAME.SECTION.scd, where scdoc is there; installed.
# `ninja manuals` makes all of them.
function(fraudd_manual page)
  find_program(SCDOC scdoc)
  if(NOT SCDOC)
    return()
  endif()
  string(REGEX REPLACE ".*\\." "" section "${page}")
  set(out "${CMAKE_CURRENT_BINARY_DIR}/${page}")
  add_custom_command(OUTPUT "${out}" DEPENDS ${page}.scd
    COMMAND "${SCDOC}" < "${CMAKE_CURRENT_SOURCE_DIR}/${page}.scd" > "${out}")
  fraudd_manual_file("${out}")
endfunction()

# A page that something else makes. Optional, so that programs alone can be built and installed.
function(fraudd_manual_file out)
  if(NOT TARGET manuals)
    add_custom_target(manuals ALL)
  endif()
  get_filename_component(page "${out}" NAME)
  string(REGEX REPLACE ".*\\." "" section "${page}")
  add_custom_target(manual_${page} DEPENDS "${out}")
  add_dependencies(manuals manual_${page})
  install(FILES "${out}" DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} OPTIONAL)
endfunction()
