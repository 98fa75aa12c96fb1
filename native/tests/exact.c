/*
 * Data for which no operation rounds, in whatever order it adds: results are compared at threshold zero.
 *
 * Values are small integers. A shift is the mean of 2^k <= 16 of them, or rounded to a coarser grid of
 * powers of two, so deviations are multiples of 1/16 below 16, their squares multiples of 1/256 below 256,
 * and 128 of those (a lane) need 23 bits of float's 24.
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
      for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT64; type++) {
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
 * -1 or 1. With gamma and beta small integers y is one too.
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
    value_put(type, l->gamma, c, (double)(c % 5 - 2));
    value_put(type, l->beta, c, (double)(c % 7 - 3));
    value_put(type, l->running_mean, c, mean);
    value_put(type, l->running_var, c, 4);
  }
  for (int64_t i = 0; i < l->elements; i++) value_put(type, l->dy, i, (double)random_integer(&seed, -4, 4));
}

static void check_outputs(test_layer *l) {
  if (l->count % 2 != 0) return; /* no two halves */
  fill_two_values(l, 12);
  layer_give(l);
  const test_operation operations[] = {FORWARD_TRAINING, FORWARD_INFERENCE, NORMALIZE};
  for (int k = 0; k < 3; k++) {
    fill_pattern(l->results, l->results_size);
    assert_int_equal(layer_run(l, operations[k]), NORMA_OK);
    for (int64_t c = 0; c < l->norm.channels; c++)
      for (int64_t i = 0; i < l->count; i++) {
        const double x_hat = (x_at(l, c, i) - (double)(c % 9 - 4)) / 2;
        const double y = value_at(l->norm.data_type, l->out, layer_index(l, c, i));
        assert_close(y, (double)(c % 5 - 2) * x_hat + (double)(c % 7 - 3), 0, "y of channel %ld", (long)c);
      }
  }
}

static void outputs(void **state) {
  (void)state;
  for_each_layer(check_outputs);
}

typedef struct gradient_sums {
  double dy, dy_x_hat;
} gradient_sums;

static gradient_sums sums_of(const test_layer *l, int64_t c) {
  gradient_sums sums = {0, 0};
  for (int64_t i = 0; i < l->count; i++) {
    const double dy = value_at(l->norm.data_type, l->dy, layer_index(l, c, i));
    sums.dy += dy;
    sums.dy_x_hat += dy * (x_at(l, c, i) - (double)(c % 9 - 4)) / 2;
  }
  return sums;
}

/* dy are integers, so the sums are; dx is exact where n is a power of two, below 2^11 for float's 24 bits. */
static void check_gradients(test_layer *l) {
  if (l->count % 2 != 0) return;
  fill_two_values(l, 13);
  layer_give(l);
  for (int64_t c = 0; c < l->norm.channels; c++) {
    const gradient_sums sums = sums_of(l, c);
    assert_close(l->given_sum_dy[c], sums.dy, 0, "sum_dy of channel %ld", (long)c);
    assert_close(l->given_sum_dy_x_hat[c], sums.dy_x_hat, 0, "sum_dy_x_hat of channel %ld", (long)c);
  }
  const bool exact = (l->count & (l->count - 1)) == 0 && l->count <= 2048;
  const test_operation operations[] = {BACKWARD_TRAINING, GRADIENT_INPUT, BACKWARD_INFERENCE};
  for (int k = 0; k < 3; k++) {
    fill_pattern(l->results, l->results_size);
    assert_int_equal(layer_run(l, operations[k]), NORMA_OK);
    for (int64_t c = 0; c < l->norm.channels; c++) {
      const gradient_sums sums = sums_of(l, c);
      const double n = (double)l->count;
      if (operations[k] != GRADIENT_INPUT) {
        assert_close(value_at(l->norm.data_type, l->dbeta, c), sums.dy, 0, "dbeta of channel %ld", (long)c);
        assert_close(value_at(l->norm.data_type, l->dgamma, c), sums.dy_x_hat, 0, "dgamma of channel %ld", (long)c);
      }
      const bool constants = operations[k] == BACKWARD_INFERENCE;
      for (int64_t i = 0; i < l->count && (exact || constants); i++) {
        const double dy = value_at(l->norm.data_type, l->dy, layer_index(l, c, i));
        const double x_hat = (x_at(l, c, i) - (double)(c % 9 - 4)) / 2;
        const double through = constants ? 0 : sums.dy / n + x_hat * (sums.dy_x_hat / n);
        const double dx = value_at(l->norm.data_type, l->out, layer_index(l, c, i));
        assert_close(dx, (double)(c % 5 - 2) / 2 * (dy - through), 0, "dx of channel %ld", (long)c);
      }
    }
  }
}

static void gradients(void **state) {
  (void)state;
  for_each_layer(check_gradients);
}

/* In a constant channel every x is the mean: y is beta, its bits included, whatever gamma and epsilon are. */
static void check_constant(test_layer *l) {
  const int32_t type = l->norm.data_type;
  const double values[] = {0.1, 1e30, -1e-30, 16777217, 0, 3e38};
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
        assert_close(value_at(type, l->out, layer_index(l, c, i)), value_at(type, l->beta, c), 0,
                     "y of constant channel %ld", (long)c);
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
