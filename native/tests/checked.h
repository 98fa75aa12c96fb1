/* Every operation compared with the reference, with tolerances that are derived in checked.c. */
#ifndef NORMA_TESTS_CHECKED_H
#define NORMA_TESTS_CHECKED_H

#include "reference.h"

/*
 * How far the first values of a slice lie from its mean, in standard deviations, bounded by moments.h:
 * TYPICAL where the data do not drift, HOSTILE where they do.
 */
typedef enum data_kind { TYPICAL, HOSTILE } data_kind;

/* The largest errors seen, in units in the last place, by data type. */
typedef struct largest_errors {
  double y, dx, mean, variance, sums;
} largest_errors;

extern largest_errors largest[NORMA_FLOAT16 + 1];

/*
 * Runs an operation, which must succeed, and fails where an output is farther from the reference than
 * the tolerance. Backward operations need layer_give.
 */
void layer_check(test_layer *layer, test_operation operation, data_kind kind);

/* Compares what lies in the outputs, as if the operation had just run. */
void layer_compare(const test_layer *layer, test_operation operation, data_kind kind);

/* All operations by the statistics of the batch, and those with ReLU without a residual too. */
void layer_check_all(test_layer *layer, data_kind kind);

/* Prints the largest errors. */
void print_largest_errors(const char *of_what);

#endif
