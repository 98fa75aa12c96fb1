/*
 * What the passes need of neighbouring channels. The mean is split into center + rest, with the center a
 * real: x - center is then exact where x is near the mean, and the rest goes into bias and offset. A
 * folded x * scale + (beta - mean * scale) would cancel where the mean is large.
 */
#ifndef NORMA_COEFFICIENTS_H
#define NORMA_COEFFICIENTS_H

#include "space.h"

/* What belongs to up to PIECE neighbouring channels. */
typedef struct norma_channels {
  int64_t first, count;
  double mean[PIECE], inv_std[PIECE], gamma[PIECE], beta[PIECE];
} norma_channels;

/* 1 / sqrt(variance + epsilon); 0 for a constant channel without epsilon. */
void norma_inv_std(int64_t count, const double *variance, double epsilon, double *inv_std);

/* y = (x - mean) * inv_std * gamma + beta */
void norma_normalize_coefficients(const norma_plan *plan, const norma_channels *of,
                                  norma_channel_coefficients *by);

/*
 * dx = (dy - mean_dy - x_hat * mean_dy_x_hat) * inv_std * gamma, with the means of dy and of
 * dy * x_hat over each channel; beta counts behind ReLU alone.
 */
void norma_gradient_coefficients(const norma_plan *plan, const norma_channels *of, const double *mean_dy,
                                 const double *mean_dy_x_hat, norma_channel_coefficients *by);

/*
 * dx = (gamma * dy - mean_g - x_hat * mean_g_x_hat) * inv_std, where channels of several gammas have the means of
 * g = gamma * dy and of g * x_hat in common: FUSION_WEIGHT.
 */
void norma_weighted_coefficients(const norma_plan *plan, const norma_channels *of, const double *mean_g,
                                 const double *mean_g_x_hat, norma_channel_coefficients *by);

/*
 * For the gradient sums: the center is the mean as a real, and behind ReLU scale and bias are those of the
 * forward pass.
 */
void norma_sum_coefficients(const norma_plan *plan, const norma_channels *of, norma_channel_coefficients *by);

#endif
