#include "layer.h"

#include <stdlib.h>
#include <string.h>

/* Cuts the next array from a block; only counts its bytes where there is none. */
static void *cut(char *block, int64_t *used, int64_t size) {
  void *array = block ? block + *used : NULL;
  *used += (size + 63) / 64 * 64;
  return array;
}

static int64_t lay_out(test_layer *layer, char *block) {
  const int64_t tensor = layer->elements * value_size(layer->norm.data_type);
  const int64_t parameters = layer->norm.channels * parameter_size(layer->norm.data_type);
  const int64_t statistics = layer->norm.channels * (int64_t)sizeof(double);
  int64_t used = 0;
  layer->x = cut(block, &used, tensor);
  layer->dy = cut(block, &used, tensor);
  layer->residual = cut(block, &used, tensor);
  layer->gamma = cut(block, &used, parameters);
  layer->beta = cut(block, &used, parameters);
  layer->running_mean = cut(block, &used, parameters);
  layer->running_var = cut(block, &used, parameters);
  layer->given_mean = cut(block, &used, statistics);
  layer->given_variance = cut(block, &used, statistics);
  layer->given_sum_dy = cut(block, &used, statistics);
  layer->given_sum_dy_x_hat = cut(block, &used, statistics);
  const int64_t inputs = used;
  layer->results = cut(block, &used, 0);
  layer->out = cut(block, &used, tensor);
  layer->dresidual = cut(block, &used, tensor);
  layer->mean = cut(block, &used, statistics);
  layer->variance = cut(block, &used, statistics);
  layer->sum_dy = cut(block, &used, statistics);
  layer->sum_dy_x_hat = cut(block, &used, statistics);
  layer->dgamma = cut(block, &used, parameters);
  layer->dbeta = cut(block, &used, parameters);
  layer->results_size = used - inputs;
  return used;
}

test_layer layer_make(norma_batch_norm norm) {
  test_layer made = {
    .norm = norm, .elements = norm.batch * norm.channels * norm.spatial, .count = norm.batch * norm.spatial};
  made.memory = new_bytes(lay_out(&made, NULL));
  lay_out(&made, made.memory);
  return made;
}

void layer_free(test_layer *layer) {
  free(layer->memory);
  layer->memory = NULL;
}

int64_t layer_index(const test_layer *layer, int64_t c, int64_t i) {
  const norma_batch_norm *norm = &layer->norm;
  if (norm->layout == NORMA_CHANNELS_LAST) return i * norm->channels + c;
  return (i / norm->spatial * norm->channels + c) * norm->spatial + i % norm->spatial;
}

void layer_set_channel(test_layer *layer, int64_t c, uint64_t seed, double mean, double deviation) {
  for (int64_t i = 0; i < layer->count; i++)
    value_put(layer->norm.data_type, layer->x, layer_index(layer, c, i), mean + deviation * random_normal(&seed));
}

static void fill_rest(test_layer *layer, uint64_t *seed) {
  const int32_t type = layer->norm.data_type;
  for (int64_t i = 0; i < layer->elements; i++) value_put(type, layer->dy, i, 0.1 + random_normal(seed));
  for (int64_t c = 0; c < layer->norm.channels; c++) {
    parameter_put(type, layer->gamma, c, random_uniform(seed, 0.5, 1.5));
    parameter_put(type, layer->beta, c, random_uniform(seed, -1, 1));
    parameter_put(type, layer->running_mean, c, random_uniform(seed, -1, 1));
    parameter_put(type, layer->running_var, c, random_uniform(seed, 0.5, 2));
  }
  for (int64_t i = 0; i < layer->elements; i++) value_put(type, layer->residual, i, random_normal(seed));
}

void layer_fill_x(test_layer *layer, uint64_t seed, double mean, double deviation) {
  for (int64_t c = 0; c < layer->norm.channels; c++)
    layer_set_channel(layer, c, random_bits(&seed), mean, deviation);
  fill_rest(layer, &seed);
}

void layer_fill(test_layer *layer, uint64_t seed) {
  for (int64_t c = 0; c < layer->norm.channels; c++) {
    const double mean = random_uniform(&seed, -3, 3);
    const double deviation = random_uniform(&seed, 0.5, 4);
    layer_set_channel(layer, c, random_bits(&seed), mean, deviation);
  }
  fill_rest(layer, &seed);
}

const char *operation_name(test_operation operation) {
  static const char *const names[] = {
    [FORWARD_TRAINING] = "forward_training",
    [FORWARD_INFERENCE] = "forward_inference",
    [BACKWARD_TRAINING] = "backward_training",
    [BACKWARD_INFERENCE] = "backward_inference",
    [LOCAL_STATISTICS] = "local_statistics",
    [NORMALIZE] = "normalize",
    [LOCAL_GRADIENT_SUMS] = "local_gradient_sums",
    [GRADIENT_INPUT] = "gradient_input",
    [RELU_FORWARD_TRAINING] = "relu_forward_training",
    [RELU_FORWARD_INFERENCE] = "relu_forward_inference",
    [RELU_BACKWARD_TRAINING] = "relu_backward_training",
    [RELU_BACKWARD_INFERENCE] = "relu_backward_inference"
  };
  return names[operation];
}

bool has_relu(test_operation operation) { return operation >= RELU_FORWARD_TRAINING; }

bool by_running(test_operation operation) {
  return operation == FORWARD_INFERENCE || operation == BACKWARD_INFERENCE || operation == RELU_FORWARD_INFERENCE ||
         operation == RELU_BACKWARD_INFERENCE;
}

bool is_forward(test_operation operation) {
  return operation == FORWARD_TRAINING || operation == FORWARD_INFERENCE || operation == NORMALIZE ||
         operation == RELU_FORWARD_TRAINING || operation == RELU_FORWARD_INFERENCE;
}

bool writes_tensor(test_operation operation) {
  return operation != LOCAL_STATISTICS && operation != LOCAL_GRADIENT_SUMS;
}

bool writes_dresidual(const test_layer *l, test_operation operation) {
  return has_relu(operation) && !is_forward(operation) && l->residual && l->out;
}

static norma_status run_relu(test_layer *l, test_operation operation) {
  void *dresidual = writes_dresidual(l, operation) ? l->dresidual : NULL;
  switch (operation) {
    case RELU_FORWARD_TRAINING:
      return norma_batch_norm_relu_forward_training(&l->norm, l->x, l->residual, l->gamma, l->beta, l->out, l->mean,
                                                    l->variance, NULL, 0);
    case RELU_FORWARD_INFERENCE:
      return norma_batch_norm_relu_forward_inference(&l->norm, l->x, l->residual, l->gamma, l->beta,
                                                     l->running_mean, l->running_var, l->out, NULL, 0);
    case RELU_BACKWARD_TRAINING:
      return norma_batch_norm_relu_backward_training(&l->norm, l->x, l->residual, l->dy, l->gamma, l->beta,
                                                     l->given_mean, l->given_variance, l->out, dresidual, l->dgamma,
                                                     l->dbeta, NULL, 0);
    default:
      return norma_batch_norm_relu_backward_inference(&l->norm, l->x, l->residual, l->dy, l->gamma, l->beta,
                                                      l->running_mean, l->running_var, l->out, dresidual, l->dgamma,
                                                      l->dbeta, NULL, 0);
  }
}

norma_status layer_run(test_layer *l, test_operation operation) {
  if (has_relu(operation)) return run_relu(l, operation);
  switch (operation) {
    case FORWARD_TRAINING:
      return norma_batch_norm_forward_training(&l->norm, l->x, l->gamma, l->beta, l->out, l->mean, l->variance,
                                               NULL, 0);
    case FORWARD_INFERENCE:
      return norma_batch_norm_forward_inference(&l->norm, l->x, l->gamma, l->beta, l->running_mean,
                                                l->running_var, l->out, NULL, 0);
    case BACKWARD_TRAINING:
      return norma_batch_norm_backward_training(&l->norm, l->x, l->dy, l->gamma, l->given_mean,
                                                l->given_variance, l->out, l->dgamma, l->dbeta, NULL, 0);
    case BACKWARD_INFERENCE:
      return norma_batch_norm_backward_inference(&l->norm, l->x, l->dy, l->gamma, l->running_mean,
                                                 l->running_var, l->out, l->dgamma, l->dbeta, NULL, 0);
    case LOCAL_STATISTICS:
      return norma_batch_norm_local_statistics(&l->norm, l->x, l->mean, l->variance, NULL, 0);
    case NORMALIZE:
      return norma_batch_norm_normalize(&l->norm, l->x, l->gamma, l->beta, l->given_mean, l->given_variance,
                                        l->out, NULL, 0);
    case LOCAL_GRADIENT_SUMS:
      return norma_batch_norm_local_gradient_sums(&l->norm, l->x, l->dy, l->given_mean, l->given_variance,
                                                  l->sum_dy, l->sum_dy_x_hat, NULL, 0);
    default:
      return norma_batch_norm_gradient_input(&l->norm, l->x, l->dy, l->gamma, l->given_mean, l->given_variance,
                                             l->count, l->given_sum_dy, l->given_sum_dy_x_hat, l->out, NULL, 0);
  }
}

/* The passes that api.c makes of each operation. */
static void set_passes(norma_job *job, test_operation operation) {
  static const struct {
    norma_sum_pass sum;
    norma_finish_pass finish;
    norma_apply_pass apply;
  } passes[] = {
    [FORWARD_TRAINING] = {SUM_MOMENTS, FINISH_FORWARD_TRAINING, APPLY_NORMALIZE},
    [FORWARD_INFERENCE] = {SUM_NOTHING, FINISH_NORMALIZE, APPLY_NORMALIZE},
    [BACKWARD_TRAINING] = {SUM_GRADIENTS, FINISH_BACKWARD_TRAINING, APPLY_GRADIENT},
    [BACKWARD_INFERENCE] = {SUM_GRADIENTS, FINISH_BACKWARD_INFERENCE, APPLY_SCALE},
    [LOCAL_STATISTICS] = {SUM_MOMENTS, FINISH_STATISTICS, APPLY_NOTHING},
    [NORMALIZE] = {SUM_NOTHING, FINISH_NORMALIZE, APPLY_NORMALIZE},
    [LOCAL_GRADIENT_SUMS] = {SUM_GRADIENTS, FINISH_GRADIENT_SUMS, APPLY_NOTHING},
    [GRADIENT_INPUT] = {SUM_NOTHING, FINISH_GRADIENT_INPUT, APPLY_GRADIENT},
    [RELU_FORWARD_TRAINING] = {SUM_MOMENTS, FINISH_FORWARD_TRAINING, APPLY_NORMALIZE},
    [RELU_FORWARD_INFERENCE] = {SUM_NOTHING, FINISH_NORMALIZE, APPLY_NORMALIZE},
    [RELU_BACKWARD_TRAINING] = {SUM_GRADIENTS, FINISH_BACKWARD_TRAINING, APPLY_GRADIENT},
    [RELU_BACKWARD_INFERENCE] = {SUM_GRADIENTS, FINISH_BACKWARD_INFERENCE, APPLY_GRADIENT}
  };
  job->sum = passes[operation].sum;
  job->finish = passes[operation].finish;
  job->apply = passes[operation].apply;
}

static norma_job job_of(const test_layer *l, test_operation operation) {
  norma_job job = {.x = l->x, .dy = l->dy, .gamma = l->gamma, .beta = l->beta, .count = l->count, .out = l->out};
  const bool running = by_running(operation);
  job.relu = has_relu(operation);
  job.residual = job.relu ? l->residual : NULL;
  job.dresidual = writes_dresidual(l, operation) ? l->dresidual : NULL;
  job.running_mean = running ? l->running_mean : NULL;
  job.running_var = running ? l->running_var : NULL;
  job.mean = running ? NULL : l->given_mean;
  job.variance = running ? NULL : l->given_variance;
  job.sum_dy = l->given_sum_dy;
  job.sum_dy_x_hat = l->given_sum_dy_x_hat;
  job.mean_out = l->mean;
  job.variance_out = l->variance;
  job.sum_dy_out = l->sum_dy;
  job.sum_dy_x_hat_out = l->sum_dy_x_hat;
  job.dgamma = l->dgamma;
  job.dbeta = l->dbeta;
  set_passes(&job, operation);
  return job;
}

norma_status layer_run_at(test_layer *layer, test_operation operation, const norma_kernels *kernels,
                          norma_caches caches, void *workspace) {
  norma_job job = job_of(layer, operation);
  const norma_plan plan = norma_plan_make(&layer->norm, kernels, caches);
  return norma_run(&plan, &job, workspace);
}

void layer_give(test_layer *l) {
  assert_int_equal(
      norma_batch_norm_local_statistics(&l->norm, l->x, l->given_mean, l->given_variance, NULL, 0), NORMA_OK);
  assert_int_equal(
      norma_batch_norm_local_gradient_sums(&l->norm, l->x, l->dy, l->given_mean, l->given_variance,
                                           l->given_sum_dy, l->given_sum_dy_x_hat, NULL, 0),
      NORMA_OK);
}
