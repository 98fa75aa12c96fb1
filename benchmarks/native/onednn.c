/*
 * oneDNN as its manual shows it: memory and primitives are made once, a call executes them. It has
 * no running statistics to update. ReLU is part of its batch normalization, which keeps a mask in
 * training; a residual is added by a second primitive, with ReLU after it. RMS normalization is a
 * flag of its layer normalization; instance normalization is its group normalization.
 */
#include <dnnl.h>
#include <dnnl_debug.h>
#include <omp.h>
#include <stdio.h>

#include "runner.h"

/* Returns from the caller, with what oneDNN says, unless the call succeeds. */
#define DNNL(call) CHECK(why_of(call))

static dnnl_engine_t engine;
static dnnl_stream_t stream;

/* `plain` is a tensor in the order of its array, `tensor` in that of the layout. */
static dnnl_memory_desc_t plain, tensor, parameters, statistics;

/* OUT is y or dx; KEPT_Y is y where the backward pass needs it; MASK is what ReLU let through. */
enum {
  X, DY, RESIDUAL, OUT, KEPT_Y, DRESIDUAL, MASK, /* tensors */
  GAMMA, BETA, MEAN, VARIANCE, DGAMMA, DBETA,
  MEMORIES
};
static dnnl_memory_t memories[MEMORIES];

/* What is timed: primitives, one after the other. */
enum { MOST_STEPS = 2, MOST_ARGUMENTS = 9 };
typedef struct step {
  dnnl_primitive_t primitive;
  dnnl_exec_arg_t arguments[MOST_ARGUMENTS];
  int arguments_count;
} step;
static step steps[MOST_STEPS];
static int steps_count;

static runner_why why_of(dnnl_status_t status) {
  return status == dnnl_success ? NULL : runner_text("oneDNN: %s", dnnl_status2str(status));
}

static runner_why call(const runner_case *test) {
  (void)test;
  for (const step *each = steps; each < steps + steps_count; each++) {
    DNNL(dnnl_primitive_execute(each->primitive, stream, each->arguments_count, each->arguments));
  }
  return why_of(dnnl_stream_wait(stream));
}

/* ---- Descriptions ---------------------------------------------------------------------------- */

static const dnnl_data_type_t DATA_TYPES[] = {
  [F32] = dnnl_f32, [F64] = dnnl_f64, [BF16] = dnnl_bf16, [F16] = dnnl_f16
};

/* They are of channels, of rows, or of the groups of each image. */
static runner_why describe_statistics(const runner_case *test) {
  if (runner_is_batch_norm(test)) return why_of(dnnl_memory_desc_clone(&statistics, parameters));
  const dnnl_dims_t extents = {test->batch, test->groups};
  const int rank = runner_is_of_rows(test) ? 1 : 2;
  return why_of(dnnl_memory_desc_create_with_tag(&statistics, rank, extents, dnnl_f32,
                                                 rank == 1 ? dnnl_a : dnnl_ab));
}

/* oneDNN reads the spatial extents as their product only: one is enough. */
static runner_why describe(const runner_case *test) {
  const dnnl_dims_t extents = {test->batch, test->channels, test->spatial};
  const dnnl_dims_t channels = {test->channels};
  const dnnl_data_type_t type = DATA_TYPES[test->type];
  DNNL(dnnl_memory_desc_create_with_tag(&parameters, 1, channels, dnnl_f32, dnnl_a));
  CHECK(describe_statistics(test));
  if (test->layout == NCHW16C) {
    DNNL(dnnl_memory_desc_create_with_tag(&plain, 3, extents, type, dnnl_ncw));
    return why_of(dnnl_memory_desc_create_with_tag(&tensor, 3, extents, type, dnnl_nCw16c));
  }
  /* Without a spatial extent both layouts are one; as nc it has oneDNN's vectorized kernels. */
  const dnnl_format_tag_t dense = test->layout == NHWC ? dnnl_nwc : dnnl_ncw;
  const int rank = test->spatial == 1 ? 2 : 3;
  DNNL(dnnl_memory_desc_create_with_tag(&plain, rank, extents, type, rank == 2 ? dnnl_nc : dense));
  return why_of(dnnl_memory_desc_clone(&tensor, plain));
}

static void release_description(dnnl_memory_desc_t *description) {
  dnnl_memory_desc_destroy(*description);
  *description = NULL;
}

static void release_descriptions(void) {
  release_description(&plain);
  release_description(&tensor);
  release_description(&parameters);
  release_description(&statistics);
}

static unsigned flags_of(const runner_case *test) {
  if (test->operation == RMS_NORM) return dnnl_use_scale | dnnl_rms_norm;
  unsigned flags = dnnl_use_scale | dnnl_use_shift;
  if (test->pass == FORWARD_INFERENCE) flags |= dnnl_use_global_stats;
  if (test->operation == BATCH_NORM_RELU) flags |= dnnl_fuse_norm_relu;
  return flags;
}

static dnnl_status_t describe_forward(const runner_case *test, dnnl_primitive_desc_t *forward) {
  const dnnl_prop_kind_t kind =
      test->pass == FORWARD_INFERENCE ? dnnl_forward_inference : dnnl_forward_training;
  const float epsilon = (float)RUNNER_EPSILON;
  const unsigned flags = flags_of(test);
  if (runner_is_batch_norm(test)) {
    return dnnl_batch_normalization_forward_primitive_desc_create(forward, engine, kind, tensor,
                                                                  tensor, epsilon, flags, NULL);
  }
  if (runner_is_of_rows(test)) {
    return dnnl_layer_normalization_forward_primitive_desc_create(
        forward, engine, kind, tensor, tensor, statistics, epsilon, flags, NULL);
  }
  return dnnl_group_normalization_forward_primitive_desc_create(
      forward, engine, kind, tensor, tensor, test->groups, epsilon, flags, NULL);
}

static dnnl_status_t describe_backward(const runner_case *test, const_dnnl_primitive_desc_t forward,
                                       dnnl_primitive_desc_t *backward) {
  const float epsilon = (float)RUNNER_EPSILON;
  const unsigned flags = flags_of(test);
  if (runner_is_batch_norm(test)) {
    return dnnl_batch_normalization_backward_primitive_desc_create(
        backward, engine, dnnl_backward, tensor, tensor, tensor, epsilon, flags, forward, NULL);
  }
  if (runner_is_of_rows(test)) {
    return dnnl_layer_normalization_backward_primitive_desc_create(
        backward, engine, dnnl_backward, tensor, tensor, tensor, statistics, epsilon, flags,
        forward, NULL);
  }
  return dnnl_group_normalization_backward_primitive_desc_create(
      backward, engine, dnnl_backward, tensor, tensor, tensor, test->groups, epsilon, flags,
      forward, NULL);
}

/* Whether there is a primitive for the pass. */
static dnnl_status_t status_of_pass(const runner_case *test) {
  dnnl_primitive_desc_t forward, backward;
  dnnl_status_t status = describe_forward(test, &forward);
  if (status != dnnl_success) return status;
  if (test->pass == BACKWARD_TRAINING) {
    status = describe_backward(test, forward, &backward);
    if (status == dnnl_success) dnnl_primitive_desc_destroy(backward);
  }
  dnnl_primitive_desc_destroy(forward);
  return status;
}

static runner_why unsupported(const runner_case *test) {
  if (test->type == F64) return "oneDNN normalizes no f64";
  if (test->layout == NCHW16C && !runner_is_batch_norm(test)) {
    return "only batch normalization has vectorized kernels for a blocked layout in oneDNN";
  }
  const bool is_missing = !describe(test) && status_of_pass(test) == dnnl_unimplemented;
  release_descriptions();
  return is_missing ? "oneDNN has no primitive for it on this processor" : NULL;
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static runner_why reorder(dnnl_memory_t from, dnnl_memory_t to) {
  const_dnnl_memory_desc_t from_desc, to_desc;
  dnnl_primitive_desc_t description;
  dnnl_primitive_t primitive;
  DNNL(dnnl_memory_get_memory_desc(from, &from_desc));
  DNNL(dnnl_memory_get_memory_desc(to, &to_desc));
  DNNL(dnnl_reorder_primitive_desc_create(&description, from_desc, engine, to_desc, engine, NULL));
  dnnl_status_t status = dnnl_primitive_create(&primitive, description);
  dnnl_primitive_desc_destroy(description);
  DNNL(status);
  const dnnl_exec_arg_t from_to[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
  status = dnnl_primitive_execute(primitive, stream, 2, from_to);
  dnnl_primitive_destroy(primitive);
  DNNL(status);
  return why_of(dnnl_stream_wait(stream));
}

static runner_why parameters_at(int which, void *array) {
  return why_of(dnnl_memory_create(&memories[which], parameters, engine, array));
}

static runner_why statistics_at(int which, void *array) {
  return why_of(dnnl_memory_create(&memories[which], statistics, engine, array));
}

/* A tensor is its array, or where the layout is blocked a memory of its own. */
static runner_why tensor_at(const runner_case *test, int which, void *array) {
  void *memory = test->layout == NCHW16C ? DNNL_MEMORY_ALLOCATE : array;
  return why_of(dnnl_memory_create(&memories[which], tensor, engine, memory));
}

static runner_why input_at(const runner_case *test, int which, void *array) {
  CHECK(tensor_at(test, which, array));
  if (test->layout != NCHW16C) return NULL;
  dnnl_memory_t from;
  DNNL(dnnl_memory_create(&from, plain, engine, array));
  const runner_why why = reorder(from, memories[which]);
  dnnl_memory_destroy(from);
  return why;
}

static void *out_of(const runner_case *test) {
  return test->pass == BACKWARD_TRAINING ? test->dx : test->y;
}

/* The forward pass says how large its mask is: it has none in inference, and none without ReLU. */
static runner_why place_mask(const_dnnl_primitive_desc_t forward) {
  const_dnnl_memory_desc_t mask = dnnl_primitive_desc_query_md(forward, dnnl_query_workspace_md, 0);
  if (!mask || dnnl_memory_desc_get_size(mask) == 0) return NULL;
  return why_of(dnnl_memory_create(&memories[MASK], mask, engine, DNNL_MEMORY_ALLOCATE));
}

static runner_why place(const runner_case *test) {
  const int is_inference = test->pass == FORWARD_INFERENCE;
  CHECK(input_at(test, X, test->x));
  CHECK(tensor_at(test, OUT, out_of(test)));
  CHECK(parameters_at(GAMMA, test->gamma));
  const bool is_centred = test->operation != RMS_NORM;
  if (is_centred) {
    CHECK(parameters_at(BETA, test->beta));
    CHECK(statistics_at(MEAN, is_inference ? test->running_mean : DNNL_MEMORY_ALLOCATE));
  }
  CHECK(statistics_at(VARIANCE, is_inference ? test->running_var : DNNL_MEMORY_ALLOCATE));
  if (runner_has_residual(test)) CHECK(input_at(test, RESIDUAL, test->residual));
  if (test->pass != BACKWARD_TRAINING) return NULL;
  CHECK(input_at(test, DY, test->dy));
  if (runner_has_residual(test)) {
    CHECK(why_of(dnnl_memory_create(&memories[KEPT_Y], tensor, engine, DNNL_MEMORY_ALLOCATE)));
    CHECK(tensor_at(test, DRESIDUAL, test->dresidual));
  }
  CHECK(parameters_at(DGAMMA, test->dgamma));
  return is_centred ? parameters_at(DBETA, test->dbeta) : NULL;
}

/* ---- The steps ------------------------------------------------------------------------------- */

static void release_steps(void) {
  while (steps_count > 0) dnnl_primitive_destroy(steps[--steps_count].primitive);
}

/* A step without arguments. */
static runner_why add_step(const_dnnl_primitive_desc_t description) {
  step *const added = &steps[steps_count];
  added->arguments_count = 0;
  DNNL(dnnl_primitive_create(&added->primitive, description));
  steps_count++;
  return NULL;
}

/* Of the last step; not every case has a mask, a mean and beta. */
static void argument(int name, int which) {
  step *const last = &steps[steps_count - 1];
  if (!memories[which]) return;
  last->arguments[last->arguments_count++] = (dnnl_exec_arg_t){name, memories[which]};
}

static runner_why add_normalization(const_dnnl_primitive_desc_t description, int y) {
  CHECK(add_step(description));
  argument(DNNL_ARG_SRC, X);
  argument(DNNL_ARG_SCALE, GAMMA);
  argument(DNNL_ARG_SHIFT, BETA);
  argument(DNNL_ARG_MEAN, MEAN);
  argument(DNNL_ARG_VARIANCE, VARIANCE);
  argument(DNNL_ARG_WORKSPACE, MASK);
  argument(DNNL_ARG_DST, y);
  return NULL;
}

/* A description of the sum of two tensors with ReLU after it. */
static dnnl_status_t describe_sum(dnnl_primitive_desc_t *sum) {
  dnnl_post_ops_t relu = NULL;
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_status_t status = dnnl_post_ops_create(&relu);
  if (status == dnnl_success) status = dnnl_post_ops_append_eltwise(relu, dnnl_eltwise_relu, 0, 0);
  if (status == dnnl_success) status = dnnl_primitive_attr_create(&attributes);
  if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(attributes, relu);
  if (status == dnnl_success) {
    status = dnnl_binary_primitive_desc_create(sum, engine, dnnl_binary_add, tensor, tensor, tensor,
                                               attributes);
  }
  dnnl_primitive_attr_destroy(attributes);
  dnnl_post_ops_destroy(relu);
  return status;
}

static runner_why add_sum(int y) {
  dnnl_primitive_desc_t sum;
  DNNL(describe_sum(&sum));
  const runner_why why = add_step(sum);
  dnnl_primitive_desc_destroy(sum);
  CHECK(why);
  argument(DNNL_ARG_SRC_0, y);
  argument(DNNL_ARG_SRC_1, RESIDUAL);
  argument(DNNL_ARG_DST, y);
  return NULL;
}

/* dresidual is what comes of dy through ReLU, which is seen by y. */
static runner_why add_relu_backward(void) {
  const dnnl_alg_kind_t relu = dnnl_eltwise_relu_use_dst_for_bwd;
  dnnl_primitive_desc_t forward, backward;
  DNNL(dnnl_eltwise_forward_primitive_desc_create(&forward, engine, dnnl_forward_training, relu,
                                                  tensor, tensor, 0, 0, NULL));
  const dnnl_status_t status = dnnl_eltwise_backward_primitive_desc_create(
      &backward, engine, relu, tensor, tensor, tensor, 0, 0, forward, NULL);
  dnnl_primitive_desc_destroy(forward);
  DNNL(status);
  const runner_why why = add_step(backward);
  dnnl_primitive_desc_destroy(backward);
  CHECK(why);
  argument(DNNL_ARG_DST, KEPT_Y);
  argument(DNNL_ARG_DIFF_DST, DY);
  argument(DNNL_ARG_DIFF_SRC, DRESIDUAL);
  return NULL;
}

static runner_why add_normalization_backward(const runner_case *test,
                                             const_dnnl_primitive_desc_t forward, int dy) {
  dnnl_primitive_desc_t description;
  DNNL(describe_backward(test, forward, &description));
  const runner_why why = add_step(description);
  dnnl_primitive_desc_destroy(description);
  CHECK(why);
  argument(DNNL_ARG_SRC, X);
  argument(DNNL_ARG_DIFF_DST, dy);
  argument(DNNL_ARG_SCALE, GAMMA);
  argument(DNNL_ARG_MEAN, MEAN);
  argument(DNNL_ARG_VARIANCE, VARIANCE);
  argument(DNNL_ARG_WORKSPACE, MASK);
  argument(DNNL_ARG_DIFF_SRC, OUT);
  argument(DNNL_ARG_DIFF_SCALE, DGAMMA);
  argument(DNNL_ARG_DIFF_SHIFT, DBETA);
  return NULL;
}

/* ---- The pass -------------------------------------------------------------------------------- */

static runner_why make_forward(const runner_case *test, const_dnnl_primitive_desc_t forward) {
  const int y = memories[KEPT_Y] ? KEPT_Y : OUT;
  CHECK(add_normalization(forward, y));
  return runner_has_residual(test) ? add_sum(y) : NULL;
}

static runner_why make_backward(const runner_case *test, const_dnnl_primitive_desc_t forward) {
  if (!runner_has_residual(test)) return add_normalization_backward(test, forward, DY);
  CHECK(add_relu_backward());
  return add_normalization_backward(test, forward, DRESIDUAL);
}

/*
 * The backward pass takes the statistics of a forward pass, and its mask. For its y dx has room,
 * unless it is kept.
 */
static runner_why make(const runner_case *test, const_dnnl_primitive_desc_t forward) {
  CHECK(place_mask(forward));
  CHECK(make_forward(test, forward));
  if (test->pass != BACKWARD_TRAINING) return NULL;
  CHECK(call(test));
  release_steps();
  return make_backward(test, forward);
}

static runner_why prepare(const runner_case *test) {
  omp_set_num_threads(test->threads); /* before anything is made: oneDNN plans for so many */
  CHECK(describe(test));
  CHECK(place(test));
  dnnl_primitive_desc_t forward;
  DNNL(describe_forward(test, &forward));
  const runner_why why = make(test, forward);
  dnnl_primitive_desc_destroy(forward);
  return why;
}

static runner_why collect_at(int which, void *array) {
  dnnl_memory_t to;
  DNNL(dnnl_memory_create(&to, plain, engine, array));
  const runner_why why = reorder(memories[which], to);
  dnnl_memory_destroy(to);
  return why;
}

static runner_why collect(const runner_case *test) {
  if (test->layout != NCHW16C) return NULL;
  CHECK(collect_at(OUT, out_of(test)));
  return test->dresidual ? collect_at(DRESIDUAL, test->dresidual) : NULL;
}

static void release(void) {
  release_steps();
  for (int i = 0; i < MEMORIES; i++) {
    dnnl_memory_destroy(memories[i]);
    memories[i] = NULL;
  }
  release_descriptions();
}

int main(void) {
  runner_why why = why_of(dnnl_engine_create(&engine, dnnl_cpu, 0));
  if (!why) why = why_of(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
  if (why) return runner_missing(why);
  char version[64];
  const dnnl_version_t *library = dnnl_version();
  snprintf(version, sizeof version, "oneDNN %d.%d.%d", library->major, library->minor,
           library->patch);
  const runner_peer peer = {
    .version = version,
    .unsupported = unsupported,
    .prepare = prepare,
    .call = call,
    .collect = collect,
    .release = release
  };
  const int status = runner_run(&peer);
  dnnl_stream_destroy(stream);
  dnnl_engine_destroy(engine);
  return status;
}
