#include "coefficients.h"

#include <math.h>

#include "gradients.h"

double norma_inv_std(double variance, double epsilon) {
  const double square = variance + epsilon;
  return square == 0 ? 0 : 1 / sqrt(square);
}

/* Whether float has the range for the sum of a channel's deviations times gradients. */
static bool deviations_fit(double inv_std) {
  return inv_std == 0 || (inv_std >= 0x1p-30 && inv_std <= 0x1p30);
}

/* A factor that is a normal float with room for a product; false for NaN. */
static bool factor_fits(double value) {
  const double size = fabs(value);
  return size == 0 || (size >= 0x1p-100 && size <= 0x1p100);
}

static bool term_fits(double value) { return fabs(value) <= 0x1p100; }

/* The forward pass about a center that is a real. */
static norma_coefficients split(const norma_plan *plan, double mean, double scale, double beta) {
  const double center = norma_center(plan, mean);
  return (norma_coefficients){
    .center = center, .scale = scale, .bias = beta - (mean - center) * scale};
}

static bool forward_fits(norma_coefficients by) {
  return factor_fits(by.scale) && term_fits(by.center) && term_fits(by.bias);
}

bool norma_normalize_coefficients(const norma_plan *plan, double mean, double inv_std, double gamma,
                                  double beta, norma_coefficients *by) {
  *by = split(plan, mean, gamma * inv_std, beta);
  if (!plan->wide || forward_fits(*by)) return false;
  *by = (norma_coefficients){.center = mean, .scale = by->scale, .bias = beta};
  return true;
}

bool norma_gradient_coefficients(const norma_plan *plan, double mean, double inv_std, double gamma,
                                 double beta, double mean_dy, double mean_dy_x_hat,
                                 norma_coefficients *by) {
  *by = split(plan, mean, gamma * inv_std, beta);
  by->slope = mean_dy_x_hat * inv_std;
  by->offset = mean_dy - (mean - by->center) * by->slope;
  const bool fits = factor_fits(by->scale) && term_fits(by->center) && factor_fits(by->slope) &&
                    term_fits(by->offset) && (plan->fusion == FUSION_NONE || term_fits(by->bias));
  if (!plan->wide || fits) return false;
  *by = (norma_coefficients){
    .center = mean, .scale = by->scale, .bias = beta, .offset = mean_dy, .slope = by->slope};
  return true;
}

bool norma_sum_coefficients(const norma_plan *plan, double mean, double inv_std, double gamma,
                            double beta, norma_coefficients *by) {
  *by = split(plan, mean, gamma * inv_std, beta);
  if (!plan->wide) return false;
  return !deviations_fit(inv_std) || (plan->fusion != FUSION_NONE && !forward_fits(*by));
}
