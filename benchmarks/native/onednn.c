/*
 * oneDNN as its manual shows it: memory and the primitive are made once, a call executes the
 * primitive. It has no running statistics to update.
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
static dnnl_memory_desc_t plain, tensor, parameters;

/* OUT is y or dx. */
enum { X, DY, OUT, GAMMA, BETA, MEAN, VARIANCE, DGAMMA, DBETA, MEMORIES };
static dnnl_memory_t memories[MEMORIES];

/* What is timed. */
enum { MOST_ARGUMENTS = 8 };
static dnnl_primitive_t pass;
static dnnl_exec_arg_t arguments[MOST_ARGUMENTS];
static int arguments_count;

static runner_why why_of(dnnl_status_t status) {
  return status == dnnl_success ? NULL : runner_text("oneDNN: %s", dnnl_status2str(status));
}

static runner_why unsupported(const runner_case *test) {
  return test->type == F64 ? "oneDNN normalizes no f64" : NULL;
}

static runner_why call(const runner_case *test) {
  (void)test;
  DNNL(dnnl_primitive_execute(pass, stream, arguments_count, arguments));
  return why_of(dnnl_stream_wait(stream));
}

/* ---- Memory ---------------------------------------------------------------------------------- */

/* oneDNN reads the spatial extents as their product only: one is enough. */
static runner_why describe(const runner_case *test) {
  const dnnl_dims_t extents = {test->batch, test->channels, test->spatial};
  const dnnl_dims_t channels = {test->channels};
  const dnnl_data_type_t type = dnnl_f32;
  DNNL(dnnl_memory_desc_create_with_tag(&parameters, 1, channels, type, dnnl_a));
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

static runner_why place(const runner_case *test) {
  const int is_inference = test->pass == FORWARD_INFERENCE;
  CHECK(input_at(test, X, test->x));
  CHECK(tensor_at(test, OUT, out_of(test)));
  CHECK(parameters_at(GAMMA, test->gamma));
  CHECK(parameters_at(BETA, test->beta));
  CHECK(parameters_at(MEAN, is_inference ? test->running_mean : DNNL_MEMORY_ALLOCATE));
  CHECK(parameters_at(VARIANCE, is_inference ? test->running_var : DNNL_MEMORY_ALLOCATE));
  if (test->pass != BACKWARD_TRAINING) return NULL;
  CHECK(input_at(test, DY, test->dy));
  CHECK(parameters_at(DGAMMA, test->dgamma));
  return parameters_at(DBETA, test->dbeta);
}

/* ---- The primitive --------------------------------------------------------------------------- */

static const unsigned scale_and_shift = dnnl_use_scale | dnnl_use_shift;

static void argument(int name, int which) {
  arguments[arguments_count++] = (dnnl_exec_arg_t){name, memories[which]};
}

static runner_why make_pass(const_dnnl_primitive_desc_t description) {
  dnnl_primitive_destroy(pass);
  pass = NULL;
  arguments_count = 0;
  return why_of(dnnl_primitive_create(&pass, description));
}

static runner_why make_forward(const_dnnl_primitive_desc_t description) {
  CHECK(make_pass(description));
  argument(DNNL_ARG_SRC, X);
  argument(DNNL_ARG_SCALE, GAMMA);
  argument(DNNL_ARG_SHIFT, BETA);
  argument(DNNL_ARG_MEAN, MEAN);
  argument(DNNL_ARG_VARIANCE, VARIANCE);
  argument(DNNL_ARG_DST, OUT);
  return NULL;
}

static runner_why make_backward(const_dnnl_primitive_desc_t forward) {
  dnnl_primitive_desc_t description;
  DNNL(dnnl_batch_normalization_backward_primitive_desc_create(
      &description, engine, dnnl_backward, tensor, tensor, tensor, (float)RUNNER_EPSILON,
      scale_and_shift, forward, NULL));
  const runner_why why = make_pass(description);
  dnnl_primitive_desc_destroy(description);
  CHECK(why);
  argument(DNNL_ARG_SRC, X);
  argument(DNNL_ARG_DIFF_DST, DY);
  argument(DNNL_ARG_SCALE, GAMMA);
  argument(DNNL_ARG_MEAN, MEAN);
  argument(DNNL_ARG_VARIANCE, VARIANCE);
  argument(DNNL_ARG_DIFF_SRC, OUT);
  argument(DNNL_ARG_DIFF_SCALE, DGAMMA);
  argument(DNNL_ARG_DIFF_SHIFT, DBETA);
  return NULL;
}

/* The backward pass takes the statistics of a forward pass, whose y dx has room for. */
static runner_why make(const runner_case *test, const_dnnl_primitive_desc_t forward) {
  CHECK(make_forward(forward));
  if (test->pass != BACKWARD_TRAINING) return NULL;
  CHECK(call(test));
  return make_backward(forward);
}

static runner_why prepare(const runner_case *test) {
  omp_set_num_threads(test->threads); /* before anything is made: oneDNN plans for so many */
  CHECK(describe(test));
  CHECK(place(test));
  const int is_inference = test->pass == FORWARD_INFERENCE;
  dnnl_primitive_desc_t forward;
  DNNL(dnnl_batch_normalization_forward_primitive_desc_create(
      &forward, engine, is_inference ? dnnl_forward_inference : dnnl_forward_training, tensor,
      tensor, (float)RUNNER_EPSILON,
      is_inference ? scale_and_shift | dnnl_use_global_stats : scale_and_shift, NULL));
  const runner_why why = make(test, forward);
  dnnl_primitive_desc_destroy(forward);
  return why;
}

static runner_why collect(const runner_case *test) {
  if (test->layout != NCHW16C) return NULL;
  dnnl_memory_t to;
  DNNL(dnnl_memory_create(&to, plain, engine, out_of(test)));
  const runner_why why = reorder(memories[OUT], to);
  dnnl_memory_destroy(to);
  return why;
}

static void release_description(dnnl_memory_desc_t *description) {
  dnnl_memory_desc_destroy(*description);
  *description = NULL;
}

static void release(void) {
  dnnl_primitive_destroy(pass);
  pass = NULL;
  for (int i = 0; i < MEMORIES; i++) {
    dnnl_memory_destroy(memories[i]);
    memories[i] = NULL;
  }
  release_description(&plain);
  release_description(&tensor);
  release_description(&parameters);
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
