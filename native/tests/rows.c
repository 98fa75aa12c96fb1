/*
 * The tolerances. u is the unit roundoff of the type that is computed in: double's for double, else float's. A lane
 * adds at most A = 128 terms one after the other (fewer where rows are short), so a sum is off by at most (A + 2) u of
 * the sum of the magnitudes, with the rounding of each term and of the product in it.
 *
 * Statistics. The shift lies within sqrt(2) deviations of the mean, so the sum of squares about it is at most
 * 3 L sigma^2, and |S| <= sqrt(3) L sigma. The variance is off by 3 (A + 2) u + 2 sqrt(2) sqrt(3) (A + 1) u, which is
 * below 8 (A + 2) u of itself, inv_std by half of that, the mean by sqrt(3) (A + 1) u sigma, and by its own rounding in
 * double.
 *
 * y = x_hat * gamma + beta: x_hat has the errors of the statistics, and three roundings of its own, of x - center, the
 * scale, and the sum with the bias, which is as large as the rest of the mean, u |mean|, makes it.
 *
 * dx = inv_std (g - mean g - x_hat mean(g x_hat)), by given statistics: g is rounded once, the means are off by
 * (A + 4) u of the means of magnitudes, and each of the terms is rounded twice.
 *
 * dgamma, dbeta: of 128 rows, four at a time, a lane adds 32 terms, which are sums of four: (32 + 6) u of the
 * magnitudes.
 */
#include "rows.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

int64_t rows_elements(const rows_case *c) { return c->norm.rows * c->norm.length; }
int64_t rows_tensor_bytes(const rows_case *c) { return rows_elements(c) * value_size(c->norm.data_type); }
int64_t rows_parameter_bytes(const rows_case *c) { return c->norm.length * parameter_size(c->norm.data_type); }
int64_t rows_statistic_bytes(const rows_case *c) { return c->norm.rows * (int64_t)sizeof(double); }

rows_case rows_make(norma_layer_norm norm, bool rms, bool gamma, bool beta) {
  rows_case c = {.norm = norm, .rms = rms};
  c.x = new_bytes(rows_tensor_bytes(&c));
  c.dy = new_bytes(rows_tensor_bytes(&c));
  c.y = new_bytes(rows_tensor_bytes(&c));
  c.dx = new_bytes(rows_tensor_bytes(&c));
  c.gamma = gamma ? new_bytes(rows_parameter_bytes(&c)) : NULL;
  c.beta = beta && !rms ? new_bytes(rows_parameter_bytes(&c)) : NULL;
  c.dgamma = new_bytes(rows_parameter_bytes(&c));
  c.dbeta = new_bytes(rows_parameter_bytes(&c));
  c.mean = new_bytes(rows_statistic_bytes(&c));
  c.inv_std = new_bytes(rows_statistic_bytes(&c));
  return c;
}

void rows_free(rows_case *c) {
  void *all[] = {c->x, c->dy, c->gamma, c->beta, c->y, c->dx, c->dgamma, c->dbeta, c->mean, c->inv_std};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

void rows_fill(rows_case *c, value_kind kind, uint64_t *seed) {
  const int32_t type = c->norm.data_type;
  for (int64_t i = 0; i < rows_elements(c); i++) {
    value_put(type, c->x, i, random_of_kind(kind, type, i, seed));
    value_put(type, c->dy, i, random_normal(seed));
  }
  for (int64_t l = 0; l < c->norm.length; l++) {
    if (c->gamma) parameter_put(type, c->gamma, l, 1 + 0.5 * random_normal(seed));
    if (c->beta) parameter_put(type, c->beta, l, random_normal(seed));
  }
}

norma_status rows_forward(const rows_case *c, void *workspace, int64_t size) {
  if (c->rms) return norma_rms_norm_forward(&c->norm, c->x, c->gamma, c->y, c->inv_std, workspace, size);
  return norma_layer_norm_forward(&c->norm, c->x, c->gamma, c->beta, c->y, c->mean, c->inv_std, workspace, size);
}

norma_status rows_backward(const rows_case *c, void *workspace, int64_t size) {
  if (c->rms)
    return norma_rms_norm_backward(&c->norm, c->x, c->dy, c->gamma, c->inv_std, c->dx, c->dgamma, workspace, size);
  return norma_layer_norm_backward(&c->norm, c->x, c->dy, c->gamma, c->mean, c->inv_std, c->dx, c->dgamma, c->dbeta,
                                   workspace, size);
}

static double x_at(const rows_case *c, int64_t i) { return value_at(c->norm.data_type, c->x, i); }
static double dy_at(const rows_case *c, int64_t i) { return value_at(c->norm.data_type, c->dy, i); }
static double gamma_at(const rows_case *c, int64_t l) {
  return c->gamma ? parameter_at(c->norm.data_type, c->gamma, l) : 1;
}
static double beta_at(const rows_case *c, int64_t l) {
  return c->beta ? parameter_at(c->norm.data_type, c->beta, l) : 0;
}

typedef struct row_statistics {
  long double mean, variance, inv_std;
} row_statistics;

static row_statistics statistics_of(const rows_case *c, int64_t row) {
  const int64_t length = c->norm.length;
  row_statistics s = {0};
  for (int64_t l = 0; l < length && !c->rms; l++)
    s.mean += (long double)x_at(c, row * length + l) / (long double)length;
  for (int64_t l = 0; l < length; l++) {
    const long double d = (long double)x_at(c, row * length + l) - s.mean;
    s.variance += d * d / (long double)length;
  }
  const long double root = sqrtl(s.variance + (long double)c->norm.epsilon);
  s.inv_std = root > 0 ? 1 / root : 0;
  return s;
}

/* A: of a piece of a row, of 32 lanes of float or 16 of double. */
static double additions(const rows_case *c) {
  const double lanes = c->norm.data_type == NORMA_FLOAT64 ? 16 : 32;
  const double limit = c->norm.data_type == NORMA_FLOAT64 ? 256 : 128;
  return fmin(ceil((double)c->norm.length / lanes), limit);
}

static double roundoff(const rows_case *c) { return unit_roundoff(parameter_type(c->norm.data_type)); }

void rows_check_forward(const rows_case *c) {
  const double u = roundoff(c);
  const double a = additions(c);
  const double tiny = smallest_value(parameter_type(c->norm.data_type));
  for (int64_t row = 0; row < c->norm.rows; row++) {
    const row_statistics s = statistics_of(c, row);
    const double sigma = (double)sqrtl(s.variance);
    const double inv_std = (double)s.inv_std;
    const double mean_off = 1.8 * (a + 1) * u * sigma + DBL_EPSILON * fabs((double)s.mean);
    const double inv_off = 4 * (a + 2) * u + 4 * DBL_EPSILON; /* relative */
    if (!c->rms) assert_close(c->mean[row], (double)s.mean, mean_off + 1e-320, "mean of row %ld", (long)row);
    /* Squares below 1e-38 may be missing beside an epsilon of 1e-5, which is nothing. */
    assert_close(c->inv_std[row], inv_std, inv_off * inv_std, "inv_std of row %ld", (long)row);
    const double rest = u * fabs((double)s.mean);
    for (int64_t l = 0; l < c->norm.length; l++) {
      const int64_t i = row * c->norm.length + l;
      const long double d = (long double)x_at(c, i) - s.mean;
      const double gamma = gamma_at(c, l);
      const double y = (double)(d * s.inv_std * (long double)gamma + (long double)beta_at(c, l));
      const double x_hat_off = inv_std * ((fabs((double)d) + rest) * (inv_off + 3 * u) + mean_off + u * rest) + tiny;
      const double off = fabs(gamma) * x_hat_off + u * (fabs(beta_at(c, l)) + fabs(y)) + tiny;
      assert_rounded(c->norm.data_type, value_at(c->norm.data_type, c->y, i), y, off, "y of row %ld, element %ld",
                     (long)row, (long)l);
    }
  }
}

/* x_hat by the statistics that the forward pass gave. */
static long double x_hat_at(const rows_case *c, int64_t row, int64_t l) {
  const long double mean = c->rms ? 0 : (long double)c->mean[row];
  return ((long double)x_at(c, row * c->norm.length + l) - mean) * (long double)c->inv_std[row];
}

static void check_dx(const rows_case *c) {
  const double u = roundoff(c);
  const double a = additions(c);
  const double tiny = smallest_value(parameter_type(c->norm.data_type));
  const double length = (double)c->norm.length;
  for (int64_t row = 0; row < c->norm.rows; row++) {
    const double rest = c->rms ? 0 : u * fabs(c->mean[row]) * c->inv_std[row];
    long double mean_g = 0, mean_g_x_hat = 0;
    double size_g = 0, size_g_x_hat = 0;
    for (int64_t l = 0; l < c->norm.length; l++) {
      const long double g = (long double)dy_at(c, row * c->norm.length + l) * (long double)gamma_at(c, l);
      const long double x_hat = x_hat_at(c, row, l);
      mean_g += c->rms ? 0 : g / (long double)length;
      mean_g_x_hat += g * x_hat / (long double)length;
      size_g += fabs((double)g) / length;
      size_g_x_hat += fabs((double)g) * (fabs((double)x_hat) + rest) / length;
    }
    for (int64_t l = 0; l < c->norm.length; l++) {
      const int64_t i = row * c->norm.length + l;
      const long double g = (long double)dy_at(c, i) * (long double)gamma_at(c, l);
      const long double x_hat = x_hat_at(c, row, l);
      const long double dx = (long double)c->inv_std[row] * (g - mean_g - x_hat * mean_g_x_hat);
      const double size_x_hat = fabs((double)x_hat) + rest;
      const double off = u * (3 * fabs((double)g) + (a + 7) * size_g + (a + 9) * size_x_hat * size_g_x_hat);
      assert_rounded(c->norm.data_type, value_at(c->norm.data_type, c->dx, i), (double)dx,
                     c->inv_std[row] * off + 2 * u * fabs((double)dx) + tiny, "dx of row %ld, element %ld", (long)row,
                     (long)l);
    }
  }
}

static void check_parameters(const rows_case *c) {
  const double u = roundoff(c);
  for (int64_t l = 0; l < c->norm.length; l++) {
    long double dgamma = 0, dbeta = 0;
    double size_dgamma = 0, size_dbeta = 0;
    for (int64_t row = 0; row < c->norm.rows; row++) {
      const double dy = dy_at(c, row * c->norm.length + l);
      const long double x_hat = x_hat_at(c, row, l);
      const double rest = c->rms ? 0 : u * fabs(c->mean[row]) * c->inv_std[row];
      dgamma += (long double)dy * x_hat;
      dbeta += (long double)dy;
      size_dgamma += fabs(dy) * (fabs((double)x_hat) + rest);
      size_dbeta += fabs(dy);
    }
    const double additions = 32 + 6;
    assert_close(parameter_at(c->norm.data_type, c->dgamma, l), (double)dgamma,
                 (additions + 3) * u * size_dgamma + 1e-44, "dgamma[%ld]", (long)l);
    if (c->rms) continue;
    assert_close(parameter_at(c->norm.data_type, c->dbeta, l), (double)dbeta, additions * u * size_dbeta + 1e-44,
                 "dbeta[%ld]", (long)l);
  }
}

void rows_check_backward(const rows_case *c) {
  if (c->dx) check_dx(c);
  check_parameters(c);
}
