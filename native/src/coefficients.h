/*
 * What the passes need of a channel. The mean is split into center + rest, with the center a
 * real: x - center is then exact where x is near the mean, and the rest goes into bias and offset. A
 * folded x * scale + (beta - mean * scale) would cancel where the mean is large.
 */
#ifndef NORMA_COEFFICIENTS_H
#define NORMA_COEFFICIENTS_H

#include "plan.h"

/* 1 / sqrt(variance + epsilon); 0 for a constant channel without epsilon. */
double norma_inv_std(double variance, double epsilon);

/* y = (x - mean) * inv_std * gamma + beta. Returns whether the channel needs the wide family. */
bool norma_normalize_coefficients(const norma_plan *plan, double mean, double inv_std, double gamma,
                                  double beta, norma_coefficients *by);

/*
 * dx = (dy - mean_dy - x_hat * mean_dy_x_hat) * inv_std * gamma, with the means of dy and of
 * dy * x_hat over the channel; `beta` counts behind ReLU alone. Returns whether the channel needs the
 * wide family.
 */
bool norma_gradient_coefficients(const norma_plan *plan, double mean, double inv_std, double gamma,
                                 double beta, double mean_dy, double mean_dy_x_hat,
                                 norma_coefficients *by);

/*
 * For the gradient sums: the center is the mean as a real, and behind ReLU scale and bias are those of the
 * forward pass. Returns whether the channel needs the wide family.
 */
bool norma_sum_coefficients(const norma_plan *plan, double mean, double inv_std, double gamma,
                            double beta, norma_coefficients *by);

#endif
