/*
 * Every argument of every public function: what is refused, with which status, and that nothing has been
 * written then.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "functions.h"

static void for_each_call(void (*check)(test_call *)) {
  for (int i = 0; i < FUNCTIONS_COUNT; i++)
    for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
      test_call call = call_make(&FUNCTIONS[i], type);
      check(&call);
      call_free(&call);
    }
}

static int index_of(const test_call *call, const char *name) {
  for (int i = 0; i < call->count; i++)
    if (strcmp(call->function->arguments[i].name, name) == 0) return i;
  return -1;
}

/* Whether it takes statistics of parts, and nothing else. */
static bool is_merge(const test_call *call) {
  return strncmp(call->function->name, "merge", 5) == 0 || strncmp(call->function->name, "average", 7) == 0;
}

static bool has_descriptor(const test_call *call) {
  return !is_merge(call) && strcmp(call->function->name, "fold") != 0;
}

static bool has_workspace(const test_call *call) { return index_of(call, "workspace") >= 0; }

/* ---- Pointers ---------------------------------------------------------------------------------------- */

static void check_valid(test_call *call) { call_expecting(call, NORMA_OK, "valid"); }

static void valid_calls(void **state) {
  (void)state;
  for_each_call(check_valid);
}

/* What dresidual, where it is there, does not do without. */
static bool dresidual_needs(const test_call *call, int i) {
  const int dresidual = index_of(call, "dresidual");
  const char *name = call->function->arguments[i].name;
  return dresidual >= 0 && call->arrays[dresidual] && (strcmp(name, "residual") == 0 || strcmp(name, "dx") == 0);
}

static void check_nulls(test_call *call) {
  for (int i = 0; i < call->count; i++) {
    const test_argument *argument = &call->function->arguments[i];
    if (argument->kind == WORKSPACE) continue;
    const bool needed = argument->need == REQUIRED || dresidual_needs(call, i);
    void *array = call->arrays[i];
    call->arrays[i] = NULL;
    call_expecting(call, needed ? NORMA_NULL_POINTER : NORMA_OK, "no %s", argument->name);
    call->arrays[i] = array;
  }
  call->with.no_descriptor = true;
  call_expecting(call, has_descriptor(call) ? NORMA_NULL_POINTER : NORMA_OK, "no descriptor");
}

static void null_pointers(void **state) {
  (void)state;
  for_each_call(check_nulls);
}

/* Without dresidual, neither the residual nor dx is needed: nor both. */
static void check_no_dresidual(test_call *call) {
  const int dresidual = index_of(call, "dresidual");
  if (dresidual < 0) return;
  call->arrays[dresidual] = NULL;
  check_nulls(call);
  call->with.no_descriptor = false;
  call->arrays[index_of(call, "residual")] = call->arrays[index_of(call, "dx")] = NULL;
  call_expecting(call, NORMA_OK, "gradients of gamma and beta alone");
}

static void no_dresidual(void **state) {
  (void)state;
  for_each_call(check_no_dresidual);
}

static void check_misaligned(test_call *call) {
  for (int i = 0; i < call->count; i++) {
    char *array = call->arrays[i];
    for (int64_t by = 1; by < argument_element(call, i); by++) {
      call->arrays[i] = array + by;
      call_expecting(call, NORMA_MISALIGNED, "%s moved by %ld", call->function->arguments[i].name, (long)by);
    }
    call->arrays[i] = array;
  }
}

static void misaligned_pointers(void **state) {
  (void)state;
  for_each_call(check_misaligned);
}

static bool may_lie_on(const test_argument *out, const test_argument *input) {
  for (int i = 0; i < 2; i++)
    if (out->in_place_of[i] && strcmp(out->in_place_of[i], input->name) == 0) return true;
  return false;
}

/* Output `i` at `offset` bytes after array `j`, both in a place of their own. */
static void check_overlap(test_call *call, int i, int j, int64_t offset) {
  const test_argument *out = &call->function->arguments[i];
  const test_argument *other = &call->function->arguments[j];
  const int64_t room = argument_bytes(call, i) + argument_bytes(call, j) + 128;
  char *place = new_bytes(3 * room);
  void *arrays[2] = {call->arrays[i], call->arrays[j]};
  call->arrays[j] = place + (room + 63) / 64 * 64;
  call->arrays[i] = (char *)call->arrays[j] + offset;
  memcpy(call->arrays[j], arrays[1], (size_t)argument_bytes(call, j));
  if (offset >= argument_bytes(call, j) || offset <= -argument_bytes(call, i))
    memcpy(call->arrays[i], arrays[0], (size_t)argument_bytes(call, i)); /* apart: both are valid */
  char *before = new_bytes(3 * room);
  memcpy(before, place, (size_t)(3 * room));

  const bool apart = offset <= -argument_bytes(call, i) || offset >= argument_bytes(call, j);
  const bool allowed = offset == 0 && may_lie_on(out, other);
  call_expecting(call, apart || allowed ? NORMA_OK : NORMA_OVERLAP, "%s %ld bytes after %s", out->name, (long)offset,
                 other->name);
  if (!apart && !allowed) assert_memory_equal(place, before, (size_t)(3 * room));
  call->arrays[i] = arrays[0];
  call->arrays[j] = arrays[1];
  free(before);
  free(place);
}

static void check_overlaps(test_call *call) {
  for (int i = 0; i < call->count; i++) {
    if (call->function->arguments[i].use != OUT) continue;
    for (int j = 0; j < call->count; j++) {
      if (i == j) continue;
      const int64_t before = (argument_bytes(call, i) + 7) / 8 * 8;
      const int64_t after = (argument_bytes(call, j) + 7) / 8 * 8;
      const int64_t offsets[] = {0, 8, -8, after - 8, 8 - before, after, -before};
      for (int k = 0; k < 7; k++) check_overlap(call, i, j, offsets[k]);
    }
  }
}

static void overlaps(void **state) {
  (void)state;
  for_each_call(check_overlaps);
}

/* dx may lie on dy, not on x; and no two outputs may. */
static void check_in_place_of_x(test_call *call) {
  const int out = index_of(call, "dx");
  if (out < 0) return;
  call->arrays[out] = call->arrays[index_of(call, "x")];
  call_expecting(call, NORMA_OVERLAP, "dx on x");
  const int other = index_of(call, "dresidual");
  if (other < 0) return;
  call->arrays[out] = call->arrays[other] = call->arrays[index_of(call, "dy")];
  call_expecting(call, NORMA_OVERLAP, "dx and dresidual on dy");
}

static void in_place_of_another(void **state) {
  (void)state;
  for_each_call(check_in_place_of_x);
}

/* ---- Workspaces -------------------------------------------------------------------------------------- */

static void check_workspaces(test_call *call) {
  if (!has_workspace(call)) return;
  const int workspace = index_of(call, "workspace");
  const int64_t size = call->with.workspace_size;
  const int64_t too_small[] = {size - 1, size - 8, size / 2, 1, 0, -1, INT64_MIN};
  for (int i = 0; i < 7; i++) {
    call->with.workspace_size = too_small[i];
    call_expecting(call, NORMA_WORKSPACE_TOO_SMALL, "workspace of %ld bytes", (long)too_small[i]);
  }
  call->arrays[workspace] = NULL;
  call->with.workspace_size = size;
  call_expecting(call, NORMA_NULL_POINTER, "a size without a workspace");
  call->with.workspace_size = 0;
  call_expecting(call, NORMA_OK, "no workspace");
}

static void workspaces(void **state) {
  (void)state;
  for_each_call(check_workspaces);
}

/* ---- Descriptors ------------------------------------------------------------------------------------- */

static void check_norm(test_call *call, norma_batch_norm norm, norma_status expected, const char *what) {
  const norma_batch_norm valid = call->with.norm;
  call->with.norm = norm;
  call_expecting(call, expected, "%s", what);
  call->with.norm = valid;
}

/* Whether the function takes a norma_batch_norm, or a norma_group_norm, which has the same extents. */
static bool takes_images(const test_call *call) {
  return call->function->takes == TAKES_BATCH || call->function->takes == TAKES_GROUPS;
}

static void check_extents(test_call *call) {
  if (!takes_images(call)) return;
  const int64_t bad[] = {0, -1, INT64_MIN};
  for (int i = 0; i < 9; i++) {
    norma_batch_norm norm = call->with.norm;
    *(i % 3 == 0 ? &norm.batch : i % 3 == 1 ? &norm.channels : &norm.spatial) = bad[i / 3];
    check_norm(call, norm, NORMA_BAD_EXTENT, "an extent below 1");
  }
  const int64_t large[][3] = {{INT64_MAX, 1, 1}, {1, INT64_MAX, 1}, {1, 1, INT64_MAX},
                              {INT64_C(1) << 32, 1 << 16, 1 << 16},
                              {INT64_C(1) << 31, INT64_C(1) << 31, 2}, {3, INT64_MAX / 2, INT64_MAX / 2},
                              {(INT64_C(1) << 57) / value_size(call->with.norm.data_type) + 1, 1, 1}};
  for (int i = 0; i < 7; i++) {
    norma_batch_norm norm = call->with.norm;
    norm.batch = large[i][0];
    norm.channels = large[i][1];
    norm.spatial = large[i][2];
    check_norm(call, norm, NORMA_EXTENT_OVERFLOW, "extents whose product is too large");
  }
}

static void extents(void **state) {
  (void)state;
  for_each_call(check_extents);
}

/* 2^57 bytes are the most that a tensor may have. */
static void largest_tensor(void **state) {
  (void)state;
  int64_t size = 0;
  norma_batch_norm norm = {INT64_C(1) << 50, 1, 1 << 5, 1e-5, NORMA_FLOAT32, NORMA_CHANNELS_FIRST, 1};
  assert_int_equal(norma_batch_norm_workspace_size(&norm, &size), NORMA_OK);
  assert_true(size > 0);
  norm.layout = NORMA_CHANNELS_LAST;
  norm.channels = 1 << 5;
  norm.spatial = 1;
  assert_int_equal(norma_batch_norm_workspace_size(&norm, &size), NORMA_OK);
  assert_true(size > 0);
  for (norm.data_type = NORMA_BFLOAT16; norm.data_type <= NORMA_FLOAT16; norm.data_type++) {
    norm.batch = INT64_C(1) << 51;
    assert_int_equal(norma_batch_norm_workspace_size(&norm, &size), NORMA_OK);
    norm.batch++;
    assert_int_equal(norma_batch_norm_workspace_size(&norm, &size), NORMA_EXTENT_OVERFLOW);
  }
}

static void check_enums(test_call *call) {
  const int32_t bad[] = {-1, NORMA_FLOAT16 + 1, INT32_MIN, INT32_MAX};
  for (int i = 0; i < 4; i++) {
    norma_batch_norm norm = call->with.norm;
    if (takes_images(call)) {
      norm.layout = i == 1 ? NORMA_CHANNELS_LAST + 1 : bad[i];
      check_norm(call, norm, NORMA_BAD_LAYOUT, "unknown layout");
      norm = call->with.norm;
    } else if (is_merge(call)) {
      return; /* neither layout nor data type */
    }
    norm.data_type = bad[i];
    check_norm(call, norm, NORMA_BAD_DATA_TYPE, "unknown data type");
  }
}

static void unknown_enums(void **state) {
  (void)state;
  for_each_call(check_enums);
}

static void check_epsilon_and_threads(test_call *call) {
  if (call->function->takes == TAKES_NONE) return;
  const double bad[] = {-1, -1e-300, (double)INFINITY, (double)-INFINITY, (double)NAN};
  for (int i = 0; i < 5; i++) {
    norma_batch_norm norm = call->with.norm;
    norm.epsilon = bad[i];
    check_norm(call, norm, NORMA_BAD_EPSILON, "bad epsilon");
  }
  norma_batch_norm norm = call->with.norm;
  for (int i = 0; i < 2; i++) {
    norm.threads = (int32_t[]){-1, INT32_MIN}[i];
    check_norm(call, norm, NORMA_BAD_THREADS, "a negative number of threads");
  }
  norm.threads = INT32_MAX;
  check_norm(call, norm, NORMA_OK, "more threads than there can be");
}

static void epsilon_and_threads(void **state) {
  (void)state;
  for_each_call(check_epsilon_and_threads);
}

static void check_one_value(test_call *call) {
  if (!takes_images(call)) return;
  if (has_workspace(call)) call->arrays[index_of(call, "workspace")] = NULL;
  call->with.workspace_size = 0;
  norma_batch_norm norm = call->with.norm;
  norm.batch = norm.spatial = 1;
  check_norm(call, norm, call->function->trains ? NORMA_ONE_VALUE_PER_CHANNEL : NORMA_OK, "one value per channel");
  norm.batch = 2;
  check_norm(call, norm, NORMA_OK, "two values per channel");
}

static void one_value_per_channel(void **state) {
  (void)state;
  for_each_call(check_one_value);
}

/* ---- Counts and rules -------------------------------------------------------------------------------- */

static test_call call_of(const char *name) {
  for (int i = 0; i < FUNCTIONS_COUNT; i++)
    if (strcmp(FUNCTIONS[i].name, name) == 0) return call_make(&FUNCTIONS[i], NORMA_FLOAT32);
  fail_msg("no function %s", name);
  abort();
}

static void count_of_the_whole(void **state) {
  (void)state;
  test_call call = call_of("gradient_input");
  const int64_t bad[] = {14, 1, 0, -1, INT64_MIN};
  for (int i = 0; i < 5; i++) {
    call.with.count = bad[i];
    call_expecting(&call, NORMA_BAD_COUNT, "a whole of %ld values", (long)bad[i]);
  }
  call.with.count = 16;
  call_expecting(&call, NORMA_OK, "a whole larger than the part");
  call_free(&call);
}

static void put_counts(test_call *call, int64_t a, int64_t b, int64_t c) {
  int64_t *counts = call->arrays[0];
  counts[0] = a;
  counts[1] = b;
  counts[2] = c;
  memcpy(call->before, call->memory, (size_t)call->size);
}

static void counts_of_parts(void **state) {
  (void)state;
  const char *const names[] = {"merge_statistics", "merge_gradient_sums"};
  for (int i = 0; i < 2; i++) {
    test_call call = call_of(names[i]);
    put_counts(&call, 2, -1, 3);
    call_expecting(&call, NORMA_BAD_COUNT, "a negative count");
    put_counts(&call, 0, 0, 0);
    call_expecting(&call, NORMA_BAD_COUNT, "no values at all");
    put_counts(&call, INT64_MAX, 1, 0);
    call_expecting(&call, NORMA_BAD_COUNT, "a sum of counts that overflows");
    put_counts(&call, 0, 1, 0);
    call_expecting(&call, NORMA_OK, "one value");
    const int64_t bad[][2] = {{0, 3}, {-1, 3}, {4, 0}, {4, -1}};
    for (int k = 0; k < 4; k++) {
      call.with.norm.channels = bad[k][0];
      call.with.parts = bad[k][1];
      call_expecting(&call, NORMA_BAD_EXTENT, "%ld channels in %ld parts", (long)bad[k][0], (long)bad[k][1]);
    }
    call.with.norm.channels = INT64_C(1) << 40;
    call.with.parts = INT64_C(1) << 20;
    call_expecting(&call, NORMA_EXTENT_OVERFLOW, "too many channels");
    call.with.norm.channels = 4;
    call.with.parts = PARTS;
    call_free(&call);
  }
}

static void check_running(test_call *call, norma_running_rule rule, norma_status expected, const char *what) {
  const norma_running_rule valid = call->with.running;
  call->with.running = rule;
  call_expecting(call, expected, "%s", what);
  call->with.running = valid;
}

static void running_rules(void **state) {
  (void)state;
  test_call call = call_of("update_running");
  const double momenta[] = {-1e-300, 1.0000001, (double)INFINITY, (double)NAN};
  for (int i = 0; i < 4; i++) {
    check_running(&call, (norma_running_rule){momenta[i], NORMA_RUNNING_EXPONENTIAL, 0, 0}, NORMA_BAD_MOMENTUM,
                  "momentum out of range");
    check_running(&call, (norma_running_rule){momenta[i], NORMA_RUNNING_CUMULATIVE, 0, 0}, NORMA_OK,
                  "momentum that is not read");
  }
  check_running(&call, (norma_running_rule){0, NORMA_RUNNING_EXPONENTIAL, 0, 0}, NORMA_OK, "momentum 0");
  check_running(&call, (norma_running_rule){1, NORMA_RUNNING_EXPONENTIAL, 0, 0}, NORMA_OK, "momentum 1");
  const int32_t bad[] = {-1, 2, INT32_MAX};
  for (int i = 0; i < 3; i++) {
    check_running(&call, (norma_running_rule){0.9, bad[i], 0, 0}, NORMA_BAD_RULE, "unknown mode");
    check_running(&call, (norma_running_rule){0.9, 0, bad[i], 0}, NORMA_BAD_RULE, "bad unbiased");
    check_running(&call, (norma_running_rule){0.9, 0, 0, bad[i]}, NORMA_BAD_RULE, "bad refuse_nonfinite");
  }
  call_free(&call);
}

static void running_counts(void **state) {
  (void)state;
  test_call call = call_of("update_running");
  const int64_t bad[] = {0, -1, INT64_MIN};
  for (int i = 0; i < 3; i++) {
    call.with.count = bad[i];
    call_expecting(&call, NORMA_BAD_COUNT, "a batch of %ld values", (long)bad[i]);
  }
  call.with.count = 1;
  call_expecting(&call, NORMA_ONE_VALUE_PER_CHANNEL, "the unbiased variance of one value");
  call.with.running.unbiased = 0;
  call_expecting(&call, NORMA_OK, "the biased variance of one value");
  int64_t *batches = call.arrays[index_of(&call, "batches")];
  const int64_t impossible[] = {-1, INT64_MAX};
  for (int i = 0; i < 2; i++) {
    *batches = impossible[i];
    memcpy(call.before, call.memory, (size_t)call.size);
    call_expecting(&call, NORMA_BAD_COUNT, "%ld batches so far", (long)impossible[i]);
  }
  for (int i = 0; i < 2; i++) {
    call.with.norm.channels = i - 1;
    call_expecting(&call, NORMA_BAD_EXTENT, "%d channels", i - 1);
  }
  call.with.norm.channels = INT64_C(1) << 60;
  call_expecting(&call, NORMA_EXTENT_OVERFLOW, "too many channels");
  call_free(&call);
}

static void folding(void **state) {
  (void)state;
  test_call call = call_of("fold");
  const norma_batch_norm valid = call.with.norm;
  const int64_t bad[] = {0, -1, INT64_MIN};
  for (int i = 0; i < 6; i++) {
    *(i % 2 ? &call.with.norm.channels : &call.with.norm.spatial) = bad[i / 2];
    call_expecting(&call, NORMA_BAD_EXTENT, "%ld channels of %ld weights", (long)call.with.norm.channels,
                   (long)call.with.norm.spatial);
    call.with.norm = valid;
  }
  const int64_t large[][2] = {{INT64_MAX, 1}, {1, INT64_MAX}, {INT64_C(1) << 32, INT64_C(1) << 32},
                              {1, (INT64_C(1) << 55) + 1}};
  for (int i = 0; i < 4; i++) {
    call.with.norm.channels = large[i][0];
    call.with.norm.spatial = large[i][1];
    call_expecting(&call, NORMA_EXTENT_OVERFLOW, "too many weights");
    call.with.norm = valid;
  }
  const double epsilons[] = {-1, -1e-300, (double)INFINITY, (double)-INFINITY, (double)NAN};
  for (int i = 0; i < 5; i++) {
    call.with.norm.epsilon = epsilons[i];
    call_expecting(&call, NORMA_BAD_EPSILON, "bad epsilon");
  }
  call.with.norm.epsilon = 0;
  call_expecting(&call, NORMA_OK, "no epsilon");
  call_free(&call);
}

static void check_descent(test_call *call, norma_gradient_descent rule, norma_status expected, const char *what) {
  call->with.descent = rule;
  call_expecting(call, expected, "%s", what);
}

static void descent_rules(void **state) {
  (void)state;
  test_call call = call_of("gradient_descent_step");
  const double bad[] = {-1e-300, (double)INFINITY, (double)-INFINITY, (double)NAN};
  for (int i = 0; i < 4; i++) {
    check_descent(&call, (norma_gradient_descent){bad[i], 0.9, 0, 0}, NORMA_BAD_RULE, "bad learning rate");
    check_descent(&call, (norma_gradient_descent){0.1, bad[i], 0, 0}, NORMA_BAD_MOMENTUM, "bad momentum");
    check_descent(&call, (norma_gradient_descent){0.1, 0.9, bad[i], 0}, NORMA_BAD_RULE, "bad weight decay");
  }
  check_descent(&call, (norma_gradient_descent){0.1, 1, 0, 0}, NORMA_BAD_MOMENTUM, "momentum 1");
  check_descent(&call, (norma_gradient_descent){0.1, 0, 0, 1}, NORMA_BAD_RULE, "Nesterov without momentum");
  check_descent(&call, (norma_gradient_descent){0.1, 0.9, 0, 2}, NORMA_BAD_RULE, "bad nesterov");
  check_descent(&call, (norma_gradient_descent){0.1, 0.9, 0, -1}, NORMA_BAD_RULE, "bad nesterov");
  check_descent(&call, (norma_gradient_descent){0, 0, 0, 0}, NORMA_OK, "no step");
  call.arrays[2] = NULL;
  call_expecting(&call, NORMA_OK, "no velocity without momentum");
  call.with.norm.channels = 0;
  call_expecting(&call, NORMA_BAD_EXTENT, "no parameters");
  call.with.norm.channels = INT64_C(1) << 60;
  call_expecting(&call, NORMA_EXTENT_OVERFLOW, "too many parameters");
  call_free(&call);
}

/* ---- Statuses ---------------------------------------------------------------------------------------- */

static void status_messages(void **state) {
  (void)state;
  for (norma_status i = NORMA_OK; i <= NORMA_BAD_GROUPS; i++) {
    assert_non_null(norma_status_message(i));
    for (norma_status k = NORMA_OK; k < i; k++)
      assert_string_not_equal(norma_status_message(i), norma_status_message(k));
  }
  const norma_status unknown[] = {-1, NORMA_BAD_GROUPS + 1, INT32_MIN, INT32_MAX};
  for (int i = 0; i < 4; i++) {
    assert_non_null(norma_status_message(unknown[i]));
    assert_string_not_equal(norma_status_message(unknown[i]), norma_status_message(NORMA_OK));
  }
}

static void version(void **state) {
  (void)state;
  assert_string_equal(norma_version(), PROJECT_VERSION);
}

/* Memory and levels have programs of their own; all other statuses have been seen by now. */
static void every_status_was_reached(void **state) {
  (void)state;
  for (norma_status i = NORMA_OK; i < NORMA_OUT_OF_MEMORY; i++)
    if (!reached[i]) fail_msg("never reached: %s", norma_status_message(i));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(valid_calls),
    cmocka_unit_test(null_pointers),
    cmocka_unit_test(no_dresidual),
    cmocka_unit_test(misaligned_pointers),
    cmocka_unit_test(overlaps),
    cmocka_unit_test(in_place_of_another),
    cmocka_unit_test(workspaces),
    cmocka_unit_test(extents),
    cmocka_unit_test(largest_tensor),
    cmocka_unit_test(unknown_enums),
    cmocka_unit_test(epsilon_and_threads),
    cmocka_unit_test(one_value_per_channel),
    cmocka_unit_test(count_of_the_whole),
    cmocka_unit_test(counts_of_parts),
    cmocka_unit_test(running_rules),
    cmocka_unit_test(running_counts),
    cmocka_unit_test(folding),
    cmocka_unit_test(descent_rules),
    cmocka_unit_test(status_messages),
    cmocka_unit_test(version),
    cmocka_unit_test(every_status_was_reached),
  };
  return cmocka_run_group_tests_name("arguments", tests, NULL, NULL);
}
