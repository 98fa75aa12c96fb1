/*
 * The tolerances. u is the unit roundoff of the type that is computed in: double's for double, else float's. A lane
 * adds at most A terms one after the other: those of a run that fall to one of its lanes, or the rows of a channel, but
 * 128 of float and 256 of double at most. So a sum is off by at most (A + 2) u of the sum of the magnitudes, with the
 * rounding of each term and of the product in it. Sums of lanes, slices, channels and images are put together in
 * double: to A belong as many additions of double, which are more than nothing where u is double's, too.
 *
 * Statistics. What is added up lies about a shift that is within sqrt(2) of its deviations from its mean; it is a run
 * of the group or one of its channels, and the variance of the group is no less than the mean of theirs. So, as in
 * rows.c, the variance is off by less than 8 (A + 2) u of itself, inv_std by half of that, and the mean by
 * sqrt(3) (A + 1) u sigma, and by its own rounding in double. What is put together of channels lies about the shift of
 * the first of them, which may be twice as far off as any value is.
 *
 * y = x_hat * gamma + beta: x_hat has the errors of the statistics, and three roundings of its own, of x - center, the
 * scale, and the sum with the bias, which is as large as the rest of the mean, u |mean|, makes it.
 *
 * dx = inv_std (g - mean g - x_hat mean(g x_hat)), by given statistics: g is rounded once, the means are off by
 * (A + 4) u of the means of magnitudes, and each of the terms is rounded twice.
 *
 * dgamma, dbeta: the same sums, of each image's channel. A product of dy and x - center that is below the smallest
 * normal number is off by up to half of the smallest one, times inv_std.
 */
#include "groups.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

int64_t groups_elements(const groups_case *c) { return c->norm.batch * c->norm.channels * c->norm.spatial; }
int64_t groups_tensor_bytes(const groups_case *c) { return groups_elements(c) * value_size(c->norm.data_type); }
int64_t groups_parameter_bytes(const groups_case *c) { return c->norm.channels * parameter_size(c->norm.data_type); }
int64_t groups_statistic_bytes(const groups_case *c) {
  return c->norm.batch * c->norm.groups * (int64_t)sizeof(double);
}

int64_t groups_at(const norma_group_norm *norm, int64_t n, int64_t c, int64_t s) {
  if (norm->layout == NORMA_CHANNELS_LAST) return (n * norm->spatial + s) * norm->channels + c;
  return (n * norm->channels + c) * norm->spatial + s;
}

groups_case groups_make(norma_group_norm norm, bool gamma, bool beta) {
  groups_case c = {.norm = norm};
  c.x = new_bytes(groups_tensor_bytes(&c));
  c.dy = new_bytes(groups_tensor_bytes(&c));
  c.y = new_bytes(groups_tensor_bytes(&c));
  c.dx = new_bytes(groups_tensor_bytes(&c));
  c.gamma = gamma ? new_bytes(groups_parameter_bytes(&c)) : NULL;
  c.beta = beta ? new_bytes(groups_parameter_bytes(&c)) : NULL;
  c.dgamma = new_bytes(groups_parameter_bytes(&c));
  c.dbeta = new_bytes(groups_parameter_bytes(&c));
  c.mean = new_bytes(groups_statistic_bytes(&c));
  c.variance = new_bytes(groups_statistic_bytes(&c));
  c.inv_std = new_bytes(groups_statistic_bytes(&c));
  return c;
}

void groups_free(groups_case *c) {
  void *all[] = {c->x,  c->dy,     c->gamma, c->beta, c->y,       c->dx,
                 c->dgamma, c->dbeta, c->mean,  c->variance, c->inv_std};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

void groups_fill(groups_case *c, value_kind kind, uint64_t *seed) {
  const int32_t type = c->norm.data_type;
  for (int64_t i = 0; i < groups_elements(c); i++) {
    value_put(type, c->x, i, random_of_kind(kind, type, i, seed));
    value_put(type, c->dy, i, random_normal(seed));
  }
  for (int64_t i = 0; i < c->norm.channels; i++) {
    if (c->gamma) parameter_put(type, c->gamma, i, i % 7 == 3 ? 0 : 1 + 0.5 * random_normal(seed));
    if (c->beta) parameter_put(type, c->beta, i, random_normal(seed));
  }
}

norma_status groups_forward(const groups_case *c, void *workspace, int64_t size) {
  return norma_group_norm_forward(&c->norm, c->x, c->gamma, c->beta, c->y, c->mean, c->variance, c->inv_std,
                                  workspace, size);
}

norma_status groups_backward(const groups_case *c, void *workspace, int64_t size) {
  return norma_group_norm_backward(&c->norm, c->x, c->dy, c->gamma, c->mean, c->inv_std, c->dx, c->dgamma, c->dbeta,
                                   workspace, size);
}

static double gamma_at(const groups_case *c, int64_t i) {
  return c->gamma ? parameter_at(c->norm.data_type, c->gamma, i) : 1;
}
static double beta_at(const groups_case *c, int64_t i) {
  return c->beta ? parameter_at(c->norm.data_type, c->beta, i) : 0;
}

static bool is_by_rows(const groups_case *c) {
  return c->norm.channels > 1 && (c->norm.layout == NORMA_CHANNELS_LAST || c->norm.spatial == 1);
}

static int64_t values_of_group(const groups_case *c) { return c->norm.channels / c->norm.groups * c->norm.spatial; }

static double roundoff(const groups_case *c) { return unit_roundoff(parameter_type(c->norm.data_type)); }

/* How many sums are put together, at most: of chunks of 128 rows, or of 2,048 elements or more; six halves of lanes. */
static double additions_of_double(const groups_case *c) {
  const int64_t size = c->norm.channels / c->norm.groups;
  const double chunks = is_by_rows(c) ? (double)(size * (c->norm.spatial / 128 + 1))
                                      : (double)(values_of_group(c) / 2048 + size);
  return chunks + (double)c->norm.batch + 6;
}

/* A: of a run of `length` elements in 32 lanes of float or 16 of double, or of as many rows. */
static double additions(const groups_case *c, int64_t length) {
  const bool is_double = c->norm.data_type == NORMA_FLOAT64;
  const double lanes = is_by_rows(c) ? 1 : is_double ? 16 : 32;
  const double in_lanes = fmin(ceil((double)length / lanes), is_double ? 256 : 128);
  return in_lanes + additions_of_double(c) * unit_roundoff(NORMA_FLOAT64) / roundoff(c);
}

/* Calls `visit` for each value of a group, with where it is and its channel. */
typedef struct group_of {
  const groups_case *c;
  int64_t image, group;
} group_of;
typedef void visitor(const group_of *of, int64_t at, int64_t channel, void *state);

static void for_each_value(const group_of *of, visitor *visit, void *state) {
  const norma_group_norm *norm = &of->c->norm;
  const int64_t size = norm->channels / norm->groups;
  for (int64_t channel = of->group * size; channel < (of->group + 1) * size; channel++)
    for (int64_t s = 0; s < norm->spatial; s++) visit(of, groups_at(norm, of->image, channel, s), channel, state);
}

static void for_each_group(const groups_case *c, void (*check)(const group_of *)) {
  for (int64_t n = 0; n < c->norm.batch; n++)
    for (int64_t g = 0; g < c->norm.groups; g++) check(&(group_of){c, n, g});
}

static double x_at(const groups_case *c, int64_t i) { return value_at(c->norm.data_type, c->x, i); }
static double dy_at(const groups_case *c, int64_t i) { return value_at(c->norm.data_type, c->dy, i); }

/* ---- forward ----------------------------------------------------------------------------------- */

typedef struct group_statistics {
  long double mean, variance, inv_std;
  double farthest;          /* from the mean */
  double inv_off, mean_off; /* of inv_std, relative, and of the mean */
} group_statistics;

static void add_mean(const group_of *of, int64_t at, int64_t channel, void *state) {
  (void)channel;
  ((group_statistics *)state)->mean += (long double)x_at(of->c, at) / (long double)values_of_group(of->c);
}

static void add_square(const group_of *of, int64_t at, int64_t channel, void *state) {
  (void)channel;
  group_statistics *s = state;
  const long double d = (long double)x_at(of->c, at) - s->mean;
  s->variance += d * d / (long double)values_of_group(of->c);
  s->farthest = fmax(s->farthest, fabs((double)d));
}

static void check_y(const group_of *of, int64_t at, int64_t channel, void *state) {
  const groups_case *c = of->c;
  const group_statistics *s = state;
  const double u = roundoff(c);
  const double tiny = smallest_value(parameter_type(c->norm.data_type));
  const double rest = u * fabs((double)s->mean);
  const double gamma = gamma_at(c, channel), beta = beta_at(c, channel), inv_std = (double)s->inv_std;
  const long double d = (long double)x_at(c, at) - s->mean;
  const double y = (double)(d * s->inv_std * (long double)gamma + (long double)beta);
  const double x_hat_off = inv_std * ((fabs((double)d) + rest) * (s->inv_off + 3 * u) + s->mean_off + u * rest) + tiny;
  const double off = fabs(gamma) * x_hat_off + u * (fabs(beta) + fabs(y)) + tiny;
  assert_rounded(c->norm.data_type, value_at(c->norm.data_type, c->y, at), y, off,
                 "y of image %ld, channel %ld, at %ld", (long)of->image, (long)channel, (long)at);
}

static void check_group_forward(const group_of *of) {
  const groups_case *c = of->c;
  const int64_t g = of->image * c->norm.groups + of->group;
  const double a = additions(c, is_by_rows(c) ? c->norm.spatial : values_of_group(c));
  const double u = roundoff(c);
  group_statistics s = {0};
  for_each_value(of, add_mean, &s);
  for_each_value(of, add_square, &s);
  const long double root = sqrtl(s.variance + (long double)c->norm.epsilon);
  s.inv_std = root > 0 ? 1 / root : 0;
  s.mean_off = 1.8 * (a + 1) * u * (double)sqrtl(s.variance) + DBL_EPSILON * fabs((double)s.mean) +
               additions_of_double(c) * DBL_EPSILON * s.farthest;
  s.inv_off = 4 * (a + 2) * u + 4 * DBL_EPSILON;
  assert_close(c->mean[g], (double)s.mean, s.mean_off + 1e-320, "mean of group %ld", (long)g);
  /*
   * Squares below 1e-38 may be missing beside an epsilon of 1e-5, which is nothing. The mean that they are about is
   * rounded here, to long double.
   */
  const double mean_roundoff = DBL_EPSILON * fabs((double)s.mean);
  assert_close(c->variance[g], (double)s.variance,
               2 * s.inv_off * (double)s.variance + mean_roundoff * mean_roundoff + 1e-37, "variance of group %ld",
               (long)g);
  assert_close(c->inv_std[g], (double)s.inv_std, s.inv_off * (double)s.inv_std, "inv_std of group %ld", (long)g);
  for_each_value(of, check_y, &s);
}

void groups_check_forward(const groups_case *c) { for_each_group(c, check_group_forward); }

/* ---- backward ---------------------------------------------------------------------------------- */

/* By the statistics that the forward pass gave; what the center of a channel lacks of the mean is `rest`. */
static long double x_hat_at(const group_of *of, int64_t at) {
  const int64_t g = of->image * of->c->norm.groups + of->group;
  return ((long double)x_at(of->c, at) - (long double)of->c->mean[g]) * (long double)of->c->inv_std[g];
}

/* What the smallest numbers leave of a product. */
static double smallest_product(const group_of *of) {
  const int64_t g = of->image * of->c->norm.groups + of->group;
  return smallest_value(parameter_type(of->c->norm.data_type)) * of->c->inv_std[g];
}

static double rest_of(const group_of *of) {
  const int64_t g = of->image * of->c->norm.groups + of->group;
  return roundoff(of->c) * fabs(of->c->mean[g]) * of->c->inv_std[g];
}

typedef struct group_means {
  long double g, g_x_hat;
  double size_g, size_g_x_hat;
} group_means;

static void add_gradient(const group_of *of, int64_t at, int64_t channel, void *state) {
  group_means *means = state;
  const long double n = (long double)values_of_group(of->c);
  const long double g = (long double)dy_at(of->c, at) * (long double)gamma_at(of->c, channel);
  const long double x_hat = x_hat_at(of, at);
  means->g += g / n;
  means->g_x_hat += g * x_hat / n;
  means->size_g += fabs((double)(g / n));
  means->size_g_x_hat += fabs((double)(g / n)) * (fabs((double)x_hat) + rest_of(of));
}

static void check_dx(const group_of *of, int64_t at, int64_t channel, void *state) {
  const groups_case *c = of->c;
  const group_means *means = state;
  const double u = roundoff(c);
  const double a = additions(c, c->norm.spatial);
  const double inv_std = c->inv_std[of->image * c->norm.groups + of->group];
  const long double g = (long double)dy_at(c, at) * (long double)gamma_at(c, channel);
  const long double x_hat = x_hat_at(of, at);
  const long double dx = (long double)inv_std * (g - means->g - x_hat * means->g_x_hat);
  const double size_x_hat = fabs((double)x_hat) + rest_of(of);
  const double off = u * (3 * fabs((double)g) + (a + 7) * means->size_g + (a + 9) * size_x_hat * means->size_g_x_hat);
  const double tiny = smallest_value(parameter_type(c->norm.data_type)) + size_x_hat * smallest_product(of);
  assert_rounded(c->norm.data_type, value_at(c->norm.data_type, c->dx, at), (double)dx,
                 inv_std * off + 2 * u * fabs((double)dx) + tiny, "dx of image %ld, channel %ld, at %ld",
                 (long)of->image, (long)channel, (long)at);
}

static void check_group_backward(const group_of *of) {
  group_means means = {0};
  for_each_value(of, add_gradient, &means);
  if (of->c->dx) for_each_value(of, check_dx, &means);
}

static void check_parameters(const groups_case *c) {
  const double u = roundoff(c);
  const double a = additions(c, c->norm.spatial);
  for (int64_t channel = 0; channel < c->norm.channels; channel++) {
    long double dgamma = 0, dbeta = 0;
    double size_dgamma = 0, size_dbeta = 0, tiny = 1e-44;
    for (int64_t n = 0; n < c->norm.batch; n++) {
      const group_of of = {c, n, channel / (c->norm.channels / c->norm.groups)};
      tiny += (double)c->norm.spatial * smallest_product(&of);
      for (int64_t s = 0; s < c->norm.spatial; s++) {
        const int64_t at = groups_at(&c->norm, n, channel, s);
        const double dy = dy_at(c, at);
        const long double x_hat = x_hat_at(&of, at);
        dgamma += (long double)dy * x_hat;
        dbeta += (long double)dy;
        size_dgamma += fabs(dy) * (fabs((double)x_hat) + rest_of(&of));
        size_dbeta += fabs(dy);
      }
    }
    assert_close(parameter_at(c->norm.data_type, c->dgamma, channel), (double)dgamma,
                 (a + 6) * u * size_dgamma + tiny, "dgamma[%ld]", (long)channel);
    assert_close(parameter_at(c->norm.data_type, c->dbeta, channel), (double)dbeta, (a + 3) * u * size_dbeta + 1e-44,
                 "dbeta[%ld]", (long)channel);
  }
}

void groups_check_backward(const groups_case *c) {
  for_each_group(c, check_group_backward);
  check_parameters(c);
}
