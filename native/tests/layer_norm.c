/* Layer and RMS normalization against the formulas, and what norma.h promises of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dispatch.h"
#include "guard.h"
#include "layer_norm.h"
#include "rows.h"

static norma_layer_norm norm_of(int64_t rows, int64_t length, int32_t type) {
  return (norma_layer_norm){.rows = rows, .length = length, .epsilon = 1e-5, .data_type = type, .threads = 1};
}

/* Calls `check` for both normalizations, all types, and lengths around what kernels take at once. */
static void for_each_case(int kinds, void (*check)(rows_case *)) {
  static const int64_t shapes[][2] = {{1, 1}, {3, 1}, {1, 2}, {5, 3}, {4, 16}, {7, 31}, {2, 33}, {130, 40}, {9, 127},
                                      {3, 128}, {300, 17}, {6, 768}, {5, 1000}, {2, 4095}, {2, 4096}, {3, 9001}};
  uint64_t seed = 5;
  char name[120];
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
      for (int variant = 0; variant < 6; variant++) {
        for (int kind = 0; kind < kinds; kind++) {
          const norma_layer_norm norm = norm_of(shapes[s][0], shapes[s][1], type);
          rows_case c = rows_make(norm, variant >= 4, variant % 2, variant / 2 % 2);
          rows_fill(&c, (value_kind)kind, &seed);
          snprintf(name, sizeof name, "%s of %ld x %ld, %s, data %d, gamma %d, beta %d", c.rms ? "rms" : "layer",
                   (long)shapes[s][0], (long)shapes[s][1], type_name(type), kind, c.gamma != NULL, c.beta != NULL);
          checked_case = name;
          check(&c);
          rows_free(&c);
        }
      }
    }
  }
  checked_case = NULL;
}

static void check_formulas(rows_case *c) {
  assert_int_equal(rows_forward(c, NULL, 0), NORMA_OK);
  rows_check_forward(c);
  assert_int_equal(rows_backward(c, NULL, 0), NORMA_OK);
  rows_check_backward(c);
}

static void formulas(void **state) {
  (void)state;
  for_each_case(KINDS, check_formulas);
}

/* The bytes of all outputs, one after the other. */
static char *outputs_of(const rows_case *c, int64_t *size) {
  const void *all[] = {c->y, c->dx, c->dgamma, c->dbeta, c->mean, c->inv_std};
  const int64_t sizes[] = {rows_tensor_bytes(c),    rows_tensor_bytes(c),    rows_parameter_bytes(c),
                           rows_parameter_bytes(c), rows_statistic_bytes(c), rows_statistic_bytes(c)};
  *size = 0;
  for (int i = 0; i < 6; i++) *size += sizes[i];
  char *bytes = new_bytes(*size);
  char *at = bytes;
  for (int i = 0; i < 6; at += sizes[i++]) memcpy(at, all[i], (size_t)sizes[i]);
  return bytes;
}

static void run_all(rows_case *c, void *workspace, int64_t size) {
  assert_int_equal(rows_forward(c, workspace, size), NORMA_OK);
  assert_int_equal(rows_backward(c, workspace, size), NORMA_OK);
}

static void check_same(const rows_case *c, const char *expected, const char *what) {
  int64_t size;
  char *actual = outputs_of(c, &size);
  if (memcmp(actual, expected, (size_t)size) != 0) fail_msg("%s: other bits %s", checked_case, what);
  free(actual);
}

/* Threads, a workspace at another address, and in place. */
static void check_ways(rows_case *c) {
  int64_t size, needed;
  run_all(c, NULL, 0);
  char *expected = outputs_of(c, &size);
  for (c->norm.threads = 2; c->norm.threads <= 5; c->norm.threads += 3) {
    run_all(c, NULL, 0);
    check_same(c, expected, "with more threads");
  }
  assert_int_equal(norma_layer_norm_workspace_size(&c->norm, &needed), NORMA_OK);
  char *workspace = new_bytes(needed + 8);
  run_all(c, workspace + 8, needed);
  check_same(c, expected, "with a workspace");
  free(workspace);

  rows_case in_place = *c;
  memcpy(in_place.dx, in_place.dy, (size_t)rows_tensor_bytes(c));
  in_place.dy = in_place.dx;
  assert_int_equal(rows_backward(&in_place, NULL, 0), NORMA_OK);
  check_same(c, expected, "with dx in place of dy");
  memcpy(in_place.y, in_place.x, (size_t)rows_tensor_bytes(c));
  in_place.x = in_place.y;
  assert_int_equal(rows_forward(&in_place, NULL, 0), NORMA_OK);
  check_same(c, expected, "with y in place of x");
  free(expected);
}

static void same_bits(void **state) {
  (void)state;
  for_each_case(1, check_ways);
  const norma_layer_norm large[] = {norm_of(600, 300, NORMA_FLOAT32), norm_of(64, 4100, NORMA_BFLOAT16),
                                    norm_of(1, 200000, NORMA_FLOAT32), norm_of(2000, 64, NORMA_FLOAT64)};
  uint64_t seed = 9;
  for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
    rows_case c = rows_make(large[i], i % 2 == 1, true, true);
    rows_fill(&c, NORMAL, &seed);
    checked_case = "large";
    check_ways(&c);
    rows_free(&c);
  }
  checked_case = NULL;
}

/* An output alone has the bits that it has beside the others. */
static void check_parts(rows_case *c) {
  int64_t size;
  run_all(c, NULL, 0);
  char *expected = outputs_of(c, &size);
  rows_case part = *c;
  part.dgamma = part.dbeta = NULL;
  assert_int_equal(rows_backward(&part, NULL, 0), NORMA_OK);
  part = *c;
  part.dx = NULL;
  assert_int_equal(rows_backward(&part, NULL, 0), NORMA_OK);
  part.dgamma = NULL;
  assert_int_equal(rows_backward(&part, NULL, 0), NORMA_OK);
  part.dbeta = NULL;
  assert_int_equal(rows_backward(&part, NULL, 0), NORMA_OK);
  check_same(c, expected, "of an output alone");
  const norma_status status =
      c->rms ? norma_rms_norm_forward(&c->norm, c->x, c->gamma, c->y, NULL, NULL, 0)
             : norma_layer_norm_forward(&c->norm, c->x, c->gamma, c->beta, c->y, NULL, NULL, NULL, 0);
  assert_int_equal(status, NORMA_OK);
  check_same(c, expected, "without statistics");
  free(expected);
}

static void outputs_alone(void **state) {
  (void)state;
  for_each_case(1, check_parts);
}

/* The same operation by the kernels of a level and the caches of a machine. */
static void run_at(rows_case *c, const norma_kernels *kernels, norma_caches caches) {
  const norma_plan plan = norma_plan_samples(&c->norm, kernels, caches);
  norma_job job = {
    .sum = c->rms ? SUM_SQUARES : SUM_MOMENTS,
    .finish = c->rms ? FINISH_RMS_NORM : FINISH_LAYER_NORM,
    .apply = APPLY_NORMALIZE,
    .x = c->x, .out = c->y, .mean_out = c->rms ? NULL : c->mean, .inv_std_out = c->inv_std
  };
  const norma_layer_parameters given = {c->gamma, c->beta, NULL, NULL};
  assert_int_equal(norma_layer_run(&plan, &job, given, NULL), NORMA_OK);
  job = (norma_job){
    .sum = SUM_GRADIENTS,
    .finish = c->rms ? FINISH_RMS_GRADIENT : FINISH_BACKWARD_TRAINING,
    .apply = APPLY_GRADIENT,
    .x = c->x, .dy = c->dy, .mean = c->rms ? NULL : c->mean, .inv_std = c->inv_std, .count = c->norm.length,
    .out = c->dx
  };
  const norma_layer_parameters all = {c->gamma, NULL, c->dgamma, c->rms ? NULL : c->dbeta};
  assert_int_equal(norma_layer_run(&plan, &job, all, NULL), NORMA_OK);
}

static void check_levels(rows_case *c) {
  char *expected = NULL;
  int64_t size;
  for (int32_t i = 0; i < norma_isa_levels(); i++) {
    const norma_isa isa = norma_isa_at(i);
    if (!isa.supported || (strcmp(isa.name, "x86-64-v3") != 0 && strcmp(isa.name, "x86-64-v4") != 0)) continue;
    static const norma_caches machines[] = {
      {4 << 10, 4, 16 << 10}, {64 << 10, 1, 256 << 10}, {INT64_C(1) << 40, 8, INT64_C(1) << 40}};
    for (size_t m = 0; m < sizeof machines / sizeof *machines; m++) {
      run_at(c, isa.kernels, machines[m]);
      if (!expected) expected = outputs_of(c, &size);
      check_same(c, expected, "at another level, or with other caches");
    }
  }
  free(expected);
}

static void levels(void **state) {
  (void)state;
  for_each_case(KINDS, check_levels);
}

/* A NaN stays in its row, but for the gradients of parameters. */
static void nan_in_a_row(void **state) {
  (void)state;
  uint64_t seed = 3;
  rows_case c = rows_make(norm_of(5, 100, NORMA_FLOAT32), false, true, true);
  rows_fill(&c, NORMAL, &seed);
  value_put(NORMA_FLOAT32, c.x, 2 * 100 + 41, (double)NAN);
  run_all(&c, NULL, 0);
  for (int64_t i = 0; i < rows_elements(&c); i++) {
    assert_int_equal(isnan(value_at(NORMA_FLOAT32, c.y, i)) != 0, i / 100 == 2);
    assert_int_equal(isnan(value_at(NORMA_FLOAT32, c.dx, i)) != 0, i / 100 == 2);
  }
  for (int64_t l = 0; l < 100; l++) {
    assert_true(isnan(parameter_at(NORMA_FLOAT32, c.dgamma, l)));
    assert_false(isnan(parameter_at(NORMA_FLOAT32, c.dbeta, l)));
  }
  rows_free(&c);
}

/* A constant row gives beta exactly. */
static void constant_row(void **state) {
  (void)state;
  uint64_t seed = 4;
  rows_case c = rows_make(norm_of(3, 50, NORMA_FLOAT32), false, true, true);
  rows_fill(&c, CONSTANT, &seed);
  for (int with_epsilon = 0; with_epsilon < 2; with_epsilon++) {
    c.norm.epsilon = with_epsilon ? 1e-5 : 0;
    run_all(&c, NULL, 0);
    for (int64_t i = 0; i < rows_elements(&c); i++)
      assert_true(value_at(NORMA_FLOAT32, c.y, i) == parameter_at(NORMA_FLOAT32, c.beta, i % 50));
  }
  rows_free(&c);
}

/* No byte beyond an array is touched. */
static void guard_pages(void **state) {
  (void)state;
  uint64_t seed = 6;
  for (int64_t length = 1; length <= 140; length += length < 40 ? 1 : 9) {
    for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
      rows_case c = rows_make(norm_of(5, length, type), length % 2, true, true);
      rows_fill(&c, NORMAL, &seed);
      void **all[] = {&c.x, &c.dy, &c.y, &c.dx, &c.gamma, &c.dgamma, &c.dbeta};
      void *kept[7];
      guarded memory[7];
      for (int i = 0; i < 7; i++) {
        const int64_t bytes = i < 4 ? rows_tensor_bytes(&c) : rows_parameter_bytes(&c);
        memory[i] = guarded_make(bytes);
        kept[i] = *all[i];
        *all[i] = memcpy(guarded_end(memory[i], bytes), kept[i], (size_t)bytes);
      }
      run_all(&c, NULL, 0);
      for (int i = 0; i < 7; i++) {
        guarded_free(memory[i]);
        *all[i] = kept[i];
      }
      rows_free(&c);
    }
  }
}

static void arguments(void **state) {
  (void)state;
  uint64_t seed = 8;
  rows_case c = rows_make(norm_of(4, 8, NORMA_FLOAT32), false, true, true);
  rows_fill(&c, NORMAL, &seed);
  const norma_layer_norm good = c.norm;
  int64_t size = 0;
  assert_int_equal(norma_layer_norm_workspace_size(NULL, &size), NORMA_NULL_POINTER);
  assert_int_equal(norma_layer_norm_workspace_size(&good, NULL), NORMA_NULL_POINTER);
  const struct {
    norma_layer_norm norm;
    norma_status status;
  } bad[] = {
    {{0, 8, 1e-5, NORMA_FLOAT32, 1}, NORMA_BAD_EXTENT},
    {{4, -1, 1e-5, NORMA_FLOAT32, 1}, NORMA_BAD_EXTENT},
    {{INT64_MAX, 8, 1e-5, NORMA_FLOAT32, 1}, NORMA_EXTENT_OVERFLOW},
    {{4, 8, -1, NORMA_FLOAT32, 1}, NORMA_BAD_EPSILON},
    {{4, 8, (double)NAN, NORMA_FLOAT32, 1}, NORMA_BAD_EPSILON},
    {{4, 8, 1e-5, 4, 1}, NORMA_BAD_DATA_TYPE},
    {{4, 8, 1e-5, NORMA_FLOAT32, -1}, NORMA_BAD_THREADS}
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    for (int rms = 0; rms < 2; rms++) {
      c.norm = bad[i].norm;
      c.rms = rms;
      assert_int_equal(rows_forward(&c, NULL, 0), bad[i].status);
      assert_int_equal(rows_backward(&c, NULL, 0), bad[i].status);
    }
    assert_int_equal(norma_layer_norm_workspace_size(&bad[i].norm, &size), bad[i].status);
  }
  c.norm = good;
  for (int rms = 0; rms < 2; rms++) {
    void **required[] = {&c.x, &c.y};
    c.rms = rms;
    for (int i = 0; i < 2; i++) {
      void *kept = *required[i];
      *required[i] = NULL;
      assert_int_equal(rows_forward(&c, NULL, 0), NORMA_NULL_POINTER);
      *required[i] = (char *)kept + 1;
      assert_int_equal(rows_forward(&c, NULL, 0), NORMA_MISALIGNED);
      *required[i] = kept;
    }
    void **needed[] = {&c.x, &c.dy, (void **)&c.inv_std};
    for (int i = 0; i < 3; i++) {
      void *kept = *needed[i];
      *needed[i] = NULL;
      assert_int_equal(rows_backward(&c, NULL, 0), NORMA_NULL_POINTER);
      *needed[i] = kept;
    }
    rows_case overlapping = c;
    overlapping.y = (char *)c.x + 4;
    assert_int_equal(rows_forward(&overlapping, NULL, 0), NORMA_OVERLAP);
    overlapping = c;
    overlapping.dx = c.x;
    assert_int_equal(rows_backward(&overlapping, NULL, 0), NORMA_OVERLAP);
    assert_int_equal(norma_layer_norm_workspace_size(&c.norm, &size), NORMA_OK);
    void *workspace = new_bytes(size);
    assert_int_equal(rows_forward(&c, workspace, size - 1), NORMA_WORKSPACE_TOO_SMALL);
    assert_int_equal(rows_backward(&c, workspace, size - 1), NORMA_WORKSPACE_TOO_SMALL);
    assert_int_equal(rows_forward(&c, NULL, 8), NORMA_NULL_POINTER);
    free(workspace);
  }
  rows_free(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(formulas),     cmocka_unit_test(same_bits),   cmocka_unit_test(outputs_alone),
    cmocka_unit_test(levels),       cmocka_unit_test(nan_in_a_row), cmocka_unit_test(constant_row),
    cmocka_unit_test(guard_pages),  cmocka_unit_test(arguments)
  };
  return cmocka_run_group_tests_name("layer_norm", tests, NULL, NULL);
}
