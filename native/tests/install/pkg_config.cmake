# Builds and runs the program of README.md with pkg-config and the compiler alone.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)

set(libraries ${FOLDER}/prefix/${LIBRARIES})
set(ENV{PKG_CONFIG_PATH} ${libraries}/pkgconfig)
set(ENV{LD_LIBRARY_PATH} ${libraries}:$ENV{LD_LIBRARY_PATH})
run(${PKG_CONFIG} --cflags --libs norma)
separate_arguments(flags UNIX_COMMAND "${printed}")
run(${CC} -std=c11 -Wall -Wextra -Wpedantic -Werror ${FOLDER}/program.c -o ${FOLDER}/with_pkg_config ${flags})
run_program(${FOLDER}/with_pkg_config)

# The static library, which needs what `--static` adds.
run(${PKG_CONFIG} --cflags --libs --static norma)
separate_arguments(flags UNIX_COMMAND "${printed}")
list(TRANSFORM flags REPLACE "^-lnorma$" ${libraries}/libnorma.a)
run(${CC} ${FOLDER}/program.c -o ${FOLDER}/with_pkg_config_static ${flags})
set(ENV{LD_LIBRARY_PATH} "")
run_program(${FOLDER}/with_pkg_config_static)
