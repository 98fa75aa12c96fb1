/*
 * The limit: what it costs to move the bytes of a pass and compute nothing. copy_kernels.h says
 * what goes where.
 */
#include <norma.h>
#include <omp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "copy_kernels.h"
#include "runner.h"

/* From here on a second thread helps; below, waking it costs more than it moves. */
enum { SHARED_FROM_BYTES = 256 << 10 };

static copy_stores stores;
static const copy_kernels *kernels;

static runner_why unsupported(const runner_case *test) {
  return test->layout == NCHW16C ? "a copy is the same in every layout: nchw has it" : NULL;
}

static runner_why prepare(const runner_case *test) {
  (void)test;
  return NULL;
}

static copy_work work_of(const runner_case *test) {
  if (test->pass == BACKWARD_TRAINING) return runner_has_residual(test) ? BACK_BOTH : BACK;
  return runner_has_residual(test) ? ADD_RESIDUAL : COPY;
}

/* Where part i of so many starts: parts are contiguous, of whole units of the arrays' alignment. */
static int64_t start_of(int64_t bytes, int64_t i, int64_t parts) {
  const int64_t units = (bytes + RUNNER_ALIGNMENT - 1) / RUNNER_ALIGNMENT;
  return units * i / parts * RUNNER_ALIGNMENT;
}

static runner_why call(const runner_case *test) {
  copy_kernel *const kernel = kernels->of[work_of(test)][stores];
  const copy_arrays arrays = {
    .x = test->x,
    .residual = test->residual,
    .dy = test->dy,
    .out = test->pass == BACKWARD_TRAINING ? test->dx : test->y,
    .residual_out = test->dresidual
  };
  const int64_t bytes = runner_tensor_bytes(test);
#pragma omp parallel num_threads(test->threads) if (bytes >= SHARED_FROM_BYTES)
  {
    const int64_t begin = start_of(bytes, omp_get_thread_num(), omp_get_num_threads());
    const int64_t end = start_of(bytes, omp_get_thread_num() + 1, omp_get_num_threads());
    kernel(&arrays, begin, end);
  }
  return NULL;
}

static void release(void) {}

/* The level that Norma chose too. */
static const copy_kernels *kernels_of(const char *level) {
#define ISA(name, text, condition) \
  if (strcmp(level, text) == 0) return &copy_kernels_##name;
#include "isa.def"
#undef ISA
  return NULL;
}

int main(int count, char **arguments) {
  const bool is_streaming = count == 2 && strcmp(arguments[1], "streaming") == 0;
  if (!is_streaming && !(count == 2 && strcmp(arguments[1], "normal") == 0)) {
    fprintf(stderr, "usage: copy normal|streaming\n");
    return 2;
  }
#if !defined(__x86_64__)
  if (is_streaming) return runner_missing("streaming stores are written for x86-64 only");
#endif
  const norma_status status = norma_isa_status();
  if (status != NORMA_OK) return runner_missing(norma_status_message(status));
  stores = is_streaming ? STREAMING_STORES : NORMAL_STORES;
  kernels = kernels_of(norma_isa_name());
  const runner_peer peer = {
    .version = is_streaming ? "copy with streaming stores" : "copy with normal stores",
    .unsupported = unsupported,
    .prepare = prepare,
    .call = call,
    .release = release
  };
  return runner_run(&peer);
}
