/*
 * The gradient sums of a channel from its slices: the sum of dy, and that of dy * (x - center), with
 * `center` the mean as a real. What the center lacks of the mean is put right at the end.
 */
#ifndef NORMA_GRADIENTS_H
#define NORMA_GRADIENTS_H

#include "coefficients.h"

/* Means as reals, where they are some. */
void norma_centers(const norma_plan *plan, int64_t count, const double *mean, double *center);

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

/* The sums of channels from those of their slices; the second with x_hat = (x - mean) * inv_std. */
void norma_finish_sums(const norma_plan *plan, const norma_space *space, const norma_channels *of,
                       double *sum_dy, double *sum_dy_x_hat);

#endif
