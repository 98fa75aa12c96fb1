/*
 * Layer and RMS normalization against the formulas in long double, and what norma.h promises of them.
 *
 * The tolerances. u is the unit roundoff of the type that is computed in: double's for double, else float's. A lane adds
 * at most A = 128 terms one after the other (fewer where rows are short), so a sum is off by at most (A + 2) u of the sum
 * of the magnitudes, with the rounding of each term and of the product in it.
 *
 * Statistics. The shift lies within sqrt(2) deviations of the mean, so the sum of squares about it is at most 3 L sigma^2,
 * and |S| <= sqrt(3) L sigma. The variance is off by 3 (A + 2) u + 2 sqrt(2) sqrt(3) (A + 1) u < 8 (A + 2) u of itself,
 * inv_std by half of that, the mean by sqrt(3) (A + 1) u sigma, and by its own rounding in double.
 *
 * y = x_hat * gamma + beta: x_hat has the errors of the statistics, and three roundings of its own, of x - center, the
 * scale, and the sum with the bias, which is as large as the rest of the mean, u |mean|, makes it.
 *
 * dx = inv_std (g - mean g - x_hat mean(g x_hat)), by given statistics: g is rounded once, the means are off by
 * (A + 4) u of the means of magnitudes, and each of the terms is rounded twice.
 *
 * dgamma, dbeta: of 128 rows, four at a time, a lane adds 32 terms, which are sums of four: (32 + 6) u of the magnitudes.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "dispatch.h"
#include "guard.h"
#include "layer_norm.h"

/* A case, its inputs and its outputs. */
typedef struct rows_case {
  norma_layer_norm norm;
  bool rms;
  void *x, *dy, *gamma, *beta; /* gamma and beta may be NULL */
  void *y, *dx, *dgamma, *dbeta;
  double *mean, *inv_std;
} rows_case;

static int64_t elements(const rows_case *c) { return c->norm.rows * c->norm.length; }
static int64_t tensor_bytes(const rows_case *c) { return elements(c) * value_size(c->norm.data_type); }
static int64_t parameter_bytes(const rows_case *c) { return c->norm.length * parameter_size(c->norm.data_type); }
static int64_t statistic_bytes(const rows_case *c) { return c->norm.rows * (int64_t)sizeof(double); }

static rows_case case_make(norma_layer_norm norm, bool rms, bool gamma, bool beta) {
  rows_case c = {.norm = norm, .rms = rms};
  c.x = new_bytes(tensor_bytes(&c));
  c.dy = new_bytes(tensor_bytes(&c));
  c.y = new_bytes(tensor_bytes(&c));
  c.dx = new_bytes(tensor_bytes(&c));
  c.gamma = gamma ? new_bytes(parameter_bytes(&c)) : NULL;
  c.beta = beta && !rms ? new_bytes(parameter_bytes(&c)) : NULL;
  c.dgamma = new_bytes(parameter_bytes(&c));
  c.dbeta = new_bytes(parameter_bytes(&c));
  c.mean = new_bytes(statistic_bytes(&c));
  c.inv_std = new_bytes(statistic_bytes(&c));
  return c;
}

static void case_free(rows_case *c) {
  void *all[] = {c->x, c->dy, c->gamma, c->beta, c->y, c->dx, c->dgamma, c->dbeta, c->mean, c->inv_std};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* The kinds of data that others lose digits on. */
enum { NORMAL, FAR_FROM_ZERO, CONSTANT, HUGE_VALUES, TINY_VALUES, HUGE_AND_TINY, KINDS };

static double datum(int kind, int32_t type, int64_t i, uint64_t *seed) {
  const double r = random_normal(seed);
  const double large = type == NORMA_FLOAT16 ? 1e4 : 1e30;
  const double far = is_half(type) ? 100 : 1e7;
  switch (kind) {
    case FAR_FROM_ZERO: return far + r;
    case CONSTANT: return 3.7;
    case HUGE_VALUES: return large * r;
    case TINY_VALUES: return (type == NORMA_FLOAT16 ? 1e-6 : 1e-40) * r;
    case HUGE_AND_TINY: return i % 2 ? large * r : r / large;
    default: return r;
  }
}

static void fill(rows_case *c, int kind, uint64_t *seed) {
  const int32_t type = c->norm.data_type;
  for (int64_t i = 0; i < elements(c); i++) {
    value_put(type, c->x, i, datum(kind, type, i, seed));
    value_put(type, c->dy, i, random_normal(seed));
  }
  for (int64_t l = 0; l < c->norm.length; l++) {
    if (c->gamma) parameter_put(type, c->gamma, l, 1 + 0.5 * random_normal(seed));
    if (c->beta) parameter_put(type, c->beta, l, random_normal(seed));
  }
}

static norma_status forward(const rows_case *c, void *workspace, int64_t size) {
  return c->rms ? norma_rms_norm_forward(&c->norm, c->x, c->gamma, c->y, c->inv_std, workspace, size)
                : norma_layer_norm_forward(&c->norm, c->x, c->gamma, c->beta, c->y, c->mean, c->inv_std, workspace, size);
}

static norma_status backward(const rows_case *c, void *workspace, int64_t size) {
  return c->rms ? norma_rms_norm_backward(&c->norm, c->x, c->dy, c->gamma, c->inv_std, c->dx, c->dgamma, workspace, size)
                : norma_layer_norm_backward(&c->norm, c->x, c->dy, c->gamma, c->mean, c->inv_std, c->dx, c->dgamma,
                                            c->dbeta, workspace, size);
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
  for (int64_t l = 0; l < length && !c->rms; l++) s.mean += (long double)x_at(c, row * length + l) / (long double)length;
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

static void check_forward(const rows_case *c) {
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
                     c->inv_std[row] * off + 2 * u * fabs((double)dx) + tiny, "dx of row %ld, element %ld", (long)row, (long)l);
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

static norma_layer_norm norm_of(int64_t rows, int64_t length, int32_t type) {
  return (norma_layer_norm){.rows = rows, .length = length, .epsilon = 1e-5, .data_type = type, .threads = 1};
}

/* Calls `check` for both normalizations, all types, and lengths around what kernels take at once. */
static void for_each_case(int kinds, void (*check)(rows_case *)) {
  static const int64_t shapes[][2] = {{1, 1}, {3, 1}, {1, 2}, {5, 3}, {4, 16}, {7, 31}, {2, 33}, {130, 40}, {9, 127},
                                      {3, 128}, {300, 17}, {6, 768}, {5, 1000}, {2, 4095}, {2, 4096}, {3, 9001}};
  uint64_t seed = 5;
  char name[120];
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
      for (int variant = 0; variant < 6; variant++) {
        for (int kind = 0; kind < kinds; kind++) {
          rows_case c = case_make(norm_of(shapes[s][0], shapes[s][1], type), variant >= 4, variant % 2, variant / 2 % 2);
          fill(&c, kind, &seed);
          snprintf(name, sizeof name, "%s of %ld x %ld, %s, data %d, gamma %d, beta %d", c.rms ? "rms" : "layer",
                   (long)shapes[s][0], (long)shapes[s][1], type_name(type), kind, c.gamma != NULL, c.beta != NULL);
          checked_case = name;
          check(&c);
          case_free(&c);
        }
      }
    }
  }
  checked_case = NULL;
}

static void check_formulas(rows_case *c) {
  assert_int_equal(forward(c, NULL, 0), NORMA_OK);
  check_forward(c);
  assert_int_equal(backward(c, NULL, 0), NORMA_OK);
  check_dx(c);
  check_parameters(c);
}

static void formulas(void **state) {
  (void)state;
  for_each_case(KINDS, check_formulas);
}

/* The bytes of all outputs, one after the other. */
static char *outputs_of(const rows_case *c, int64_t *size) {
  const void *all[] = {c->y, c->dx, c->dgamma, c->dbeta, c->mean, c->inv_std};
  const int64_t sizes[] = {tensor_bytes(c), tensor_bytes(c), parameter_bytes(c), parameter_bytes(c), statistic_bytes(c),
                           statistic_bytes(c)};
  *size = 0;
  for (int i = 0; i < 6; i++) *size += sizes[i];
  char *bytes = new_bytes(*size);
  char *at = bytes;
  for (int i = 0; i < 6; at += sizes[i++]) memcpy(at, all[i], (size_t)sizes[i]);
  return bytes;
}

static void run_all(rows_case *c, void *workspace, int64_t size) {
  assert_int_equal(forward(c, workspace, size), NORMA_OK);
  assert_int_equal(backward(c, workspace, size), NORMA_OK);
}

static void check_same(const rows_case *c, const char *expected, const char *what) {
  int64_t size;
  char *actual = outputs_of(c, &size);
  if (memcmp(actual, expected, (size_t)size) != 0) fail_msg("%s: other bits %s", checked_case, what);
  free(actual);
}

/* Threads, a workspace at another address, and in place. */
static void check_ways(rows_case *c) {
  int64_t size, needed;
  run_all(c, NULL, 0);
  char *expected = outputs_of(c, &size);
  for (c->norm.threads = 2; c->norm.threads <= 5; c->norm.threads += 3) {
    run_all(c, NULL, 0);
    check_same(c, expected, "with more threads");
  }
  assert_int_equal(norma_layer_norm_workspace_size(&c->norm, &needed), NORMA_OK);
  char *workspace = new_bytes(needed + 8);
  run_all(c, workspace + 8, needed);
  check_same(c, expected, "with a workspace");
  free(workspace);

  rows_case in_place = *c;
  memcpy(in_place.dx, in_place.dy, (size_t)tensor_bytes(c));
  in_place.dy = in_place.dx;
  assert_int_equal(backward(&in_place, NULL, 0), NORMA_OK);
  check_same(c, expected, "with dx in place of dy");
  memcpy(in_place.y, in_place.x, (size_t)tensor_bytes(c));
  in_place.x = in_place.y;
  assert_int_equal(forward(&in_place, NULL, 0), NORMA_OK);
  check_same(c, expected, "with y in place of x");
  free(expected);
}

static void same_bits(void **state) {
  (void)state;
  for_each_case(1, check_ways);
  const norma_layer_norm large[] = {norm_of(600, 300, NORMA_FLOAT32), norm_of(64, 4100, NORMA_BFLOAT16),
                                    norm_of(1, 200000, NORMA_FLOAT32), norm_of(2000, 64, NORMA_FLOAT64)};
  uint64_t seed = 9;
  for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
    rows_case c = case_make(large[i], i % 2 == 1, true, true);
    fill(&c, NORMAL, &seed);
    checked_case = "large";
    check_ways(&c);
    case_free(&c);
  }
  checked_case = NULL;
}

/* An output alone has the bits that it has beside the others. */
static void check_parts(rows_case *c) {
  int64_t size;
  run_all(c, NULL, 0);
  char *expected = outputs_of(c, &size);
  rows_case part = *c;
  part.dgamma = part.dbeta = NULL;
  assert_int_equal(backward(&part, NULL, 0), NORMA_OK);
  part = *c;
  part.dx = NULL;
  assert_int_equal(backward(&part, NULL, 0), NORMA_OK);
  part.dgamma = NULL;
  assert_int_equal(backward(&part, NULL, 0), NORMA_OK);
  part.dbeta = NULL;
  assert_int_equal(backward(&part, NULL, 0), NORMA_OK);
  check_same(c, expected, "of an output alone");
  const norma_status status =
      c->rms ? norma_rms_norm_forward(&c->norm, c->x, c->gamma, c->y, NULL, NULL, 0)
             : norma_layer_norm_forward(&c->norm, c->x, c->gamma, c->beta, c->y, NULL, NULL, NULL, 0);
  assert_int_equal(status, NORMA_OK);
  check_same(c, expected, "without statistics");
  free(expected);
}

static void outputs_alone(void **state) {
  (void)state;
  for_each_case(1, check_parts);
}

/* The same operation by the kernels of a level and the caches of a machine. */
static void run_at(rows_case *c, const norma_kernels *kernels, norma_caches caches) {
  const norma_plan plan = norma_plan_samples(&c->norm, kernels, caches);
  norma_job job = {
    .sum = c->rms ? SUM_SQUARES : SUM_MOMENTS,
    .finish = c->rms ? norma_finish_rms_norm : norma_finish_layer_norm,
    .apply = APPLY_NORMALIZE,
    .x = c->x, .out = c->y, .mean_out = c->rms ? NULL : c->mean, .inv_std_out = c->inv_std
  };
  assert_int_equal(norma_layer_run(&plan, &job, (norma_layer_parameters){c->gamma, c->beta, NULL, NULL}, NULL), NORMA_OK);
  job = (norma_job){
    .sum = SUM_GRADIENTS,
    .finish = c->rms ? norma_finish_rms_gradient : norma_finish_backward_training,
    .apply = APPLY_GRADIENT,
    .x = c->x, .dy = c->dy, .mean = c->rms ? NULL : c->mean, .inv_std = c->inv_std, .count = c->norm.length, .out = c->dx
  };
  const norma_layer_parameters all = {c->gamma, NULL, c->dgamma, c->rms ? NULL : c->dbeta};
  assert_int_equal(norma_layer_run(&plan, &job, all, NULL), NORMA_OK);
}

static void check_levels(rows_case *c) {
  char *expected = NULL;
  int64_t size;
  for (int32_t i = 0; i < norma_isa_levels(); i++) {
    const norma_isa isa = norma_isa_at(i);
    if (!isa.supported || (strcmp(isa.name, "x86-64-v3") != 0 && strcmp(isa.name, "x86-64-v4") != 0)) continue;
    static const norma_caches machines[] = {
      {4 << 10, 4, 16 << 10}, {64 << 10, 1, 256 << 10}, {INT64_C(1) << 40, 8, INT64_C(1) << 40}};
    for (size_t m = 0; m < sizeof machines / sizeof *machines; m++) {
      run_at(c, isa.kernels, machines[m]);
      if (!expected) expected = outputs_of(c, &size);
      check_same(c, expected, "at another level, or with other caches");
    }
  }
  free(expected);
}

static void levels(void **state) {
  (void)state;
  for_each_case(KINDS, check_levels);
}

/* A NaN stays in its row, but for the gradients of parameters. */
static void nan_in_a_row(void **state) {
  (void)state;
  uint64_t seed = 3;
  rows_case c = case_make(norm_of(5, 100, NORMA_FLOAT32), false, true, true);
  fill(&c, NORMAL, &seed);
  value_put(NORMA_FLOAT32, c.x, 2 * 100 + 41, (double)NAN);
  run_all(&c, NULL, 0);
  for (int64_t i = 0; i < elements(&c); i++) {
    assert_int_equal(isnan(value_at(NORMA_FLOAT32, c.y, i)) != 0, i / 100 == 2);
    assert_int_equal(isnan(value_at(NORMA_FLOAT32, c.dx, i)) != 0, i / 100 == 2);
  }
  for (int64_t l = 0; l < 100; l++) {
    assert_true(isnan(parameter_at(NORMA_FLOAT32, c.dgamma, l)));
    assert_false(isnan(parameter_at(NORMA_FLOAT32, c.dbeta, l)));
  }
  case_free(&c);
}

/* A constant row gives beta exactly. */
static void constant_row(void **state) {
  (void)state;
  uint64_t seed = 4;
  rows_case c = case_make(norm_of(3, 50, NORMA_FLOAT32), false, true, true);
  fill(&c, CONSTANT, &seed);
  for (int with_epsilon = 0; with_epsilon < 2; with_epsilon++) {
    c.norm.epsilon = with_epsilon ? 1e-5 : 0;
    run_all(&c, NULL, 0);
    for (int64_t i = 0; i < elements(&c); i++)
      assert_true(value_at(NORMA_FLOAT32, c.y, i) == parameter_at(NORMA_FLOAT32, c.beta, i % 50));
  }
  case_free(&c);
}

/* No byte beyond an array is touched. */
static void guard_pages(void **state) {
  (void)state;
  uint64_t seed = 6;
  for (int64_t length = 1; length <= 140; length += length < 40 ? 1 : 9) {
    for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
      rows_case c = case_make(norm_of(5, length, type), length % 2, true, true);
      fill(&c, NORMAL, &seed);
      void **all[] = {&c.x, &c.dy, &c.y, &c.dx, &c.gamma, &c.dgamma, &c.dbeta};
      void *kept[7];
      guarded memory[7];
      for (int i = 0; i < 7; i++) {
        const int64_t bytes = i < 4 ? tensor_bytes(&c) : parameter_bytes(&c);
        memory[i] = guarded_make(bytes);
        kept[i] = *all[i];
        *all[i] = memcpy(guarded_end(memory[i], bytes), kept[i], (size_t)bytes);
      }
      run_all(&c, NULL, 0);
      for (int i = 0; i < 7; i++) {
        guarded_free(memory[i]);
        *all[i] = kept[i];
      }
      case_free(&c);
    }
  }
}

static void arguments(void **state) {
  (void)state;
  uint64_t seed = 8;
  rows_case c = case_make(norm_of(4, 8, NORMA_FLOAT32), false, true, true);
  fill(&c, NORMAL, &seed);
  const norma_layer_norm good = c.norm;
  int64_t size = 0;
  assert_int_equal(norma_layer_norm_workspace_size(NULL, &size), NORMA_NULL_POINTER);
  assert_int_equal(norma_layer_norm_workspace_size(&good, NULL), NORMA_NULL_POINTER);
  const struct {
    norma_layer_norm norm;
    norma_status status;
  } bad[] = {
    {{0, 8, 1e-5, NORMA_FLOAT32, 1}, NORMA_BAD_EXTENT},
    {{4, -1, 1e-5, NORMA_FLOAT32, 1}, NORMA_BAD_EXTENT},
    {{INT64_MAX, 8, 1e-5, NORMA_FLOAT32, 1}, NORMA_EXTENT_OVERFLOW},
    {{4, 8, -1, NORMA_FLOAT32, 1}, NORMA_BAD_EPSILON},
    {{4, 8, (double)NAN, NORMA_FLOAT32, 1}, NORMA_BAD_EPSILON},
    {{4, 8, 1e-5, 4, 1}, NORMA_BAD_DATA_TYPE},
    {{4, 8, 1e-5, NORMA_FLOAT32, -1}, NORMA_BAD_THREADS}
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    for (int rms = 0; rms < 2; rms++) {
      c.norm = bad[i].norm;
      c.rms = rms;
      assert_int_equal(forward(&c, NULL, 0), bad[i].status);
      assert_int_equal(backward(&c, NULL, 0), bad[i].status);
    }
    assert_int_equal(norma_layer_norm_workspace_size(&bad[i].norm, &size), bad[i].status);
  }
  c.norm = good;
  for (int rms = 0; rms < 2; rms++) {
    void **required[] = {&c.x, &c.y};
    c.rms = rms;
    for (int i = 0; i < 2; i++) {
      void *kept = *required[i];
      *required[i] = NULL;
      assert_int_equal(forward(&c, NULL, 0), NORMA_NULL_POINTER);
      *required[i] = (char *)kept + 1;
      assert_int_equal(forward(&c, NULL, 0), NORMA_MISALIGNED);
      *required[i] = kept;
    }
    void **needed[] = {&c.x, &c.dy, (void **)&c.inv_std};
    for (int i = 0; i < 3; i++) {
      void *kept = *needed[i];
      *needed[i] = NULL;
      assert_int_equal(backward(&c, NULL, 0), NORMA_NULL_POINTER);
      *needed[i] = kept;
    }
    rows_case overlapping = c;
    overlapping.y = (char *)c.x + 4;
    assert_int_equal(forward(&overlapping, NULL, 0), NORMA_OVERLAP);
    overlapping = c;
    overlapping.dx = c.x;
    assert_int_equal(backward(&overlapping, NULL, 0), NORMA_OVERLAP);
    assert_int_equal(norma_layer_norm_workspace_size(&c.norm, &size), NORMA_OK);
    void *workspace = new_bytes(size);
    assert_int_equal(forward(&c, workspace, size - 1), NORMA_WORKSPACE_TOO_SMALL);
    assert_int_equal(backward(&c, workspace, size - 1), NORMA_WORKSPACE_TOO_SMALL);
    assert_int_equal(forward(&c, NULL, 8), NORMA_NULL_POINTER);
    free(workspace);
  }
  case_free(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(formulas),     cmocka_unit_test(same_bits),   cmocka_unit_test(outputs_alone),
    cmocka_unit_test(levels),       cmocka_unit_test(nan_in_a_row), cmocka_unit_test(constant_row),
    cmocka_unit_test(guard_pages),  cmocka_unit_test(arguments)
  };
  return cmocka_run_group_tests_name("layer_norm", tests, NULL, NULL);
}
