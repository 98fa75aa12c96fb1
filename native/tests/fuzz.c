/*
 * libFuzzer's entrance. The input chooses what the public functions are called with:
 *   shape, data type, layout, epsilon, data, what is absent, and an operation, which is compared with the
 *     reference, or with NaN, infinities and any other bits among the data, for the sanitizers to watch;
 *   outputs that are left out or in place, in a workspace of the size that is enough: the same bits;
 *   layer or RMS normalization of rows, or group normalization, which is compared with the formulas;
 *   any function with arguments that are spoiled: what is refused leaves all memory as it was.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "functions.h"
#include "groups.h"
#include "rows.h"

/* Few, for many runs in a second; now and then so many that a channel has more than a chunk. */
enum { ELEMENTS_AT_MOST = 400, ELEMENTS_NOW_AND_THEN = 9000 };

typedef struct test_input {
  const uint8_t *data;
  size_t size;
} test_input;

/* The next byte, below `end`; 0 after the last. */
static int32_t below(test_input *input, int32_t end) {
  if (input->size == 0) return 0;
  input->size--;
  return *input->data++ % end;
}

static uint64_t word(test_input *input) {
  uint64_t bits = 0;
  for (int i = 0; i < 8; i++) bits = bits << 8 | (uint64_t)below(input, 256);
  return bits;
}

static void require(bool condition) {
  if (!condition) abort();
}

static norma_batch_norm some_norm(test_input *input) {
  static const double epsilons[] = {0, 1e-300, 1e-5, 1};
  norma_batch_norm norm = {
    .data_type = below(input, NORMA_FLOAT16 + 1),
    .layout = below(input, 2) ? NORMA_CHANNELS_LAST : NORMA_CHANNELS_FIRST,
    .threads = below(input, 5),
    .epsilon = epsilons[below(input, 4)]
  };
  const bool large = below(input, 64) == 63;
  int64_t extents[3];
  int64_t left = large ? ELEMENTS_NOW_AND_THEN : ELEMENTS_AT_MOST;
  for (int i = 0; i < 3; i++, left /= extents[i - 1]) {
    const int64_t extent = 1 + below(input, 64) + (large ? 64 * below(input, 128) : 0);
    extents[i] = extent < left ? extent : left;
  }
  const int turn = below(input, 3); /* the first has the most room */
  norm.batch = extents[turn];
  norm.channels = extents[(turn + 1) % 3];
  norm.spatial = extents[(turn + 2) % 3];
  if (norm.batch * norm.spatial == 1) norm.batch = 2;
  return norm;
}

/* Channels of one kind, and some of others. */
static void fill(test_layer *layer, test_input *input) {
  static const double deviations_float16[] = {1, 1e-3, 1e3, 1e-5, 1e4, 1e-7, 5e3, 0};
  static const double deviations_others[] = {1, 1e-3, 1e3, 1e-12, 1e12, 1e-25, 1e25, 0};
  static const double offsets[] = {0, 1, 1e3, -1e6};
  const int32_t type = layer->norm.data_type;
  const double *deviations = type == NORMA_FLOAT16 ? deviations_float16 : deviations_others;
  layer_fill(layer, word(input));
  for (int others = below(input, 8); others > 0; others--) {
    const int64_t c = below(input, 256) % layer->norm.channels;
    const double deviation = deviations[below(input, 8)];
    const double mean = (deviation == 0 ? 1 : deviation) * offsets[below(input, 4)];
    const bool fits = fabs(mean) + 5 * deviation < largest_value(type);
    layer_set_channel(layer, c, word(input), fits ? mean : 0, deviation);
  }
  if (below(input, 4) == 1) layer->gamma = NULL;
  if (below(input, 4) == 1) layer->beta = NULL;
  if (below(input, 4) == 1) layer->residual = NULL;
}

static test_layer some_layer(test_input *input) {
  test_layer layer = layer_make(some_norm(input));
  fill(&layer, input);
  return layer;
}

static test_operation some_operation(test_input *input) { return (test_operation)below(input, OPERATIONS); }

/* ---- Right results ----------------------------------------------------------------------------------------- */

static void compare_with_reference(test_input *input) {
  test_layer layer = some_layer(input);
  const test_operation operation = some_operation(input);
  layer_give(&layer);
  layer_check(&layer, operation, HOSTILE);
  layer_free(&layer);
}

/* Layer or RMS normalization. */
static void compare_rows(test_input *input) {
  const norma_batch_norm shape = some_norm(input);
  const norma_layer_norm norm = {.rows = shape.batch, .length = shape.channels * shape.spatial, .epsilon = 1e-5,
                                 .data_type = shape.data_type, .threads = shape.threads};
  const int parameters = below(input, 4);
  rows_case c = rows_make(norm, below(input, 2), parameters % 2, parameters / 2);
  uint64_t seed = word(input);
  rows_fill(&c, (value_kind)below(input, KINDS), &seed);
  require(rows_forward(&c, NULL, 0) == NORMA_OK);
  rows_check_forward(&c);
  void *const dx = c.dx;
  if (below(input, 8) == 7) c.dx = NULL;
  require(rows_backward(&c, NULL, 0) == NORMA_OK);
  rows_check_backward(&c);
  c.dx = dx;
  rows_free(&c);
}

/* The largest divisor that is no larger. */
static int64_t divisor_of(int64_t number, int64_t limit) {
  while (number % limit != 0) limit--;
  return limit;
}

static void compare_groups(test_input *input) {
  const norma_batch_norm shape = some_norm(input);
  const norma_group_norm norm = {.batch = shape.batch, .channels = shape.channels, .spatial = shape.spatial,
                                 .groups = divisor_of(shape.channels, 1 + below(input, 256) % shape.channels),
                                 .epsilon = 1e-5, .data_type = shape.data_type, .layout = shape.layout,
                                 .threads = shape.threads};
  const int parameters = below(input, 4);
  groups_case c = groups_make(norm, parameters % 2, parameters / 2);
  uint64_t seed = word(input);
  groups_fill(&c, (value_kind)below(input, KINDS), &seed);
  require(groups_forward(&c, NULL, 0) == NORMA_OK);
  groups_check_forward(&c);
  void *const dx = c.dx;
  if (below(input, 8) == 7) c.dx = NULL;
  require(groups_backward(&c, NULL, 0) == NORMA_OK);
  groups_check_backward(&c);
  c.dx = dx;
  groups_free(&c);
}

/* Bits of any kind somewhere in tensors, parameters and statistics. */
static void scatter(test_layer *layer, test_input *input) {
  for (int i = 1 + below(input, 15); i > 0; i--) {
    void *const arrays[] = {layer->x, layer->dy, layer->residual, layer->gamma, layer->running_var, layer->given_mean,
                            layer->given_variance};
    const int which = below(input, 7);
    if (!arrays[which]) continue;
    const int32_t type = layer->norm.data_type;
    const int64_t size = which < 3 ? value_size(type) : which < 5 ? parameter_size(type) : (int64_t)sizeof(double);
    const int64_t count = which < 3 ? layer->elements : layer->norm.channels;
    const uint64_t bits = word(input);
    memcpy((char *)arrays[which] + (int64_t)(word(input) % (uint64_t)count) * size, &bits, (size_t)size);
  }
}

static void watch_any_bits(test_input *input) {
  test_layer layer = some_layer(input);
  layer_give(&layer);
  scatter(&layer, input);
  require(layer_run(&layer, some_operation(input)) == NORMA_OK);
  layer_free(&layer);
}

/* ---- What is left out or in place ---------------------------------------------------------------------------- */

/* The fused functions with a workspace whose ends the sanitizers know. */
static norma_status run_in_workspace(test_layer *l, test_operation operation, void *dresidual) {
  const norma_batch_norm *norm = &l->norm;
  int64_t size;
  require(norma_batch_norm_workspace_size(norm, &size) == NORMA_OK);
  void *work = new_bytes(size);
  norma_status status;
  switch (operation) {
    case RELU_FORWARD_TRAINING:
      status = norma_batch_norm_relu_forward_training(norm, l->x, l->residual, l->gamma, l->beta, l->out, l->mean,
                                                      l->variance, work, size);
      break;
    case RELU_FORWARD_INFERENCE:
      status = norma_batch_norm_relu_forward_inference(norm, l->x, l->residual, l->gamma, l->beta, l->running_mean,
                                                       l->running_var, l->out, work, size);
      break;
    case RELU_BACKWARD_TRAINING:
      status = norma_batch_norm_relu_backward_training(norm, l->x, l->residual, l->dy, l->gamma, l->beta,
                                                       l->given_mean, l->given_variance, l->out, dresidual, l->dgamma,
                                                       l->dbeta, work, size);
      break;
    default:
      status = norma_batch_norm_relu_backward_inference(norm, l->x, l->residual, l->dy, l->gamma, l->beta,
                                                        l->running_mean, l->running_var, l->out, dresidual, l->dgamma,
                                                        l->dbeta, work, size);
  }
  free(work);
  return status;
}

/* An output as it was in the first run, at its place in `expected`. */
static void require_same(const test_layer *all, const void *expected, const void *array, const void *actual,
                         int64_t size) {
  if (actual) require(memcmp(actual, (const char *)expected + ((const char *)array - all->results), (size_t)size) == 0);
}

static void leave_out(test_input *input) {
  test_layer all = some_layer(input);
  const test_operation operation = RELU_FORWARD_TRAINING + below(input, 4);
  const int64_t tensor = all.elements * value_size(all.norm.data_type);
  const int64_t parameters = all.norm.channels * parameter_size(all.norm.data_type);
  layer_give(&all);
  require(layer_run(&all, operation) == NORMA_OK);
  char *expected = new_bytes(all.results_size);
  memcpy(expected, all.results, (size_t)all.results_size);
  test_layer some = all;
  void *dresidual = writes_dresidual(&all, operation) && below(input, 2) ? all.dresidual : NULL;
  if (is_forward(operation)) {
    if (below(input, 2)) some.out = below(input, 2) && all.residual ? all.residual : all.x;
  } else {
    if (below(input, 2)) some.out = all.dy;
    if (dresidual && some.out != all.dy && below(input, 2)) dresidual = all.dy;
    if (!dresidual && below(input, 4) == 1) some.out = NULL;
    if (below(input, 2)) some.dgamma = NULL;
    if (below(input, 2)) some.dbeta = NULL;
  }
  require(run_in_workspace(&some, operation, dresidual) == NORMA_OK);
  require_same(&all, expected, all.out, some.out, tensor);
  require_same(&all, expected, all.dresidual, dresidual, tensor);
  if (!is_forward(operation)) {
    require_same(&all, expected, all.dgamma, some.dgamma, parameters);
    require_same(&all, expected, all.dbeta, some.dbeta, parameters);
  }
  free(expected);
  layer_free(&all);
}

/* ---- What is refused ----------------------------------------------------------------------------------------- */

/* One array absent, moved or put on another that is as large. */
static void spoil_array(test_call *call, test_input *input) {
  const int i = below(input, call->count);
  const int j = below(input, call->count);
  const int offset = below(input, 32);
  switch (below(input, 3)) {
    case 0: call->arrays[i] = NULL; break;
    case 1: /* behind every array there is room for two of these */
      if (call->arrays[i]) call->arrays[i] = (char *)call->arrays[i] + offset;
      break;
    default:
      if (argument_bytes(call, i) <= argument_bytes(call, j)) call->arrays[i] = call->arrays[j];
  }
}

/* One of the other arguments, which may stay valid. */
static void spoil_scalar(test_call *call, test_input *input) {
  scalars *with = &call->with;
  const uint64_t bits = word(input);
  double number;
  memcpy(&number, &bits, sizeof number);
  switch (below(input, 14)) {
    case 0: with->norm.batch = -(int64_t)(bits >> 1); break;
    case 1: with->norm.channels = INT64_MAX - (int64_t)(bits % 256); break;
    case 2: with->norm.spatial = INT64_C(1) << (57 + bits % 6); break;
    case 3: with->norm.epsilon = number; break;
    case 4: with->norm.layout = (int32_t)bits; break;
    case 5: with->norm.threads = (int32_t)bits; break;
    case 6: with->workspace_size -= (int64_t)(bits % 128); break;
    case 7: with->no_descriptor = true; break;
    case 8: with->parts = (int64_t)(bits % (PARTS + 2)) - 1; break;
    case 9: with->count = (int64_t)bits; break;
    case 10: with->running.momentum = with->descent.momentum = number; break;
    case 11: with->running.mode = with->descent.nesterov = (int32_t)(bits % 4) - 1; break;
    case 12: with->running.unbiased = with->running.refuse_nonfinite = (int32_t)(bits % 4) - 1; break;
    default: with->descent.learning_rate = with->descent.weight_decay = number; break;
  }
}

static void refuse(test_input *input) {
  test_call call = call_make(&FUNCTIONS[below(input, FUNCTIONS_COUNT)], below(input, NORMA_FLOAT16 + 1));
  for (int arrays = below(input, 3); arrays > 0; arrays--) spoil_array(&call, input);
  for (int others = below(input, 3); others > 0; others--) spoil_scalar(&call, input);
  const norma_status status = call.function->call(&call.with, call.arrays);
  require(status >= NORMA_OK && status <= NORMA_BAD_GROUPS);
  require(status == NORMA_OK || memcmp(call.memory, call.before, (size_t)call.size) == 0);
  call_free(&call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static void (*const ways[])(test_input *) = {compare_with_reference, watch_any_bits, leave_out, refuse, compare_rows,
                                               compare_groups};
  test_input input = {data, size};
  ways[below(&input, 6)](&input);
  return 0;
}
