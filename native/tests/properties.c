/*
 * Random and hard data against the formulas, within bounds that follow from the arithmetic: means far from
 * zero, ranges that float does not have, drifting data, NaN and infinity, every size of epsilon.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"

static const int64_t SHAPES[][3] = {
  {2, 1, 1}, {2, 3, 1}, {3, 5, 2}, {8, 16, 1}, {127, 3, 1}, {300, 37, 1}, {5, 150, 1}, {4, 3, 31}, {2, 5, 33},
  {32, 8, 49}, {700, 2, 3}, {1, 4, 4095}, {2, 2, 4097}, {3, 2, 9001}, {4, 20, 64}
};

static void for_each_layer(void (*check)(test_layer *)) {
  for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++)
    for (int32_t layout = NORMA_CHANNELS_FIRST; layout <= NORMA_CHANNELS_LAST; layout++)
      for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
        const int64_t *s = SHAPES[i];
        test_layer layer = layer_make((norma_batch_norm){s[0], s[1], s[2], 1e-5, type, layout, 2});
        check(&layer);
        layer_free(&layer);
      }
}

static void run_over_layers(const char *name, void (*check)(test_layer *)) {
  memset(largest, 0, sizeof largest);
  for_each_layer(check);
  print_largest_errors(name);
}

/* ---- Ordinary data --------------------------------------------------------------------------------------- */

static void check_ordinary(test_layer *l) {
  layer_fill(l, 21);
  layer_check_all(l, TYPICAL);
}

static void ordinary(void **state) {
  (void)state;
  run_over_layers("ordinary data", check_ordinary);
}

static void check_network(norma_batch_norm norm) {
  test_layer layer = layer_make(norm);
  layer_fill(&layer, 22);
  layer_check_all(&layer, TYPICAL);
  layer_free(&layer);
}

/*
 * The shapes and data of a network: here the promise of the header, "a few units in the last place", is 4. Of
 * 16 bits it is the half unit of rounding, and what float is off by.
 */
static void network_shapes(void **state) {
  (void)state;
  const int64_t shapes[][3] = {{32, 16, 784}, {32, 8, 3136}, {64, 128, 1}, {8, 24, 196}, {1, 3, 150528}};
  memset(largest, 0, sizeof largest);
  for (int i = 0; i < 5; i++)
    for (int32_t layout = NORMA_CHANNELS_FIRST; layout <= NORMA_CHANNELS_LAST; layout++) {
      norma_batch_norm norm = {shapes[i][0], shapes[i][1], shapes[i][2], 1e-5, NORMA_FLOAT32, layout, 0};
      check_network(norm);
      norm.data_type = NORMA_BFLOAT16 + i % 2;
      if (i > 1 && layout == i / 2 % 2) check_network(norm); /* the first two are many numbers */
    }
  print_largest_errors("the shapes of networks");
  for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
    const double most = is_half(type) ? 0.51 : 4;
    assert_true(largest[type].y <= most);
    assert_true(largest[type].dx <= most);
  }
}

/* ---- Absent parameters and gradients --------------------------------------------------------------------- */

static void check_without_parameters(test_layer *l) {
  layer_fill(l, 23);
  void *gamma = l->gamma;
  l->gamma = NULL;
  layer_check_all(l, TYPICAL);
  l->beta = NULL;
  layer_check_all(l, TYPICAL);
  l->gamma = gamma;
  layer_check_all(l, TYPICAL);
}

static void without_parameters(void **state) {
  (void)state;
  run_over_layers("absent gamma and beta", check_without_parameters);
}

static void assert_as_wanted(const test_layer *l, const void *array, bool wanted, const char *all, int64_t size) {
  unsigned char pattern;
  fill_pattern(&pattern, 1);
  const int64_t at = (const char *)array - l->results;
  if (wanted) {
    assert_memory_equal(array, all + at, (size_t)size);
  } else {
    assert_memory_equal(array, &pattern, 1);
  }
}

/* What is not wanted changes nothing in what is. */
static void check_unwanted_of(test_layer *l, test_operation operation) {
  const int64_t tensor = l->elements * value_size(l->norm.data_type);
  const int64_t parameters = l->norm.channels * parameter_size(l->norm.data_type);
  fill_pattern(l->results, l->results_size);
  assert_int_equal(layer_run(l, operation), NORMA_OK);
  char *all = new_bytes(l->results_size);
  memcpy(all, l->results, (size_t)l->results_size);
  for (int wanted = 0; wanted < 8; wanted++) {
    test_layer some = *l;
    if (!(wanted & 1)) some.out = NULL;
    if (!(wanted & 2)) some.dgamma = NULL;
    if (!(wanted & 4)) some.dbeta = NULL;
    fill_pattern(l->results, l->results_size);
    assert_int_equal(layer_run(&some, operation), NORMA_OK);
    assert_as_wanted(l, l->out, some.out, all, tensor);
    assert_as_wanted(l, l->dresidual, writes_dresidual(&some, operation), all, tensor);
    assert_as_wanted(l, l->dgamma, some.dgamma, all, parameters);
    assert_as_wanted(l, l->dbeta, some.dbeta, all, parameters);
  }
  free(all);
}

static void check_unwanted(test_layer *l) {
  layer_fill(l, 24);
  layer_give(l);
  for (test_operation operation = 0; operation < OPERATIONS; operation++)
    if (writes_tensor(operation) && !is_forward(operation) && operation != GRADIENT_INPUT)
      check_unwanted_of(l, operation);
}

static void unwanted_gradients(void **state) {
  (void)state;
  for_each_layer(check_unwanted);
}

/* ---- Hard data ------------------------------------------------------------------------------------------- */

static void check_large_means(test_layer *l) {
  const double means_float16[] = {1e2, -1e3, 1e4, 6e4};
  const double means_others[] = {1e4, -1e5, 1e6, 1e7};
  for (int i = 0; i < 4; i++) {
    layer_fill_x(l, 25, l->norm.data_type == NORMA_FLOAT16 ? means_float16[i] : means_others[i], 1);
    layer_check_all(l, TYPICAL);
  }
}

static void large_means(void **state) {
  (void)state;
  run_over_layers("means 1e4 to 1e7", check_large_means);
}

/* Deviations of every size that the type has, with an epsilon of that size and without. */
static void check_scales(test_layer *l) {
  const int32_t type = l->norm.data_type;
  const double scales_float[] = {1e-35, 1e-30, 1e-18, 1e-8, 1e8, 1e18, 1e30, 6e37};
  const double scales_double[] = {1e-150, 1e-100, 1e-30, 1e-8, 1e8, 1e30, 1e100, 1e150};
  const double scales_float16[] = {1e-7, 1e-6, 1e-5, 1e-3, 0.1, 10, 1e3, 1e4};
  const double *of_type = type == NORMA_FLOAT64 ? scales_double : type == NORMA_FLOAT16 ? scales_float16 : scales_float;
  for (int i = 0; i < 8; i++) {
    const double scale = of_type[i];
    layer_fill_x(l, 26, scale, scale);
    for (int with = 0; with < 2; with++) {
      l->norm.epsilon = with * scale * scale;
      layer_check(l, FORWARD_TRAINING, TYPICAL);
      layer_give(l);
      layer_check(l, NORMALIZE, TYPICAL);
      layer_check(l, LOCAL_GRADIENT_SUMS, TYPICAL);
      layer_check(l, BACKWARD_TRAINING, TYPICAL);
      layer_check(l, RELU_FORWARD_TRAINING, TYPICAL);
      layer_check(l, RELU_BACKWARD_TRAINING, TYPICAL);
    }
  }
}

static void scales(void **state) {
  (void)state;
  run_over_layers("deviations from 1e-35 to 6e37", check_scales);
}

/* Half of the values at the largest number, half at minus that: sums in float overflow, the results do not. */
static void check_largest(test_layer *l) {
  const int32_t type = l->norm.data_type;
  if (l->count % 2 != 0 || type == NORMA_FLOAT64) return;
  layer_fill(l, 27);
  for (int64_t c = 0; c < l->norm.channels; c++)
    for (int64_t i = 0; i < l->count; i++)
      value_put(type, l->x, layer_index(l, c, i), i % 2 ? largest_value(type) : -largest_value(type));
  layer_check(l, FORWARD_TRAINING, HOSTILE);
  layer_give(l);
  layer_check(l, NORMALIZE, HOSTILE);
  layer_check(l, BACKWARD_TRAINING, HOSTILE);
  layer_check(l, RELU_FORWARD_TRAINING, HOSTILE);
  layer_check(l, RELU_BACKWARD_TRAINING, HOSTILE);
}

static void largest_numbers(void **state) {
  (void)state;
  run_over_layers("the largest numbers", check_largest);
}

/* Subnormal x: the smallest deviations of all. */
static void check_subnormal(test_layer *l) {
  uint64_t seed = 28;
  layer_fill(l, 28);
  const double smallest = smallest_value(l->norm.data_type);
  for (int64_t i = 0; i < l->elements; i++)
    value_put(l->norm.data_type, l->x, i, (double)random_integer(&seed, -1000, 1000) * smallest);
  layer_check(l, FORWARD_TRAINING, HOSTILE);
  if (l->norm.data_type == NORMA_FLOAT64) return; /* squares are zero in double */
  l->norm.epsilon = 0;
  layer_check(l, FORWARD_TRAINING, HOSTILE);
}

static void subnormals(void **state) {
  (void)state;
  run_over_layers("subnormal numbers", check_subnormal);
}

/* The first values are far off, or all of them drift: no first guess of the mean is good. */
static void check_drifting(test_layer *l) {
  layer_fill(l, 29);
  for (int64_t c = 0; c < l->norm.channels; c++)
    for (int64_t i = 0; i < l->count; i++) {
      const int64_t at = layer_index(l, c, i);
      const double x = value_at(l->norm.data_type, l->x, at);
      const double outlier = i < 16 ? (l->norm.data_type == NORMA_FLOAT16 ? 3e4 : 1e5) : 0;
      const double trend = 1e3 * (double)i / (double)l->count;
      value_put(l->norm.data_type, l->x, at, x + (c % 2 ? outlier : trend));
    }
  layer_check_all(l, HOSTILE);
}

static void drifting(void **state) {
  (void)state;
  run_over_layers("drifting data", check_drifting);
}

static void check_epsilons(test_layer *l) {
  const double epsilons[] = {0, 1e-300, 1e-30, 1e-12, 1e-3, 1, 1e6, 1e30};
  for (int i = 0; i < 8; i++) {
    l->norm.epsilon = epsilons[i];
    layer_fill(l, 30);
    layer_check_all(l, TYPICAL);
  }
}

static void epsilons(void **state) {
  (void)state;
  run_over_layers("epsilon 0 to 1e30", check_epsilons);
}

/* gamma and beta of every size, gradients too. */
static void check_parameter_sizes(test_layer *l) {
  const double sizes_float16[] = {1e-4, 1e-2, 1e2, 1e4}; /* of dy, too */
  const double sizes_others[] = {1e-30, 1e-10, 1e10, 1e30};
  const double *sizes = l->norm.data_type == NORMA_FLOAT16 ? sizes_float16 : sizes_others;
  for (int i = 0; i < 4; i++) {
    layer_fill(l, 31);
    for (int64_t c = 0; c < l->norm.channels; c++) {
      parameter_put(l->norm.data_type, l->gamma, c, c % 2 ? sizes[i] : 0);
      parameter_put(l->norm.data_type, l->beta, c, sizes[3 - i]);
    }
    layer_check_all(l, TYPICAL);
    for (int64_t k = 0; k < l->elements; k++)
      value_put(l->norm.data_type, l->dy, k, sizes[i] * value_at(l->norm.data_type, l->dy, k));
    layer_give(l);
    layer_check(l, LOCAL_GRADIENT_SUMS, TYPICAL);
    for (int64_t c = 0; c < l->norm.channels; c++) parameter_put(l->norm.data_type, l->gamma, c, 1);
    layer_check(l, BACKWARD_TRAINING, TYPICAL);
    layer_check(l, RELU_BACKWARD_TRAINING, TYPICAL);
  }
}

static void parameter_sizes(void **state) {
  (void)state;
  run_over_layers("gamma, beta and dy of 1e-30 to 1e30", check_parameter_sizes);
}

/*
 * Deviations and gradients of opposite sizes: their products and quotients leave float's range, what is made
 * of them does not.
 */
static void check_gradient_ranges(test_layer *l) {
  const int32_t type = l->norm.data_type;
  if (type != NORMA_FLOAT32 && type != NORMA_BFLOAT16) return;
  l->norm.epsilon = 0;
  const double deviations[] = {1e-35, 1e-25, 1e-10, 1e10, 1e25, 1e37};
  const double gradients[] = {1e-36, 1e-30, 1e-15, 1e15, 1e30};
  for (int i = 0; i < 6; i++)
    for (int k = 0; k < 5; k++) {
      const double dx = gradients[k] / deviations[i];
      const bool in_range = dx < 1e36 && dx > 1e-38; /* else gamma brings it back */
      layer_fill_x(l, 35, deviations[i], deviations[i]);
      for (int64_t at = 0; at < l->elements; at++)
        value_put(type, l->dy, at, gradients[k] * value_at(type, l->dy, at));
      for (int64_t c = 0; c < l->norm.channels; c++)
        if (!in_range || c % 2) parameter_put(type, l->gamma, c, deviations[i]);
      layer_give(l);
      layer_check(l, LOCAL_GRADIENT_SUMS, TYPICAL);
      layer_check(l, BACKWARD_TRAINING, TYPICAL);
      layer_check(l, RELU_BACKWARD_TRAINING, TYPICAL);
      layer_check(l, GRADIENT_INPUT, TYPICAL);
    }
}

static void gradient_ranges(void **state) {
  (void)state;
  run_over_layers("dy of 1e-36 to 1e30 beside deviations of 1e-35 to 1e37", check_gradient_ranges);
}

/* ---- NaN and infinity ------------------------------------------------------------------------------------ */

static bool none_finite(const test_layer *l, int64_t c) {
  for (int64_t i = 0; i < l->count; i++)
    if (isfinite(value_at(l->norm.data_type, l->out, layer_index(l, c, i)))) return false;
  return true;
}

static bool all_nan(const test_layer *l, int64_t c) {
  for (int64_t i = 0; i < l->count; i++)
    if (!isnan(value_at(l->norm.data_type, l->out, layer_index(l, c, i)))) return false;
  return true;
}

/*
 * One value of one channel, in training: y is NaN in all of that channel, no dx of it is finite, and no bit
 * of the others has changed.
 */
static void check_confined_at(test_layer *l, int64_t channel, int64_t at, double value) {
  const int32_t type = l->norm.data_type;
  const int64_t size = value_size(type);
  for (test_operation operation = FORWARD_TRAINING; operation <= BACKWARD_TRAINING; operation += BACKWARD_TRAINING) {
    void *tensor = operation == FORWARD_TRAINING ? l->x : l->dy;
    const int64_t index = layer_index(l, channel, at);
    const double before = value_at(type, tensor, index);
    assert_int_equal(layer_run(l, operation), NORMA_OK);
    char *clean = new_bytes(l->elements * size);
    memcpy(clean, l->out, (size_t)(l->elements * size));
    value_put(type, tensor, index, value);
    assert_int_equal(layer_run(l, operation), NORMA_OK);
    assert_true(operation == FORWARD_TRAINING ? all_nan(l, channel) : none_finite(l, channel));
    for (int64_t c = 0; c < l->norm.channels; c++) {
      for (int64_t i = 0; i < l->count && c != channel; i++) {
        const int64_t k = layer_index(l, c, i) * size;
        assert_memory_equal((char *)l->out + k, clean + k, (size_t)size);
      }
    }
    value_put(type, tensor, index, before);
    free(clean);
  }
}

static void check_confined(test_layer *l) {
  if (l->elements > 40000) return;
  layer_fill(l, 32);
  layer_give(l);
  const int64_t channels[] = {0, l->norm.channels / 2, l->norm.channels - 1};
  const int64_t places[] = {0, 31, 32, 127, 128, l->count / 2, l->count - 1};
  for (int c = 0; c < 3; c++)
    for (int p = 0; p < 7; p++)
      if (places[p] < l->count) check_confined_at(l, channels[c], places[p], p % 2 ? (double)NAN : (double)INFINITY);
}

static void non_finite(void **state) {
  (void)state;
  for_each_layer(check_confined);
}

/* With given statistics a NaN or an infinity goes no further than its own element. */
static void check_elementwise(test_layer *l) {
  layer_fill(l, 33);
  const int32_t type = l->norm.data_type;
  value_put(type, l->x, 0, (double)NAN);
  value_put(type, l->x, l->elements - 1, (double)INFINITY);
  assert_int_equal(layer_run(l, FORWARD_INFERENCE), NORMA_OK);
  assert_true(isnan(value_at(type, l->out, 0)));
  assert_true(isinf(value_at(type, l->out, l->elements - 1)));
  for (int64_t i = 1; i < l->elements - 1; i++) assert_true(isfinite(value_at(type, l->out, i)));
}

static void non_finite_inference(void **state) {
  (void)state;
  for_each_layer(check_elementwise);
}

/* The formula's square root of a negative number. */
static void negative_running_variance(void **state) {
  (void)state;
  test_layer layer = layer_make((norma_batch_norm){2, 3, 5, 1e-5, NORMA_FLOAT32, NORMA_CHANNELS_FIRST, 0});
  layer_fill(&layer, 34);
  parameter_put(NORMA_FLOAT32, layer.running_var, 1, -1);
  for (int relu = 0; relu < 2; relu++) {
    assert_int_equal(layer_run(&layer, relu ? RELU_FORWARD_INFERENCE : FORWARD_INFERENCE), NORMA_OK);
    assert_true(all_nan(&layer, 1));
    assert_false(all_nan(&layer, 0));
  }
  layer_free(&layer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(ordinary),
    cmocka_unit_test(network_shapes),
    cmocka_unit_test(without_parameters),
    cmocka_unit_test(unwanted_gradients),
    cmocka_unit_test(large_means),
    cmocka_unit_test(scales),
    cmocka_unit_test(largest_numbers),
    cmocka_unit_test(subnormals),
    cmocka_unit_test(drifting),
    cmocka_unit_test(epsilons),
    cmocka_unit_test(parameter_sizes),
    cmocka_unit_test(gradient_ranges),
    cmocka_unit_test(non_finite),
    cmocka_unit_test(non_finite_inference),
    cmocka_unit_test(negative_running_variance),
  };
  return cmocka_run_group_tests_name("properties", tests, NULL, NULL);
}
