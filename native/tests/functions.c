#include "functions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool reached[64];

static const norma_batch_norm *norm_of(const scalars *with) { return with->no_descriptor ? NULL : &with->norm; }

static norma_status forward_training(const scalars *w, void *const *a) {
  return norma_batch_norm_forward_training(norm_of(w), a[0], a[1], a[2], a[3], a[4], a[5], a[6], w->workspace_size);
}

static norma_status forward_inference(const scalars *w, void *const *a) {
  return norma_batch_norm_forward_inference(norm_of(w), a[0], a[1], a[2], a[3], a[4], a[5], a[6], w->workspace_size);
}

static norma_status backward_training(const scalars *w, void *const *a) {
  return norma_batch_norm_backward_training(norm_of(w), a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8],
                                            w->workspace_size);
}

static norma_status backward_inference(const scalars *w, void *const *a) {
  return norma_batch_norm_backward_inference(norm_of(w), a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8],
                                             w->workspace_size);
}

static norma_status local_statistics(const scalars *w, void *const *a) {
  return norma_batch_norm_local_statistics(norm_of(w), a[0], a[1], a[2], a[3], w->workspace_size);
}

static norma_status normalize(const scalars *w, void *const *a) {
  return norma_batch_norm_normalize(norm_of(w), a[0], a[1], a[2], a[3], a[4], a[5], a[6], w->workspace_size);
}

static norma_status local_gradient_sums(const scalars *w, void *const *a) {
  return norma_batch_norm_local_gradient_sums(norm_of(w), a[0], a[1], a[2], a[3], a[4], a[5], a[6],
                                              w->workspace_size);
}

static norma_status gradient_input(const scalars *w, void *const *a) {
  return norma_batch_norm_gradient_input(norm_of(w), a[0], a[1], a[2], a[3], a[4], w->count, a[5], a[6], a[7], a[8],
                                         w->workspace_size);
}

static norma_status workspace_size(const scalars *w, void *const *a) {
  return norma_batch_norm_workspace_size(norm_of(w), a[0]);
}

static norma_status update_running(const scalars *w, void *const *a) {
  return norma_batch_norm_update_running(w->no_descriptor ? NULL : &w->running, w->norm.data_type, w->norm.channels,
                                         w->count, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static norma_status merge_statistics(const scalars *w, void *const *a) {
  return norma_batch_norm_merge_statistics(w->norm.channels, w->parts, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static norma_status merge_gradient_sums(const scalars *w, void *const *a) {
  return norma_batch_norm_merge_gradient_sums(w->norm.channels, w->parts, a[0], a[1], a[2], a[3], a[4]);
}

static norma_status fold(const scalars *w, void *const *a) {
  return norma_batch_norm_fold(w->norm.data_type, w->norm.channels, w->norm.spatial, w->norm.epsilon, a[0], a[1], a[2],
                               a[3], a[4], a[5], a[6], a[7]);
}

static norma_status gradient_descent_step(const scalars *w, void *const *a) {
  return norma_gradient_descent_step(w->no_descriptor ? NULL : &w->descent, w->norm.data_type, w->norm.channels, a[0],
                                     a[1], a[2]);
}

static norma_status relu_forward_training(const scalars *w, void *const *a) {
  return norma_batch_norm_relu_forward_training(norm_of(w), a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7],
                                                w->workspace_size);
}

static norma_status relu_forward_inference(const scalars *w, void *const *a) {
  return norma_batch_norm_relu_forward_inference(norm_of(w), a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7],
                                                 w->workspace_size);
}

static norma_status relu_backward_training(const scalars *w, void *const *a) {
  return norma_batch_norm_relu_backward_training(norm_of(w), a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8],
                                                 a[9], a[10], a[11], w->workspace_size);
}

static norma_status relu_backward_inference(const scalars *w, void *const *a) {
  return norma_batch_norm_relu_backward_inference(norm_of(w), a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8],
                                                  a[9], a[10], a[11], w->workspace_size);
}

/* A product that is too large stays too large. */
static norma_layer_norm rows_of(const scalars *with) {
  const norma_batch_norm *norm = &with->norm;
  int64_t length;
  if (__builtin_mul_overflow(norm->batch, norm->spatial, &length)) length = INT64_MAX;
  return (norma_layer_norm){norm->channels, length, norm->epsilon, norm->data_type, norm->threads};
}

static norma_status layer_norm_forward(const scalars *w, void *const *a) {
  const norma_layer_norm norm = rows_of(w);
  return norma_layer_norm_forward(w->no_descriptor ? NULL : &norm, a[0], a[1], a[2], a[3], a[4], a[5], a[6],
                                  w->workspace_size);
}

static norma_status layer_norm_backward(const scalars *w, void *const *a) {
  const norma_layer_norm norm = rows_of(w);
  return norma_layer_norm_backward(w->no_descriptor ? NULL : &norm, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7],
                                   a[8], w->workspace_size);
}

static norma_status rms_norm_forward(const scalars *w, void *const *a) {
  const norma_layer_norm norm = rows_of(w);
  return norma_rms_norm_forward(w->no_descriptor ? NULL : &norm, a[0], a[1], a[2], a[3], a[4], w->workspace_size);
}

static norma_status rms_norm_backward(const scalars *w, void *const *a) {
  const norma_layer_norm norm = rows_of(w);
  return norma_rms_norm_backward(w->no_descriptor ? NULL : &norm, a[0], a[1], a[2], a[3], a[4], a[5], a[6],
                                 w->workspace_size);
}

static norma_status layer_norm_workspace_size(const scalars *w, void *const *a) {
  const norma_layer_norm norm = rows_of(w);
  return norma_layer_norm_workspace_size(w->no_descriptor ? NULL : &norm, a[0]);
}

/* In two groups, unless the channels cannot be halved. */
static norma_group_norm groups_of(const scalars *with) {
  const norma_batch_norm *norm = &with->norm;
  return (norma_group_norm){norm->batch, norm->channels, norm->spatial, norm->channels % 2 == 0 ? 2 : 1,
                            norm->epsilon, norm->data_type, norm->layout, norm->threads};
}

static norma_status group_norm_forward(const scalars *w, void *const *a) {
  const norma_group_norm norm = groups_of(w);
  return norma_group_norm_forward(w->no_descriptor ? NULL : &norm, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7],
                                  w->workspace_size);
}

static norma_status group_norm_backward(const scalars *w, void *const *a) {
  const norma_group_norm norm = groups_of(w);
  return norma_group_norm_backward(w->no_descriptor ? NULL : &norm, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7],
                                   a[8], w->workspace_size);
}

static norma_status group_norm_workspace_size(const scalars *w, void *const *a) {
  const norma_group_norm norm = groups_of(w);
  return norma_group_norm_workspace_size(w->no_descriptor ? NULL : &norm, a[0]);
}

static norma_status average_statistics(const scalars *w, void *const *a) {
  return norma_instance_norm_average_statistics(w->parts, w->norm.channels, a[0], a[1], a[2], a[3]);
}

#define SCRATCH {"workspace", WORKSPACE, OUT, OPTIONAL, {NULL}}

const test_function FUNCTIONS[] = {
  {"forward_training", forward_training, TAKES_BATCH, true,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"gamma", PARAMETERS, IN, OPTIONAL, {NULL}},
    {"beta", PARAMETERS, IN, OPTIONAL, {NULL}}, {"y", TENSOR, OUT, REQUIRED, {"x"}},
    {"mean", STATISTICS, OUT, REQUIRED, {NULL}}, {"variance", STATISTICS, OUT, REQUIRED, {NULL}}, SCRATCH}},
  {"forward_inference", forward_inference, TAKES_BATCH, false,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"gamma", PARAMETERS, IN, OPTIONAL, {NULL}},
    {"beta", PARAMETERS, IN, OPTIONAL, {NULL}}, {"running_mean", PARAMETERS, IN, REQUIRED, {NULL}},
    {"running_var", PARAMETERS, IN, REQUIRED, {NULL}}, {"y", TENSOR, OUT, REQUIRED, {"x"}}, SCRATCH}},
  {"backward_training", backward_training, TAKES_BATCH, true,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"dy", TENSOR, IN, REQUIRED, {NULL}},
    {"gamma", PARAMETERS, IN, OPTIONAL, {NULL}},
    {"mean", STATISTICS, IN, REQUIRED, {NULL}}, {"variance", STATISTICS, IN, REQUIRED, {NULL}},
    {"dx", TENSOR, OUT, OPTIONAL, {"dy"}}, {"dgamma", PARAMETERS, OUT, OPTIONAL, {NULL}},
    {"dbeta", PARAMETERS, OUT, OPTIONAL, {NULL}}, SCRATCH}},
  {"backward_inference", backward_inference, TAKES_BATCH, false,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"dy", TENSOR, IN, REQUIRED, {NULL}},
    {"gamma", PARAMETERS, IN, OPTIONAL, {NULL}},
    {"running_mean", PARAMETERS, IN, REQUIRED, {NULL}}, {"running_var", PARAMETERS, IN, REQUIRED, {NULL}},
    {"dx", TENSOR, OUT, OPTIONAL, {"dy"}}, {"dgamma", PARAMETERS, OUT, OPTIONAL, {NULL}},
    {"dbeta", PARAMETERS, OUT, OPTIONAL, {NULL}}, SCRATCH}},
  {"local_statistics", local_statistics, TAKES_BATCH, false,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"mean", STATISTICS, OUT, REQUIRED, {NULL}},
    {"variance", STATISTICS, OUT, REQUIRED, {NULL}}, SCRATCH}},
  {"normalize", normalize, TAKES_BATCH, false,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"gamma", PARAMETERS, IN, OPTIONAL, {NULL}},
    {"beta", PARAMETERS, IN, OPTIONAL, {NULL}}, {"mean", STATISTICS, IN, REQUIRED, {NULL}},
    {"variance", STATISTICS, IN, REQUIRED, {NULL}}, {"y", TENSOR, OUT, REQUIRED, {"x"}}, SCRATCH}},
  {"local_gradient_sums", local_gradient_sums, TAKES_BATCH, false,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"dy", TENSOR, IN, REQUIRED, {NULL}},
    {"mean", STATISTICS, IN, REQUIRED, {NULL}},
    {"variance", STATISTICS, IN, REQUIRED, {NULL}}, {"sum_dy", STATISTICS, OUT, REQUIRED, {NULL}},
    {"sum_dy_x_hat", STATISTICS, OUT, REQUIRED, {NULL}}, SCRATCH}},
  {"gradient_input", gradient_input, TAKES_BATCH, false,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"dy", TENSOR, IN, REQUIRED, {NULL}},
    {"gamma", PARAMETERS, IN, OPTIONAL, {NULL}},
    {"mean", STATISTICS, IN, REQUIRED, {NULL}}, {"variance", STATISTICS, IN, REQUIRED, {NULL}},
    {"sum_dy", STATISTICS, IN, REQUIRED, {NULL}}, {"sum_dy_x_hat", STATISTICS, IN, REQUIRED, {NULL}},
    {"dx", TENSOR, OUT, REQUIRED, {"dy"}}, SCRATCH}},
  {"relu_forward_training", relu_forward_training, TAKES_BATCH, true,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"residual", TENSOR, IN, OPTIONAL, {NULL}},
    {"gamma", PARAMETERS, IN, OPTIONAL, {NULL}}, {"beta", PARAMETERS, IN, OPTIONAL, {NULL}},
    {"y", TENSOR, OUT, REQUIRED, {"x", "residual"}}, {"mean", STATISTICS, OUT, REQUIRED, {NULL}},
    {"variance", STATISTICS, OUT, REQUIRED, {NULL}}, SCRATCH}},
  {"relu_forward_inference", relu_forward_inference, TAKES_BATCH, false,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"residual", TENSOR, IN, OPTIONAL, {NULL}},
    {"gamma", PARAMETERS, IN, OPTIONAL, {NULL}}, {"beta", PARAMETERS, IN, OPTIONAL, {NULL}},
    {"running_mean", PARAMETERS, IN, REQUIRED, {NULL}}, {"running_var", PARAMETERS, IN, REQUIRED, {NULL}},
    {"y", TENSOR, OUT, REQUIRED, {"x", "residual"}}, SCRATCH}},
  {"relu_backward_training", relu_backward_training, TAKES_BATCH, true,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"residual", TENSOR, IN, OPTIONAL, {NULL}},
    {"dy", TENSOR, IN, REQUIRED, {NULL}}, {"gamma", PARAMETERS, IN, OPTIONAL, {NULL}},
    {"beta", PARAMETERS, IN, OPTIONAL, {NULL}}, {"mean", STATISTICS, IN, REQUIRED, {NULL}},
    {"variance", STATISTICS, IN, REQUIRED, {NULL}}, {"dx", TENSOR, OUT, OPTIONAL, {"dy"}},
    {"dresidual", TENSOR, OUT, OPTIONAL, {"dy"}}, {"dgamma", PARAMETERS, OUT, OPTIONAL, {NULL}},
    {"dbeta", PARAMETERS, OUT, OPTIONAL, {NULL}}, SCRATCH}},
  {"relu_backward_inference", relu_backward_inference, TAKES_BATCH, false,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"residual", TENSOR, IN, OPTIONAL, {NULL}},
    {"dy", TENSOR, IN, REQUIRED, {NULL}}, {"gamma", PARAMETERS, IN, OPTIONAL, {NULL}},
    {"beta", PARAMETERS, IN, OPTIONAL, {NULL}}, {"running_mean", PARAMETERS, IN, REQUIRED, {NULL}},
    {"running_var", PARAMETERS, IN, REQUIRED, {NULL}}, {"dx", TENSOR, OUT, OPTIONAL, {"dy"}},
    {"dresidual", TENSOR, OUT, OPTIONAL, {"dy"}}, {"dgamma", PARAMETERS, OUT, OPTIONAL, {NULL}},
    {"dbeta", PARAMETERS, OUT, OPTIONAL, {NULL}}, SCRATCH}},
  {"workspace_size", workspace_size, TAKES_BATCH, false, {{"size", ONE_COUNT, OUT, REQUIRED, {NULL}}}},
  {"update_running", update_running, TAKES_NONE, false,
   {{"mean", STATISTICS, IN, REQUIRED, {NULL}}, {"variance", STATISTICS, IN, REQUIRED, {NULL}},
    {"running_mean", PARAMETERS, OUT, REQUIRED, {NULL}}, {"running_var", PARAMETERS, OUT, REQUIRED, {NULL}},
    {"batches", ONE_COUNT, OUT, REQUIRED, {NULL}}, {"refused", ONE_COUNT, OUT, REQUIRED, {NULL}}}},
  {"merge_statistics", merge_statistics, TAKES_NONE, false,
   {{"counts", PART_COUNTS, IN, REQUIRED, {NULL}}, {"means", PART_STATISTICS, IN, REQUIRED, {NULL}},
    {"variances", PART_STATISTICS, IN, REQUIRED, {NULL}}, {"count", ONE_COUNT, OUT, REQUIRED, {NULL}},
    {"mean", STATISTICS, OUT, REQUIRED, {NULL}}, {"variance", STATISTICS, OUT, REQUIRED, {NULL}}}},
  {"merge_gradient_sums", merge_gradient_sums, TAKES_NONE, false,
   {{"counts", PART_COUNTS, IN, REQUIRED, {NULL}}, {"sums_dy", PART_STATISTICS, IN, REQUIRED, {NULL}},
    {"sums_dy_x_hat", PART_STATISTICS, IN, REQUIRED, {NULL}}, {"sum_dy", STATISTICS, OUT, REQUIRED, {NULL}},
    {"sum_dy_x_hat", STATISTICS, OUT, REQUIRED, {NULL}}}},
  {"fold", fold, TAKES_NONE, false,
   {{"weights", WEIGHTS, IN, REQUIRED, {NULL}}, {"bias", PARAMETERS, IN, OPTIONAL, {NULL}},
    {"gamma", PARAMETERS, IN, OPTIONAL, {NULL}}, {"beta", PARAMETERS, IN, OPTIONAL, {NULL}},
    {"running_mean", PARAMETERS, IN, REQUIRED, {NULL}}, {"running_var", PARAMETERS, IN, REQUIRED, {NULL}},
    {"folded_weights", WEIGHTS, OUT, REQUIRED, {"weights"}}, {"folded_bias", PARAMETERS, OUT, REQUIRED, {"bias"}}}},
  {"gradient_descent_step", gradient_descent_step, TAKES_NONE, false,
   {{"gradient", PARAMETERS, IN, REQUIRED, {NULL}}, {"parameter", PARAMETERS, OUT, REQUIRED, {NULL}},
    {"velocity", PARAMETERS, OUT, REQUIRED, {NULL}}}},
  {"layer_norm_forward", layer_norm_forward, TAKES_ROWS, false,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"gamma", ROW_PARAMETERS, IN, OPTIONAL, {NULL}},
    {"beta", ROW_PARAMETERS, IN, OPTIONAL, {NULL}}, {"y", TENSOR, OUT, REQUIRED, {"x"}},
    {"mean", STATISTICS, OUT, OPTIONAL, {NULL}}, {"inv_std", STATISTICS, OUT, OPTIONAL, {NULL}}, SCRATCH}},
  {"layer_norm_backward", layer_norm_backward, TAKES_ROWS, false,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"dy", TENSOR, IN, REQUIRED, {NULL}},
    {"gamma", ROW_PARAMETERS, IN, OPTIONAL, {NULL}}, {"mean", STATISTICS, IN, REQUIRED, {NULL}},
    {"inv_std", STATISTICS, IN, REQUIRED, {NULL}}, {"dx", TENSOR, OUT, OPTIONAL, {"dy"}},
    {"dgamma", ROW_PARAMETERS, OUT, OPTIONAL, {NULL}}, {"dbeta", ROW_PARAMETERS, OUT, OPTIONAL, {NULL}}, SCRATCH}},
  {"rms_norm_forward", rms_norm_forward, TAKES_ROWS, false,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"gamma", ROW_PARAMETERS, IN, OPTIONAL, {NULL}},
    {"y", TENSOR, OUT, REQUIRED, {"x"}}, {"inv_rms", STATISTICS, OUT, OPTIONAL, {NULL}}, SCRATCH}},
  {"rms_norm_backward", rms_norm_backward, TAKES_ROWS, false,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"dy", TENSOR, IN, REQUIRED, {NULL}},
    {"gamma", ROW_PARAMETERS, IN, OPTIONAL, {NULL}}, {"inv_rms", STATISTICS, IN, REQUIRED, {NULL}},
    {"dx", TENSOR, OUT, OPTIONAL, {"dy"}}, {"dgamma", ROW_PARAMETERS, OUT, OPTIONAL, {NULL}}, SCRATCH}},
  {"layer_norm_workspace_size", layer_norm_workspace_size, TAKES_ROWS, false,
   {{"size", ONE_COUNT, OUT, REQUIRED, {NULL}}}},
  {"group_norm_forward", group_norm_forward, TAKES_GROUPS, false,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"gamma", PARAMETERS, IN, OPTIONAL, {NULL}},
    {"beta", PARAMETERS, IN, OPTIONAL, {NULL}}, {"y", TENSOR, OUT, REQUIRED, {"x"}},
    {"mean", GROUP_STATISTICS, OUT, OPTIONAL, {NULL}}, {"variance", GROUP_STATISTICS, OUT, OPTIONAL, {NULL}},
    {"inv_std", GROUP_STATISTICS, OUT, OPTIONAL, {NULL}}, SCRATCH}},
  {"group_norm_backward", group_norm_backward, TAKES_GROUPS, false,
   {{"x", TENSOR, IN, REQUIRED, {NULL}}, {"dy", TENSOR, IN, REQUIRED, {NULL}},
    {"gamma", PARAMETERS, IN, OPTIONAL, {NULL}}, {"mean", GROUP_STATISTICS, IN, REQUIRED, {NULL}},
    {"inv_std", GROUP_STATISTICS, IN, REQUIRED, {NULL}}, {"dx", TENSOR, OUT, OPTIONAL, {"dy"}},
    {"dgamma", PARAMETERS, OUT, OPTIONAL, {NULL}}, {"dbeta", PARAMETERS, OUT, OPTIONAL, {NULL}}, SCRATCH}},
  {"group_norm_workspace_size", group_norm_workspace_size, TAKES_GROUPS, false,
   {{"size", ONE_COUNT, OUT, REQUIRED, {NULL}}}},
  {"average_statistics", average_statistics, TAKES_NONE, false,
   {{"means", PART_STATISTICS, IN, REQUIRED, {NULL}}, {"variances", PART_STATISTICS, IN, REQUIRED, {NULL}},
    {"mean", STATISTICS, OUT, REQUIRED, {NULL}}, {"variance", STATISTICS, OUT, REQUIRED, {NULL}}}}
};
const int FUNCTIONS_COUNT = sizeof FUNCTIONS / sizeof *FUNCTIONS;

int64_t argument_element(const test_call *call, int i) {
  const int32_t type = call->with.norm.data_type;
  switch (call->function->arguments[i].kind) {
    case TENSOR:
    case WEIGHTS: return value_size(type);
    case PARAMETERS:
    case ROW_PARAMETERS: return parameter_size(type);
    default: return (int64_t)sizeof(double);
  }
}

int64_t argument_bytes(const test_call *call, int i) {
  const norma_batch_norm *norm = &call->with.norm;
  const int64_t element = argument_element(call, i);
  switch (call->function->arguments[i].kind) {
    case TENSOR: return norm->batch * norm->channels * norm->spatial * element;
    case ROW_PARAMETERS: return norm->batch * norm->spatial * element;
    case WEIGHTS: return norm->channels * norm->spatial * element;
    case GROUP_STATISTICS: return norm->batch * groups_of(&call->with).groups * element;
    case PART_STATISTICS: return PARTS * norm->channels * element;
    case PART_COUNTS: return PARTS * element;
    case ONE_COUNT: return element;
    case WORKSPACE: return call->with.workspace_size;
    default: return norm->channels * element;
  }
}

/* The data type of an array that is no count. */
static int32_t array_type(const test_call *call, array_kind kind) {
  const int32_t type = call->with.norm.data_type;
  const bool is_element = kind == TENSOR || kind == WEIGHTS;
  const bool is_parameter = kind == PARAMETERS || kind == ROW_PARAMETERS;
  return is_element ? type : is_parameter ? parameter_type(type) : NORMA_FLOAT64;
}

static void fill(test_call *call, int i, uint64_t *seed) {
  const test_argument *argument = &call->function->arguments[i];
  const int64_t bytes = argument_bytes(call, i);
  if (argument->kind == PART_COUNTS || argument->kind == ONE_COUNT) {
    int64_t *counts = call->arrays[i];
    for (int64_t k = 0; k < bytes / (int64_t)sizeof *counts; k++) counts[k] = k + 2;
  } else if (argument->kind != WORKSPACE) {
    const int32_t type = array_type(call, argument->kind);
    for (int64_t k = 0; k < bytes / value_size(type); k++)
      value_put(type, call->arrays[i], k, random_uniform(seed, 0.5, 2));
  }
}

norma_status call_workspace_size(const test_call *call, int64_t *size) {
  const norma_layer_norm rows = rows_of(&call->with);
  const norma_group_norm groups = groups_of(&call->with);
  switch (call->function->takes) {
    case TAKES_ROWS: return norma_layer_norm_workspace_size(&rows, size);
    case TAKES_GROUPS: return norma_group_norm_workspace_size(&groups, size);
    default: return norma_batch_norm_workspace_size(&call->with.norm, size);
  }
}

test_call call_make(const test_function *function, int32_t data_type) {
  test_call call = {.function = function};
  call.with = (scalars){
    .norm = {3, 4, 5, 1e-5, data_type, NORMA_CHANNELS_FIRST, 1},
    .running = {0.9, NORMA_RUNNING_EXPONENTIAL, 1, 1},
    .descent = {0.1, 0.9, 0.01, 1},
    .parts = PARTS,
    .count = 15
  };
  /* Without a level there is no size, and none is needed. */
  if (call_workspace_size(&call, &call.with.workspace_size) != NORMA_OK) call.with.workspace_size = 4096;
  int64_t offsets[ARGUMENTS_AT_MOST];
  while (function->arguments[call.count].name) {
    offsets[call.count] = call.size;
    call.size += (argument_bytes(&call, call.count) + 127) / 64 * 64;
    call.count++;
  }
  call.memory = new_bytes(call.size);
  uint64_t seed = 41;
  for (int i = 0; i < call.count; i++) {
    call.arrays[i] = call.memory + offsets[i];
    fill(&call, i, &seed);
  }
  call.before = new_bytes(call.size);
  memcpy(call.before, call.memory, (size_t)call.size);
  return call;
}

void call_free(test_call *call) {
  free(call->memory);
  free(call->before);
}

void call_expecting(test_call *call, norma_status expected, const char *format, ...) {
  const norma_status status = call->function->call(&call->with, call->arrays);
  if (status >= 0 && status < 64) reached[status] = true;
  char what[128];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(what, sizeof what, format, arguments);
  va_end(arguments);
  if (status != expected)
    fail_msg("%s, %s: \"%s\" instead of \"%s\"", call->function->name, what, norma_status_message(status),
             norma_status_message(expected));
  const bool untouched = memcmp(call->memory, call->before, (size_t)call->size) == 0;
  if (status != NORMA_OK && !untouched) fail_msg("%s, %s: memory has changed", call->function->name, what);
  memcpy(call->memory, call->before, (size_t)call->size);
}
