# Builds and runs the program of README.md with CMake's find_package.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)

run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${FOLDER}/user -G ${GENERATOR}
  -DCMAKE_C_COMPILER=${CC} -DCMAKE_PREFIX_PATH=${FOLDER}/prefix -DPROGRAM=${FOLDER}/program.c)
run(${CMAKE_COMMAND} --build ${FOLDER}/user)
run_program(${FOLDER}/user/with_norma)
run_program(${FOLDER}/user/with_norma_static)
