/* The arrays of a case: allocated, read from files, written to files. */
#ifndef NORMA_BENCHMARKS_ARRAYS_H
#define NORMA_BENCHMARKS_ARRAYS_H

#include "runner.h"

/* Allocates the arrays of the pass and reads its inputs from the files of a folder. */
runner_why arrays_read(runner_case *test, const char *folder);

/* Writes what the pass computes into the files of a folder. */
runner_why arrays_write(const runner_case *test, const char *folder);

void arrays_free(runner_case *test);

#endif
