/*
 * Gradients against finite differences of the forward pass, in double.
 *
 * A central difference of step h is off by h^2 / 6 times a third derivative, here below 100 (deviations
 * near 1 and inv_std <= 1.5), and by u |y| / h of rounding: for h = 1e-5, 2e-9 and 1e-10.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "layer.h"

static const double STEP = 1e-5;
static const double TOLERANCE = 3e-9;

enum { VALUES = 7 };

/* y of one channel of VALUES values, with gamma 1 and beta 0. */
static void forward(const double *x, double epsilon, double *y, double *mean, double *variance) {
  const norma_batch_norm norm = {VALUES, 1, 1, epsilon, NORMA_FLOAT64, NORMA_CHANNELS_FIRST, 1};
  assert_int_equal(norma_batch_norm_forward_training(&norm, x, NULL, NULL, y, mean, variance, NULL, 0), NORMA_OK);
}

/* One channel, its statistics, and d x_hat_i / d x_j by differences. */
typedef struct channel {
  double x[VALUES], x_hat[VALUES], mean, variance, inv_std, epsilon;
  double differences[VALUES][VALUES];
} channel;

static channel channel_make(double epsilon) {
  channel made = {.epsilon = epsilon};
  uint64_t seed = 51;
  for (int i = 0; i < VALUES; i++) made.x[i] = 0.5 + random_normal(&seed);
  forward(made.x, epsilon, made.x_hat, &made.mean, &made.variance);
  made.inv_std = 1 / sqrt(made.variance + epsilon);
  for (int j = 0; j < VALUES; j++) {
    double x[VALUES], above[VALUES], below[VALUES], mean, variance;
    memcpy(x, made.x, sizeof x);
    x[j] = made.x[j] + STEP;
    forward(x, epsilon, above, &mean, &variance);
    x[j] = made.x[j] - STEP;
    forward(x, epsilon, below, &mean, &variance);
    for (int i = 0; i < VALUES; i++) made.differences[i][j] = (above[i] - below[i]) / (2 * STEP);
  }
  return made;
}

/* d x_hat_i / d x_j = inv_std * ([i == j] - 1 / M - x_hat_i * x_hat_j / M) */
static void full_jacobian(void **state) {
  (void)state;
  const double epsilons[] = {0, 1e-5, 1};
  for (int k = 0; k < 3; k++) {
    const channel c = channel_make(epsilons[k]);
    for (int i = 0; i < VALUES; i++)
      for (int j = 0; j < VALUES; j++) {
        const double formula = c.inv_std * ((i == j) - 1.0 / VALUES - c.x_hat[i] * c.x_hat[j] / VALUES);
        assert_close(c.differences[i][j], formula, TOLERANCE, "d x_hat_%d / d x_%d", i, j);
      }
  }
}

/* Each row of the Jacobian is what the backward pass makes of the unit vector. */
static void backward_is_the_jacobian(void **state) {
  (void)state;
  const channel c = channel_make(1e-5);
  const norma_batch_norm norm = {VALUES, 1, 1, c.epsilon, NORMA_FLOAT64, NORMA_CHANNELS_FIRST, 1};
  for (int i = 0; i < VALUES; i++) {
    double dy[VALUES] = {0}, dx[VALUES];
    dy[i] = 1;
    assert_int_equal(norma_batch_norm_backward_training(&norm, c.x, dy, NULL, &c.mean, &c.variance, dx, NULL, NULL,
                                                        NULL, 0), NORMA_OK);
    for (int j = 0; j < VALUES; j++) assert_close(dx[j], c.differences[i][j], TOLERANCE, "row %d, column %d", i, j);
  }
}

/*
 * A published derivation prints, for i != j, the last term as
 *   -(z_i - mean)^2 / (M (variance + epsilon)^(3/2))
 * That is x_hat_i^2, where the product x_hat_i * x_hat_j of two deviations belongs: the square comes only
 * from i == j. Differences show the product, and show the square to be wrong by just what sets them apart.
 */
static void printed_cross_term_is_wrong(void **state) {
  (void)state;
  const channel c = channel_make(1e-5);
  double worst = 0;
  for (int i = 0; i < VALUES; i++)
    for (int j = 0; j < VALUES; j++) {
      if (i == j) continue;
      const double d = c.x[i] - c.mean;
      const double rest = -c.inv_std / VALUES;
      const double printed = rest - d * d / (VALUES * pow(c.variance + c.epsilon, 1.5));
      const double product = rest - d * (c.x[j] - c.mean) / (VALUES * pow(c.variance + c.epsilon, 1.5));
      assert_close(c.differences[i][j], product, TOLERANCE, "product for %d, %d", i, j);
      const double gap = c.inv_std / VALUES * c.x_hat[i] * (c.x_hat[i] - c.x_hat[j]);
      assert_close(c.differences[i][j] - printed, gap, TOLERANCE, "square for %d, %d", i, j);
      worst = fmax(worst, fabs(gap));
    }
  assert_true(worst > 0.1);
}

/* Adding one number to all x changes no y: the rows of the Jacobian sum to zero. */
static void rows_sum_to_zero(void **state) {
  (void)state;
  const channel c = channel_make(1e-5);
  for (int i = 0; i < VALUES; i++) {
    double sum = 0;
    for (int j = 0; j < VALUES; j++) sum += c.differences[i][j];
    assert_close(sum, 0, VALUES * TOLERANCE, "row %d", i);
  }
}

/* ---- Whole tensors ----------------------------------------------------------------------------------- */

static const int64_t SHAPES[][3] = {{5, 3, 1}, {3, 4, 7}, {2, 2, 40}, {1, 3, 50}, {150, 2, 1}};

static void for_each_layer(void (*check)(test_layer *)) {
  for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++)
    for (int32_t layout = NORMA_CHANNELS_FIRST; layout <= NORMA_CHANNELS_LAST; layout++) {
      test_layer layer = layer_make(
          (norma_batch_norm){SHAPES[i][0], SHAPES[i][1], SHAPES[i][2], 1e-5, NORMA_FLOAT64, layout, 1});
      layer_fill(&layer, 52);
      layer_give(&layer);
      check(&layer);
      layer_free(&layer);
    }
}

static double dot(const double *a, const double *b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

/* sum of dy * y, the loss of which dy is the gradient */
static double loss(test_layer *l, test_operation operation) {
  assert_int_equal(layer_run(l, operation), NORMA_OK);
  return dot(l->dy, l->out, l->elements);
}

/* (loss at a + step - loss at a - step) / (2 step) along a direction in one of the inputs. */
static double slope(test_layer *l, test_operation operation, double *input, const double *direction, int64_t n) {
  double *original = new_bytes(n * (int64_t)sizeof *original);
  memcpy(original, input, (size_t)n * sizeof *original);
  for (int64_t i = 0; i < n; i++) input[i] = original[i] + STEP * direction[i];
  const double above = loss(l, operation);
  for (int64_t i = 0; i < n; i++) input[i] = original[i] - STEP * direction[i];
  const double below = loss(l, operation);
  memcpy(input, original, (size_t)n * sizeof *original);
  free(original);
  return (above - below) / (2 * STEP);
}

static double *random_direction(int64_t n, uint64_t seed) {
  double *v = new_bytes(n * (int64_t)sizeof *v);
  for (int64_t i = 0; i < n; i++) v[i] = random_normal(&seed);
  return v;
}

/*
 * <dy, J v> by differences is <J^T dy, v> by the backward pass; the same for gamma, beta and the residual. No z
 * is so near to zero that a step would take it to the other side of ReLU.
 */
static void check_adjoint_of(test_layer *l, test_operation there, test_operation back, const double *v) {
  const char *name = operation_name(back);
  const double dx = slope(l, there, l->x, v, l->elements);
  const double dgamma = slope(l, there, l->gamma, v, l->norm.channels);
  const double dbeta = slope(l, there, l->beta, v, l->norm.channels);
  const double dresidual = has_relu(there) ? slope(l, there, l->residual, v, l->elements) : 0;
  assert_int_equal(layer_run(l, back), NORMA_OK);
  const double tolerance = TOLERANCE * (double)l->elements; /* terms of about 1, each off by TOLERANCE */
  assert_close(dot(l->out, v, l->elements), dx, tolerance, "%s: dx", name);
  assert_close(dot(l->dgamma, v, l->norm.channels), dgamma, tolerance, "%s: dgamma", name);
  assert_close(dot(l->dbeta, v, l->norm.channels), dbeta, tolerance, "%s: dbeta", name);
  if (has_relu(there)) assert_close(dot(l->dresidual, v, l->elements), dresidual, tolerance, "%s: dresidual", name);
}

static void check_adjoint(test_layer *l) {
  static const test_operation pairs[][2] = {{FORWARD_TRAINING, BACKWARD_TRAINING},
                                            {FORWARD_INFERENCE, BACKWARD_INFERENCE},
                                            {RELU_FORWARD_TRAINING, RELU_BACKWARD_TRAINING},
                                            {RELU_FORWARD_INFERENCE, RELU_BACKWARD_INFERENCE}};
  double *v = random_direction(l->elements, 53);
  for (int k = 0; k < 4; k++) check_adjoint_of(l, pairs[k][0], pairs[k][1], v);
  free(v);
}

static void adjoint(void **state) {
  (void)state;
  for_each_layer(check_adjoint);
}

/* The Jacobian is symmetric: <w, J v> = <J w, v>, both by the backward pass, to rounding. */
static void check_symmetric(test_layer *l) {
  const int64_t n = l->elements;
  double *v = random_direction(n, 54);
  double *w = random_direction(n, 55);
  memcpy(l->dy, v, (size_t)n * sizeof *v);
  assert_int_equal(layer_run(l, BACKWARD_TRAINING), NORMA_OK);
  const double left = dot(w, l->out, n);
  memcpy(l->dy, w, (size_t)n * sizeof *w);
  assert_int_equal(layer_run(l, BACKWARD_TRAINING), NORMA_OK);
  /* n terms below 50, each off by some units in the last place. */
  assert_close(dot(l->out, v, n), left, (double)n * 50 * 16 * 0x1p-53, "symmetry");
  free(v);
  free(w);
}

static void symmetric(void **state) {
  (void)state;
  for_each_layer(check_symmetric);
}

/* dx is orthogonal to what the forward pass ignores: its sum and its sum with x_hat (epsilon 0) are zero. */
static void check_orthogonal(test_layer *l) {
  l->norm.epsilon = 0;
  layer_give(l);
  assert_int_equal(layer_run(l, BACKWARD_TRAINING), NORMA_OK);
  for (int64_t c = 0; c < l->norm.channels; c++) {
    double sum = 0, product = 0;
    for (int64_t i = 0; i < l->count; i++) {
      const int64_t at = layer_index(l, c, i);
      const double dx = ((const double *)l->out)[at];
      sum += dx;
      product += dx * (((const double *)l->x)[at] - l->given_mean[c]);
    }
    const double tolerance = (double)l->count * 50 * 16 * 0x1p-53;
    assert_close(sum, 0, tolerance, "sum of dx of channel %ld", (long)c);
    assert_close(product, 0, 4 * tolerance, "sum of dx * (x - mean) of channel %ld", (long)c);
  }
}

static void orthogonal(void **state) {
  (void)state;
  for_each_layer(check_orthogonal);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(full_jacobian),
    cmocka_unit_test(backward_is_the_jacobian),
    cmocka_unit_test(printed_cross_term_is_wrong),
    cmocka_unit_test(rows_sum_to_zero),
    cmocka_unit_test(adjoint),
    cmocka_unit_test(symmetric),
    cmocka_unit_test(orthogonal),
  };
  return cmocka_run_group_tests_name("jacobian", tests, NULL, NULL);
}
