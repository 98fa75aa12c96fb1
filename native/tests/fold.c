/*
 * Folding against its formulas in long double, in memory between pages that nobody may touch; and folded layers
 * against the layer and its normalization.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "guard.h"

enum { ARRAYS = 8 };

/* A normalization, the layer before it, and what becomes of it. */
typedef struct folding {
  int32_t type;
  int64_t channels, fan_in;
  double epsilon;
  void *weights, *bias, *gamma, *beta, *running_mean, *running_var, *folded_weights, *folded_bias;
  guarded memory[ARRAYS];
  int arrays;
} folding;

/* At the end of its memory. */
static void *new_array(folding *f, int64_t count, int64_t size) {
  const guarded memory = guarded_make(count * size);
  f->memory[f->arrays++] = memory;
  return guarded_end(memory, count * size);
}

static void *new_parameters(folding *f, double low, double high, uint64_t *seed) {
  void *parameters = new_array(f, f->channels, parameter_size(f->type));
  for (int64_t c = 0; c < f->channels; c++) parameter_put(f->type, parameters, c, random_uniform(seed, low, high));
  return parameters;
}

static folding folding_make(int32_t type, int64_t channels, int64_t fan_in, uint64_t seed) {
  folding f = {.type = type, .channels = channels, .fan_in = fan_in, .epsilon = 1e-5};
  f.weights = new_array(&f, channels * fan_in, value_size(type));
  for (int64_t i = 0; i < channels * fan_in; i++) value_put(type, f.weights, i, random_normal(&seed));
  f.bias = new_parameters(&f, -2, 2, &seed);
  f.gamma = new_parameters(&f, -1.5, 1.5, &seed);
  f.beta = new_parameters(&f, -1, 1, &seed);
  f.running_mean = new_parameters(&f, -3, 3, &seed);
  f.running_var = new_parameters(&f, 0.1, 4, &seed);
  f.folded_weights = new_array(&f, channels * fan_in, value_size(type));
  f.folded_bias = new_array(&f, channels, parameter_size(type));
  return f;
}

static void folding_free(folding *f) {
  for (int i = 0; i < f->arrays; i++) guarded_free(f->memory[i]);
}

static int64_t weights_size(const folding *f) { return f->channels * f->fan_in * value_size(f->type); }

static int64_t parameters_size(const folding *f) { return f->channels * parameter_size(f->type); }

static void fold(const folding *f) {
  assert_int_equal(norma_batch_norm_fold(f->type, f->channels, f->fan_in, f->epsilon, f->weights, f->bias, f->gamma,
                                         f->beta, f->running_mean, f->running_var, f->folded_weights,
                                         f->folded_bias), NORMA_OK);
}

/* A copy of an array, so that it may be overwritten. */
static void *copy_of(const void *array, int64_t size) {
  void *copy = new_bytes(size);
  memcpy(copy, array, (size_t)size);
  return copy;
}

static void for_each_type(void (*check)(int32_t)) {
  for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) check(type);
}

/* ---- The formulas ------------------------------------------------------------------------------------------ */

static double parameter_or(const folding *f, const void *parameters, int64_t c, double absent) {
  return parameters ? parameter_at(f->type, parameters, c) : absent;
}

static long double scale_of(const folding *f, int64_t c) {
  const long double square = (long double)parameter_at(f->type, f->running_var, c) + (long double)f->epsilon;
  const long double inv_std = square == 0 ? 0 : 1 / sqrtl(square);
  return (long double)parameter_or(f, f->gamma, c, 1) * inv_std;
}

/*
 * The sum with epsilon, of which the root halves the error, the root, the quotient and two products are rounded in
 * double: 4.5 units of 2^-53 of the weight, 5.5 of (bias - mean) * scale and one of its sum with beta. Where long
 * double is no more than double, as under valgrind, the oracle is off by as much. A scale or a product that is
 * subnormal is off by the spacing of such numbers.
 */
static const double ROUNDINGS = 12 * 0x1p-53;
static const double SPACING = 0x1p-1074;

/* Of a number, or a difference, times the scale. */
static double tolerance_of(long double factor, long double scale) {
  return ROUNDINGS * fabs((double)(factor * scale)) + SPACING * (1 + fabs((double)factor));
}

/* What float cannot hold is infinite. */
static double stored(int32_t type, double value) {
  const bool beyond = type == NORMA_FLOAT32 && fabs(value) >= 0x1.ffffffp127;
  return beyond ? copysign((double)INFINITY, value) : value_rounded(type, value);
}

/* What some number within the tolerance is rounded to, once. */
static void assert_rounded_once(int32_t type, double actual, long double exact, double tolerance, const char *what,
                                int64_t i) {
  const double expected = (double)exact;
  const double low = stored(type, expected - tolerance);
  const double high = stored(type, expected + tolerance);
  if (isfinite(expected) && low <= actual && actual <= high) return;
  assert_close(actual, stored(type, expected), 0, "%s %ld of %s", what, (long)i, type_name(type));
}

/* By weights and bias as they were before. */
static void compare(const folding *f, const void *weights, const void *bias) {
  for (int64_t c = 0; c < f->channels; c++) {
    const long double scale = scale_of(f, c);
    for (int64_t i = c * f->fan_in; i < (c + 1) * f->fan_in; i++) {
      const long double weight = (long double)value_at(f->type, weights, i);
      assert_rounded_once(f->type, value_at(f->type, f->folded_weights, i), weight * scale,
                          tolerance_of(weight, scale), "weight", i);
    }
    const long double deviation = (long double)parameter_or(f, bias, c, 0) -
                                  (long double)parameter_at(f->type, f->running_mean, c);
    const double beta = parameter_or(f, f->beta, c, 0);
    assert_rounded_once(parameter_type(f->type), parameter_at(f->type, f->folded_bias, c),
                        deviation * scale + (long double)beta,
                        tolerance_of(deviation, scale) + ROUNDINGS * fabs(beta), "bias", c);
  }
}

/* Folds and compares, out of place; the layer stays as it was. */
static void check(const folding *f) {
  void *weights = copy_of(f->weights, weights_size(f));
  void *bias = f->bias ? copy_of(f->bias, parameters_size(f)) : NULL;
  fold(f);
  compare(f, weights, bias);
  assert_memory_equal(f->weights, weights, (size_t)weights_size(f));
  if (bias) assert_memory_equal(f->bias, bias, (size_t)parameters_size(f));
  free(weights);
  free(bias);
}

/* In place the bits are the same. */
static void check_in_place(const folding *f) {
  void *weights = copy_of(f->folded_weights, weights_size(f));
  void *bias = copy_of(f->folded_bias, parameters_size(f));
  folding in_place = *f;
  in_place.folded_weights = f->weights;
  if (f->bias) in_place.folded_bias = f->bias;
  fold(&in_place);
  assert_memory_equal(in_place.folded_weights, weights, (size_t)weights_size(f));
  assert_memory_equal(in_place.folded_bias, bias, (size_t)parameters_size(f));
  free(weights);
  free(bias);
}

/* Every size, with and without bias, gamma and beta. */
static void check_formulas(int32_t type) {
  const int64_t sizes[][2] = {{1, 1}, {1, 7}, {3, 1}, {5, 27}, {70, 4}, {2, 1000}};
  for (int size = 0; size < 6; size++)
    for (int absent = 0; absent < 8; absent++) {
      folding f = folding_make(type, sizes[size][0], sizes[size][1], 91);
      if (absent & 1) f.bias = NULL;
      if (absent & 2) f.gamma = NULL;
      if (absent & 4) f.beta = NULL;
      check(&f);
      check_in_place(&f);
      folding_free(&f);
    }
}

static void formulas(void **state) {
  (void)state;
  for_each_type(check_formulas);
}

/* NaN, infinities, zeros, the smallest and nearly the largest numbers, a mean far from zero, a negative variance. */
static void check_special_values(int32_t type) {
  const double largest = largest_value(parameter_type(type)) / 16;
  const double smallest = smallest_value(parameter_type(type));
  const double specials[] = {(double)NAN, (double)INFINITY, (double)-INFINITY, 0, -0.0, smallest, 3 * smallest,
                             largest, -largest, 1e7, -1};
  for (int special = 0; special < 11; special++)
    for (int of = 0; of < 5; of++)
      for (int with_epsilon = 0; with_epsilon < 2; with_epsilon++) {
        folding f = folding_make(type, 3, 5, 92);
        if (!with_epsilon) f.epsilon = 0;
        void *const arrays[] = {f.bias, f.gamma, f.beta, f.running_mean, f.running_var};
        parameter_put(type, arrays[of], 1, specials[special]);
        check(&f);
        /* In no other channel. */
        for (int64_t i = 0; i < 15; i++)
          assert_true(i / 5 == 1 || isfinite(value_at(type, f.folded_weights, i)));
        assert_true(isfinite(parameter_at(type, f.folded_bias, 0)) && isfinite(parameter_at(type, f.folded_bias, 2)));
        folding_free(&f);
      }
}

static void special_values(void **state) {
  (void)state;
  for_each_type(check_special_values);
}

static void check_special_weights(int32_t type) {
  const double specials[] = {(double)NAN,   (double)INFINITY,       (double)-INFINITY,   0, -0.0, smallest_value(type),
                             -7 * smallest_value(type), largest_value(type), -largest_value(type) / 2};
  folding f = folding_make(type, 2, 9, 93);
  for (int64_t i = 0; i < 18; i++) value_put(type, f.weights, i, specials[i % 9]);
  check(&f);
  check_in_place(&f);
  folding_free(&f);
}

static void special_weights(void **state) {
  (void)state;
  for_each_type(check_special_weights);
}

/* Gamma 0 leaves beta, and so does a constant channel without epsilon. */
static void check_nothing_but_beta(int32_t type) {
  folding f = folding_make(type, 2, 3, 94);
  f.epsilon = 0;
  parameter_put(type, f.gamma, 0, 0);
  parameter_put(type, f.running_var, 1, 0);
  fold(&f);
  for (int64_t i = 0; i < 6; i++) assert_close(value_at(type, f.folded_weights, i), 0, 0, "weight %ld", (long)i);
  assert_memory_equal(f.folded_bias, f.beta, (size_t)parameters_size(&f));
  folding_free(&f);
}

static void nothing_but_beta(void **state) {
  (void)state;
  for_each_type(check_nothing_but_beta);
}

/* Mean and bias near each other, far from zero: their difference is exact in double. */
static void check_far_mean(int32_t type) {
  folding f = folding_make(type, 3, 4, 95);
  f.epsilon = 0;
  for (int64_t c = 0; c < 3; c++) {
    parameter_put(type, f.bias, c, 1e7 + (double)c);
    parameter_put(type, f.running_mean, c, 1e7);
    parameter_put(type, f.running_var, c, 0.25);
    parameter_put(type, f.gamma, c, 1);
    parameter_put(type, f.beta, c, 0.5);
  }
  fold(&f);
  for (int64_t c = 0; c < 3; c++)
    assert_close(parameter_at(type, f.folded_bias, c), 2 * (double)c + 0.5, 0, "bias %ld", (long)c);
  folding_free(&f);
}

static void far_mean(void **state) {
  (void)state;
  for_each_type(check_far_mean);
}

/*
 * Numbers of 16 bits are rounded once: a scale that lies 2^-30 beside the middle of two of them would be in the middle
 * as a float, and go to the even one.
 */
static void rounded_once(void **state) {
  (void)state;
  for (int32_t type = NORMA_BFLOAT16; type <= NORMA_FLOAT16; type++)
    for (int odd = 0; odd < 2; odd++) {
      const double unit = 2 * unit_roundoff(type);
      const double scale = 1 + odd * unit + unit / 2 + (odd ? -0x1p-30 : 0x1p-30);
      folding f = folding_make(type, 1, 1, 96);
      f.gamma = NULL;
      f.epsilon = 1 / (scale * scale);
      value_put(type, f.weights, 0, 1);
      parameter_put(type, f.running_var, 0, 0);
      fold(&f);
      assert_close(value_at(type, f.folded_weights, 0), 1 + unit, 0, "a weight of %s", type_name(type));
      folding_free(&f);
    }
}

/* ---- Folded layers ----------------------------------------------------------------------------------------- */

/* A convolution without padding, one step at a time; a dense layer where all spatial extents are 1. */
typedef struct convolution {
  int64_t batch, inputs, height, width;
  int64_t outputs, groups, filter_height, filter_width;
} convolution;

static int64_t fan_in_of(const convolution *v) {
  return v->inputs / v->groups * v->filter_height * v->filter_width;
}

static int64_t spatial_of(const convolution *v) {
  return (v->height - v->filter_height + 1) * (v->width - v->filter_width + 1);
}

/* A sum, and the sum of the magnitudes of its terms. */
typedef struct magnitudes {
  double sum, size;
} magnitudes;

/* The weights of output channel o times what lies under them, for output s of sample n. */
static magnitudes convolve(const convolution *v, int32_t type, const void *x, const void *weights, int64_t n,
                           int64_t o, int64_t s) {
  const int64_t in_group = v->inputs / v->groups;
  const int64_t first = o / (v->outputs / v->groups) * in_group;
  const int64_t across = v->width - v->filter_width + 1;
  magnitudes m = {0, 0};
  int64_t weight = o * fan_in_of(v);
  for (int64_t i = first; i < first + in_group; i++)
    for (int64_t row = 0; row < v->filter_height; row++)
      for (int64_t column = 0; column < v->filter_width; column++, weight++) {
        const int64_t under = ((n * v->inputs + i) * v->height + s / across + row) * v->width + s % across + column;
        const double term = value_at(type, weights, weight) * value_at(type, x, under);
        m.sum += term;
        m.size += fabs(term);
      }
  return m;
}

/*
 * Both ways from the same input. u is the unit roundoff of an element, p of a parameter, z the layer's output.
 *   The folded weights are rounded by u each, the folded bias by p: u |scale| size + p |folded bias|.
 *   The other way z is rounded when it is stored: u |z| |scale|; then it is normalized, and rounded by u when that is
 *     stored: u |y|.
 *   Normalizing, and with NORMA_FLOAT64 folding too, is no more than 8 roundings: 16 p (|z - mean| |scale| + |beta|).
 *     A sum of doubles takes as many roundings as it has terms, fan_in u each way.
 * Subnormal numbers are off by half of their spacing: weights times their inputs, z times the scale, and y.
 */
static void check_layer(const convolution *v, int32_t type) {
  const int64_t fan_in = fan_in_of(v);
  const int64_t spatial = spatial_of(v);
  const int64_t inputs = v->batch * v->inputs * v->height * v->width;
  folding f = folding_make(type, v->outputs, fan_in, 97);
  uint64_t seed = 98;
  void *x = new_bytes(inputs * value_size(type));
  void *y = new_bytes(v->batch * v->outputs * spatial * value_size(type));
  double largest_x = 0;
  for (int64_t i = 0; i < inputs; i++) {
    value_put(type, x, i, random_normal(&seed));
    largest_x = fmax(largest_x, fabs(value_at(type, x, i)));
  }
  fold(&f);

  for (int64_t i = 0; i < v->batch * v->outputs * spatial; i++) {
    const int64_t o = i / spatial % v->outputs;
    const double z = convolve(v, type, x, f.weights, i / spatial / v->outputs, o, i % spatial).sum;
    value_put(type, y, i, z + parameter_at(type, f.bias, o));
  }
  const norma_batch_norm norm = {v->batch, v->outputs, spatial, f.epsilon, type, NORMA_CHANNELS_FIRST, 1};
  assert_int_equal(norma_batch_norm_forward_inference(&norm, y, f.gamma, f.beta, f.running_mean, f.running_var, y,
                                                      NULL, 0), NORMA_OK);

  const double u = unit_roundoff(type);
  const double p = unit_roundoff(parameter_type(type));
  for (int64_t i = 0; i < v->batch * v->outputs * spatial; i++) {
    const int64_t o = i / spatial % v->outputs;
    const int64_t n = i / spatial / v->outputs;
    const double scale = fabs((double)scale_of(&f, o));
    const double bias = parameter_at(type, f.folded_bias, o);
    const magnitudes z = convolve(v, type, x, f.weights, n, o, i % spatial);
    const double actual = convolve(v, type, x, f.folded_weights, n, o, i % spatial).sum + bias;
    const double expected = value_at(type, y, i);
    const double size = scale * (z.size + fabs(parameter_at(type, f.bias, o)));
    const double sums = type == NORMA_FLOAT64 ? 2 * (double)fan_in : 0;
    const double mean = fabs(parameter_at(type, f.running_mean, o));
    const double beta = fabs(parameter_at(type, f.beta, o));
    const double subnormal = smallest_value(type) * ((double)fan_in * largest_x + scale + 1);
    const double tolerance = (2 + sums) * u * size + p * fabs(bias) + 16 * p * (size + scale * mean + beta) +
                             u * fabs(expected) + subnormal;
    assert_close(actual, expected, tolerance, "output %ld of %s", (long)i, type_name(type));
  }
  free(x);
  free(y);
  folding_free(&f);
}

static void check_layers(int32_t type) {
  const convolution layers[] = {
    {5, 13, 1, 1, 7, 1, 1, 1}, /* dense */
    {2, 3, 6, 5, 4, 1, 3, 2},
    {2, 6, 5, 5, 4, 2, 3, 3}, /* two groups */
    {1, 4, 6, 6, 8, 4, 2, 3}, /* each input for itself, two outputs of each */
    {2, 8, 3, 3, 3, 1, 1, 1}
  };
  for (int i = 0; i < 5; i++) check_layer(&layers[i], type);
}

static void folded_layers(void **state) {
  (void)state;
  for_each_type(check_layers);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(formulas),
    cmocka_unit_test(special_values),
    cmocka_unit_test(special_weights),
    cmocka_unit_test(nothing_but_beta),
    cmocka_unit_test(far_mean),
    cmocka_unit_test(rounded_once),
    cmocka_unit_test(folded_layers),
  };
  return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
