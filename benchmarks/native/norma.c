/* Norma, as a C program calls it: with a workspace, so that a call allocates nothing. */
#include <norma.h>
#include <stdio.h>
#include <stdlib.h>

#include "runner.h"

/* What a call needs beside its arrays. Statistics are of channels, of rows, or of groups of images. */
static int64_t workspace_size;
static void *mean, *variance, *inv_std, *workspace;

static const int32_t DATA_TYPES[] = {
  [F32] = NORMA_FLOAT32, [F64] = NORMA_FLOAT64, [BF16] = NORMA_BFLOAT16, [F16] = NORMA_FLOAT16
};

static int32_t layout_of(const runner_case *test) {
  return test->layout == NHWC ? NORMA_CHANNELS_LAST : NORMA_CHANNELS_FIRST;
}

static runner_why why_of(norma_status status) {
  return status == NORMA_OK ? NULL : norma_status_message(status);
}

static runner_why unsupported(const runner_case *test) {
  return test->layout == NCHW16C ? "Norma has no blocked layout" : NULL;
}

static runner_why allocate(int64_t statistics) {
  const int64_t bytes = statistics * (int64_t)sizeof(double);
  CHECK(runner_allocate("the workspace", workspace_size, &workspace));
  CHECK(runner_allocate("the mean", bytes, &mean));
  CHECK(runner_allocate("the variance", bytes, &variance));
  return runner_allocate("the inverse deviation", bytes, &inv_std);
}

/* ---- Batch normalization --------------------------------------------------------------------- */

static norma_batch_norm norm;
static int64_t batches, refused;

static runner_why prepare_batch(const runner_case *test) {
  norm = (norma_batch_norm){
    .batch = test->batch,
    .channels = test->channels,
    .spatial = test->spatial,
    .epsilon = RUNNER_EPSILON,
    .data_type = DATA_TYPES[test->type],
    .layout = layout_of(test),
    .threads = test->threads
  };
  CHECK(why_of(norma_batch_norm_workspace_size(&norm, &workspace_size)));
  CHECK(allocate(test->channels));
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

static norma_status batch_forward(const runner_case *test) {
  const norma_running_rule rule = {.momentum = 0.9};
  const norma_status status = normalize_training(test);
  if (status != NORMA_OK) return status;
  return norma_batch_norm_update_running(
      &rule, norm.data_type, norm.channels, norm.batch * norm.spatial, mean, variance,
      test->running_mean, test->running_var, &batches, &refused);
}

static norma_status batch_inference(const runner_case *test) {
  if (test->operation == BATCH_NORM) {
    return norma_batch_norm_forward_inference(&norm, test->x, test->gamma, test->beta,
                                              test->running_mean, test->running_var, test->y,
                                              workspace, workspace_size);
  }
  return norma_batch_norm_relu_forward_inference(
      &norm, test->x, test->residual, test->gamma, test->beta, test->running_mean,
      test->running_var, test->y, workspace, workspace_size);
}

static norma_status batch_backward(const runner_case *test) {
  if (test->operation == BATCH_NORM) {
    return norma_batch_norm_backward_training(&norm, test->x, test->dy, test->gamma, mean,
                                              variance, test->dx, test->dgamma, test->dbeta,
                                              workspace, workspace_size);
  }
  return norma_batch_norm_relu_backward_training(
      &norm, test->x, test->residual, test->dy, test->gamma, test->beta, mean, variance, test->dx,
      test->dresidual, test->dgamma, test->dbeta, workspace, workspace_size);
}

/* ---- Layer and RMS normalization ------------------------------------------------------------- */

static norma_layer_norm rows;

static norma_status normalize_rows(const runner_case *test, void *y) {
  if (test->operation == RMS_NORM) {
    return norma_rms_norm_forward(&rows, test->x, test->gamma, y, inv_std, workspace,
                                  workspace_size);
  }
  return norma_layer_norm_forward(&rows, test->x, test->gamma, test->beta, y, mean, inv_std,
                                  workspace, workspace_size);
}

static norma_status rows_forward(const runner_case *test) { return normalize_rows(test, test->y); }

static norma_status rows_backward(const runner_case *test) {
  if (test->operation == RMS_NORM) {
    return norma_rms_norm_backward(&rows, test->x, test->dy, test->gamma, inv_std, test->dx,
                                   test->dgamma, workspace, workspace_size);
  }
  return norma_layer_norm_backward(&rows, test->x, test->dy, test->gamma, mean, inv_std, test->dx,
                                   test->dgamma, test->dbeta, workspace, workspace_size);
}

/* For the y of the forward pass that a backward pass needs dx has room. */
static runner_why prepare_rows(const runner_case *test) {
  rows = (norma_layer_norm){
    .rows = test->batch,
    .length = test->channels,
    .epsilon = RUNNER_EPSILON,
    .data_type = DATA_TYPES[test->type],
    .threads = test->threads
  };
  CHECK(why_of(norma_layer_norm_workspace_size(&rows, &workspace_size)));
  CHECK(allocate(test->batch));
  return test->pass == BACKWARD_TRAINING ? why_of(normalize_rows(test, test->dx)) : NULL;
}

/* ---- Group and instance normalization -------------------------------------------------------- */

static norma_group_norm groups;

static norma_status normalize_groups(const runner_case *test, void *y) {
  return norma_group_norm_forward(&groups, test->x, test->gamma, test->beta, y, mean, NULL,
                                  inv_std, workspace, workspace_size);
}

static norma_status groups_forward(const runner_case *test) {
  return normalize_groups(test, test->y);
}

static norma_status groups_backward(const runner_case *test) {
  return norma_group_norm_backward(&groups, test->x, test->dy, test->gamma, mean, inv_std,
                                   test->dx, test->dgamma, test->dbeta, workspace, workspace_size);
}

static runner_why prepare_groups(const runner_case *test) {
  groups = (norma_group_norm){
    .batch = test->batch,
    .channels = test->channels,
    .spatial = test->spatial,
    .groups = test->groups,
    .epsilon = RUNNER_EPSILON,
    .data_type = DATA_TYPES[test->type],
    .layout = layout_of(test),
    .threads = test->threads
  };
  CHECK(why_of(norma_group_norm_workspace_size(&groups, &workspace_size)));
  CHECK(allocate(test->batch * test->groups));
  return test->pass == BACKWARD_TRAINING ? why_of(normalize_groups(test, test->dx)) : NULL;
}

/* ---- Any operation --------------------------------------------------------------------------- */

typedef struct functions {
  runner_why (*prepare)(const runner_case *test);
  norma_status (*pass[3])(const runner_case *test); /* by runner_pass */
} functions;

static const functions BATCH = {prepare_batch, {batch_forward, batch_inference, batch_backward}};
static const functions ROWS = {prepare_rows, {rows_forward, NULL, rows_backward}};

static const functions GROUPS = {prepare_groups, {groups_forward, NULL, groups_backward}};

static const functions *functions_of(const runner_case *test) {
  if (runner_is_batch_norm(test)) return &BATCH;
  return runner_is_of_rows(test) ? &ROWS : &GROUPS;
}

static runner_why prepare(const runner_case *test) { return functions_of(test)->prepare(test); }

static runner_why call(const runner_case *test) {
  return why_of(functions_of(test)->pass[test->pass](test));
}

static void release(void) {
  free(workspace);
  free(mean);
  free(variance);
  free(inv_std);
  workspace = mean = variance = inv_std = NULL;
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
