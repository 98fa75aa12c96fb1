# Installs Norma into FOLDER/prefix, and takes the first C program of README.md out into FOLDER/program.c.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)

file(REMOVE_RECURSE ${FOLDER})
run(${CMAKE_COMMAND} --install ${BUILD} --config ${CONFIG} --prefix ${FOLDER}/prefix)

file(READ ${SOURCE}/README.md readme)
string(FIND "${readme}" "\n```c\n" start)
if(start EQUAL -1)
  message(FATAL_ERROR "README.md has no C program")
endif()
math(EXPR start "${start} + 6")
string(SUBSTRING "${readme}" ${start} -1 program)
string(FIND "${program}" "\n```" end)
string(SUBSTRING "${program}" 0 ${end} program)
file(WRITE ${FOLDER}/program.c "${program}\n")
