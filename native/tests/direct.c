/*
 * The kernels that go directly from sums to outputs, of every family of every level: the bits that the kernels of the
 * passes give, put together by the formulas of statistics.h, in memory that ends at unmapped pages; and where they
 * stop.
 */
#include <math.h>
#include <stdlib.h>

#include "data.h"
#include "guard.h"
#include "levels.h"
#include "plan.h"
#include "statistics.h"

enum { RUNS = 7, LARGEST = RUNS * 3 * 4105, PARAMETERS = 4105, MOST_PARTS = 8 };

/* A family of one level. */
typedef struct subject {
  const char *level;
  const norma_family *family;
  int32_t type;
  bool is_narrow; /* it computes in float */
} subject;

/* Runs of so many parts, and the pieces that are summed about a shift each: of a run forward, of a part backward. */
typedef struct test_shape {
  int64_t parts, length, piece;
} test_shape;
static const test_shape shapes[] = {
  {1, 1, 1}, {1, 17, 17}, {3, 5, 15}, {4, 64, 256}, {7, 33, 231}, {2, 500, 96}, {1, 4105, 2080}, {3, 4105, 2080}
};

static guarded memory_x, memory_dy, memory_out;
static char *expected;
/* Parameters of parts, as the subject reads them, and their values: after two runs come the same again. */
static char gammas[2 * MOST_PARTS * sizeof(double)], betas[2 * MOST_PARTS * sizeof(double)];
static double part_gamma[RUNS * MOST_PARTS], part_beta[RUNS * MOST_PARTS];
static char element_gamma[PARAMETERS * sizeof(double)], element_beta[PARAMETERS * sizeof(double)];

static int make_memory(void **state) {
  (void)state;
  const int64_t size = LARGEST * (int64_t)sizeof(double);
  memory_x = guarded_make(size);
  memory_dy = guarded_make(size);
  memory_out = guarded_make(size);
  expected = new_bytes(size);
  return 0;
}

static int free_memory(void **state) {
  (void)state;
  guarded_free(memory_x);
  guarded_free(memory_dy);
  guarded_free(memory_out);
  free(expected);
  return 0;
}

static void for_each_subject(void (*check)(const subject *, const test_shape *)) {
  for (int32_t i = 0; i < norma_isa_levels(); i++) {
    const norma_isa isa = norma_isa_at(i);
    if (!isa.supported) continue;
    for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
      const norma_family *families[] = {isa.kernels->fast[type], isa.kernels->wide[type]};
      for (int wide = 0; wide < 2 && families[wide]; wide++) {
        const subject s = {isa.name, families[wide], type, families[wide]->real_size == sizeof(float)};
        for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) check(&s, &shapes[k]);
      }
    }
  }
}

/* ---- Arrays ----------------------------------------------------------------------------------- */

static int64_t run_length(const test_shape *shape) { return shape->parts * shape->length; }
static int64_t bytes_of(const subject *s, const test_shape *shape) {
  return RUNS * run_length(shape) * s->family->element_size;
}

/* The place of all runs in a memory, whose end is theirs. */
static char *placed(guarded memory, const subject *s, const test_shape *shape) {
  return guarded_end(memory, bytes_of(s, shape));
}

static char *fill(guarded memory, const subject *s, const test_shape *shape, uint64_t seed) {
  char *values = placed(memory, s, shape);
  for (int64_t i = 0; i < RUNS * run_length(shape); i++) value_put(s->type, values, i, 3 + random_normal(&seed));
  return values;
}

static char *clear(const subject *s, const test_shape *shape) {
  char *out = placed(memory_out, s, shape);
  fill_pattern(out, bytes_of(s, shape));
  memcpy(expected, out, (size_t)bytes_of(s, shape));
  return out;
}

static void fill_parameters(const subject *s, const test_shape *shape) {
  const int64_t count = 2 * shape->parts;
  uint64_t seed = (uint64_t)count;
  for (int64_t i = 0; i < count; i++) {
    parameter_put(s->type, gammas, i, 1 + random_normal(&seed) / 2);
    parameter_put(s->type, betas, i, random_normal(&seed));
  }
  for (int64_t i = 0; i < RUNS * shape->parts; i++) {
    part_gamma[i] = parameter_at(s->type, gammas, i % count);
    part_beta[i] = parameter_at(s->type, betas, i % count);
  }
}

/* Parameters of elements. */
static void fill_elements(const subject *s) {
  uint64_t seed = 5;
  for (int64_t i = 0; i < PARAMETERS; i++) {
    parameter_put(s->type, element_gamma, i, 1 + random_normal(&seed) / 2);
    parameter_put(s->type, element_beta, i, random_normal(&seed));
  }
}

static norma_runs runs_of(int64_t channels, int64_t length) {
  return (norma_runs){.count = 1, .channels = channels, .length = length, .apart = length, .stride = channels * length};
}

static double center_of(const subject *s, double mean) { return norma_center_of(mean, s->is_narrow); }

/* ---- Forward ---------------------------------------------------------------------------------- */

/* The mean and variance of a run, or its mean square, by the kernels of the passes. */
static void statistics_of(const subject *s, const test_shape *shape, const char *x, bool squares, double *mean,
                          double *variance) {
  double shift[DIRECT_PIECES] = {0}, sums[DIRECT_PIECES][2], n[DIRECT_PIECES], off = 0, square = 0;
  const int64_t length = run_length(shape);
  int64_t pieces = 0;
  for (int64_t at = 0; at < length; at += shape->piece, pieces++) {
    const norma_runs piece = runs_of(1, length - at < shape->piece ? length - at : shape->piece);
    const char *p = x + at * s->family->element_size;
    n[pieces] = (double)piece.length;
    shift[pieces] = squares ? 0 : s->family->run_shift(p, piece.length);
    s->family->run_moments(p, piece, &shift[pieces], &sums[pieces]);
    off += norma_sum_about(shift[0], n[pieces], shift[pieces], sums[pieces][0]);
  }
  off = squares ? 0 : off / (double)length;
  for (int64_t k = 0; k < pieces; k++)
    square += norma_square_about(shift[0] - shift[k] + off, n[k], sums[k][0], sums[k][1]);
  *mean = squares ? 0 : shift[0] + off;
  *variance = norma_variance_of(square, (double)length);
}

typedef struct forward {
  norma_direct_runs of;
  double mean[RUNS], variance[RUNS], inv_std[RUNS];
} forward;

/* By parameters of parts or, where `fusion` says so, of elements. */
static void set_forward(const subject *s, const test_shape *shape, norma_fusion fusion, bool squares, forward *f) {
  memset(f, 0, sizeof *f);
  const bool of_parts = fusion == FUSION_NONE && !squares;
  f->of = (norma_direct_runs){
    .runs = runs_of(RUNS, run_length(shape)),
    .piece_length = shape->piece,
    .parts = of_parts ? shape->parts : 1,
    .period = of_parts ? 2 * shape->parts : 1,
    .gamma = of_parts ? gammas : NULL,
    .beta = of_parts ? betas : NULL,
    .epsilon = 1e-5,
    .least = -1,
    .squares = squares,
    .is_narrow = s->is_narrow,
    .mean = f->mean,
    .variance = f->variance,
    .inv_std = f->inv_std
  };
  f->of.runs.fusion = fusion;
  if (fusion != FUSION_NONE) f->of.runs.gamma = element_gamma;
  if (fusion == FUSION_AFFINE) f->of.runs.beta = element_beta;
}

/* Run `r` as expected. */
static void expect_run(const subject *s, const test_shape *shape, const forward *f, const char *x, int64_t r) {
  double mean, variance;
  const int64_t at = r * run_length(shape) * s->family->element_size;
  statistics_of(s, shape, x + at, f->of.squares, &mean, &variance);
  const double inv_std = norma_inv_std_of(variance, f->of.epsilon);
  const double center = center_of(s, mean);
  norma_coefficients by[MOST_PARTS];
  for (int64_t i = 0; i < f->of.parts; i++) {
    const double scale = f->of.gamma ? part_gamma[r * f->of.parts + i] * inv_std : inv_std;
    const double added = f->of.beta ? part_beta[r * f->of.parts + i] : 0;
    by[i] = (norma_coefficients){.center = center, .scale = scale, .bias = norma_bias_of(mean, center, scale, added)};
  }
  norma_runs runs = runs_of(f->of.parts, run_length(shape) / f->of.parts);
  runs.fusion = f->of.runs.fusion;
  runs.gamma = f->of.runs.gamma;
  runs.beta = f->of.runs.beta;
  s->family->run_normalize(x + at, NULL, expected + at, runs, by);
  assert_true(mean == f->mean[r] && variance == f->variance[r] && inv_std == f->inv_std[r]);
}

/* Calls the kernel, which must stop at run `stop`, having written what is before. */
static void check_forward(const subject *s, const test_shape *shape, forward *f, const char *x, int64_t stop) {
  char *y = clear(s, shape);
  assert_int_equal(s->family->run_direct(x, y, &f->of, 0, RUNS), stop);
  for (int64_t r = 0; r < stop; r++) expect_run(s, shape, f, x, r);
  if (memcmp(y, expected, (size_t)bytes_of(s, shape)) != 0)
    fail_msg("%s, %s: y of %ld parts of %ld, stop %ld", s->level, type_name(s->type), (long)shape->parts,
             (long)shape->length, (long)stop);
}

static void check_forward_ways(const subject *s, const test_shape *shape) {
  forward f;
  const char *x = fill(memory_x, s, shape, 7);
  fill_parameters(s, shape);
  for (int squares = 0; squares < 2; squares++) {
    set_forward(s, shape, FUSION_NONE, squares, &f);
    check_forward(s, shape, &f, x, RUNS);
    f.of.runs.stream = true;
    check_forward(s, shape, &f, x, RUNS);
    if (run_length(shape) > PARAMETERS) continue;
    fill_elements(s);
    set_forward(s, shape, squares ? FUSION_SCALE : FUSION_AFFINE, squares, &f);
    check_forward(s, shape, &f, x, RUNS);
  }
}

static void forward_bits(void **state) {
  (void)state;
  for_each_subject(check_forward_ways);
}

/* A run with a NaN, and one whose first elements lie far from its mean, are left; here without gamma and beta. */
static void check_forward_stops(const subject *s, const test_shape *shape) {
  forward f;
  char *x = fill(memory_x, s, shape, 8);
  const int64_t size = s->family->element_size, length = run_length(shape);
  set_forward(s, shape, FUSION_NONE, false, &f);
  f.of.gamma = f.of.beta = NULL;
  if (length >= 64)
    for (int64_t i = 0; i < 16; i++) value_put(s->type, x + 3 * length * size, i, 300);
  value_put(s->type, x + 5 * length * size, length - 1, (double)NAN);
  check_forward(s, shape, &f, x, length >= 64 ? 3 : 5);
}

static void forward_stops(void **state) {
  (void)state;
  for_each_subject(check_forward_stops);
}

/* A gamma that float cannot scale by is left where it would have to. */
static void check_large_gamma(const subject *s, const test_shape *shape) {
  forward f;
  const char *x = fill(memory_x, s, shape, 9);
  fill_parameters(s, shape);
  parameter_put(s->type, gammas, shape->parts, 1e35);
  for (int64_t r = 1; r < RUNS; r += 2) part_gamma[r * shape->parts] = parameter_at(s->type, gammas, shape->parts);
  set_forward(s, shape, FUSION_NONE, false, &f);
  check_forward(s, shape, &f, x, s->is_narrow ? 1 : RUNS);
}

static void large_gamma(void **state) {
  (void)state;
  for_each_subject(check_large_gamma);
}

/* ---- Backward --------------------------------------------------------------------------------- */

typedef struct backward {
  norma_direct_gradients of;
  norma_gradient_tensors tensors;
  double mean[RUNS], inv_std[RUNS], sum_dy[RUNS * MOST_PARTS], sum_dy_x_hat[RUNS * MOST_PARTS];
} backward;

static void set_backward(const subject *s, const test_shape *shape, backward *b) {
  memset(b, 0, sizeof *b);
  b->tensors = (norma_gradient_tensors){.x = fill(memory_x, s, shape, 10), .dy = fill(memory_dy, s, shape, 11)};
  for (int64_t r = 0; r < RUNS; r++) {
    b->mean[r] = 3.1 + 0.01 * (double)r;
    b->inv_std[r] = 1.1 - 0.01 * (double)r;
  }
  b->of = (norma_direct_gradients){
    .runs = runs_of(shape->parts, shape->length),
    .piece_length = shape->piece,
    .parts = shape->parts,
    .period = 2 * shape->parts,
    .gamma = gammas,
    .count = (double)run_length(shape),
    .is_narrow = s->is_narrow,
    .mean = b->mean,
    .inv_std = b->inv_std,
    .sum_dy = b->sum_dy,
    .sum_dy_x_hat = b->sum_dy_x_hat
  };
}

/* The sums of a part, by the kernels of the passes. */
static void sums_of(const subject *s, const test_shape *shape, const backward *b, int64_t start, double center,
                    double *sums) {
  const norma_coefficients by = {.center = center};
  sums[0] = sums[1] = 0;
  for (int64_t at = 0; at < shape->length; at += shape->piece) {
    const norma_runs piece = runs_of(1, shape->length - at < shape->piece ? shape->length - at : shape->piece);
    const int64_t byte = (start + at) * s->family->element_size;
    double some[1][2];
    s->family->run_gradient_sums((const char *)b->tensors.x + byte, NULL, (const char *)b->tensors.dy + byte, piece,
                                 &by, some);
    sums[0] += some[0][0];
    sums[1] += some[0][1];
  }
}

static void expect_gradient(const subject *s, const test_shape *shape, const backward *b, int64_t r) {
  const double mean = b->mean[r], inv_std = b->inv_std[r], center = center_of(s, mean);
  const int64_t first = r * shape->parts, start = r * run_length(shape), byte = start * s->family->element_size;
  double g[MOST_PARTS], g_x_hat[MOST_PARTS];
  for (int64_t i = 0; i < shape->parts; i++) {
    double sums[2];
    sums_of(s, shape, b, start + i * shape->length, center, sums);
    assert_true(b->sum_dy[first + i] == sums[0]);
    const double sum_dy_x_hat = norma_sum_dy_x_hat_of(mean, center, sums[0], sums[1], inv_std);
    assert_true(b->sum_dy_x_hat[first + i] == sum_dy_x_hat);
    g[i] = part_gamma[first + i] * sums[0];
    g_x_hat[i] = part_gamma[first + i] * sum_dy_x_hat;
  }
  const double sum_g = norma_total_of(shape->parts, g), sum_g_x_hat = norma_total_of(shape->parts, g_x_hat);
  const double slope = sum_g_x_hat / b->of.count * inv_std;
  const double offset = norma_offset_of(mean, center, slope, sum_g / b->of.count);
  norma_coefficients by[MOST_PARTS];
  for (int64_t i = 0; i < shape->parts; i++)
    by[i] = (norma_coefficients){center, inv_std, part_gamma[first + i], offset, slope};
  norma_runs runs = runs_of(shape->parts, shape->length);
  runs.fusion = FUSION_WEIGHT;
  const norma_gradient_tensors at = {
    .x = (const char *)b->tensors.x + byte, .dy = (const char *)b->tensors.dy + byte, .dx = expected + byte};
  s->family->run_gradient_input(at, runs, by);
}

static void check_backward(const subject *s, const test_shape *shape, backward *b, int64_t stop) {
  char *dx = clear(s, shape);
  b->tensors.dx = dx;
  assert_int_equal(s->family->run_direct_gradient(b->tensors, &b->of, 0, RUNS), stop);
  for (int64_t r = 0; r < stop; r++) expect_gradient(s, shape, b, r);
  if (memcmp(dx, expected, (size_t)bytes_of(s, shape)) != 0)
    fail_msg("%s, %s: dx of %ld parts of %ld, stop %ld", s->level, type_name(s->type), (long)shape->parts,
             (long)shape->length, (long)stop);
}

static void check_backward_ways(const subject *s, const test_shape *shape) {
  backward b;
  fill_parameters(s, shape);
  set_backward(s, shape, &b);
  check_backward(s, shape, &b, RUNS);
  b.of.runs.stream = true;
  check_backward(s, shape, &b, RUNS);
}

static void backward_bits(void **state) {
  (void)state;
  for_each_subject(check_backward_ways);
}

/* Sums or coefficients that float cannot hold are left. */
static void check_backward_stops(const subject *s, const test_shape *shape) {
  backward b;
  fill_parameters(s, shape);
  set_backward(s, shape, &b);
  b.inv_std[5] = 0x1p40;
  check_backward(s, shape, &b, s->is_narrow ? 5 : RUNS);
  if (s->type != NORMA_FLOAT32 && s->type != NORMA_BFLOAT16) return;
  char *dy = placed(memory_dy, s, shape) + 2 * run_length(shape) * s->family->element_size;
  for (int64_t i = 0; i < run_length(shape); i++) value_put(s->type, dy, i, 3e38);
  check_backward(s, shape, &b, s->is_narrow ? 2 : RUNS);
}

static void backward_stops(void **state) {
  (void)state;
  for_each_subject(check_backward_stops);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(forward_bits), cmocka_unit_test(forward_stops),  cmocka_unit_test(large_gamma),
    cmocka_unit_test(backward_bits), cmocka_unit_test(backward_stops)
  };
  return cmocka_run_group_tests_name("direct", tests, make_memory, free_memory);
}
