#include "coefficients.h"

#include <math.h>

#include "gradients.h"

double norma_inv_std(double variance, double epsilon) {
  const double square = variance + epsilon;
  return square == 0 ? 0 : 1 / sqrt(square);
}

bool norma_deviations_fit(const norma_plan *plan, double inv_std) {
  return !plan->wide || inv_std == 0 || (inv_std >= 0x1p-30 && inv_std <= 0x1p30);
}

/* A factor that is a normal float with room for a product; false for NaN. */
static bool factor_fits(double value) {
  const double size = fabs(value);
  return size == 0 || (size >= 0x1p-100 && size <= 0x1p100);
}

static bool term_fits(double value) { return fabs(value) <= 0x1p100; }

bool norma_normalize_coefficients(const norma_plan *plan, double mean, double inv_std, double gamma,
                                  double beta, norma_coefficients *by) {
  const double scale = gamma * inv_std;
  const double center = norma_center(plan, mean);
  const double offset = beta - (mean - center) * scale;
  const bool fits = factor_fits(scale) && term_fits(center) && term_fits(offset);
  if (fits || !plan->wide) {
    *by = (norma_coefficients){.center = center, .scale = scale, .offset = offset};
    return false;
  }
  *by = (norma_coefficients){.center = mean, .scale = scale, .offset = beta};
  return true;
}

bool norma_gradient_coefficients(const norma_plan *plan, double mean, double inv_std, double gamma,
                                 double mean_dy, double mean_dy_x_hat, norma_coefficients *by) {
  const double scale = gamma * inv_std;
  const double slope = mean_dy_x_hat * inv_std;
  const double center = norma_center(plan, mean);
  const double offset = mean_dy - (mean - center) * slope;
  const bool fits =
      factor_fits(scale) && factor_fits(slope) && term_fits(center) && term_fits(offset);
  if (fits || !plan->wide) {
    *by = (norma_coefficients){center, scale, offset, slope};
    return false;
  }
  *by = (norma_coefficients){mean, scale, mean_dy, slope};
  return true;
}
