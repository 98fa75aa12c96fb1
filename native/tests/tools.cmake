# Tests that run one program in many ways, or are about what is built: golden vectors at every level, the
# installed package, exported symbols, sanitizers, valgrind, Clang, clang-tidy, another architecture.
# A tool that is missing is named, and its test is not there.
option(NORMA_TEST_TOOLS "Test with tools and in nested builds as well" ON)

function(is_missing test tool)
  message(STATUS "No test ${test}: ${tool} was not found")
endfunction()

# Whether that compiler, if there is one, can link a program with OpenMP.
function(has_openmp compiler result)
  set(${result} FALSE PARENT_SCOPE)
  if(compiler)
    set(program ${CMAKE_CURRENT_BINARY_DIR}/openmp.c)
    file(WRITE ${program} "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n")
    execute_process(COMMAND ${compiler} -fopenmp ${program} -o ${program}.out
      RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
    if(status EQUAL 0)
      set(${result} TRUE PARENT_SCOPE)
    endif()
  endif()
endfunction()

# ---- Golden vectors, once per line of isa.def that this build has.
add_executable(norma_test_golden golden.c golden_file.c golden_samples.c golden_tolerances.c)
target_compile_definitions(norma_test_golden PRIVATE GOLDEN_FOLDER="${CMAKE_CURRENT_SOURCE_DIR}/golden")
target_link_libraries(norma_test_golden PRIVATE norma_test_tools)
file(STRINGS ${source}/isa.def lines REGEX "^ISA\\(")
foreach(line IN LISTS lines)
  string(REGEX MATCH "^ISA\\(([a-z0-9_]+), \"([a-z0-9-]+)\"" matched "${line}")
  if(CMAKE_MATCH_1 IN_LIST levels)
    add_test(NAME golden_${CMAKE_MATCH_2} COMMAND norma_test_golden)
    set_tests_properties(golden_${CMAKE_MATCH_2} PROPERTIES ENVIRONMENT NORMA_ISA=${CMAKE_MATCH_2} TIMEOUT 60)
  endif()
endforeach()

# Prints a checksum of results; what it must be is known only from another processor, or another compiler.
add_executable(norma_test_checksum checksum.c)
target_link_libraries(norma_test_checksum PRIVATE norma_static norma_flags)

# Nested builds run the tests above only.
if(NORMA_SANITIZE OR NOT NORMA_TEST_TOOLS)
  return()
endif()

# Chosen once: a folder cannot change it later.
if(NOT nested_generator)
  find_program(NINJA NAMES ninja ninja-build)
  if(NINJA)
    set(nested_generator Ninja CACHE INTERNAL "Generator of nested builds")
  else()
    set(nested_generator ${CMAKE_GENERATOR} CACHE INTERNAL "Generator of nested builds")
  endif()
endif()

# Configures and builds Norma again, in a folder of that name, and runs the tests that match. What is
# built there stays for the next time.
function(add_nested_test name tests_to_run)
  add_test(NAME ${name} COMMAND ${CMAKE_CTEST_COMMAND}
    --build-and-test ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_BINARY_DIR}/${name}
    --build-generator ${nested_generator} --build-noclean
    --build-options -DNORMA_BUILD_TESTS=ON -DNORMA_TEST_TOOLS=OFF -DNORMA_WERROR=ON ${ARGN}
    --test-command ${CMAKE_CTEST_COMMAND}
    --output-on-failure --no-tests=error --parallel 2 --tests-regex ${tests_to_run})
  set_tests_properties(${name} PROPERTIES TIMEOUT 1200 PROCESSORS 2)
endfunction()

# ---- The installed package, by the program in README.md.
set(install_folder ${CMAKE_CURRENT_BINARY_DIR}/install)
function(add_install_test name)
  add_test(NAME ${name} COMMAND ${CMAKE_COMMAND}
    -D SOURCE=${PROJECT_SOURCE_DIR} -D BUILD=${PROJECT_BINARY_DIR} -D FOLDER=${install_folder}
    -D GENERATOR=${nested_generator} -D CC=${CMAKE_C_COMPILER} -D LIBRARIES=${CMAKE_INSTALL_LIBDIR}
    -D CONFIG=$<CONFIG> ${ARGN} -P ${CMAKE_CURRENT_SOURCE_DIR}/install/${name}.cmake)
  set_tests_properties(${name} PROPERTIES TIMEOUT 120)
endfunction()
add_install_test(install)
set_tests_properties(install PROPERTIES FIXTURES_SETUP installed)
add_install_test(find_package)
set_tests_properties(find_package PROPERTIES FIXTURES_REQUIRED installed)
find_program(PKG_CONFIG NAMES pkg-config pkgconf)
if(PKG_CONFIG)
  add_install_test(pkg_config -D PKG_CONFIG=${PKG_CONFIG})
  set_tests_properties(pkg_config PROPERTIES FIXTURES_REQUIRED installed)
else()
  is_missing(pkg_config pkg-config)
endif()

# ---- What the libraries export and need.
if(CMAKE_NM AND CMAKE_READELF)
  add_test(NAME symbols COMMAND ${CMAKE_COMMAND}
    -D HEADER=${PROJECT_SOURCE_DIR}/native/include/norma.h
    -D SHARED=$<TARGET_FILE:norma> -D STATIC=$<TARGET_FILE:norma_static>
    -D NM=${CMAKE_NM} -D READELF=${CMAKE_READELF} -P ${CMAKE_CURRENT_SOURCE_DIR}/symbols.cmake)
  set_tests_properties(symbols PROPERTIES TIMEOUT 60)
else()
  is_missing(symbols "nm or readelf")
endif()

# ---- All test programs with AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer.
add_nested_test(sanitizers . -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER} -DNORMA_SANITIZE=address,undefined)
set_tests_properties(sanitizers PROPERTIES ENVIRONMENT
  "ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1;UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1")

# ---- Every operation under valgrind, which sees reads of what was never written. It has neither AVX-512,
# so the level is x86-64-v3, nor long double, which the reference of other programs is computed in.
find_program(VALGRIND valgrind)
if(VALGRIND)
  foreach(program IN ITEMS golden checksum half arguments memory jacobian running fold descent)
    add_test(NAME valgrind_${program} COMMAND ${VALGRIND} --quiet --error-exitcode=1 --leak-check=full
      --errors-for-leak-kinds=definite --show-leak-kinds=definite $<TARGET_FILE:norma_test_${program}>)
    set_tests_properties(valgrind_${program} PROPERTIES ENVIRONMENT OMP_NUM_THREADS=2 TIMEOUT 120)
  endforeach()
else()
  is_missing(valgrind valgrind)
endif()

# ---- Clang: no warning, and the same results as PyTorch.
find_program(CLANG NAMES clang-19 clang-18 clang-17 clang-16 clang)
if(CLANG)
  execute_process(COMMAND ${CLANG} -dumpversion OUTPUT_VARIABLE clang_version OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
has_openmp("${CLANG}" clang_works)
if(clang_works AND clang_version VERSION_LESS 16)
  set(clang_works FALSE)
endif()
if(clang_works)
  add_nested_test(clang golden -DCMAKE_C_COMPILER=${CLANG} -DCMAKE_EXPORT_COMPILE_COMMANDS=ON)
  set_tests_properties(clang PROPERTIES FIXTURES_SETUP clang_built)
  add_test(NAME clang_same_bits COMMAND ${CMAKE_COMMAND} -D HERE=$<TARGET_FILE:norma_test_checksum>
    -D THERE=${CMAKE_CURRENT_BINARY_DIR}/clang/native/tests/norma_test_checksum
    -P ${CMAKE_CURRENT_SOURCE_DIR}/same_bits.cmake)
  set_tests_properties(clang_same_bits PROPERTIES FIXTURES_REQUIRED clang_built TIMEOUT 60)
else()
  is_missing(clang "Clang 16 or newer with OpenMP")
endif()

# ---- The fuzzer, for a minute, from the same seed; `norma_fuzz -max_total_time=3600` in its folder takes an hour, and
# another way each time.
function(has_libfuzzer result)
  set(${result} FALSE PARENT_SCOPE)
  set(program ${CMAKE_CURRENT_BINARY_DIR}/libfuzzer.c)
  file(WRITE ${program} "#include <stddef.h>
    int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) { return data && size > 9; }\n")
  execute_process(COMMAND ${CLANG} -fsanitize=fuzzer,address,undefined ${program} -o ${program}.out
    RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
  if(status EQUAL 0)
    set(${result} TRUE PARENT_SCOPE)
  endif()
endfunction()
if(clang_works)
  has_libfuzzer(fuzzer_works)
endif()
if(fuzzer_works)
  set(fuzz_folder ${CMAKE_CURRENT_BINARY_DIR}/fuzz)
  add_test(NAME fuzz COMMAND ${CMAKE_CTEST_COMMAND}
    --build-and-test ${PROJECT_SOURCE_DIR} ${fuzz_folder}
    --build-generator ${nested_generator} --build-noclean --build-target norma_fuzz
    --build-options -DNORMA_BUILD_TESTS=ON -DNORMA_FUZZ=ON -DNORMA_SANITIZE=address,undefined -DNORMA_WERROR=ON
    -DCMAKE_C_COMPILER=${CLANG}
    --test-command ${fuzz_folder}/native/tests/norma_fuzz -seed=1 -max_total_time=60)
  set_tests_properties(fuzz PROPERTIES TIMEOUT 1200 PROCESSORS 2 ENVIRONMENT OMP_WAIT_POLICY=passive)
else()
  is_missing(fuzz "Clang 16 or newer with libFuzzer")
endif()

# ---- clang-tidy, with the checks in .clang-tidy and the commands of the build with Clang.
find_program(CLANG_TIDY NAMES clang-tidy-19 clang-tidy-18 clang-tidy-17 clang-tidy-16 clang-tidy)
if(CLANG_TIDY AND clang_works)
  file(GLOB tidied CONFIGURE_DEPENDS ${source}/*.c)
  add_test(NAME clang_tidy COMMAND ${CLANG_TIDY} --quiet "--warnings-as-errors=*"
    -p ${CMAKE_CURRENT_BINARY_DIR}/clang ${tidied})
  set_tests_properties(clang_tidy PROPERTIES FIXTURES_REQUIRED clang_built TIMEOUT 300)
elseif(NOT CLANG_TIDY)
  is_missing(clang_tidy clang-tidy)
endif()

# ---- The same bits on aarch64 as here.
find_program(AARCH64_CC aarch64-linux-gnu-gcc)
find_program(AARCH64_RUN qemu-aarch64)
has_openmp("${AARCH64_CC}" aarch64_works)
if(aarch64_works AND AARCH64_RUN)
  add_test(NAME aarch64 COMMAND ${CMAKE_CTEST_COMMAND}
    --build-and-test ${CMAKE_CURRENT_SOURCE_DIR}/aarch64 ${CMAKE_CURRENT_BINARY_DIR}/aarch64
    --build-generator ${nested_generator} --build-noclean --build-options
    -DCMAKE_C_COMPILER=${AARCH64_CC} -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64
    --test-command ${CMAKE_COMMAND} -D HERE=$<TARGET_FILE:norma_test_checksum>
    -D RUN=${AARCH64_RUN}$<SEMICOLON>-L$<SEMICOLON>/usr/aarch64-linux-gnu
    -D THERE=${CMAKE_CURRENT_BINARY_DIR}/aarch64/checksum -P ${CMAKE_CURRENT_SOURCE_DIR}/same_bits.cmake)
  set_tests_properties(aarch64 PROPERTIES TIMEOUT 300)
else()
  is_missing(aarch64 "aarch64-linux-gnu-gcc with OpenMP, or qemu-aarch64,")
endif()
