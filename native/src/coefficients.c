#include "coefficients.h"

#include <math.h>
#include <string.h>

#include "gradients.h"
#include "statistics.h"

/*
 * Loops over the channels of a piece have no branches, and what decides is counted, in double like everything else, so
 * that compilers make vector instructions of them; what is rare comes after, channel by channel.
 */

void norma_inv_std(int64_t count, const double *variance, double epsilon, double *inv_std) {
  for (int64_t i = 0; i < count; i++) inv_std[i] = norma_inv_std_of(variance[i], epsilon);
}

/* The forward pass about centers that are reals. */
static void split(const norma_plan *plan, const norma_channels *of, norma_channel_coefficients *by) {
  memset(by->is_wide, 0, sizeof by->is_wide);
  norma_centers(plan, of->count, of->mean, by->center);
  for (int64_t i = 0; i < of->count; i++) {
    by->scale[i] = of->gamma[i] * of->inv_std[i];
    by->bias[i] = norma_bias_of(of->mean[i], by->center[i], by->scale[i], of->beta[i]);
    by->offset[i] = by->slope[i] = 0;
  }
}

static int forward_fits(const norma_channel_coefficients *by, int64_t i) {
  return norma_forward_fits(by->center[i], by->scale[i], by->bias[i]);
}

static int gradient_fits(const norma_channel_coefficients *by, int64_t i, bool rectified) {
  const int bias_fits = rectified ? norma_term_fits(by->bias[i]) : 1;
  return bias_fits & norma_gradient_fits(by->center[i], by->scale[i], by->offset[i], by->slope[i]);
}

void norma_normalize_coefficients(const norma_plan *plan, const norma_channels *of,
                                  norma_channel_coefficients *by) {
  split(plan, of, by);
  if (!plan->wide) return;
  double unfit = 0;
  for (int64_t i = 0; i < of->count; i++) unfit += forward_fits(by, i) ? 0.0 : 1.0;
  if (unfit == 0) return;
  for (int64_t i = 0; i < of->count; i++) {
    if (forward_fits(by, i)) continue;
    by->is_wide[i] = true;
    by->center[i] = of->mean[i];
    by->bias[i] = of->beta[i];
  }
}

/* The slopes, and the offsets about centers that are reals. */
static void set_slopes(const norma_channels *of, const double *mean_dy, const double *mean_dy_x_hat,
                       norma_channel_coefficients *by) {
  for (int64_t i = 0; i < of->count; i++) {
    by->slope[i] = mean_dy_x_hat[i] * of->inv_std[i];
    by->offset[i] = norma_offset_of(of->mean[i], by->center[i], by->slope[i], mean_dy[i]);
  }
}

void norma_gradient_coefficients(const norma_plan *plan, const norma_channels *of, const double *mean_dy,
                                 const double *mean_dy_x_hat, norma_channel_coefficients *by) {
  split(plan, of, by);
  set_slopes(of, mean_dy, mean_dy_x_hat, by);
  if (!plan->wide) return;
  const bool rectified = plan->fusion != FUSION_NONE;
  double unfit = 0;
  for (int64_t i = 0; i < of->count; i++) unfit += gradient_fits(by, i, rectified) ? 0.0 : 1.0;
  if (unfit == 0) return;
  for (int64_t i = 0; i < of->count; i++) {
    if (gradient_fits(by, i, rectified)) continue;
    by->is_wide[i] = true;
    by->center[i] = of->mean[i];
    by->bias[i] = of->beta[i];
    by->offset[i] = mean_dy[i];
  }
}

static int weighted_fits(const norma_channel_coefficients *by, int64_t i) {
  return gradient_fits(by, i, false) & norma_factor_fits(by->bias[i]);
}

void norma_weighted_coefficients(const norma_plan *plan, const norma_channels *of, const double *mean_g,
                                 const double *mean_g_x_hat, norma_channel_coefficients *by) {
  memset(by->is_wide, 0, sizeof by->is_wide);
  norma_centers(plan, of->count, of->mean, by->center);
  memcpy(by->scale, of->inv_std, (size_t)of->count * sizeof *by->scale);
  memcpy(by->bias, of->gamma, (size_t)of->count * sizeof *by->bias);
  set_slopes(of, mean_g, mean_g_x_hat, by);
  if (!plan->wide) return;
  double unfit = 0;
  for (int64_t i = 0; i < of->count; i++) unfit += weighted_fits(by, i) ? 0.0 : 1.0;
  if (unfit == 0) return;
  for (int64_t i = 0; i < of->count; i++) {
    if (weighted_fits(by, i)) continue;
    by->is_wide[i] = true;
    by->center[i] = of->mean[i];
    by->offset[i] = mean_g[i];
  }
}

void norma_sum_coefficients(const norma_plan *plan, const norma_channels *of, norma_channel_coefficients *by) {
  split(plan, of, by);
  if (!plan->wide) return;
  const bool rectified = plan->fusion != FUSION_NONE;
  for (int64_t i = 0; i < of->count; i++)
    by->is_wide[i] = !norma_deviations_fit(of->inv_std[i]) || (rectified && !forward_fits(by, i));
}
