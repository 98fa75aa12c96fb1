/*
 * Batch normalization and ReLU in one: what it shares with the functions it is made of, bit by bit, and what NaN
 * and infinity do. That it is right stands in programs that compare all operations with the reference.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "layer.h"

/* Those with more than 10^5 elements are taken in slabs, or streamed where caches are small. */
static const int64_t SHAPES[][3] = {
  {2, 1, 1}, {2, 3, 1}, {3, 5, 2}, {33, 17, 1}, {130, 40, 1}, {4, 3, 31}, {8, 16, 49}, {2, 2, 4097}, {3, 2, 9001},
  {4, 65, 784}, {9000, 20, 1}
};

static void for_each_layer(void (*check)(test_layer *)) {
  for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++)
    for (int32_t layout = NORMA_CHANNELS_FIRST; layout <= NORMA_CHANNELS_LAST; layout++)
      for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
        const int64_t *s = SHAPES[i];
        test_layer layer = layer_make((norma_batch_norm){s[0], s[1], s[2], 1e-5, type, layout, 2});
        layer_fill(&layer, 71);
        layer_give(&layer);
        check(&layer);
        layer_free(&layer);
      }
}

static void run(test_layer *l, test_operation operation) {
  fill_pattern(l->results, l->results_size);
  assert_int_equal(layer_run(l, operation), NORMA_OK);
}

static int64_t tensor_bytes(const test_layer *l) { return l->elements * value_size(l->norm.data_type); }

static void *copy_of(const void *bytes, int64_t size) {
  void *copy = new_bytes(size);
  memcpy(copy, bytes, (size_t)size);
  return copy;
}

static double at(const test_layer *l, const void *tensor, int64_t i) { return value_at(l->norm.data_type, tensor, i); }

static test_operation plain(test_operation operation) {
  switch (operation) {
    case RELU_FORWARD_TRAINING: return FORWARD_TRAINING;
    case RELU_FORWARD_INFERENCE: return FORWARD_INFERENCE;
    case RELU_BACKWARD_TRAINING: return BACKWARD_TRAINING;
    default: return BACKWARD_INFERENCE;
  }
}

/* ---- Forward --------------------------------------------------------------------------------------------- */

/*
 * y is max(0, y) of the plain function. In 16 bits that y has been rounded, which keeps the order, but gives
 * -0 where ReLU gives 0.
 */
static void check_maximum(test_layer *l) {
  l->residual = NULL;
  for (test_operation operation = RELU_FORWARD_TRAINING; operation <= RELU_FORWARD_INFERENCE; operation++) {
    run(l, plain(operation));
    char *expected = copy_of(l->results, l->results_size);
    for (int64_t i = 0; i < l->elements; i++)
      if (at(l, expected, i) <= 0) value_put(l->norm.data_type, expected, i, 0);
    run(l, operation);
    for (int64_t i = 0; i < l->elements; i++)
      if (at(l, l->out, i) == 0) value_put(l->norm.data_type, l->out, i, 0);
    assert_memory_equal(l->results, expected, (size_t)l->results_size);
    free(expected);
  }
}

static void maximum(void **state) {
  (void)state;
  for_each_layer(check_maximum);
}

/* A residual of zeros adds nothing; one of -infinity, or of the lowest number, leaves nothing. */
static void check_zero_residual(test_layer *l) {
  void *residual = l->residual;
  for (test_operation operation = RELU_FORWARD_TRAINING; operation <= RELU_FORWARD_INFERENCE; operation++) {
    l->residual = NULL;
    run(l, operation);
    char *expected = copy_of(l->results, l->results_size);
    l->residual = residual;
    for (int64_t i = 0; i < l->elements; i++) value_put(l->norm.data_type, residual, i, 0);
    run(l, operation);
    assert_memory_equal(l->results, expected, (size_t)l->results_size);
    for (int64_t i = 0; i < l->elements; i++)
      value_put(l->norm.data_type, residual, i, i % 2 ? (double)-INFINITY : -largest_value(l->norm.data_type));
    run(l, operation);
    for (int64_t i = 0; i < l->elements; i++) assert_true(at(l, l->out, i) == 0 && !signbit(at(l, l->out, i)));
    free(expected);
  }
}

static void zero_residual(void **state) {
  (void)state;
  for_each_layer(check_zero_residual);
}

/* The sum is rounded once: to 0 only where it is 0 or too small, and in 16 bits from what y was before. */
static void sum_is_rounded_once(void **state) {
  (void)state;
  for (int32_t type = NORMA_BFLOAT16; type <= NORMA_FLOAT16; type++) {
    test_layer l = layer_make((norma_batch_norm){4, 1, 1, 0, type, NORMA_CHANNELS_FIRST, 1});
    const double u = unit_roundoff(type);
    l.gamma = NULL;
    parameter_put(type, l.beta, 0, 0.75 * u); /* 1 + beta is 1 in 16 bits, and y would lose it */
    parameter_put(type, l.running_mean, 0, 0);
    parameter_put(type, l.running_var, 0, 1);
    for (int64_t i = 0; i < 4; i++) {
      value_put(type, l.x, i, 1);
      value_put(type, l.residual, i, i % 2 ? -1 : 1);
    }
    run(&l, RELU_FORWARD_INFERENCE);
    assert_close(at(&l, l.out, 0), 2, 0, "1 + beta + 1");
    assert_close(at(&l, l.out, 1), 0.75 * u, 0, "1 + beta - 1");
    layer_free(&l);
  }
}

/* ---- Backward -------------------------------------------------------------------------------------------- */

/* What lets dy pass: the forward pass gave more than 0, or NaN. Of these data no y is so small that it rounds to 0. */
static void mask_dy(const test_layer *l, const void *y, void *dy) {
  for (int64_t i = 0; i < l->elements; i++)
    if (at(l, y, i) <= 0) value_put(l->norm.data_type, dy, i, 0);
}

/* dx, dgamma and dbeta are those of the plain function for masked dy, and dresidual is that. */
static void check_masked(test_layer *l) {
  for (test_operation back = RELU_BACKWARD_TRAINING; back <= RELU_BACKWARD_INFERENCE; back++) {
    run(l, back == RELU_BACKWARD_TRAINING ? RELU_FORWARD_TRAINING : RELU_FORWARD_INFERENCE);
    char *masked = copy_of(l->dy, tensor_bytes(l));
    mask_dy(l, l->out, masked);
    void *dy = l->dy;
    l->dy = masked;
    run(l, plain(back));
    char *expected = copy_of(l->results, l->results_size);
    l->dy = dy;
    if (l->residual) memcpy(expected + ((char *)l->dresidual - l->results), masked, (size_t)tensor_bytes(l));
    run(l, back);
    assert_memory_equal(l->results, expected, (size_t)l->results_size);
    free(expected);
    free(masked);
  }
}

static void check_masked_with_and_without(test_layer *l) {
  check_masked(l);
  l->residual = NULL;
  check_masked(l);
}

static void masked_gradients(void **state) {
  (void)state;
  for_each_layer(check_masked_with_and_without);
}

/* Without dresidual the other gradients are the same, though the residual counts. */
static void check_no_dresidual(test_layer *l) {
  run(l, RELU_BACKWARD_TRAINING);
  char *expected = copy_of(l->results, l->results_size);
  fill_pattern(expected + ((char *)l->dresidual - l->results), tensor_bytes(l));
  fill_pattern(l->results, l->results_size);
  assert_int_equal(norma_batch_norm_relu_backward_training(&l->norm, l->x, l->residual, l->dy, l->gamma, l->beta,
                                                           l->given_mean, l->given_variance, l->out, NULL, l->dgamma,
                                                           l->dbeta, NULL, 0), NORMA_OK);
  assert_memory_equal(l->results, expected, (size_t)l->results_size);
  free(expected);
}

static void no_dresidual(void **state) {
  (void)state;
  for_each_layer(check_no_dresidual);
}

/* ---- NaN and infinity ------------------------------------------------------------------------------------ */

/* y and z of three elements in inference: NaN where z is NaN, 0 for -infinity, and all others finite. */
static void check_forward_inference(test_layer *l) {
  if (l->elements < 6) return;
  const int32_t type = l->norm.data_type;
  value_put(type, l->x, 0, (double)NAN);
  value_put(type, l->x, 1, (double)INFINITY);
  value_put(type, l->x, 2, (double)-INFINITY);
  value_put(type, l->residual, 3, (double)NAN);
  value_put(type, l->residual, 4, (double)INFINITY);
  run(l, RELU_FORWARD_INFERENCE);
  assert_true(isnan(at(l, l->out, 0)));
  assert_true(at(l, l->out, 1) == (double)INFINITY);
  assert_true(at(l, l->out, 2) == 0);
  assert_true(isnan(at(l, l->out, 3)));
  assert_true(at(l, l->out, 4) == (double)INFINITY);
  for (int64_t i = 5; i < l->elements; i++) assert_true(isfinite(at(l, l->out, i)));
  value_put(type, l->residual, 1, (double)-INFINITY);
  run(l, RELU_FORWARD_INFERENCE);
  assert_true(isnan(at(l, l->out, 1))); /* infinity less infinity */
}

static void non_finite_forward(void **state) {
  (void)state;
  for_each_layer(check_forward_inference);
}

/*
 * Statistics that are constants: dx is gamma * inv_std * g, whatever x is, and g is dy where z is NaN or
 * infinite, and 0 where z is -infinity.
 */
static void check_backward_inference(test_layer *l) {
  if (l->elements < 6) return;
  const int32_t type = l->norm.data_type;
  for (int64_t i = 0; i < 6; i++) value_put(type, l->residual, i, 1000); /* lets pass */
  run(l, RELU_BACKWARD_INFERENCE);
  char *expected = copy_of(l->results, tensor_bytes(l));
  const double inputs[] = {(double)NAN, (double)INFINITY, (double)-INFINITY};
  for (int64_t i = 0; i < 3; i++) value_put(type, l->x, i, inputs[i]);
  value_put(type, l->residual, 3, (double)NAN);
  value_put(type, l->residual, 4, (double)INFINITY);
  value_put(type, l->residual, 5, (double)-INFINITY);
  run(l, RELU_BACKWARD_INFERENCE);
  for (int64_t i = 0; i < l->elements; i++) {
    const bool stopped = i == 2 || i == 5;
    assert_close(at(l, l->out, i), stopped ? 0 : at(l, expected, i), 0, "dx %ld", (long)i);
    if (i < 6) assert_close(at(l, l->dresidual, i), stopped ? 0 : at(l, l->dy, i), 0, "dresidual %ld", (long)i);
  }
  free(expected);
}

static void non_finite_backward(void **state) {
  (void)state;
  for_each_layer(check_backward_inference);
}

/* dy of NaN: where ReLU stops it no result knows; where it passes, no dx of the channel is finite. */
static void check_dy(test_layer *l) {
  const int32_t type = l->norm.data_type;
  run(l, RELU_FORWARD_TRAINING);
  void *y = copy_of(l->out, tensor_bytes(l));
  run(l, RELU_BACKWARD_TRAINING);
  char *expected = copy_of(l->results, l->results_size);
  int64_t passes = -1;
  for (int64_t i = 0; i < l->elements; i++) {
    if (at(l, y, i) <= 0) value_put(type, l->dy, i, i % 2 ? (double)NAN : (double)INFINITY);
    if (at(l, y, i) > 0) passes = i;
  }
  run(l, RELU_BACKWARD_TRAINING);
  assert_memory_equal(l->results, expected, (size_t)l->results_size);
  if (passes >= 0) {
    value_put(type, l->dy, passes, (double)NAN);
    run(l, RELU_BACKWARD_TRAINING);
    int64_t finite = 0;
    for (int64_t i = 0; i < l->elements; i++) finite += isfinite(at(l, l->out, i)) != 0;
    assert_int_equal(finite, l->elements - l->count);
    assert_true(isnan(at(l, l->dresidual, passes)));
  }
  free(y);
  free(expected);
}

static void non_finite_gradients(void **state) {
  (void)state;
  for_each_layer(check_dy);
}

/* Training: a NaN or an infinity spoils y in all of its channel, and no bit of another. */
static void check_confined(test_layer *l) {
  const int32_t type = l->norm.data_type;
  const int64_t size = value_size(type);
  run(l, RELU_FORWARD_TRAINING);
  char *expected = copy_of(l->results, tensor_bytes(l));
  const int64_t channel = l->norm.channels / 2;
  value_put(type, l->x, layer_index(l, channel, l->count / 2), l->count % 2 ? (double)NAN : (double)INFINITY);
  run(l, RELU_FORWARD_TRAINING);
  for (int64_t c = 0; c < l->norm.channels; c++)
    for (int64_t i = 0; i < l->count; i++) {
      const int64_t k = layer_index(l, c, i);
      if (c == channel) assert_true(isnan(at(l, l->out, k)));
      else assert_memory_equal((char *)l->out + k * size, expected + k * size, (size_t)size);
    }
  free(expected);
}

static void non_finite_training(void **state) {
  (void)state;
  for_each_layer(check_confined);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(maximum),
    cmocka_unit_test(zero_residual),
    cmocka_unit_test(sum_is_rounded_once),
    cmocka_unit_test(masked_gradients),
    cmocka_unit_test(no_dresidual),
    cmocka_unit_test(non_finite_forward),
    cmocka_unit_test(non_finite_backward),
    cmocka_unit_test(non_finite_gradients),
    cmocka_unit_test(non_finite_training),
  };
  return cmocka_run_group_tests_name("relu", tests, NULL, NULL);
}
