/*
 * Every kernel of every family of every level this processor has, on every size from 1 to 130 and about
 * the boundaries of blocks and chunks, in memory that ends and begins at unmapped pages.
 */
#include <math.h>
#include <stdlib.h>

#include "data.h"
#include "guard.h"
#include "half.h"
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
  bool wide;
  bool fma;
} subject;

/* Where arrays lie in their memory. */
typedef enum test_placement { AT_END, AT_BEGIN, AFTER_ONE, MIXED, PLACEMENTS } test_placement;

/* Arrays of elements: inputs x, residual and dy, and two outputs. */
static guarded memory_x, memory_residual, memory_dy, memory_out, memory_dresidual;
/* Arrays of reals: coefficients or sums of rows. */
enum { REALS = 5 };
static guarded memory_reals[REALS];

static int make_memory(void **state) {
  (void)state;
  const int64_t size = 18 * LARGEST * (int64_t)sizeof(double);
  memory_x = guarded_make(size);
  memory_residual = guarded_make(size);
  memory_dy = guarded_make(size);
  memory_out = guarded_make(size);
  memory_dresidual = guarded_make(size);
  for (int i = 0; i < REALS; i++) memory_reals[i] = guarded_make(LARGEST * (int64_t)sizeof(double));
  return 0;
}

static int free_memory(void **state) {
  (void)state;
  guarded_free(memory_x);
  guarded_free(memory_residual);
  guarded_free(memory_dy);
  guarded_free(memory_out);
  guarded_free(memory_dresidual);
  for (int i = 0; i < REALS; i++) guarded_free(memory_reals[i]);
  return 0;
}

/* MIXED: the outputs are aligned neither like the inputs nor like each other. */
static void *place(guarded memory, test_placement placement, const subject *s, int64_t count) {
  const int64_t size = s->family->element_size;
  switch (placement) {
    case AT_BEGIN: return memory.first;
    case AFTER_ONE: return memory.first + size;
    case MIXED:
      if (memory.first == memory_out.first) return memory.first + 3 * size;
      if (memory.first == memory_dresidual.first) return memory.first + 5 * size;
      return guarded_end(memory, count * size);
    default: return guarded_end(memory, count * size);
  }
}

static void for_each_subject(void (*check)(const subject *)) {
  for (int32_t i = 0; i < norma_isa_levels(); i++) {
    const norma_isa isa = norma_isa_at(i);
    if (!isa.supported) continue;
    const bool fma = level_has_fma(isa.name);
    for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
      check(&(subject){isa.name, isa.kernels->fast[type], type, parameter_type(type), false, fma});
      assert_int_equal(isa.kernels->wide[type] == NULL, type == NORMA_FLOAT64);
      if (isa.kernels->wide[type])
        check(&(subject){isa.name, isa.kernels->wide[type], type, NORMA_FLOAT64, true, fma});
    }
  }
}

/* What is fused takes turns with the sizes: over 48 of them, each has met every rest of a vector. */
static norma_fusion fusion_of(int64_t turn) { return (norma_fusion)(turn % 3); }

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

/* The values that belong together. */
typedef struct test_values {
  double x, residual, dy;
} test_values;

static double multiply_add(const subject *s, double a, double b, double c) {
  if (s->real_type == NORMA_FLOAT64) return s->fma ? fma(a, b, c) : a * b + c;
  const float x = (float)a, y = (float)b, z = (float)c;
  return (double)(s->fma ? fmaf(x, y, z) : x * y + z);
}

/* Of one operation on reals, done in double: that rounds twice, but like once, for double has the digits. */
static double real(const subject *s, double value) { return value_rounded(s->real_type, value); }

/* y, plus the residual if it is added, before ReLU. */
static double before_relu(const subject *s, test_values v, norma_coefficients by, norma_fusion fusion) {
  const double d = real(s, v.x - real(s, by.center));
  const double y = multiply_add(s, d, by.scale, by.bias);
  return fusion == FUSION_ADD_RELU ? real(s, y + v.residual) : y;
}

static double normalized(const subject *s, test_values v, norma_coefficients by, norma_fusion fusion) {
  const double z = before_relu(s, v, by, fusion);
  return value_rounded(s->type, fusion != FUSION_NONE && z < 0 ? 0 : z);
}

static double passed(const subject *s, test_values v, norma_coefficients by, norma_fusion fusion) {
  return fusion != FUSION_NONE && before_relu(s, v, by, fusion) <= 0 ? 0 : v.dy;
}

static double gradient(const subject *s, test_values v, norma_coefficients by, norma_fusion fusion) {
  const double d = real(s, real(s, by.center) - v.x);
  const double g = real(s, passed(s, v, by, fusion) - real(s, by.offset));
  return value_rounded(s->type, real(s, multiply_add(s, d, by.slope, g) * real(s, by.scale)));
}

static void assert_same(const subject *s, double actual, double expected, const char *what, int64_t size, int64_t i) {
  if (actual != expected || signbit(actual) != signbit(expected))
    fail_msg("%s, %s %s: %s of size %ld, element %ld: %a instead of %a", s->level, type_name(s->type),
             s->wide ? "wide" : "fast", what, (long)size, (long)i, actual, expected);
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

/* Of `exact` sums nothing rounds, nor does z before ReLU. */
static norma_coefficients sum_coefficients(bool exact) {
  return exact ? (norma_coefficients){.center = 2, .scale = 1, .bias = -1}
               : (norma_coefficients){.center = 1.25, .scale = 0.75, .bias = 0.1};
}

typedef struct test_inputs {
  void *x, *residual, *dy;
} test_inputs;

static test_inputs inputs_at(const subject *s, test_placement placement, int64_t count) {
  return (test_inputs){place(memory_x, placement, s, count), place(memory_residual, placement, s, count),
                       place(memory_dy, placement, s, count)};
}

static void fill_inputs(const subject *s, test_inputs in, int64_t count, int64_t length, int64_t stride,
                        generator *generate, uint64_t seed) {
  fill(s, in.x, count, length, stride, generate, seed);
  fill(s, in.dy, count, length, stride, generate, seed + 1);
  fill(s, in.residual, count, length, stride, generate, seed + 2);
}

static test_values values_at(const subject *s, test_inputs in, int64_t i) {
  return (test_values){value_at(s->type, in.x, i), value_at(s->type, in.residual, i), value_at(s->type, in.dy, i)};
}

/* Kernels get no residual where none is added: reading it would show. */
static const void *added(test_inputs in, norma_fusion fusion) {
  return fusion == FUSION_ADD_RELU ? in.residual : NULL;
}

static void check_run_sums(const subject *s, norma_runs runs, test_placement placement, bool exact) {
  const int64_t total = (runs.count - 1) * runs.stride + runs.length;
  const norma_coefficients by = sum_coefficients(exact);
  const test_inputs in = inputs_at(s, placement, total);
  fill_inputs(s, in, runs.count, runs.length, runs.stride, exact ? small_integer : normal, 1);
  test_sums moments = {0}, gradients = {0};
  for (int64_t i = 0; i < total; i++) {
    if (i % runs.stride >= runs.length) continue;
    const test_values v = values_at(s, in, i);
    add_moments(&moments, v.x, by.center);
    add_gradients(&gradients, v.x, passed(s, v, by, runs.fusion), by.center);
  }
  double actual[1][2];
  s->family->run_moments(in.x, runs, &by.center, actual);
  assert_sums(s, actual[0], &moments, exact, additions_of(s, runs), "run_moments", runs.length);
  s->family->run_gradient_sums(in.x, added(in, runs.fusion), in.dy, runs, &by, actual);
  assert_sums(s, actual[0], &gradients, exact, additions_of(s, runs), "run_gradient_sums", runs.length);
}

static void check_run_sums_of(const subject *s, int64_t length) {
  norma_runs runs = {.channels = 1, .length = length, .stride = length + GAP};
  for (runs.count = 1; runs.count <= (length > 130 ? 1 : 17); runs.count *= 4)
    for (test_placement placement = 0; placement < PLACEMENTS; placement++)
      for (int way = 0; way < 4; way++) {
        runs.apart = way / 2 ? length : 0; /* whole runs, which short ones are added up as rows; or pieces */
        runs.fusion = fusion_of(length + placement + runs.count);
        check_run_sums(s, runs, placement, way % 2);
      }
}

/* The sums of neighbouring channels; y lies in memory_out, dx in memory_dresidual. */
typedef struct group_results {
  double moments[GROUP][2], gradients[GROUP][2];
} group_results;

static void run_group(const subject *s, test_inputs in, norma_runs runs, const norma_coefficients *by,
                      const double *shift, int64_t at, group_results *to) {
  const int64_t bytes = at * s->family->element_size;
  const char *residual = added(in, runs.fusion);
  if (residual) residual += bytes;
  const norma_gradient_tensors tensors = {
    .x = (char *)in.x + bytes,
    .residual = residual,
    .dy = (char *)in.dy + bytes,
    .dx = (char *)memory_dresidual.first + bytes
  };
  s->family->run_moments((char *)in.x + bytes, runs, shift, to->moments);
  s->family->run_gradient_sums((char *)in.x + bytes, residual, (char *)in.dy + bytes, runs, by, to->gradients);
  s->family->run_normalize((char *)in.x + bytes, residual, memory_out.first + bytes, runs, by);
  s->family->run_gradient_input(tensors, runs, by);
}

/* Several channels in a call give each what it gives alone, also where their short runs are taken as rows. */
static void check_group(const subject *s, int64_t length) {
  if (length > 130 || length % 3 == 1) return;
  static const int64_t groups[] = {2, 5, GROUP};
  for (size_t i = 0; i < 2 * sizeof groups / sizeof *groups; i++) {
    const int64_t channels = groups[i / 2];
    norma_runs runs = {.count = i % 2 ? 2 : 17, .channels = channels, .length = length, .apart = length,
                       .stride = channels * length + GAP, .fusion = fusion_of(length / 3 + channels),
                       .stream = length % 2};
    const int64_t total = (runs.count - 1) * runs.stride + channels * length;
    const int64_t bytes = total * s->family->element_size;
    const test_inputs in = inputs_at(s, AT_END, total);
    fill_inputs(s, in, runs.count, channels * length, runs.stride, normal, 11);
    double shift[GROUP];
    norma_coefficients by[GROUP];
    for (int64_t c = 0; c < channels; c++) {
      shift[c] = 1 + 0.25 * (double)c;
      by[c] = (norma_coefficients){shift[c], 0.5 + 0.1 * (double)c, 0.1, -0.2 * (double)c, 0.3};
    }
    group_results together, alone;
    fill_pattern(memory_out.first, bytes);
    fill_pattern(memory_dresidual.first, bytes);
    run_group(s, in, runs, by, shift, 0, &together);
    char *y = new_bytes(bytes), *dx = new_bytes(bytes);
    memcpy(y, memory_out.first, (size_t)bytes);
    memcpy(dx, memory_dresidual.first, (size_t)bytes);
    runs.channels = 1;
    for (int as_rows = 1; as_rows >= 0; as_rows--) {
      if (!as_rows) runs.apart = 0;
      fill_pattern(memory_out.first, bytes);
      fill_pattern(memory_dresidual.first, bytes);
      for (int64_t c = 0; c < channels; c++) {
        run_group(s, in, runs, &by[c], &shift[c], c * length, &alone);
        if (!as_rows) continue; /* another order of sums */
        assert_memory_equal(alone.moments, together.moments[c], sizeof *alone.moments);
        assert_memory_equal(alone.gradients, together.gradients[c], sizeof *alone.gradients);
      }
      assert_memory_equal(memory_out.first, y, (size_t)bytes);
      assert_memory_equal(memory_dresidual.first, dx, (size_t)bytes);
    }
    free(y);
    free(dx);
  }
}

static void run_sums_of_subject(const subject *s) { for_each_size(s, LARGEST, check_run_sums_of); }

static void run_sums(void **state) {
  (void)state;
  for_each_subject(run_sums_of_subject);
}

static void groups_of_subject(const subject *s) { for_each_size(s, 130, check_group); }

static void groups(void **state) {
  (void)state;
  for_each_subject(groups_of_subject);
}

/* ---- The last pass over runs ------------------------------------------------------------------------ */

static const norma_coefficients COEFFICIENTS = {1.2345678901234567, 0.87654321, 0.1415926535897932,
                                                -0.3141592653589793, 0.271828};

static void check_run_normalize(const subject *s, norma_runs runs, test_placement placement) {
  const int64_t total = (runs.count - 1) * runs.stride + runs.length;
  const test_inputs in = inputs_at(s, placement, total);
  void *out = place(memory_out, placement, s, total);
  fill_pattern(out, total * s->family->element_size);
  s->family->run_normalize(in.x, added(in, runs.fusion), out, runs, &COEFFICIENTS);
  for (int64_t i = 0; i < total; i++)
    if (i % runs.stride < runs.length)
      assert_same(s, value_at(s->type, out, i), normalized(s, values_at(s, in, i), COEFFICIENTS, runs.fusion),
                  "run_normalize", runs.length, i);
  assert_gaps_untouched(s, out, runs.count, runs.length, runs.stride);
}

/* dresidual is wanted every other time. */
static bool wants_dresidual(norma_fusion fusion, int64_t turn) {
  return fusion == FUSION_ADD_RELU && turn / 3 % 2 == 0;
}

static void check_run_gradient(const subject *s, norma_runs runs, test_placement placement) {
  const int64_t total = (runs.count - 1) * runs.stride + runs.length;
  const test_inputs in = inputs_at(s, placement, total);
  void *dx = place(memory_out, placement, s, total);
  void *dresidual = wants_dresidual(runs.fusion, runs.length) ? place(memory_dresidual, placement, s, total) : NULL;
  fill_pattern(dx, total * s->family->element_size);
  if (dresidual) fill_pattern(dresidual, total * s->family->element_size);
  const norma_gradient_tensors tensors = {in.x, added(in, runs.fusion), in.dy, dx, dresidual};
  s->family->run_gradient_input(tensors, runs, &COEFFICIENTS);
  for (int64_t i = 0; i < total; i++) {
    if (i % runs.stride >= runs.length) continue;
    const test_values v = values_at(s, in, i);
    assert_same(s, value_at(s->type, dx, i), gradient(s, v, COEFFICIENTS, runs.fusion), "run_gradient_input",
                runs.length, i);
    if (dresidual)
      assert_same(s, value_at(s->type, dresidual, i), passed(s, v, COEFFICIENTS, runs.fusion), "dresidual of runs",
                  runs.length, i);
  }
  assert_gaps_untouched(s, dx, runs.count, runs.length, runs.stride);
  if (dresidual) assert_gaps_untouched(s, dresidual, runs.count, runs.length, runs.stride);
}

static void check_run_outputs_of(const subject *s, int64_t length) {
  norma_runs runs = {.channels = 1, .length = length, .stride = length + GAP};
  for (test_placement placement = 0; placement < PLACEMENTS; placement++) {
    for (runs.count = 1; runs.count <= (length > 130 ? 1 : 2); runs.count++) {
      const int64_t total = (runs.count - 1) * runs.stride + length;
      fill_inputs(s, inputs_at(s, placement, total), runs.count, length, runs.stride, normal, 3);
      for (int way = 0; way < 4; way++) {
        runs.stream = way % 2;
        runs.ahead = way / 2 * runs.count * runs.stride; /* beyond the end: a prefetch is no read */
        runs.fusion = fusion_of(length + placement + runs.count + way / 2);
        check_run_normalize(s, runs, placement);
        check_run_gradient(s, runs, placement);
      }
    }
  }
}

static void run_outputs_of_subject(const subject *s) { for_each_size(s, LARGEST, check_run_outputs_of); }

static void run_outputs(void **state) {
  (void)state;
  for_each_subject(run_outputs_of_subject);
}

/* ---- Conversions of 16-bit floats -------------------------------------------------------------------
 * Every one of them is read, and what comes of it is written, as half.h does with one number. */

enum { HALVES = 65536 };

static double widened(const subject *s, uint16_t h) {
  return (double)(s->type == NORMA_BFLOAT16 ? norma_float_of_bf16(h) : norma_float_of_f16(h));
}

static uint16_t narrowed(const subject *s, double value) {
  const float narrow = s->wide ? norma_odd_float(value) : (float)value;
  return s->type == NORMA_BFLOAT16 ? norma_bf16_of_float(narrow) : norma_f16_of_float(narrow);
}

/* `any_nan`: where arithmetic has made a NaN, any is right; else the bits of the one that was read. */
static void assert_converted(const subject *s, norma_coefficients by, bool any_nan, int64_t count, const char *what) {
  const uint16_t *x = (const void *)memory_x.first;
  const uint16_t *out = (const void *)memory_out.first;
  for (int64_t i = 0; i < count; i++) {
    const double value = multiply_add(s, widened(s, x[i]), by.scale, by.bias);
    const uint16_t expected = narrowed(s, value);
    if (out[i] != expected && !(any_nan && isnan(value) && isnan(value_at(s->type, out, i))))
      fail_msg("%s, %s %s: 0x%04x times %a becomes 0x%04x instead of 0x%04x %s", s->level, type_name(s->type),
               s->wide ? "wide" : "fast", x[i], by.scale, out[i], expected, what);
  }
}

static void convert_runs(const subject *s, norma_coefficients by, bool any_nan) {
  for (int stream = 0; stream < 2; stream++) {
    fill_pattern(memory_out.first, HALVES * 2);
    const norma_runs runs = {.count = 1, .channels = 1, .length = HALVES, .stream = stream};
    s->family->run_normalize(memory_x.first, NULL, memory_out.first, runs, &by);
    assert_converted(s, by, any_nan, HALVES, "in runs");
  }
}

static void convert_rows(const subject *s, norma_coefficients by, bool any_nan) {
  static const int64_t widths[] = {21, 64}; /* whole vectors and a rest; whole vectors, which may be streamed */
  double reals[4][64];
  for (int64_t c = 0; c < 64; c++) {
    norma_real_put(s->family, reals[0], c, by.center);
    norma_real_put(s->family, reals[1], c, by.scale);
    norma_real_put(s->family, reals[2], c, by.bias);
    norma_real_put(s->family, reals[3], c, 0);
  }
  for (int way = 0; way < 4; way++) {
    const int64_t width = widths[way / 2];
    const norma_rows rows = {.count = HALVES / width, .width = width, .stride = width, .stream = way % 2};
    fill_pattern(memory_out.first, HALVES * 2);
    const norma_coefficient_rows by_rows = {reals[0], reals[1], reals[2], reals[3], reals[3]};
    s->family->row_normalize(memory_x.first, NULL, memory_out.first, rows, by_rows);
    assert_converted(s, by, any_nan, rows.count * width, "in rows");
  }
}

static void conversions_of_subject(const subject *s) {
  if (!is_half(s->type)) return;
  for (int h = 0; h < HALVES; h++) ((uint16_t *)(void *)memory_x.first)[h] = (uint16_t)h;
  /* -0 is what keeps -0 when it is added. */
  const norma_coefficients unchanged = {.scale = 1, .bias = -0.0};
  convert_runs(s, unchanged, false);
  convert_rows(s, unchanged, false);
  /* Ties; any digits; subnormal numbers; what is too large. */
  const float scales[] = {0x1.01p0F, 0x1.004p0F, 0x1.555556p0F, -0x1.2468acp-1F, 0x1.8p-12F, 0x1.8p-100F, 0x1p12F};
  for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
    const norma_coefficients by = {.scale = (double)scales[i], .bias = i % 2 ? 0x1p-30 : -0.0};
    convert_runs(s, by, true);
    convert_rows(s, by, true);
  }
}

static void conversions(void **state) {
  (void)state;
  for_each_subject(conversions_of_subject);
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
enum { ROW_COUNTS_COUNT = sizeof ROW_COUNTS / sizeof *ROW_COUNTS };

/* Beyond two vectors, and what is left of one, two counts of rows do: without four at once, and with all. */
static bool takes_count(int i, int64_t width) { return width <= 40 || ROW_COUNTS[i] == 3 || ROW_COUNTS[i] == 17; }

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

/* Sums of channel `c` as they should be, and as they are. */
static void check_row_sum(const subject *s, norma_rows rows, test_inputs in, norma_coefficients by, int64_t c,
                          bool gradients, bool exact, const void *first, const void *second) {
  test_sums expected = {0};
  for (int64_t r = 0; r < rows.count; r++) {
    const test_values v = values_at(s, in, r * rows.stride + c);
    if (gradients) {
      add_gradients(&expected, v.x, passed(s, v, by, rows.fusion), by.center);
    } else {
      add_moments(&expected, v.x, by.center);
    }
  }
  const double actual[2] = {norma_real_at(s->family, first, c), norma_real_at(s->family, second, c)};
  assert_sums(s, actual, &expected, exact, rows.count, gradients ? "row_gradient_sums" : "row_moments", rows.width);
}

/* Neighbours differ in their center. */
static norma_coefficients sum_coefficients_at(int64_t c, bool exact) {
  norma_coefficients by = sum_coefficients(exact);
  by.center += (double)(c % 3);
  return by;
}

static void check_row_sums(const subject *s, norma_rows rows, test_placement placement, bool exact) {
  const test_inputs in = inputs_at(s, placement, rows_total(rows));
  fill_inputs(s, in, rows.count, rows.width, rows.stride, exact ? small_integer : normal, 6);
  if (exact) check_row_shift(s, rows, in.x);
  void *reals[REALS];
  for (int i = 0; i < REALS; i++) reals[i] = guarded_end(memory_reals[i], rows.width * s->family->real_size);
  for (int64_t c = 0; c < rows.width; c++) {
    norma_real_put(s->family, reals[0], c, sum_coefficients_at(c, exact).center);
    norma_real_put(s->family, reals[1], c, sum_coefficients_at(c, exact).scale);
    norma_real_put(s->family, reals[2], c, sum_coefficients_at(c, exact).bias);
  }
  const bool relu = rows.fusion != FUSION_NONE;
  const norma_coefficient_rows by = {
    .center = reals[0], .scale = relu ? reals[1] : NULL, .bias = relu ? reals[2] : NULL};
  s->family->row_moments(in.x, rows, reals[0], reals[3], reals[4]);
  for (int64_t c = 0; c < rows.width; c++)
    check_row_sum(s, rows, in, sum_coefficients_at(c, exact), c, false, exact, reals[3], reals[4]);
  s->family->row_gradient_sums(in.x, added(in, rows.fusion), in.dy, rows, by, reals[3], reals[4]);
  for (int64_t c = 0; c < rows.width; c++)
    check_row_sum(s, rows, in, sum_coefficients_at(c, exact), c, true, exact, reals[3], reals[4]);
}

static void check_row_sums_of(const subject *s, int64_t width) {
  for (int i = 0; i < ROW_COUNTS_COUNT; i++)
    for (test_placement placement = 0; placement < PLACEMENTS && takes_count(i, width); placement++)
      check_row_sums(s, (norma_rows){.count = ROW_COUNTS[i], .width = width, .stride = width + GAP,
                                     .fusion = fusion_of(width + i + placement)},
                     placement, i % 2 == 0);
}

static void row_sums_of_subject(const subject *s) { for_each_size(s, 513, check_row_sums_of); }

static void row_sums(void **state) {
  (void)state;
  for_each_subject(row_sums_of_subject);
}

static norma_coefficients coefficients_of(const subject *s, norma_coefficient_rows by, int64_t c) {
  return (norma_coefficients){norma_real_at(s->family, by.center, c), norma_real_at(s->family, by.scale, c),
                              norma_real_at(s->family, by.bias, c), norma_real_at(s->family, by.offset, c),
                              norma_real_at(s->family, by.slope, c)};
}

static norma_coefficient_rows coefficient_rows(const subject *s, int64_t width) {
  void *reals[REALS];
  uint64_t seed = 8;
  for (int i = 0; i < REALS; i++) {
    reals[i] = guarded_end(memory_reals[i], width * s->family->real_size);
    for (int64_t c = 0; c < width; c++) norma_real_put(s->family, reals[i], c, random_uniform(&seed, -2, 2));
  }
  return (norma_coefficient_rows){reals[0], reals[1], reals[2], reals[3], reals[4]};
}

static void check_row_normalize(const subject *s, norma_rows rows, test_placement placement) {
  const test_inputs in = inputs_at(s, placement, rows_total(rows));
  void *out = place(memory_out, placement, s, rows_total(rows));
  const norma_coefficient_rows by = coefficient_rows(s, rows.width);
  fill_pattern(out, rows_total(rows) * s->family->element_size);
  s->family->row_normalize(in.x, added(in, rows.fusion), out, rows, by);
  for (int64_t i = 0; i < rows_total(rows); i++) {
    if (i % rows.stride >= rows.width) continue;
    const norma_coefficients own = coefficients_of(s, by, i % rows.stride);
    assert_same(s, value_at(s->type, out, i), normalized(s, values_at(s, in, i), own, rows.fusion), "row_normalize",
                rows.width, i);
  }
  assert_gaps_untouched(s, out, rows.count, rows.width, rows.stride);
}

static void check_row_gradient(const subject *s, norma_rows rows, test_placement placement) {
  const test_inputs in = inputs_at(s, placement, rows_total(rows));
  const int64_t bytes = rows_total(rows) * s->family->element_size;
  void *dx = place(memory_out, placement, s, rows_total(rows));
  void *dresidual =
      wants_dresidual(rows.fusion, rows.width) ? place(memory_dresidual, placement, s, rows_total(rows)) : NULL;
  const norma_coefficient_rows by = coefficient_rows(s, rows.width);
  fill_pattern(dx, bytes);
  if (dresidual) fill_pattern(dresidual, bytes);
  const norma_gradient_tensors tensors = {in.x, added(in, rows.fusion), in.dy, dx, dresidual};
  s->family->row_gradient_input(tensors, rows, by);
  for (int64_t i = 0; i < rows_total(rows); i++) {
    if (i % rows.stride >= rows.width) continue;
    const norma_coefficients own = coefficients_of(s, by, i % rows.stride);
    const test_values v = values_at(s, in, i);
    assert_same(s, value_at(s->type, dx, i), gradient(s, v, own, rows.fusion), "row_gradient_input", rows.width, i);
    if (dresidual)
      assert_same(s, value_at(s->type, dresidual, i), passed(s, v, own, rows.fusion), "dresidual of rows", rows.width,
                  i);
  }
  assert_gaps_untouched(s, dx, rows.count, rows.width, rows.stride);
  if (dresidual) assert_gaps_untouched(s, dresidual, rows.count, rows.width, rows.stride);
}

static void check_row_outputs_of(const subject *s, int64_t width) {
  /* Rows may be streamed only where every row is aligned: a stride that is a multiple of 16 is. */
  const int64_t strides[] = {width + GAP, (width + 15) / 16 * 16};
  for (int i = 0; i < 2 * ROW_COUNTS_COUNT; i++) {
    if (!takes_count(i / 2, width)) continue;
    norma_rows rows = {.count = ROW_COUNTS[i / 2], .width = width, .stride = strides[i % 2]};
    for (test_placement placement = 0; placement < PLACEMENTS; placement++) {
      fill_inputs(s, inputs_at(s, placement, rows_total(rows)), rows.count, width, rows.stride, normal, 9);
      rows.fusion = fusion_of(width + i + placement);
      for (int stream = 0; stream <= i % 2; stream++) {
        rows.stream = stream;
        check_row_normalize(s, rows, placement);
        check_row_gradient(s, rows, placement);
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
    cmocka_unit_test(groups),
    cmocka_unit_test(run_outputs),
    cmocka_unit_test(conversions),
    cmocka_unit_test(shifts),
    cmocka_unit_test(row_sums),
    cmocka_unit_test(row_outputs),
    cmocka_unit_test(row_totals),
  };
  return cmocka_run_group_tests_name("kernels", tests, make_memory, free_memory);
}
