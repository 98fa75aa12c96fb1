#include "checks.h"

#include <math.h>
#include <stddef.h>

#include "plan.h"

/* No address space is larger; and below it, nothing that is computed from sizes can overflow. */
static const int64_t BYTES_AT_MOST = INT64_C(1) << 57;

static int64_t bytes(norma_array array) { return array.start ? array.count * array.size : 0; }

static bool overlap(norma_array a, norma_array b) {
  const uintptr_t a_start = (uintptr_t)a.start;
  const uintptr_t b_start = (uintptr_t)b.start;
  return a_start < b_start + (uintptr_t)bytes(b) && b_start < a_start + (uintptr_t)bytes(a);
}

/* Whether an output is in place of an input that allows it. */
static bool in_place(norma_array out, norma_array in) {
  const bool allowed = in.start == out.may_be[0] || in.start == out.may_be[1];
  return in.use == ARRAY_IN && allowed && in.start == out.start && in.size == out.size &&
         in.count == out.count;
}

norma_status norma_check_arrays(const norma_array *arrays, int count) {
  for (int i = 0; i < count; i++) {
    REQUIRE(arrays[i].start || arrays[i].need == ARRAY_OPTIONAL, NORMA_NULL_POINTER);
    REQUIRE((uintptr_t)arrays[i].start % (uintptr_t)arrays[i].size == 0, NORMA_MISALIGNED);
  }
  for (int i = 0; i < count; i++) {
    if (arrays[i].use != ARRAY_OUT) continue;
    for (int j = 0; j < count; j++) {
      const bool apart = !overlap(arrays[i], arrays[j]) || in_place(arrays[i], arrays[j]);
      REQUIRE(i == j || apart, NORMA_OVERLAP);
    }
  }
  return NORMA_OK;
}

norma_status norma_check_data_type(int32_t data_type) {
  return norma_element_size(data_type) > 0 ? NORMA_OK : NORMA_BAD_DATA_TYPE;
}

/* How something is computed, and the size of its tensor, which is a product of three. */
static norma_status check_computing(double epsilon, int32_t threads, int32_t data_type, int64_t a, int64_t b,
                                    int64_t c) {
  REQUIRE(epsilon >= 0 && isfinite(epsilon), NORMA_BAD_EPSILON);
  REQUIRE(threads >= 0, NORMA_BAD_THREADS);
  int64_t size = norma_element_size(data_type);
  const bool overflows = __builtin_mul_overflow(size, a, &size) || __builtin_mul_overflow(size, b, &size) ||
                         __builtin_mul_overflow(size, c, &size);
  return overflows || size > BYTES_AT_MOST ? NORMA_EXTENT_OVERFLOW : NORMA_OK;
}

static norma_status check_layout(int32_t layout) {
  return layout == NORMA_CHANNELS_FIRST || layout == NORMA_CHANNELS_LAST ? NORMA_OK : NORMA_BAD_LAYOUT;
}

norma_status norma_check_norm(const norma_batch_norm *norm) {
  REQUIRE(norm, NORMA_NULL_POINTER);
  REQUIRE(norm->batch > 0 && norm->channels > 0 && norm->spatial > 0, NORMA_BAD_EXTENT);
  CHECK(norma_check_data_type(norm->data_type));
  CHECK(check_layout(norm->layout));
  return check_computing(norm->epsilon, norm->threads, norm->data_type, norm->batch, norm->channels, norm->spatial);
}

norma_status norma_check_layer_norm(const norma_layer_norm *norm) {
  REQUIRE(norm, NORMA_NULL_POINTER);
  REQUIRE(norm->rows > 0 && norm->length > 0, NORMA_BAD_EXTENT);
  CHECK(norma_check_data_type(norm->data_type));
  return check_computing(norm->epsilon, norm->threads, norm->data_type, norm->rows, norm->length, 1);
}

norma_status norma_check_group_norm(const norma_group_norm *norm) {
  REQUIRE(norm, NORMA_NULL_POINTER);
  REQUIRE(norm->batch > 0 && norm->channels > 0 && norm->spatial > 0, NORMA_BAD_EXTENT);
  REQUIRE(norm->groups > 0 && norm->channels % norm->groups == 0, NORMA_BAD_GROUPS);
  CHECK(norma_check_data_type(norm->data_type));
  CHECK(check_layout(norm->layout));
  return check_computing(norm->epsilon, norm->threads, norm->data_type, norm->batch, norm->channels, norm->spatial);
}

norma_status norma_check_running_rule(const norma_running_rule *rule) {
  REQUIRE(rule, NORMA_NULL_POINTER);
  REQUIRE(rule->mode == NORMA_RUNNING_EXPONENTIAL || rule->mode == NORMA_RUNNING_CUMULATIVE,
          NORMA_BAD_RULE);
  REQUIRE(rule->unbiased == 0 || rule->unbiased == 1, NORMA_BAD_RULE);
  REQUIRE(rule->refuse_nonfinite == 0 || rule->refuse_nonfinite == 1, NORMA_BAD_RULE);
  if (rule->mode == NORMA_RUNNING_EXPONENTIAL)
    REQUIRE(rule->momentum >= 0 && rule->momentum <= 1, NORMA_BAD_MOMENTUM);
  return NORMA_OK;
}

norma_status norma_check_gradient_descent(const norma_gradient_descent *rule) {
  REQUIRE(rule, NORMA_NULL_POINTER);
  REQUIRE(rule->momentum >= 0 && rule->momentum < 1, NORMA_BAD_MOMENTUM);
  REQUIRE(rule->learning_rate >= 0 && isfinite(rule->learning_rate), NORMA_BAD_RULE);
  REQUIRE(rule->weight_decay >= 0 && isfinite(rule->weight_decay), NORMA_BAD_RULE);
  REQUIRE(rule->nesterov == 0 || (rule->nesterov == 1 && rule->momentum > 0), NORMA_BAD_RULE);
  return NORMA_OK;
}

norma_status norma_check_parts(int64_t channels, int64_t parts) {
  REQUIRE(channels > 0 && parts > 0, NORMA_BAD_EXTENT);
  int64_t size = sizeof(double);
  const bool overflows =
      __builtin_mul_overflow(size, channels, &size) || __builtin_mul_overflow(size, parts, &size);
  return overflows || size > BYTES_AT_MOST ? NORMA_EXTENT_OVERFLOW : NORMA_OK;
}

norma_status norma_check_counts(const int64_t *counts, int64_t parts, int64_t *total) {
  *total = 0;
  for (int64_t p = 0; p < parts; p++)
    REQUIRE(counts[p] >= 0 && !__builtin_add_overflow(*total, counts[p], total), NORMA_BAD_COUNT);
  return *total > 0 ? NORMA_OK : NORMA_BAD_COUNT;
}
