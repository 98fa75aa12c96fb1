/* The public functions: check every argument, then hand over. No arithmetic. */
#include "driver.h"
#include "checks.h"
#include "dispatch.h"
#include "fold.h"
#include "gradient_descent.h"
#include "group_norm.h"
#include "layer_norm.h"
#include "norma.h"
#include "running.h"

#include <omp.h>
#include <stddef.h>

/* ---- The library ------------------------------------------------------------------------------ */

const char *norma_version(void) { return NORMA_VERSION; }

const char *norma_status_message(norma_status status) {
  switch ((enum norma_status_code)status) {
    case NORMA_OK: return "Success.";
    case NORMA_NULL_POINTER: return "A required pointer is NULL.";
    case NORMA_BAD_EXTENT: return "An extent or an element count is zero or negative.";
    case NORMA_EXTENT_OVERFLOW: return "The tensor has more than 2^57 bytes, the largest address space.";
    case NORMA_BAD_DATA_TYPE: return "The data type is not a value of enum norma_data_type.";
    case NORMA_BAD_LAYOUT: return "The layout is not a value of enum norma_layout.";
    case NORMA_BAD_EPSILON: return "Epsilon must be finite and not negative.";
    case NORMA_BAD_THREADS: return "The number of threads must not be negative; 0 is the default.";
    case NORMA_BAD_MOMENTUM:
      return "Momentum must be from 0 to 1 for running statistics, from 0 to below 1 for descent.";
    case NORMA_BAD_RULE: return "A field of the update rule is outside its range.";
    case NORMA_BAD_COUNT: return "A count of values is negative or too small, or all are zero.";
    case NORMA_OVERLAP: return "An output overlaps an input or another output.";
    case NORMA_MISALIGNED: return "A pointer is not aligned to the size of its element.";
    case NORMA_WORKSPACE_TOO_SMALL:
      return "The workspace is smaller than the function for its size says.";
    case NORMA_ONE_VALUE_PER_CHANNEL:
      return "A channel has one value, which has no variance: training needs at least two.";
    case NORMA_OUT_OF_MEMORY: return "Scratch memory could not be allocated.";
    case NORMA_UNKNOWN_ISA: return "NORMA_ISA names no instruction-set level of this library.";
    case NORMA_UNSUPPORTED_ISA:
      return "NORMA_ISA names an instruction-set level that this processor does not have.";
    case NORMA_BAD_GROUPS: return "The groups must be at least one and divide the channels.";
  }
  return "Not a status of Norma.";
}

const char *norma_isa_name(void) {
  const int32_t level = norma_dispatch();
  return level < 0 ? NULL : norma_isa_at(level).name;
}

norma_status norma_isa_status(void) {
  const int32_t level = norma_dispatch();
  return level < 0 ? -level : NORMA_OK;
}

int32_t norma_isa_count(void) { return norma_isa_levels(); }

const char *norma_isa_level_name(int32_t level) {
  return level < 0 || level >= norma_isa_levels() ? NULL : norma_isa_at(level).name;
}

int32_t norma_isa_level_supported(int32_t level) {
  return level >= 0 && level < norma_isa_levels() && norma_isa_at(level).supported;
}

int32_t norma_default_threads(void) { return omp_get_max_threads(); }

/* ---- What the functions below read and write --------------------------------------------------- */

static norma_array array(const void *start, int64_t count, int64_t size) {
  return (norma_array){start, count, size, ARRAY_IN, ARRAY_REQUIRED, {NULL, NULL}};
}

static norma_array tensor(const norma_batch_norm *norm, const void *start) {
  const int64_t count = norm->batch * norm->channels * norm->spatial;
  return array(start, count, norma_element_size(norm->data_type));
}

static norma_array parameters(const norma_batch_norm *norm, const void *start) {
  return array(start, norm->channels, norma_parameter_size(norm->data_type));
}

static norma_array statistics(const norma_batch_norm *norm, const void *start) {
  return array(start, norm->channels, sizeof(double));
}

static norma_array counts(int64_t length, const int64_t *start) {
  return array(start, length, sizeof(int64_t));
}

static norma_array optional(norma_array array) {
  array.need = ARRAY_OPTIONAL;
  return array;
}

static norma_array out(norma_array array) {
  array.use = ARRAY_OUT;
  return array;
}

static norma_array out_or_in_place(norma_array array, const void *input) {
  array.may_be[0] = input;
  return out(array);
}

static norma_array out_or_in_place_of(norma_array array, const void *input, const void *other) {
  array.may_be[1] = other;
  return out_or_in_place(array, input);
}

/* A workspace must be aligned like doubles: it counts as an array of those. */
static norma_array scratch(void *workspace, int64_t size) {
  const int64_t count = workspace && size > 0 ? size / (int64_t)sizeof(double) : 0;
  return (norma_array){workspace, count, sizeof(double), ARRAY_OUT, ARRAY_OPTIONAL, {NULL, NULL}};
}

#define CHECK_ARRAYS(arrays) \
  CHECK(norma_check_arrays(arrays, (int)(sizeof(arrays) / sizeof *(arrays))))

static int64_t values_per_channel(const norma_batch_norm *norm) {
  return norm->batch * norm->spatial;
}

/* Runs a job, all of whose arrays have been checked, at the level in use. */
static norma_status run(const norma_batch_norm *norm, norma_job *job, void *workspace,
                        int64_t workspace_size) {
  REQUIRE(workspace || workspace_size == 0, NORMA_NULL_POINTER);
  const int32_t level = norma_dispatch();
  REQUIRE(level >= 0, -level);
  const norma_plan plan = norma_plan_make(norm, norma_isa_at(level).kernels, norma_caches_here());
  REQUIRE(!workspace || workspace_size >= norma_space_size(&plan), NORMA_WORKSPACE_TOO_SMALL);
  return norma_run(&plan, job, workspace);
}

/* ---- Batch normalization ---------------------------------------------------------------------- */

norma_status norma_batch_norm_workspace_size(const norma_batch_norm *norm, int64_t *size) {
  CHECK(norma_check_norm(norm));
  const norma_array arrays[] = {out(counts(1, size))};
  CHECK_ARRAYS(arrays);
  const int32_t level = norma_dispatch();
  REQUIRE(level >= 0, -level);
  const norma_plan plan = norma_plan_make(norm, norma_isa_at(level).kernels, norma_caches_here());
  *size = norma_space_size(&plan);
  return NORMA_OK;
}

/* With ReLU behind it, or not; the residual is NULL where nothing is added. */
static norma_status forward_training(const norma_batch_norm *norm, bool relu, const void *x,
                                     const void *residual, const void *gamma, const void *beta,
                                     void *y, double *mean, double *variance, void *workspace,
                                     int64_t workspace_size) {
  CHECK(norma_check_norm(norm));
  const norma_array arrays[] = {
    tensor(norm, x),
    optional(tensor(norm, residual)),
    optional(parameters(norm, gamma)),
    optional(parameters(norm, beta)),
    out_or_in_place_of(tensor(norm, y), x, residual),
    out(statistics(norm, mean)),
    out(statistics(norm, variance)),
    scratch(workspace, workspace_size)
  };
  CHECK_ARRAYS(arrays);
  REQUIRE(values_per_channel(norm) > 1, NORMA_ONE_VALUE_PER_CHANNEL);
  norma_job job = {
    .sum = SUM_MOMENTS,
    .finish = FINISH_FORWARD_TRAINING,
    .apply = APPLY_NORMALIZE,
    .relu = relu,
    .x = x,
    .residual = residual,
    .gamma = gamma,
    .beta = beta,
    .out = y,
    .mean_out = mean,
    .variance_out = variance
  };
  return run(norm, &job, workspace, workspace_size);
}

static norma_status forward_inference(const norma_batch_norm *norm, bool relu, const void *x,
                                      const void *residual, const void *gamma, const void *beta,
                                      const void *running_mean, const void *running_var, void *y,
                                      void *workspace, int64_t workspace_size) {
  CHECK(norma_check_norm(norm));
  const norma_array arrays[] = {
    tensor(norm, x),
    optional(tensor(norm, residual)),
    optional(parameters(norm, gamma)),
    optional(parameters(norm, beta)),
    parameters(norm, running_mean),
    parameters(norm, running_var),
    out_or_in_place_of(tensor(norm, y), x, residual),
    scratch(workspace, workspace_size)
  };
  CHECK_ARRAYS(arrays);
  norma_job job = {
    .finish = FINISH_NORMALIZE,
    .apply = APPLY_NORMALIZE,
    .relu = relu,
    .x = x,
    .residual = residual,
    .gamma = gamma,
    .beta = beta,
    .running_mean = running_mean,
    .running_var = running_var,
    .out = y
  };
  return run(norm, &job, workspace, workspace_size);
}

/* The residual's gradient is computed beside dx. */
static norma_status check_dresidual(const void *residual, const void *dx, const void *dresidual) {
  return !dresidual || (residual && dx) ? NORMA_OK : NORMA_NULL_POINTER;
}

static norma_status backward_training(const norma_batch_norm *norm, bool relu, const void *x,
                                      const void *residual, const void *dy, const void *gamma,
                                      const void *beta, const double *mean, const double *variance,
                                      void *dx, void *dresidual, void *dgamma, void *dbeta,
                                      void *workspace, int64_t workspace_size) {
  CHECK(norma_check_norm(norm));
  const norma_array arrays[] = {
    tensor(norm, x),
    optional(tensor(norm, residual)),
    tensor(norm, dy),
    optional(parameters(norm, gamma)),
    optional(parameters(norm, beta)),
    statistics(norm, mean),
    statistics(norm, variance),
    optional(out_or_in_place(tensor(norm, dx), dy)),
    optional(out_or_in_place(tensor(norm, dresidual), dy)),
    optional(out(parameters(norm, dgamma))),
    optional(out(parameters(norm, dbeta))),
    scratch(workspace, workspace_size)
  };
  CHECK_ARRAYS(arrays);
  CHECK(check_dresidual(residual, dx, dresidual));
  REQUIRE(values_per_channel(norm) > 1, NORMA_ONE_VALUE_PER_CHANNEL);
  norma_job job = {
    .sum = SUM_GRADIENTS,
    .finish = FINISH_BACKWARD_TRAINING,
    .apply = dx ? APPLY_GRADIENT : APPLY_NOTHING,
    .relu = relu,
    .x = x,
    .residual = residual,
    .dy = dy,
    .gamma = gamma,
    .beta = beta,
    .mean = mean,
    .variance = variance,
    .count = values_per_channel(norm),
    .out = dx,
    .dresidual = dresidual,
    .dgamma = dgamma,
    .dbeta = dbeta
  };
  return run(norm, &job, workspace, workspace_size);
}

static norma_status backward_inference(const norma_batch_norm *norm, bool relu, const void *x,
                                       const void *residual, const void *dy, const void *gamma,
                                       const void *beta, const void *running_mean,
                                       const void *running_var, void *dx, void *dresidual,
                                       void *dgamma, void *dbeta, void *workspace,
                                       int64_t workspace_size) {
  CHECK(norma_check_norm(norm));
  const norma_array arrays[] = {
    tensor(norm, x),
    optional(tensor(norm, residual)),
    tensor(norm, dy),
    optional(parameters(norm, gamma)),
    optional(parameters(norm, beta)),
    parameters(norm, running_mean),
    parameters(norm, running_var),
    optional(out_or_in_place(tensor(norm, dx), dy)),
    optional(out_or_in_place(tensor(norm, dresidual), dy)),
    optional(out(parameters(norm, dgamma))),
    optional(out(parameters(norm, dbeta))),
    scratch(workspace, workspace_size)
  };
  CHECK_ARRAYS(arrays);
  CHECK(check_dresidual(residual, dx, dresidual));
  norma_job job = {
    .sum = dgamma || dbeta ? SUM_GRADIENTS : SUM_NOTHING,
    .finish = FINISH_BACKWARD_INFERENCE,
    .apply = !dx ? APPLY_NOTHING : relu ? APPLY_GRADIENT : APPLY_SCALE,
    .relu = relu,
    .x = x,
    .residual = residual,
    .dy = dy,
    .gamma = gamma,
    .beta = beta,
    .running_mean = running_mean,
    .running_var = running_var,
    .count = values_per_channel(norm),
    .out = dx,
    .dresidual = dresidual,
    .dgamma = dgamma,
    .dbeta = dbeta
  };
  return run(norm, &job, workspace, workspace_size);
}

norma_status norma_batch_norm_forward_training(const norma_batch_norm *norm, const void *x,
                                               const void *gamma, const void *beta, void *y,
                                               double *mean, double *variance, void *workspace,
                                               int64_t workspace_size) {
  return forward_training(norm, false, x, NULL, gamma, beta, y, mean, variance, workspace,
                          workspace_size);
}

norma_status norma_batch_norm_forward_inference(const norma_batch_norm *norm, const void *x,
                                                const void *gamma, const void *beta,
                                                const void *running_mean, const void *running_var,
                                                void *y, void *workspace, int64_t workspace_size) {
  return forward_inference(norm, false, x, NULL, gamma, beta, running_mean, running_var, y, workspace,
                           workspace_size);
}

norma_status norma_batch_norm_backward_training(const norma_batch_norm *norm, const void *x,
                                                const void *dy, const void *gamma,
                                                const double *mean, const double *variance, void *dx,
                                                void *dgamma, void *dbeta, void *workspace,
                                                int64_t workspace_size) {
  return backward_training(norm, false, x, NULL, dy, gamma, NULL, mean, variance, dx, NULL, dgamma,
                           dbeta, workspace, workspace_size);
}

norma_status norma_batch_norm_backward_inference(const norma_batch_norm *norm, const void *x,
                                                 const void *dy, const void *gamma,
                                                 const void *running_mean, const void *running_var,
                                                 void *dx, void *dgamma, void *dbeta,
                                                 void *workspace, int64_t workspace_size) {
  return backward_inference(norm, false, x, NULL, dy, gamma, NULL, running_mean, running_var, dx, NULL,
                            dgamma, dbeta, workspace, workspace_size);
}

/* ---- Batch normalization and ReLU in one ------------------------------------------------------- */

norma_status norma_batch_norm_relu_forward_training(const norma_batch_norm *norm, const void *x,
                                                    const void *residual, const void *gamma,
                                                    const void *beta, void *y, double *mean,
                                                    double *variance, void *workspace,
                                                    int64_t workspace_size) {
  return forward_training(norm, true, x, residual, gamma, beta, y, mean, variance, workspace,
                          workspace_size);
}

norma_status norma_batch_norm_relu_forward_inference(const norma_batch_norm *norm, const void *x,
                                                     const void *residual, const void *gamma,
                                                     const void *beta, const void *running_mean,
                                                     const void *running_var, void *y,
                                                     void *workspace, int64_t workspace_size) {
  return forward_inference(norm, true, x, residual, gamma, beta, running_mean, running_var, y,
                           workspace, workspace_size);
}

norma_status norma_batch_norm_relu_backward_training(const norma_batch_norm *norm, const void *x,
                                                     const void *residual, const void *dy,
                                                     const void *gamma, const void *beta,
                                                     const double *mean, const double *variance,
                                                     void *dx, void *dresidual, void *dgamma,
                                                     void *dbeta, void *workspace,
                                                     int64_t workspace_size) {
  return backward_training(norm, true, x, residual, dy, gamma, beta, mean, variance, dx, dresidual,
                           dgamma, dbeta, workspace, workspace_size);
}

norma_status norma_batch_norm_relu_backward_inference(const norma_batch_norm *norm, const void *x,
                                                      const void *residual, const void *dy,
                                                      const void *gamma, const void *beta,
                                                      const void *running_mean,
                                                      const void *running_var, void *dx,
                                                      void *dresidual, void *dgamma, void *dbeta,
                                                      void *workspace, int64_t workspace_size) {
  return backward_inference(norm, true, x, residual, dy, gamma, beta, running_mean, running_var, dx,
                            dresidual, dgamma, dbeta, workspace, workspace_size);
}

/* ---- Running statistics ----------------------------------------------------------------------- */

norma_status norma_batch_norm_update_running(const norma_running_rule *rule, int32_t data_type,
                                             int64_t channels, int64_t count, const double *mean,
                                             const double *variance, void *running_mean,
                                             void *running_var, int64_t *batches, int64_t *refused) {
  CHECK(norma_check_running_rule(rule));
  CHECK(norma_check_data_type(data_type));
  CHECK(norma_check_parts(channels, 1));
  const norma_batch_norm norm = {.channels = channels, .data_type = data_type};
  const norma_array arrays[] = {
    statistics(&norm, mean),
    statistics(&norm, variance),
    out(parameters(&norm, running_mean)),
    out(parameters(&norm, running_var)),
    out(counts(1, batches)),
    out(counts(1, refused))
  };
  CHECK_ARRAYS(arrays);
  REQUIRE(count > 0 && *batches >= 0 && *batches < INT64_MAX, NORMA_BAD_COUNT);
  REQUIRE(count > 1 || !rule->unbiased, NORMA_ONE_VALUE_PER_CHANNEL);
  const norma_running running = {data_type, channels, count, mean, variance, running_mean, running_var};
  *(norma_update_running(rule, *batches + 1, running) ? batches : refused) += 1;
  return NORMA_OK;
}

/* ---- Split phases ----------------------------------------------------------------------------- */

norma_status norma_batch_norm_local_statistics(const norma_batch_norm *norm, const void *x,
                                               double *mean, double *variance, void *workspace,
                                               int64_t workspace_size) {
  CHECK(norma_check_norm(norm));
  const norma_array arrays[] = {
    tensor(norm, x),
    out(statistics(norm, mean)),
    out(statistics(norm, variance)),
    scratch(workspace, workspace_size)
  };
  CHECK_ARRAYS(arrays);
  norma_job job = {
    .sum = SUM_MOMENTS,
    .finish = FINISH_STATISTICS,
    .x = x,
    .mean_out = mean,
    .variance_out = variance
  };
  return run(norm, &job, workspace, workspace_size);
}

norma_status norma_batch_norm_merge_statistics(int64_t channels, int64_t parts,
                                               const int64_t *part_counts, const double *means,
                                               const double *variances, int64_t *count, double *mean,
                                               double *variance) {
  CHECK(norma_check_parts(channels, parts));
  const norma_batch_norm all = {.channels = channels * parts};
  const norma_batch_norm one = {.channels = channels};
  const norma_array arrays[] = {
    counts(parts, part_counts),
    statistics(&all, means),
    statistics(&all, variances),
    out(counts(1, count)),
    out(statistics(&one, mean)),
    out(statistics(&one, variance))
  };
  CHECK_ARRAYS(arrays);
  int64_t total;
  CHECK(norma_check_counts(part_counts, parts, &total));
  *count = total;
  norma_merge_statistics(channels, parts, part_counts, means, variances, total, mean, variance);
  return NORMA_OK;
}

norma_status norma_batch_norm_normalize(const norma_batch_norm *norm, const void *x,
                                        const void *gamma, const void *beta, const double *mean,
                                        const double *variance, void *y, void *workspace,
                                        int64_t workspace_size) {
  CHECK(norma_check_norm(norm));
  const norma_array arrays[] = {
    tensor(norm, x),
    optional(parameters(norm, gamma)),
    optional(parameters(norm, beta)),
    statistics(norm, mean),
    statistics(norm, variance),
    out_or_in_place(tensor(norm, y), x),
    scratch(workspace, workspace_size)
  };
  CHECK_ARRAYS(arrays);
  norma_job job = {
    .finish = FINISH_NORMALIZE,
    .apply = APPLY_NORMALIZE,
    .x = x,
    .gamma = gamma,
    .beta = beta,
    .mean = mean,
    .variance = variance,
    .out = y
  };
  return run(norm, &job, workspace, workspace_size);
}

norma_status norma_batch_norm_local_gradient_sums(const norma_batch_norm *norm, const void *x,
                                                  const void *dy, const double *mean,
                                                  const double *variance, double *sum_dy,
                                                  double *sum_dy_x_hat, void *workspace,
                                                  int64_t workspace_size) {
  CHECK(norma_check_norm(norm));
  const norma_array arrays[] = {
    tensor(norm, x),
    tensor(norm, dy),
    statistics(norm, mean),
    statistics(norm, variance),
    out(statistics(norm, sum_dy)),
    out(statistics(norm, sum_dy_x_hat)),
    scratch(workspace, workspace_size)
  };
  CHECK_ARRAYS(arrays);
  norma_job job = {
    .sum = SUM_GRADIENTS,
    .finish = FINISH_GRADIENT_SUMS,
    .x = x,
    .dy = dy,
    .mean = mean,
    .variance = variance,
    .sum_dy_out = sum_dy,
    .sum_dy_x_hat_out = sum_dy_x_hat
  };
  return run(norm, &job, workspace, workspace_size);
}

norma_status norma_batch_norm_merge_gradient_sums(int64_t channels, int64_t parts,
                                                  const int64_t *part_counts, const double *sums_dy,
                                                  const double *sums_dy_x_hat, double *sum_dy,
                                                  double *sum_dy_x_hat) {
  CHECK(norma_check_parts(channels, parts));
  const norma_batch_norm all = {.channels = channels * parts};
  const norma_batch_norm one = {.channels = channels};
  const norma_array arrays[] = {
    counts(parts, part_counts),
    statistics(&all, sums_dy),
    statistics(&all, sums_dy_x_hat),
    out(statistics(&one, sum_dy)),
    out(statistics(&one, sum_dy_x_hat))
  };
  CHECK_ARRAYS(arrays);
  int64_t total;
  CHECK(norma_check_counts(part_counts, parts, &total));
  norma_merge_sums(channels, parts, part_counts, sums_dy, sum_dy);
  norma_merge_sums(channels, parts, part_counts, sums_dy_x_hat, sum_dy_x_hat);
  return NORMA_OK;
}

norma_status norma_batch_norm_gradient_input(const norma_batch_norm *norm, const void *x,
                                             const void *dy, const void *gamma, const double *mean,
                                             const double *variance, int64_t count,
                                             const double *sum_dy, const double *sum_dy_x_hat,
                                             void *dx, void *workspace, int64_t workspace_size) {
  CHECK(norma_check_norm(norm));
  const norma_array arrays[] = {
    tensor(norm, x),
    tensor(norm, dy),
    optional(parameters(norm, gamma)),
    statistics(norm, mean),
    statistics(norm, variance),
    statistics(norm, sum_dy),
    statistics(norm, sum_dy_x_hat),
    out_or_in_place(tensor(norm, dx), dy),
    scratch(workspace, workspace_size)
  };
  CHECK_ARRAYS(arrays);
  REQUIRE(count >= values_per_channel(norm), NORMA_BAD_COUNT);
  norma_job job = {
    .finish = FINISH_GRADIENT_INPUT,
    .apply = APPLY_GRADIENT,
    .x = x,
    .dy = dy,
    .gamma = gamma,
    .mean = mean,
    .variance = variance,
    .count = count,
    .sum_dy = sum_dy,
    .sum_dy_x_hat = sum_dy_x_hat,
    .out = dx
  };
  return run(norm, &job, workspace, workspace_size);
}

/* ---- Folding ------------------------------------------------------------------------------------ */

norma_status norma_batch_norm_fold(int32_t data_type, int64_t channels, int64_t fan_in, double epsilon,
                                   const void *weights, const void *bias, const void *gamma,
                                   const void *beta, const void *running_mean, const void *running_var,
                                   void *folded_weights, void *folded_bias) {
  /* Rows of weights lie like the runs of a tensor with one sample. */
  const norma_batch_norm norm = {1, channels, fan_in, epsilon, data_type, NORMA_CHANNELS_FIRST, 0};
  CHECK(norma_check_norm(&norm));
  const norma_array arrays[] = {
    tensor(&norm, weights),
    optional(parameters(&norm, bias)),
    optional(parameters(&norm, gamma)),
    optional(parameters(&norm, beta)),
    parameters(&norm, running_mean),
    parameters(&norm, running_var),
    out_or_in_place(tensor(&norm, folded_weights), weights),
    out_or_in_place(parameters(&norm, folded_bias), bias)
  };
  CHECK_ARRAYS(arrays);
  const norma_folding folding = {
    .data_type = data_type,
    .channels = channels,
    .fan_in = fan_in,
    .epsilon = epsilon,
    .weights = weights,
    .bias = bias,
    .gamma = gamma,
    .beta = beta,
    .running_mean = running_mean,
    .running_var = running_var,
    .folded_weights = folded_weights,
    .folded_bias = folded_bias
  };
  norma_fold(&folding);
  return NORMA_OK;
}

/* ---- Layer and RMS normalization ---------------------------------------------------------------- */

static norma_array rows_of(const norma_layer_norm *norm, const void *start) {
  return array(start, norm->rows * norm->length, norma_element_size(norm->data_type));
}

static norma_array row_parameters(const norma_layer_norm *norm, const void *start) {
  return array(start, norm->length, norma_parameter_size(norm->data_type));
}

static norma_array row_statistics(const norma_layer_norm *norm, const void *start) {
  return array(start, norm->rows, sizeof(double));
}

static norma_status plan_samples(const norma_layer_norm *norm, norma_plan *plan) {
  const int32_t level = norma_dispatch();
  REQUIRE(level >= 0, -level);
  *plan = norma_plan_samples(norm, norma_isa_at(level).kernels, norma_caches_here());
  return NORMA_OK;
}

norma_status norma_layer_norm_workspace_size(const norma_layer_norm *norm, int64_t *size) {
  CHECK(norma_check_layer_norm(norm));
  const norma_array arrays[] = {out(counts(1, size))};
  CHECK_ARRAYS(arrays);
  norma_plan plan;
  CHECK(plan_samples(norm, &plan));
  *size = norma_layer_space_size(&plan);
  return NORMA_OK;
}

/* Runs a job, all of whose arrays have been checked, at the level in use. */
static norma_status run_samples(const norma_layer_norm *norm, norma_job *job, norma_layer_parameters parameters,
                                void *workspace, int64_t workspace_size) {
  REQUIRE(workspace || workspace_size == 0, NORMA_NULL_POINTER);
  norma_plan plan;
  CHECK(plan_samples(norm, &plan));
  REQUIRE(!workspace || workspace_size >= norma_layer_space_size(&plan), NORMA_WORKSPACE_TOO_SMALL);
  return norma_layer_run(&plan, job, parameters, workspace);
}

/* Layer normalization, or RMS normalization, which has no mean and no beta. */
static norma_status forward_samples(const norma_layer_norm *norm, bool rms, const void *x, const void *gamma,
                                    const void *beta, void *y, double *mean, double *inv_std, void *workspace,
                                    int64_t workspace_size) {
  CHECK(norma_check_layer_norm(norm));
  const norma_array arrays[] = {
    rows_of(norm, x),
    optional(row_parameters(norm, gamma)),
    optional(row_parameters(norm, beta)),
    out_or_in_place(rows_of(norm, y), x),
    optional(out(row_statistics(norm, mean))),
    optional(out(row_statistics(norm, inv_std))),
    scratch(workspace, workspace_size)
  };
  CHECK_ARRAYS(arrays);
  norma_job job = {
    .sum = rms ? SUM_SQUARES : SUM_MOMENTS,
    .finish = rms ? FINISH_RMS_NORM : FINISH_LAYER_NORM,
    .apply = APPLY_NORMALIZE,
    .x = x,
    .out = y,
    .mean_out = mean,
    .inv_std_out = inv_std
  };
  const norma_layer_parameters all = {.gamma = gamma, .beta = beta};
  return run_samples(norm, &job, all, workspace, workspace_size);
}

static norma_status backward_samples(const norma_layer_norm *norm, bool rms, const void *x, const void *dy,
                                     const void *gamma, const double *mean, const double *inv_std, void *dx,
                                     void *dgamma, void *dbeta, void *workspace, int64_t workspace_size) {
  CHECK(norma_check_layer_norm(norm));
  const norma_array mean_array = row_statistics(norm, mean);
  const norma_array arrays[] = {
    rows_of(norm, x),
    rows_of(norm, dy),
    optional(row_parameters(norm, gamma)),
    rms ? optional(mean_array) : mean_array,
    row_statistics(norm, inv_std),
    optional(out_or_in_place(rows_of(norm, dx), dy)),
    optional(out(row_parameters(norm, dgamma))),
    optional(out(row_parameters(norm, dbeta))),
    scratch(workspace, workspace_size)
  };
  CHECK_ARRAYS(arrays);
  norma_job job = {
    .sum = dx ? SUM_GRADIENTS : SUM_NOTHING,
    .finish = rms ? FINISH_RMS_GRADIENT : FINISH_BACKWARD_TRAINING,
    .apply = dx ? APPLY_GRADIENT : APPLY_NOTHING,
    .x = x,
    .dy = dy,
    .mean = mean,
    .inv_std = inv_std,
    .count = norm->length,
    .out = dx
  };
  if (!dx && !dgamma && !dbeta) return NORMA_OK;
  const norma_layer_parameters all = {.gamma = gamma, .dgamma = dgamma, .dbeta = dbeta};
  return run_samples(norm, &job, all, workspace, workspace_size);
}

norma_status norma_layer_norm_forward(const norma_layer_norm *norm, const void *x, const void *gamma,
                                      const void *beta, void *y, double *mean, double *inv_std, void *workspace,
                                      int64_t workspace_size) {
  return forward_samples(norm, false, x, gamma, beta, y, mean, inv_std, workspace, workspace_size);
}

norma_status norma_layer_norm_backward(const norma_layer_norm *norm, const void *x, const void *dy,
                                       const void *gamma, const double *mean, const double *inv_std, void *dx,
                                       void *dgamma, void *dbeta, void *workspace, int64_t workspace_size) {
  return backward_samples(norm, false, x, dy, gamma, mean, inv_std, dx, dgamma, dbeta, workspace, workspace_size);
}

norma_status norma_rms_norm_forward(const norma_layer_norm *norm, const void *x, const void *gamma, void *y,
                                    double *inv_rms, void *workspace, int64_t workspace_size) {
  return forward_samples(norm, true, x, gamma, NULL, y, NULL, inv_rms, workspace, workspace_size);
}

norma_status norma_rms_norm_backward(const norma_layer_norm *norm, const void *x, const void *dy, const void *gamma,
                                     const double *inv_rms, void *dx, void *dgamma, void *workspace,
                                     int64_t workspace_size) {
  return backward_samples(norm, true, x, dy, gamma, NULL, inv_rms, dx, dgamma, NULL, workspace, workspace_size);
}

/* ---- Group and instance normalization ------------------------------------------------------------- */

static norma_array group_tensor(const norma_group_norm *norm, const void *start) {
  return array(start, norm->batch * norm->channels * norm->spatial, norma_element_size(norm->data_type));
}

static norma_array group_parameters(const norma_group_norm *norm, const void *start) {
  return array(start, norm->channels, norma_parameter_size(norm->data_type));
}

static norma_array group_statistics(const norma_group_norm *norm, const void *start) {
  return array(start, norm->batch * norm->groups, sizeof(double));
}

norma_status norma_group_norm_workspace_size(const norma_group_norm *norm, int64_t *size) {
  CHECK(norma_check_group_norm(norm));
  const norma_array arrays[] = {out(counts(1, size))};
  CHECK_ARRAYS(arrays);
  const int32_t level = norma_dispatch();
  REQUIRE(level >= 0, -level);
  *size = norma_group_space_size(norm, norma_isa_at(level).kernels, norma_caches_here());
  return NORMA_OK;
}

/* Runs a job, all of whose arrays have been checked, at the level in use. */
static norma_status run_groups(const norma_group_norm *norm, norma_job *job, void *workspace, int64_t workspace_size) {
  REQUIRE(workspace || workspace_size == 0, NORMA_NULL_POINTER);
  const int32_t level = norma_dispatch();
  REQUIRE(level >= 0, -level);
  const norma_kernels *kernels = norma_isa_at(level).kernels;
  const norma_caches caches = norma_caches_here();
  REQUIRE(!workspace || workspace_size >= norma_group_space_size(norm, kernels, caches), NORMA_WORKSPACE_TOO_SMALL);
  return norma_group_run(norm, kernels, caches, job, workspace);
}

norma_status norma_group_norm_forward(const norma_group_norm *norm, const void *x, const void *gamma, const void *beta,
                                      void *y, double *mean, double *variance, double *inv_std, void *workspace,
                                      int64_t workspace_size) {
  CHECK(norma_check_group_norm(norm));
  const norma_array arrays[] = {
    group_tensor(norm, x),
    optional(group_parameters(norm, gamma)),
    optional(group_parameters(norm, beta)),
    out_or_in_place(group_tensor(norm, y), x),
    optional(out(group_statistics(norm, mean))),
    optional(out(group_statistics(norm, variance))),
    optional(out(group_statistics(norm, inv_std))),
    scratch(workspace, workspace_size)
  };
  CHECK_ARRAYS(arrays);
  norma_job job = {
    .sum = SUM_MOMENTS,
    .apply = APPLY_NORMALIZE,
    .x = x,
    .gamma = gamma,
    .beta = beta,
    .out = y,
    .mean_out = mean,
    .variance_out = variance,
    .inv_std_out = inv_std
  };
  return run_groups(norm, &job, workspace, workspace_size);
}

norma_status norma_group_norm_backward(const norma_group_norm *norm, const void *x, const void *dy, const void *gamma,
                                       const double *mean, const double *inv_std, void *dx, void *dgamma, void *dbeta,
                                       void *workspace, int64_t workspace_size) {
  CHECK(norma_check_group_norm(norm));
  const norma_array arrays[] = {
    group_tensor(norm, x),
    group_tensor(norm, dy),
    optional(group_parameters(norm, gamma)),
    group_statistics(norm, mean),
    group_statistics(norm, inv_std),
    optional(out_or_in_place(group_tensor(norm, dx), dy)),
    optional(out(group_parameters(norm, dgamma))),
    optional(out(group_parameters(norm, dbeta))),
    scratch(workspace, workspace_size)
  };
  CHECK_ARRAYS(arrays);
  if (!dx && !dgamma && !dbeta) return NORMA_OK;
  norma_job job = {
    .sum = SUM_GRADIENTS,
    .finish = FINISH_GROUP_GRADIENT,
    .apply = dx ? APPLY_GRADIENT : APPLY_NOTHING,
    .weighted = true,
    .x = x,
    .dy = dy,
    .gamma = gamma,
    .mean = mean,
    .inv_std = inv_std,
    .count = norm->channels / norm->groups * norm->spatial,
    .out = dx,
    .dgamma = dgamma,
    .dbeta = dbeta
  };
  return run_groups(norm, &job, workspace, workspace_size);
}

norma_status norma_instance_norm_average_statistics(int64_t batch, int64_t channels, const double *means,
                                                    const double *variances, double *mean, double *variance) {
  CHECK(norma_check_parts(channels, batch));
  const norma_array arrays[] = {
    array(means, batch * channels, sizeof(double)),
    array(variances, batch * channels, sizeof(double)),
    out(array(mean, channels, sizeof(double))),
    out(array(variance, channels, sizeof(double)))
  };
  CHECK_ARRAYS(arrays);
  norma_average_statistics(batch, channels, means, variances, mean, variance);
  return NORMA_OK;
}

/* ---- Gradient descent -------------------------------------------------------------------------- */

norma_status norma_gradient_descent_step(const norma_gradient_descent *rule, int32_t data_type,
                                         int64_t length, const void *gradient, void *parameter,
                                         void *velocity) {
  CHECK(norma_check_gradient_descent(rule));
  CHECK(norma_check_data_type(data_type));
  CHECK(norma_check_parts(length, 1));
  const norma_batch_norm norm = {.channels = length, .data_type = data_type};
  const norma_array velocities = out(parameters(&norm, velocity));
  const norma_array arrays[] = {
    parameters(&norm, gradient),
    out(parameters(&norm, parameter)),
    rule->momentum > 0 ? velocities : optional(velocities)
  };
  CHECK_ARRAYS(arrays);
  norma_descend(rule, data_type, length, gradient, parameter, velocity);
  return NORMA_OK;
}
