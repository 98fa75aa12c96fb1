/*
 * Every kernel of every family of every level this processor has, on every size from 1 to 130 and about
 * the boundaries of blocks and chunks, in memory that ends and begins at unmapped pages.
 */
#include <math.h>

#include "data.h"
#include "guard.h"
#include "levels.h"
#include "plan.h"
#include "reals.h"

enum { GAP = 5, LARGEST = CHUNK_ELEMENTS + 1 };

/* A family of one level. */
typedef struct subject {
  const char *level;
  const norma_family *family;
  int32_t type;      /* of elements */
  int32_t real_type; /* of computing */
  bool fma;
} subject;

/* Where arrays lie in their memory. */
typedef enum test_placement { AT_END, AT_BEGIN, AFTER_ONE, MIXED, PLACEMENTS } test_placement;

/* Arrays of elements: inputs x and dy, and an output. */
static guarded memory_x, memory_dy, memory_out;
/* Arrays of reals: coefficients or sums of rows. */
static guarded memory_reals[4];

static int make_memory(void **state) {
  (void)state;
  const int64_t size = 4 * LARGEST * (int64_t)sizeof(double);
  memory_x = guarded_make(size);
  memory_dy = guarded_make(size);
  memory_out = guarded_make(size);
  for (int i = 0; i < 4; i++) memory_reals[i] = guarded_make(LARGEST * (int64_t)sizeof(double));
  return 0;
}

static int free_memory(void **state) {
  (void)state;
  guarded_free(memory_x);
  guarded_free(memory_dy);
  guarded_free(memory_out);
  for (int i = 0; i < 4; i++) guarded_free(memory_reals[i]);
  return 0;
}

static void *place(guarded memory, test_placement placement, const subject *s, int64_t count) {
  const int64_t size = s->family->element_size;
  switch (placement) {
    case AT_BEGIN: return memory.first;
    case AFTER_ONE: return memory.first + size;
    case MIXED: return memory.first == memory_out.first ? memory.first + 3 * size : guarded_end(memory, count * size);
    default: return guarded_end(memory, count * size);
  }
}

static void for_each_subject(void (*check)(const subject *)) {
  for (int32_t i = 0; i < norma_isa_levels(); i++) {
    const norma_isa isa = norma_isa_at(i);
    if (!isa.supported) continue;
    const bool fma = level_has_fma(isa.name);
    check(&(subject){isa.name, isa.kernels->f32, NORMA_FLOAT32, NORMA_FLOAT32, fma});
    check(&(subject){isa.name, isa.kernels->f32_wide, NORMA_FLOAT32, NORMA_FLOAT64, fma});
    check(&(subject){isa.name, isa.kernels->f64, NORMA_FLOAT64, NORMA_FLOAT64, fma});
  }
}

/* The sizes to test: calls check for each. */
static void for_each_size(const subject *s, int64_t to, void (*check)(const subject *, int64_t)) {
  for (int64_t size = 1; size <= 130; size++) check(s, size);
  static const int64_t edges[] = {191, 192, 193, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025,
                                  CHUNK_ELEMENTS - 1, CHUNK_ELEMENTS, CHUNK_ELEMENTS + 1};
  for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
    if (edges[i] <= to) check(s, edges[i]);
}

/* Values of runs or rows, NaN between them: reading those would show. */
typedef double generator(uint64_t *seed);

static double normal(uint64_t *seed) { return 1.5 + random_normal(seed); }
static double small_integer(uint64_t *seed) { return (double)random_integer(seed, -4, 4); }

static void fill(const subject *s, void *values, int64_t count, int64_t length, int64_t stride,
                 generator *generate, uint64_t seed) {
  for (int64_t i = 0; i < (count - 1) * stride + length; i++)
    value_put(s->type, values, i, i % stride < length ? generate(&seed) : (double)NAN);
}

/* Whether what lies between the runs or rows of an output is as it was. */
static void assert_gaps_untouched(const subject *s, const void *out, int64_t count, int64_t length, int64_t stride) {
  unsigned char pattern[sizeof(double)];
  fill_pattern(pattern, sizeof pattern);
  const int64_t size = s->family->element_size;
  for (int64_t i = 0; i < (count - 1) * stride + length; i++)
    if (i % stride >= length && memcmp((const char *)out + i * size, pattern, (size_t)size) != 0)
      fail_msg("%s: wrote between runs of %ld", s->level, (long)length);
}

/* ---- What kernels compute, in their own arithmetic ------------------------------------------------ */

static double normalized(const subject *s, double x, norma_coefficients by) {
  if (s->real_type == NORMA_FLOAT64) {
    const double d = x - by.center;
    const double y = s->fma ? fma(d, by.scale, by.offset) : d * by.scale + by.offset;
    return s->type == NORMA_FLOAT32 ? (double)(float)y : y;
  }
  const float d = (float)x - (float)by.center;
  const float scale = (float)by.scale;
  const float offset = (float)by.offset;
  return (double)(s->fma ? fmaf(d, scale, offset) : d * scale + offset);
}

static double gradient(const subject *s, double x, double dy, norma_coefficients by) {
  if (s->real_type == NORMA_FLOAT64) {
    const double d = by.center - x;
    const double g = dy - by.offset;
    const double dx = (s->fma ? fma(d, by.slope, g) : d * by.slope + g) * by.scale;
    return s->type == NORMA_FLOAT32 ? (double)(float)dx : dx;
  }
  const float d = (float)by.center - (float)x;
  const float g = (float)dy - (float)by.offset;
  const float slope = (float)by.slope;
  const float scale = (float)by.scale;
  return (double)((s->fma ? fmaf(d, slope, g) : d * slope + g) * scale);
}

static void assert_same(const subject *s, double actual, double expected, const char *what, int64_t size, int64_t i) {
  if (actual != expected || signbit(actual) != signbit(expected))
    fail_msg("%s, %s: %s of size %ld, element %ld: %a instead of %a", s->level,
             s->type == s->real_type ? "fast" : "wide", what, (long)size, (long)i, actual, expected);
}

/* ---- Sums ------------------------------------------------------------------------------------------
 * A lane adds at most `additions` terms, each time off by u times the partial sum, which is at most the
 * sum of the terms' magnitudes; a difference and a product round once more each; lanes are added in
 * double. Sums of small integers about a small integer round nowhere: they are compared at zero. */

typedef struct test_sums {
  double first, second;            /* of d and d * d, or of dy and dy * d */
  double size_first, size_second;  /* of their magnitudes */
} test_sums;

static void add_moments(test_sums *sums, double x, double shift) {
  const double d = x - shift;
  sums->first += d;
  sums->second += d * d;
  sums->size_first += fabs(d);
  sums->size_second += d * d;
}

static void add_gradients(test_sums *sums, double x, double dy, double center) {
  sums->first += dy;
  sums->second += dy * (x - center);
  sums->size_first += fabs(dy);
  sums->size_second += fabs(dy * (x - center));
}

static void assert_sums(const subject *s, const double actual[2], const test_sums *expected, bool exact,
                        int64_t additions, const char *what, int64_t size) {
  /* The reference adds in double too: where the kernel does, it may be off by as much again. */
  const double u = exact ? 0 : unit_roundoff(s->real_type) * (s->real_type == NORMA_FLOAT64 ? 2 : 1);
  const double n = (double)additions;
  const int64_t terms = s->real_type == NORMA_FLOAT64 && !exact ? size : 0;
  const double own = (double)terms * 0x1p-53;
  assert_close(actual[0], expected->first, ((n + 1) * u + own) * expected->size_first, "%s, %s, size %ld, first",
               s->level, what, (long)size);
  assert_close(actual[1], expected->second, ((n + 3) * u + own) * expected->size_second,
               "%s, %s, size %ld, second", s->level, what, (long)size);
}

static int64_t additions_of(const subject *s, norma_runs runs) {
  const int64_t lanes = 128 / s->family->real_size;
  return runs.count * ((runs.length + lanes - 1) / lanes);
}

static void check_run_sums(const subject *s, norma_runs runs, test_placement placement, bool exact) {
  const int64_t total = (runs.count - 1) * runs.stride + runs.length;
  const double shift = exact ? 2 : 1.25;
  void *x = place(memory_x, placement, s, total);
  void *dy = place(memory_dy, placement, s, total);
  fill(s, x, runs.count, runs.length, runs.stride, exact ? small_integer : normal, 1);
  fill(s, dy, runs.count, runs.length, runs.stride, exact ? small_integer : normal, 2);
  test_sums moments = {0}, gradients = {0};
  for (int64_t i = 0; i < total; i++) {
    if (i % runs.stride >= runs.length) continue;
    add_moments(&moments, value_at(s->type, x, i), shift);
    add_gradients(&gradients, value_at(s->type, x, i), value_at(s->type, dy, i), shift);
  }
  double actual[1][2];
  s->family->run_moments(x, runs, &shift, actual);
  assert_sums(s, actual[0], &moments, exact, additions_of(s, runs), "run_moments", runs.length);
  s->family->run_gradient_sums(x, dy, runs, &shift, actual);
  assert_sums(s, actual[0], &gradients, exact, additions_of(s, runs), "run_gradient_sums", runs.length);
}

static void check_run_sums_of(const subject *s, int64_t length) {
  for (int64_t count = 1; count <= (length > 130 ? 1 : 3); count++)
    for (test_placement placement = 0; placement < PLACEMENTS; placement++)
      for (int exact = 0; exact < 2; exact++)
        check_run_sums(s, (norma_runs){.count = count, .channels = 1, .length = length, .stride = length + GAP}, placement, exact);
}

/* Several channels in a call give each what it gives alone. */
static void check_group(const subject *s, int64_t length) {
  if (length > 200) return;
  static const int64_t groups[] = {2, 5, GROUP};
  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
    const int64_t channels = groups[i];
    norma_runs runs = {.count = 2, .channels = channels, .length = length, .apart = length,
                       .stride = channels * length + GAP};
    const int64_t total = runs.stride + channels * length;
    void *x = guarded_end(memory_x, total * s->family->element_size);
    void *dy = guarded_end(memory_dy, total * s->family->element_size);
    fill(s, x, 2, channels * length, runs.stride, normal, 11);
    fill(s, dy, 2, channels * length, runs.stride, normal, 12);
    double shift[GROUP], moments[GROUP][2], gradients[GROUP][2];
    for (int64_t c = 0; c < channels; c++) shift[c] = 1 + 0.25 * (double)c;
    s->family->run_moments(x, runs, shift, moments);
    s->family->run_gradient_sums(x, dy, runs, shift, gradients);
    runs.channels = 1;
    for (int64_t c = 0; c < channels; c++) {
      const int64_t at = c * length * s->family->element_size;
      double alone[1][2];
      s->family->run_moments((char *)x + at, runs, &shift[c], alone);
      assert_memory_equal(alone, moments[c], sizeof *alone);
      s->family->run_gradient_sums((char *)x + at, (char *)dy + at, runs, &shift[c], alone);
      assert_memory_equal(alone, gradients[c], sizeof *alone);
    }
  }
}

static void run_sums_of_subject(const subject *s) {
  for_each_size(s, LARGEST, check_run_sums_of);
  for_each_size(s, LARGEST, check_group);
}

static void run_sums(void **state) {
  (void)state;
  for_each_subject(run_sums_of_subject);
}

/* ---- The last pass over runs ------------------------------------------------------------------------ */

static const norma_coefficients COEFFICIENTS = {1.2345678901234567, 0.87654321, -0.3141592653589793, 0.271828};

static void check_run_outputs(const subject *s, norma_runs runs, test_placement placement) {
  const int64_t total = (runs.count - 1) * runs.stride + runs.length;
  const void *x = place(memory_x, placement, s, total);
  const void *dy = place(memory_dy, placement, s, total);
  void *out = place(memory_out, placement, s, total);

  fill_pattern(out, total * s->family->element_size);
  s->family->run_normalize(x, out, runs, &COEFFICIENTS);
  for (int64_t i = 0; i < total; i++)
    if (i % runs.stride < runs.length)
      assert_same(s, value_at(s->type, out, i), normalized(s, value_at(s->type, x, i), COEFFICIENTS),
                  "run_normalize", runs.length, i);
  assert_gaps_untouched(s, out, runs.count, runs.length, runs.stride);

  fill_pattern(out, total * s->family->element_size);
  s->family->run_gradient_input(x, dy, out, runs, &COEFFICIENTS);
  for (int64_t i = 0; i < total; i++)
    if (i % runs.stride < runs.length)
      assert_same(s, value_at(s->type, out, i),
                  gradient(s, value_at(s->type, x, i), value_at(s->type, dy, i), COEFFICIENTS),
                  "run_gradient_input", runs.length, i);
  assert_gaps_untouched(s, out, runs.count, runs.length, runs.stride);
}

static void check_run_outputs_of(const subject *s, int64_t length) {
  norma_runs runs = {.channels = 1, .length = length, .stride = length + GAP};
  for (test_placement placement = 0; placement < PLACEMENTS; placement++) {
    for (runs.count = 1; runs.count <= (length > 130 ? 1 : 2); runs.count++) {
      const int64_t total = (runs.count - 1) * runs.stride + length;
      fill(s, place(memory_x, placement, s, total), runs.count, length, runs.stride, normal, 3);
      fill(s, place(memory_dy, placement, s, total), runs.count, length, runs.stride, normal, 4);
      for (int stream = 0; stream < 2; stream++) {
        runs.stream = stream;
        runs.ahead = 0;
        check_run_outputs(s, runs, placement);
        runs.ahead = runs.count * runs.stride; /* beyond the end: a prefetch is no read */
        check_run_outputs(s, runs, placement);
      }
    }
  }
}

static void run_outputs_of_subject(const subject *s) { for_each_size(s, LARGEST, check_run_outputs_of); }

static void run_outputs(void **state) {
  (void)state;
  for_each_subject(run_outputs_of_subject);
}

/* ---- Shifts ------------------------------------------------------------------------------------------
 * The mean of the first 2^k <= 16 values: exact for small integers. Values past those are NaN here. */

static void check_shift(const subject *s, int64_t length, test_placement placement) {
  void *x = place(memory_x, placement, s, length);
  int64_t used = 16;
  while (used > length) used /= 2;
  double sum = 0;
  uint64_t seed = 5;
  for (int64_t i = 0; i < length; i++) {
    const double value = i < used ? small_integer(&seed) : (double)NAN;
    value_put(s->type, x, i, value);
    if (i < used) sum += value;
  }
  assert_same(s, s->family->run_shift(x, length), sum / (double)used, "run_shift", length, 0);
  /* One channel whose rows are single elements. */
  void *shift = guarded_end(memory_reals[0], s->family->real_size);
  s->family->row_shift(x, (norma_rows){.count = length, .width = 1, .stride = 1}, shift);
  assert_same(s, norma_real_at(s->family, shift, 0), sum / (double)used, "row_shift", length, 0);
}

static void check_shifts_of(const subject *s, int64_t length) {
  for (test_placement placement = 0; placement < PLACEMENTS; placement++) check_shift(s, length, placement);
}

static void shifts_of_subject(const subject *s) { for_each_size(s, 256, check_shifts_of); }

static void shifts(void **state) {
  (void)state;
  for_each_subject(shifts_of_subject);
}

/* ---- Rows -------------------------------------------------------------------------------------------- */

static const int64_t ROW_COUNTS[] = {1, 3, 4, 8, 17};

static int64_t rows_total(norma_rows rows) { return (rows.count - 1) * rows.stride + rows.width; }

static void check_row_shift(const subject *s, norma_rows rows, const void *x) {
  void *shift = guarded_end(memory_reals[0], rows.width * s->family->real_size);
  s->family->row_shift(x, rows, shift);
  int64_t used = 16;
  while (used > rows.count) used /= 2;
  for (int64_t c = 0; c < rows.width; c++) {
    double sum = 0;
    for (int64_t r = 0; r < used; r++) sum += value_at(s->type, x, r * rows.stride + c);
    assert_same(s, norma_real_at(s->family, shift, c), sum / (double)used, "row_shift", rows.width, c);
  }
}

static void check_row_sums(const subject *s, norma_rows rows, test_placement placement, bool exact) {
  void *x = place(memory_x, placement, s, rows_total(rows));
  void *dy = place(memory_dy, placement, s, rows_total(rows));
  fill(s, x, rows.count, rows.width, rows.stride, exact ? small_integer : normal, 6);
  fill(s, dy, rows.count, rows.width, rows.stride, exact ? small_integer : normal, 7);
  if (exact) check_row_shift(s, rows, x);
  void *reals[3];
  for (int i = 0; i < 3; i++) reals[i] = guarded_end(memory_reals[i], rows.width * s->family->real_size);
  const double shift = exact ? 2 : 1.25;
  for (int64_t c = 0; c < rows.width; c++) norma_real_put(s->family, reals[0], c, shift + (double)(c % 3));
  for (int gradients = 0; gradients < 2; gradients++) {
    const char *what = gradients ? "row_gradient_sums" : "row_moments";
    if (gradients) {
      s->family->row_gradient_sums(x, dy, rows, reals[0], reals[1], reals[2]);
    } else {
      s->family->row_moments(x, rows, reals[0], reals[1], reals[2]);
    }
    for (int64_t c = 0; c < rows.width; c++) {
      test_sums expected = {0};
      const double center = norma_real_at(s->family, reals[0], c);
      for (int64_t r = 0; r < rows.count; r++) {
        const double value = value_at(s->type, x, r * rows.stride + c);
        if (gradients) {
          add_gradients(&expected, value, value_at(s->type, dy, r * rows.stride + c), center);
        } else {
          add_moments(&expected, value, center);
        }
      }
      const double actual[2] = {norma_real_at(s->family, reals[1], c), norma_real_at(s->family, reals[2], c)};
      assert_sums(s, actual, &expected, exact, rows.count, what, rows.width);
    }
  }
}

static void check_row_sums_of(const subject *s, int64_t width) {
  for (size_t i = 0; i < sizeof ROW_COUNTS / sizeof *ROW_COUNTS; i++)
    for (test_placement placement = 0; placement < PLACEMENTS; placement++)
      check_row_sums(s, (norma_rows){.count = ROW_COUNTS[i], .width = width, .stride = width + GAP}, placement,
                     i % 2 == 0);
}

static void row_sums_of_subject(const subject *s) { for_each_size(s, 513, check_row_sums_of); }

static void row_sums(void **state) {
  (void)state;
  for_each_subject(row_sums_of_subject);
}

static norma_coefficients coefficients_of(const subject *s, norma_coefficient_rows by, int64_t c) {
  return (norma_coefficients){norma_real_at(s->family, by.center, c), norma_real_at(s->family, by.scale, c),
                              norma_real_at(s->family, by.offset, c), norma_real_at(s->family, by.slope, c)};
}

static norma_coefficient_rows coefficient_rows(const subject *s, int64_t width) {
  void *reals[4];
  uint64_t seed = 8;
  for (int i = 0; i < 4; i++) {
    reals[i] = guarded_end(memory_reals[i], width * s->family->real_size);
    for (int64_t c = 0; c < width; c++) norma_real_put(s->family, reals[i], c, random_uniform(&seed, -2, 2));
  }
  return (norma_coefficient_rows){reals[0], reals[1], reals[2], reals[3]};
}

static void check_row_outputs(const subject *s, norma_rows rows, test_placement placement) {
  const void *x = place(memory_x, placement, s, rows_total(rows));
  const void *dy = place(memory_dy, placement, s, rows_total(rows));
  void *out = place(memory_out, placement, s, rows_total(rows));
  const norma_coefficient_rows by = coefficient_rows(s, rows.width);
  for (int gradients = 0; gradients < 2; gradients++) {
    fill_pattern(out, rows_total(rows) * s->family->element_size);
    if (gradients) {
      s->family->row_gradient_input(x, dy, out, rows, by);
    } else {
      s->family->row_normalize(x, out, rows, by);
    }
    for (int64_t i = 0; i < rows_total(rows); i++) {
      if (i % rows.stride >= rows.width) continue;
      const norma_coefficients own = coefficients_of(s, by, i % rows.stride);
      const double value = value_at(s->type, x, i);
      const double expected = gradients ? gradient(s, value, value_at(s->type, dy, i), own) : normalized(s, value, own);
      assert_same(s, value_at(s->type, out, i), expected, gradients ? "row_gradient_input" : "row_normalize",
                  rows.width, i);
    }
    assert_gaps_untouched(s, out, rows.count, rows.width, rows.stride);
  }
}

static void check_row_outputs_of(const subject *s, int64_t width) {
  /* Rows may be streamed only where every row is aligned: a stride that is a multiple of 16 is. */
  const int64_t strides[] = {width + GAP, (width + 15) / 16 * 16};
  for (size_t i = 0; i < 2 * sizeof ROW_COUNTS / sizeof *ROW_COUNTS; i++) {
    norma_rows rows = {.count = ROW_COUNTS[i / 2], .width = width, .stride = strides[i % 2]};
    for (test_placement placement = 0; placement < PLACEMENTS; placement++) {
      fill(s, place(memory_x, placement, s, rows_total(rows)), rows.count, width, rows.stride, normal, 9);
      fill(s, place(memory_dy, placement, s, rows_total(rows)), rows.count, width, rows.stride, normal, 10);
      for (int stream = 0; stream < 2; stream++) {
        rows.stream = stream;
        check_row_outputs(s, rows, placement);
      }
    }
  }
}

static void row_outputs_of_subject(const subject *s) { for_each_size(s, 257, check_row_outputs_of); }

static void row_outputs(void **state) {
  (void)state;
  for_each_subject(row_outputs_of_subject);
}

/* ---- Totals of rows ------------------------------------------------------------------------------------ */

static void check_totals_of(const subject *s, int64_t width) {
  void *a = guarded_end(memory_reals[0], width * s->family->real_size);
  void *b = guarded_end(memory_reals[1], width * s->family->real_size);
  double *total_a = guarded_end(memory_reals[2], width * (int64_t)sizeof(double));
  double *total_b = guarded_end(memory_reals[3], width * (int64_t)sizeof(double));
  for (int64_t c = 0; c < width; c++) {
    norma_real_put(s->family, a, c, (double)c);
    norma_real_put(s->family, b, c, (double)(2 * c + 1));
    total_a[c] = 100;
    total_b[c] = (double)-c;
  }
  assert_int_equal(s->family->row_overflows(width, a, b), 0);
  s->family->row_add(width, a, b, total_a, total_b);
  for (int64_t c = 0; c < width; c++) {
    assert_same(s, total_a[c], (double)(100 + c), "row_add", width, c);
    assert_same(s, total_b[c], (double)(c + 1), "row_add", width, c);
  }
  norma_real_put(s->family, a, 0, (double)INFINITY);
  norma_real_put(s->family, b, width - 1, (double)NAN);
  assert_int_equal(s->family->row_overflows(width, a, b), width == 1 ? 1 : 2);
}

/* With n = 4 and off_center 1.25, a channel is settled while 1.25 sum^2 <= 4 square. */
static void check_settling_of(const subject *s, int64_t width) {
  void *sum = guarded_end(memory_reals[0], width * s->family->real_size);
  void *square = guarded_end(memory_reals[1], width * s->family->real_size);
  double *total_sum = guarded_end(memory_reals[2], width * (int64_t)sizeof(double));
  double *total_square = guarded_end(memory_reals[3], width * (int64_t)sizeof(double));
  int64_t unsettled = 0;
  for (int64_t c = 0; c < width; c++) {
    const double sums[] = {4, 5, 1, 1}; /* the first just so */
    const double squares[] = {5, 5, (double)INFINITY, 0.25};
    norma_real_put(s->family, sum, c, sums[c % 4]);
    norma_real_put(s->family, square, c, squares[c % 4]);
    total_sum[c] = total_square[c] = 0;
    unsettled += c % 4 != 0; /* off center; overflowed; less than `least` */
  }
  const norma_settling by = {.n = 4, .off_center = 1.25, .least = 0.5};
  assert_int_equal(s->family->row_unsettled(width, sum, square, total_sum, total_square, by), unsettled);
}

static void row_totals_of_subject(const subject *s) {
  for_each_size(s, 257, check_totals_of);
  for_each_size(s, 257, check_settling_of);
}

static void row_totals(void **state) {
  (void)state;
  for_each_subject(row_totals_of_subject);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(run_sums),
    cmocka_unit_test(run_outputs),
    cmocka_unit_test(shifts),
    cmocka_unit_test(row_sums),
    cmocka_unit_test(row_outputs),
    cmocka_unit_test(row_totals),
  };
  return cmocka_run_group_tests_name("kernels", tests, make_memory, free_memory);
}
