/*
 * The formulas of one channel, in double: for the loops over many channels, and for the kernels that take a run from
 * its sums to its outputs.
 */
#ifndef NORMA_STATISTICS_H
#define NORMA_STATISTICS_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* A sum in four parts, each of every fourth term: an addition takes longer than the next one may wait. */
static inline double norma_total_of(int64_t count, const double *terms) {
  double part[4] = {0};
  int64_t i = 0;
  for (; i + 4 <= count; i += 4)
    for (int k = 0; k < 4; k++) part[k] += terms[i + k];
  for (int k = 0; i < count; i++, k++) part[k] += terms[i];
  return (part[0] + part[2]) + (part[1] + part[3]);
}

/*
 * The moments from those of slices. With n_i, shift_i, S_i, Q_i of slice i:
 *   mean         = shift_0 + sum of (S_i + n_i (shift_i - shift_0)) / n
 *   n * variance = sum of (Q_i - e_i (2 S_i - n_i e_i)),  e_i = mean - shift_i
 * The second is each slice's sum of squares moved from its shift to the mean: what is subtracted is
 * never more than a few times what remains, however far apart the slices lie. The mean in it is not
 * the rounded one, which may be off by more than the values are.
 */
static inline double norma_sum_about(double origin, double n, double shift, double sum) {
  return sum + n * (shift - origin);
}

static inline double norma_square_about(double e, double n, double sum, double square) {
  return square - e * (2 * sum - n * e);
}

static inline double norma_variance_of(double square, double n) { return square < 0 ? 0 : square / n; }

/* 1 / sqrt(variance + epsilon); 0 for a constant channel without epsilon. */
static inline double norma_inv_std_of(double variance, double epsilon) {
  const double square = variance + epsilon;
  const double inverse = 1 / sqrt(square);
  return square == 0 ? 0 : inverse;
}

/* The mean as a real has it, which is a float where reals are narrow; as it is where that overflows. */
static inline double norma_center_of(double mean, bool is_narrow) {
  const double real = is_narrow ? (double)(float)mean : mean;
  return fabs(real) <= DBL_MAX ? real : mean;
}

/* The bias of the forward pass: y = (x - center) * scale + bias */
static inline double norma_bias_of(double mean, double center, double scale, double beta) {
  return beta - (mean - center) * scale;
}

/* The sum of dy * x_hat from that of dy * (x - center). */
static inline double norma_sum_dy_x_hat_of(double mean, double center, double sum_dy, double product, double inv_std) {
  return (product - (mean - center) * sum_dy) * inv_std;
}

/* The offset of the backward pass: dx = (dy - offset - (x - center) * slope) * scale */
static inline double norma_offset_of(double mean, double center, double slope, double mean_dy) {
  return mean_dy - (mean - center) * slope;
}

/* A factor that is a normal float with room for a product; false for NaN. */
static inline int norma_factor_fits(double value) {
  const double size = fabs(value);
  return (size == 0) | ((size >= 0x1p-100) & (size <= 0x1p100));
}

static inline int norma_term_fits(double value) { return fabs(value) <= 0x1p100; }

/* Whether the forward pass may compute in float. */
static inline int norma_forward_fits(double center, double scale, double bias) {
  return norma_factor_fits(scale) & norma_term_fits(center) & norma_term_fits(bias);
}

/* Whether the backward pass may. */
static inline int norma_gradient_fits(double center, double scale, double offset, double slope) {
  return norma_factor_fits(scale) & norma_term_fits(center) & norma_factor_fits(slope) & norma_term_fits(offset);
}

/* Whether float has the range for the sum of a channel's deviations times gradients. */
static inline int norma_deviations_fit(double inv_std) {
  return (inv_std == 0) | ((inv_std >= 0x1p-30) & (inv_std <= 0x1p30));
}

#endif
