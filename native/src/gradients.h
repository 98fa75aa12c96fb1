/*
 * The gradient sums of a channel from its slices: the sum of dy, and that of dy * (x - center), with
 * `center` the mean as a real. What the center lacks of the mean is put right at the end.
 */
#ifndef NORMA_GRADIENTS_H
#define NORMA_GRADIENTS_H

#include "space.h"

/* What gradient sums are made of, from the first channel of a piece on. */
typedef struct norma_gradient_inputs {
  const void *x, *residual, *dy; /* elements */
  const norma_coefficients *by_channel;
  norma_coefficient_rows by, by_wide; /* rows: as reals, and in double */
  const bool *is_wide;
  char *parameter_sum, *parameter_product; /* of samples: reals for each element of a run, added to; or NULL */
} norma_gradient_inputs;

/* The sums of a slice of up to GROUP channels. */
void norma_run_gradient_sums(const norma_plan *plan, norma_gradient_inputs of, int64_t slice,
                             int64_t channels, norma_sums *total);

/* The sums of a slice of `width` channels. */
void norma_row_gradient_sums(const norma_plan *plan, norma_gradient_inputs of, int64_t slice,
                             int64_t width, norma_sum_rows total);

#endif
