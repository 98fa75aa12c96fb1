/* What results may be off by from those in a file of golden vectors. */
#ifndef NORMA_TESTS_GOLDEN_TOLERANCES_H
#define NORMA_TESTS_GOLDEN_TOLERANCES_H

#include <stdint.h>

/*
 * u is the unit roundoff of the data type, M the values of a sum, A the additions in a lane. One addition is off by at
 * most u times the partial sum; the errors are independent and evenly spread (deviation u / sqrt(3)), and partial sums
 * grow in proportion to the terms added. A lane then deviates by u / sqrt(3) * sqrt(A / 3) of its sum, the M / A lanes
 * together by u * A / (3 sqrt(M)) of the sum of the terms' magnitudes. Six deviations, in units u, are
 *   g = 2 A / sqrt(M)
 * What the files themselves are off by stands in make_golden.py; `file` is above all of it.
 */
typedef struct golden_tolerances {
  double u, g;
  double file;     /* relative */
  double variance; /* relative */
  double mean;     /* relative to sigma */
} golden_tolerances;

/* No lane has more than 128 additions. */
golden_tolerances golden_tolerances_of(int32_t data_type, double additions, double count);

/* What norma.h promises of y: a few units in the last place, each 2 u. */
extern const double golden_a_few;

#endif
