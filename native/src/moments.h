/*
 * The mean and variance of a channel from its slices.
 *
 * A slice keeps n, a shift, the sum S of x - shift and the sum Q of (x - shift)^2, with the last two
 * in double. The shift stays within about two standard deviations of the slice's mean, so that
 *   Q = sum of (x - mean)^2 + n * (mean - shift)^2 <= 5 * sum of (x - mean)^2
 * and what rounding does to Q is, relative to the variance, at most five times what it would be
 * about the mean itself. Values on a coarse binary grid, such as small integers, are summed without
 * any rounding.
 */
#ifndef NORMA_MOMENTS_H
#define NORMA_MOMENTS_H

#include "space.h"

/* The sums of a slice of up to GROUP channels; `x` is the first element of the first of them. */
void norma_run_moments(const norma_plan *plan, const void *x, int64_t slice, int64_t channels,
                       norma_sums *total);

/* The same about 0, which is not moved: the sum of squares is what counts. */
void norma_run_squares(const norma_plan *plan, const void *x, int64_t slice, int64_t channels, norma_sums *total);

/* The sums of a slice of `width` channels; `x` is the first element of the first of them. */
void norma_row_moments(const norma_plan *plan, const void *x, int64_t slice, int64_t width,
                       norma_sum_rows total);

#endif
