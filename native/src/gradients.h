/*
 * The gradient sums of a channel from its slices: the sum of dy, and that of dy * (x - center), with
 * `center` the mean as a real. What the center lacks of the mean is put right at the end.
 */
#ifndef NORMA_GRADIENTS_H
#define NORMA_GRADIENTS_H

#include "space.h"

/* The mean as a real, if it is one. */
double norma_center(const norma_plan *plan, double mean);

/* What gradient sums are made of, from the first channel of a piece on. */
typedef struct norma_gradient_inputs {
  const void *x, *residual, *dy; /* elements */
  const norma_coefficients *by_channel;
  norma_coefficient_rows by; /* rows: by_channel as reals */
  const bool *is_wide;
} norma_gradient_inputs;

/* The sums of a slice of up to GROUP channels. */
void norma_run_gradient_sums(const norma_plan *plan, norma_gradient_inputs of, int64_t slice,
                             int64_t channels, norma_sums *total);

/* The sums of a slice of `width` channels. */
void norma_row_gradient_sums(const norma_plan *plan, norma_gradient_inputs of, int64_t slice,
                             int64_t width, norma_sum_rows total);

/* The sums of a channel from those of its slices; the second with x_hat = (x - mean) * inv_std. */
void norma_finish_sums(const norma_plan *plan, const norma_space *space, int64_t channel, double mean,
                       double inv_std, double *sum_dy, double *sum_dy_x_hat);

#endif
