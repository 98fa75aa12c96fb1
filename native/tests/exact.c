/*
 * Data for which no operation rounds, in whatever order it adds: results are compared at threshold zero.
 *
 * Values are small integers. A shift is the mean of 2^k <= 16 of them, or rounded to a coarser grid of
 * powers of two, so deviations are multiples of 1/16 below 16, their squares multiples of 1/256 below 256,
 * and 128 of those (a lane) need 23 bits of float's 24. Elements of 16 bits are rounded once, from that.
 */
#include <math.h>

#include "layer.h"

static const int64_t SHAPES[][3] = {
  {2, 1, 1}, {2, 5, 1}, {4, 3, 8}, {1, 2, 64}, {8, 33, 4}, {16, 7, 49}, {32, 2, 7}, {128, 17, 1}, {130, 40, 1},
  {512, 3, 2}, {3, 2, 4100}, {2, 1, 4096}, {1024, 19, 1}, {4, 2, 16384}, {6, 3, 22002}, {64, 64, 64}
};

static void for_each_layer(void (*check)(test_layer *)) {
  for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++)
    for (int32_t layout = NORMA_CHANNELS_FIRST; layout <= NORMA_CHANNELS_LAST; layout++)
      for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
        test_layer layer =
            layer_make((norma_batch_norm){SHAPES[i][0], SHAPES[i][1], SHAPES[i][2], 0, type, layout, 2});
        check(&layer);
        layer_free(&layer);
      }
}

static double x_at(const test_layer *l, int64_t c, int64_t i) {
  return value_at(l->norm.data_type, l->x, layer_index(l, c, i));
}

/* Integers from -4 to 4 about the channel's own mean, an integer too: adjusted until they sum to it. */
static void fill_integers(test_layer *l, uint64_t *seed, double mean, int64_t c) {
  int64_t sum = 0;
  for (int64_t i = 0; i < l->count; i++) {
    const int64_t value = random_integer(seed, -3, 3);
    sum += value;
    value_put(l->norm.data_type, l->x, layer_index(l, c, i), mean + (double)value);
  }
  const int64_t step = sum > 0 ? -1 : 1;
  for (int64_t i = 0; sum != 0; i = (i + 1) % l->count, sum += step)
    value_put(l->norm.data_type, l->x, layer_index(l, c, i), x_at(l, c, i) + (double)step);
}

/* The mean is the integer it was made to be; n * variance is an integer, and its quotient by n rounds once. */
static void check_statistics(test_layer *l) {
  uint64_t seed = 11;
  for (int64_t c = 0; c < l->norm.channels; c++) fill_integers(l, &seed, (double)(c % 9 - 4), c);
  assert_int_equal(layer_run(l, LOCAL_STATISTICS), NORMA_OK);
  for (int64_t c = 0; c < l->norm.channels; c++) {
    const double mean = (double)(c % 9 - 4);
    double square = 0;
    for (int64_t i = 0; i < l->count; i++) square += (x_at(l, c, i) - mean) * (x_at(l, c, i) - mean);
    assert_close(l->mean[c], mean, 0, "mean of channel %ld of %ld values", (long)c, (long)l->count);
    assert_close(l->variance[c], square / (double)l->count, 0, "variance of channel %ld of %ld values", (long)c,
                 (long)l->count);
  }
}

static void statistics(void **state) {
  (void)state;
  for_each_layer(check_statistics);
}

/*
 * Half of the values are mean - a, half mean + a with a = 2: the variance is 4, inv_std 1/2 and x_hat
 * -1 or 1. With gamma, beta and the residual small integers y is one too, and often 0.
 */
static void fill_two_values(test_layer *l, uint64_t seed) {
  const int32_t type = l->norm.data_type;
  for (int64_t c = 0; c < l->norm.channels; c++) {
    const double mean = (double)(c % 9 - 4);
    int64_t left[2] = {l->count / 2, l->count / 2}; /* of mean - a and mean + a */
    for (int64_t i = 0; i < l->count; i++) {
      const bool plus = random_integer(&seed, 1, left[0] + left[1]) > left[0];
      left[plus]--;
      value_put(type, l->x, layer_index(l, c, i), mean + (plus ? 2 : -2));
    }
    parameter_put(type, l->gamma, c, (double)(c % 5 - 2));
    parameter_put(type, l->beta, c, (double)(c % 7 - 3));
    parameter_put(type, l->running_mean, c, mean);
    parameter_put(type, l->running_var, c, 4);
  }
  for (int64_t i = 0; i < l->elements; i++) {
    value_put(type, l->dy, i, (double)random_integer(&seed, -4, 4));
    value_put(type, l->residual, i, (double)random_integer(&seed, -4, 4));
  }
}

static double x_hat_at(const test_layer *l, int64_t c, int64_t i) { return (x_at(l, c, i) - (double)(c % 9 - 4)) / 2; }

static double y_at(const test_layer *l, test_operation operation, int64_t c, int64_t i) {
  const double y = (double)(c % 5 - 2) * x_hat_at(l, c, i) + (double)(c % 7 - 3);
  if (!has_relu(operation)) return y;
  const double z = l->residual ? y + value_at(l->norm.data_type, l->residual, layer_index(l, c, i)) : y;
  return z > 0 ? z : 0;
}

static void check_output(test_layer *l, test_operation operation) {
  fill_pattern(l->results, l->results_size);
  assert_int_equal(layer_run(l, operation), NORMA_OK);
  for (int64_t c = 0; c < l->norm.channels; c++)
    for (int64_t i = 0; i < l->count; i++)
      assert_close(value_at(l->norm.data_type, l->out, layer_index(l, c, i)), y_at(l, operation, c, i), 0,
                   "%s: y of channel %ld", operation_name(operation), (long)c);
}

static void check_outputs(test_layer *l) {
  if (l->count % 2 != 0) return; /* no two halves */
  fill_two_values(l, 12);
  layer_give(l);
  for (test_operation operation = 0; operation < OPERATIONS; operation++)
    if (is_forward(operation)) check_output(l, operation);
  l->residual = NULL;
  check_output(l, RELU_FORWARD_TRAINING);
  check_output(l, RELU_FORWARD_INFERENCE);
}

static void outputs(void **state) {
  (void)state;
  for_each_layer(check_outputs);
}

/* dy, or behind ReLU what it lets pass. */
static double g_at(const test_layer *l, test_operation operation, int64_t c, int64_t i) {
  const double dy = value_at(l->norm.data_type, l->dy, layer_index(l, c, i));
  return has_relu(operation) && y_at(l, operation, c, i) <= 0 ? 0 : dy;
}

typedef struct gradient_sums {
  double g, g_x_hat;
} gradient_sums;

static gradient_sums sums_of(const test_layer *l, test_operation operation, int64_t c) {
  gradient_sums sums = {0, 0};
  for (int64_t i = 0; i < l->count; i++) {
    const double g = g_at(l, operation, c, i);
    sums.g += g;
    sums.g_x_hat += g * x_hat_at(l, c, i);
  }
  return sums;
}

static void check_dx(const test_layer *l, test_operation operation, int64_t c) {
  const int32_t type = l->norm.data_type;
  const double n = (double)l->count;
  const gradient_sums sums = by_running(operation) ? (gradient_sums){0, 0} : sums_of(l, operation, c);
  for (int64_t i = 0; i < l->count; i++) {
    const double through = sums.g / n + x_hat_at(l, c, i) * (sums.g_x_hat / n);
    const double dx = (double)(c % 5 - 2) / 2 * (g_at(l, operation, c, i) - through);
    assert_close(value_at(type, l->out, layer_index(l, c, i)), value_rounded(type, dx), 0, "%s: dx of channel %ld",
                 operation_name(operation), (long)c);
  }
}

static void check_dresidual(const test_layer *l, test_operation operation, int64_t c) {
  for (int64_t i = 0; i < l->count; i++)
    assert_close(value_at(l->norm.data_type, l->dresidual, layer_index(l, c, i)), g_at(l, operation, c, i), 0,
                 "%s: dresidual of channel %ld", operation_name(operation), (long)c);
}

/* dy are integers, so the sums are; dx is exact where n is a power of two, below 2^11 for float's 24 bits. */
static void check_gradient(test_layer *l, test_operation operation) {
  const int32_t type = l->norm.data_type;
  const bool exact = (l->count & (l->count - 1)) == 0 && l->count <= 2048;
  fill_pattern(l->results, l->results_size);
  assert_int_equal(layer_run(l, operation), NORMA_OK);
  for (int64_t c = 0; c < l->norm.channels; c++) {
    const gradient_sums sums = sums_of(l, operation, c);
    if (operation != GRADIENT_INPUT) {
      assert_close(parameter_at(type, l->dbeta, c), sums.g, 0, "dbeta of channel %ld", (long)c);
      assert_close(parameter_at(type, l->dgamma, c), sums.g_x_hat, 0, "dgamma of channel %ld", (long)c);
    }
    if (exact || by_running(operation)) check_dx(l, operation, c);
    if (writes_dresidual(l, operation)) check_dresidual(l, operation, c);
  }
}

static void check_gradients(test_layer *l) {
  if (l->count % 2 != 0) return;
  fill_two_values(l, 13);
  layer_give(l);
  for (int64_t c = 0; c < l->norm.channels; c++) {
    const gradient_sums sums = sums_of(l, LOCAL_GRADIENT_SUMS, c);
    assert_close(l->given_sum_dy[c], sums.g, 0, "sum_dy of channel %ld", (long)c);
    assert_close(l->given_sum_dy_x_hat[c], sums.g_x_hat, 0, "sum_dy_x_hat of channel %ld", (long)c);
  }
  for (test_operation operation = 0; operation < OPERATIONS; operation++)
    if (writes_tensor(operation) && !is_forward(operation)) check_gradient(l, operation);
  l->residual = NULL;
  check_gradient(l, RELU_BACKWARD_TRAINING);
  check_gradient(l, RELU_BACKWARD_INFERENCE);
}

static void gradients(void **state) {
  (void)state;
  for_each_layer(check_gradients);
}

/* In a constant channel every x is the mean: y is beta, its bits included, whatever gamma and epsilon are. */
static void check_constant(test_layer *l) {
  const int32_t type = l->norm.data_type;
  const double values_float16[] = {0.1, 6e4, -1e-7, 2049, 0, 65504};
  const double values_others[] = {0.1, 1e30, -1e-30, 16777217, 0, 3e38};
  const double *values = type == NORMA_FLOAT16 ? values_float16 : values_others;
  layer_fill(l, 14);
  for (int64_t c = 0; c < l->norm.channels; c++)
    for (int64_t i = 0; i < l->count; i++) value_put(type, l->x, layer_index(l, c, i), values[c % 6]);
  for (int k = 0; k < 3; k++) {
    l->norm.epsilon = (double[]){0, 1e-5, 1e30}[k];
    assert_int_equal(layer_run(l, FORWARD_TRAINING), NORMA_OK);
    for (int64_t c = 0; c < l->norm.channels; c++) {
      assert_close(l->mean[c], x_at(l, c, 0), 0, "mean of constant channel %ld", (long)c);
      assert_close(l->variance[c], 0, 0, "variance of constant channel %ld", (long)c);
      for (int64_t i = 0; i < l->count; i++)
        assert_close(value_at(type, l->out, layer_index(l, c, i)), value_rounded(type, parameter_at(type, l->beta, c)),
                     0, "y of constant channel %ld", (long)c);
    }
  }
}

static void constant_channels(void **state) {
  (void)state;
  for_each_layer(check_constant);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(statistics),
    cmocka_unit_test(outputs),
    cmocka_unit_test(gradients),
    cmocka_unit_test(constant_channels),
  };
  return cmocka_run_group_tests_name("exact", tests, NULL, NULL);
}
