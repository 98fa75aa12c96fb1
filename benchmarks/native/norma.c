/* Norma, as a C program calls it: with a workspace, so that a call allocates nothing. */
#include <norma.h>
#include <stdio.h>
#include <stdlib.h>

#include "runner.h"

/* The case in Norma's words, and what a call needs beside its arrays. */
static norma_batch_norm norm;
static int64_t workspace_size, batches, refused;
static void *mean, *variance, *workspace;

static const int32_t DATA_TYPES[] = {
  [F32] = NORMA_FLOAT32, [F64] = NORMA_FLOAT64, [BF16] = NORMA_BFLOAT16, [F16] = NORMA_FLOAT16
};

static runner_why why_of(norma_status status) {
  return status == NORMA_OK ? NULL : norma_status_message(status);
}

static runner_why unsupported(const runner_case *test) {
  return test->layout == NCHW16C ? "Norma has no blocked layout" : NULL;
}

static runner_why prepare(const runner_case *test) {
  const int64_t statistics_bytes = test->channels * (int64_t)sizeof(double);
  norm = (norma_batch_norm){
    .batch = test->batch,
    .channels = test->channels,
    .spatial = test->spatial,
    .epsilon = RUNNER_EPSILON,
    .data_type = DATA_TYPES[test->type],
    .layout = test->layout == NHWC ? NORMA_CHANNELS_LAST : NORMA_CHANNELS_FIRST,
    .threads = test->threads
  };
  CHECK(why_of(norma_batch_norm_workspace_size(&norm, &workspace_size)));
  CHECK(runner_allocate("the workspace", workspace_size, &workspace));
  CHECK(runner_allocate("the mean", statistics_bytes, &mean));
  CHECK(runner_allocate("the variance", statistics_bytes, &variance));
  if (test->pass != BACKWARD_TRAINING) return NULL;
  return why_of(norma_batch_norm_local_statistics(&norm, test->x, mean, variance, workspace,
                                                  workspace_size));
}

static norma_status normalize_training(const runner_case *test) {
  if (test->operation == BATCH_NORM) {
    return norma_batch_norm_forward_training(&norm, test->x, test->gamma, test->beta, test->y,
                                             mean, variance, workspace, workspace_size);
  }
  return norma_batch_norm_relu_forward_training(&norm, test->x, test->residual, test->gamma,
                                                test->beta, test->y, mean, variance, workspace,
                                                workspace_size);
}

static norma_status forward_training(const runner_case *test) {
  const norma_running_rule rule = {.momentum = 0.9};
  const norma_status status = normalize_training(test);
  if (status != NORMA_OK) return status;
  return norma_batch_norm_update_running(
      &rule, norm.data_type, norm.channels, norm.batch * norm.spatial, mean, variance,
      test->running_mean, test->running_var, &batches, &refused);
}

static norma_status forward_inference(const runner_case *test) {
  if (test->operation == BATCH_NORM) {
    return norma_batch_norm_forward_inference(&norm, test->x, test->gamma, test->beta,
                                              test->running_mean, test->running_var, test->y,
                                              workspace, workspace_size);
  }
  return norma_batch_norm_relu_forward_inference(
      &norm, test->x, test->residual, test->gamma, test->beta, test->running_mean,
      test->running_var, test->y, workspace, workspace_size);
}

static norma_status backward_training(const runner_case *test) {
  if (test->operation == BATCH_NORM) {
    return norma_batch_norm_backward_training(&norm, test->x, test->dy, test->gamma, mean,
                                              variance, test->dx, test->dgamma, test->dbeta,
                                              workspace, workspace_size);
  }
  return norma_batch_norm_relu_backward_training(
      &norm, test->x, test->residual, test->dy, test->gamma, test->beta, mean, variance, test->dx,
      test->dresidual, test->dgamma, test->dbeta, workspace, workspace_size);
}

static runner_why call(const runner_case *test) {
  switch (test->pass) {
    case FORWARD_TRAINING: return why_of(forward_training(test));
    case FORWARD_INFERENCE: return why_of(forward_inference(test));
    case BACKWARD_TRAINING: return why_of(backward_training(test));
  }
  return "not a pass";
}

static void release(void) {
  free(workspace);
  free(mean);
  free(variance);
  workspace = mean = variance = NULL;
}

int main(void) {
  if (norma_isa_status() != NORMA_OK) return runner_missing(why_of(norma_isa_status()));
  char version[64];
  snprintf(version, sizeof version, "Norma %s (%s)", norma_version(), norma_isa_name());
  const runner_peer peer = {
    .version = version,
    .unsupported = unsupported,
    .prepare = prepare,
    .call = call,
    .release = release
  };
  return runner_run(&peer);
}
