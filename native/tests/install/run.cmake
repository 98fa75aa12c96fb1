cmake_minimum_required(VERSION 3.25)

# run(COMMAND...): runs it and fails with what it printed; what it printed is in `printed`.
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE out ERROR_VARIABLE error)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}\nended with ${result}:\n${out}${error}")
  endif()
  set(printed "${out}" PARENT_SCOPE)
endfunction()

# Runs the program of README.md, given a command. Mean and variance of {1 2 3 4} are 2.5 and 1.25, and y
# is (x - 2.5) / sqrt(1.25 + 1e-5); of the second channel, ten times that, (x - 25) / sqrt(125 + 1e-5).
function(run_program)
  run(${ARGV})
  string(CONCAT expected "mean 2.5 25, variance 1.25 125\n"
    "-1.34164 -1.34164 -0.447212 -0.447214 0.447212 0.447214 1.34164 1.34164 \n")
  if(NOT printed STREQUAL expected)
    message(FATAL_ERROR "${ARGV} printed\n${printed}instead of\n${expected}")
  endif()
endfunction()
