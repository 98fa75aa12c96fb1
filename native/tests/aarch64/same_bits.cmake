# Results have the same bits on aarch64 as on this machine, if its level has fused multiply-add.
include(${CMAKE_CURRENT_LIST_DIR}/../install/run.cmake)

run(${CMAKE_COMMAND} -S ${SOURCE} -B ${FOLDER} -G ${GENERATOR} -DCMAKE_C_COMPILER=${CC}
  -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64)
run(${CMAKE_COMMAND} --build ${FOLDER})
run(${RUN} -L /usr/aarch64-linux-gnu ${FOLDER}/checksum)
set(there "${printed}")
run(${HERE})
set(here "${printed}")
message("aarch64: ${there}here: ${here}")
if(NOT there MATCHES "^portable ([0-9a-f]+)\n$")
  message(FATAL_ERROR "not a level and a checksum")
endif()
if(here MATCHES "^x86-64-v[34] " AND NOT here MATCHES " ${CMAKE_MATCH_1}\n$")
  message(FATAL_ERROR "the bits differ")
endif()
