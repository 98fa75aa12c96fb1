#define _POSIX_C_SOURCE 200809L
#include "arrays.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FORWARD = 1, BACKWARD = 2 };

typedef struct runner_array {
  const char *name; /* of its file */
  size_t member;    /* where runner_case has the pointer */
  bool is_tensor;   /* or has C parameters */
  int read_by, written_by;
  bool (*is_there)(const runner_case *test); /* in the operation; NULL: in every one */
} runner_array;

static bool has_beta(const runner_case *test) { return test->operation != RMS_NORM; }

static const runner_array ARRAYS[] = {
  {"x", offsetof(runner_case, x), true, FORWARD | BACKWARD, 0, NULL},
  {"dy", offsetof(runner_case, dy), true, BACKWARD, 0, NULL},
  {"residual", offsetof(runner_case, residual), true, FORWARD | BACKWARD, 0, runner_has_residual},
  {"gamma", offsetof(runner_case, gamma), false, FORWARD | BACKWARD, 0, NULL},
  {"beta", offsetof(runner_case, beta), false, FORWARD | BACKWARD, 0, has_beta},
  {"running_mean", offsetof(runner_case, running_mean), false, FORWARD, 0, runner_is_batch_norm},
  {"running_var", offsetof(runner_case, running_var), false, FORWARD, 0, runner_is_batch_norm},
  {"y", offsetof(runner_case, y), true, 0, FORWARD, NULL},
  {"dx", offsetof(runner_case, dx), true, 0, BACKWARD, NULL},
  {"dresidual", offsetof(runner_case, dresidual), true, 0, BACKWARD, runner_has_residual},
  {"dgamma", offsetof(runner_case, dgamma), false, 0, BACKWARD, NULL},
  {"dbeta", offsetof(runner_case, dbeta), false, 0, BACKWARD, has_beta}
};
enum { ARRAYS_COUNT = sizeof ARRAYS / sizeof *ARRAYS };

static int direction(const runner_case *test) {
  return test->pass == BACKWARD_TRAINING ? BACKWARD : FORWARD;
}

static void **pointer(runner_case *test, const runner_array *array) {
  return (void **)(void *)((char *)test + array->member);
}

static const void *values(const runner_case *test, const runner_array *array) {
  return *(void *const *)(const void *)((const char *)test + array->member);
}

static int64_t element_size(const runner_case *test) {
  static const int64_t SIZES[] = {[F32] = 4, [F64] = 8, [BF16] = 2, [F16] = 2};
  return SIZES[test->type];
}

static int64_t parameter_size(const runner_case *test) {
  return test->type == F64 ? (int64_t)sizeof(double) : (int64_t)sizeof(float);
}

int64_t runner_tensor_bytes(const runner_case *test) {
  return test->batch * test->channels * test->spatial * element_size(test);
}

bool runner_has_residual(const runner_case *test) {
  return test->operation == BATCH_NORM_ADD_RELU;
}

bool runner_is_batch_norm(const runner_case *test) {
  return test->operation <= BATCH_NORM_ADD_RELU;
}

bool runner_is_of_rows(const runner_case *test) {
  return test->operation == LAYER_NORM || test->operation == RMS_NORM;
}

static size_t size_of(const runner_case *test, const runner_array *array) {
  return (size_t)(array->is_tensor ? runner_tensor_bytes(test)
                                   : test->channels * parameter_size(test));
}

/* Whether the case has the array, and its pass is among those that the array says. */
static bool is_used(const runner_case *test, const runner_array *array, int by) {
  const bool is_there = !array->is_there || array->is_there(test);
  return is_there && (by & direction(test)) != 0;
}

runner_why runner_allocate(const char *of_what, int64_t bytes, void **memory) {
  const size_t whole = ((size_t)bytes + RUNNER_ALIGNMENT - 1) / RUNNER_ALIGNMENT * RUNNER_ALIGNMENT;
  *memory = aligned_alloc(RUNNER_ALIGNMENT, whole);
  if (!*memory) return runner_text("not enough memory for %s, %" PRId64 " bytes", of_what, bytes);
  memset(*memory, 0xff, whole); /* NaN: what a peer does not compute is seen in the results */
  return NULL;
}

static runner_why file_failed(const char *what, const char *path) {
  return runner_text("cannot %s %s: %s", what, path, strerror(errno));
}

/* ---- Reading --------------------------------------------------------------------------------- */

static runner_why read_bytes(FILE *file, const char *path, void *bytes, size_t size) {
  struct stat status;
  if (fstat(fileno(file), &status) != 0) return file_failed("read", path);
  if ((size_t)status.st_size != size) {
    return runner_text("%s has %jd bytes instead of the %zu of the case", path,
                       (intmax_t)status.st_size, size);
  }
  return fread(bytes, 1, size, file) == size ? NULL : file_failed("read", path);
}

static runner_why read_file(const char *path, void *bytes, size_t size) {
  FILE *file = fopen(path, "rb");
  if (!file) return file_failed("open", path);
  const runner_why why = read_bytes(file, path, bytes, size);
  fclose(file);
  return why;
}

runner_why arrays_read(runner_case *test, const char *folder) {
  char path[FILENAME_MAX];
  for (const runner_array *array = ARRAYS; array < ARRAYS + ARRAYS_COUNT; array++) {
    if (!is_used(test, array, array->read_by | array->written_by)) continue;
    const size_t size = size_of(test, array);
    CHECK(runner_allocate(array->name, (int64_t)size, pointer(test, array)));
    snprintf(path, sizeof path, "%s/%s", folder, array->name);
    if (array->read_by) CHECK(read_file(path, *pointer(test, array), size));
  }
  return NULL;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static runner_why write_file(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  if (!file) return file_failed("open", path);
  const bool is_written = fwrite(bytes, 1, size, file) == size;
  return fclose(file) == 0 && is_written ? NULL : file_failed("write", path);
}

runner_why arrays_write(const runner_case *test, const char *folder) {
  char path[FILENAME_MAX];
  for (const runner_array *array = ARRAYS; array < ARRAYS + ARRAYS_COUNT; array++) {
    if (!is_used(test, array, array->written_by)) continue;
    snprintf(path, sizeof path, "%s/%s", folder, array->name);
    CHECK(write_file(path, values(test, array), size_of(test, array)));
  }
  return NULL;
}

void arrays_free(runner_case *test) {
  for (const runner_array *array = ARRAYS; array < ARRAYS + ARRAYS_COUNT; array++) {
    free(*pointer(test, array));
    *pointer(test, array) = NULL;
  }
}
