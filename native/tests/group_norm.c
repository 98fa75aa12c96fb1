/* Group and instance normalization against the formulas, and what norma.h promises of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dispatch.h"
#include "group_norm.h"
#include "groups.h"
#include "guard.h"

static norma_group_norm norm_of(int64_t batch, int64_t channels, int64_t spatial, int64_t groups, int32_t type) {
  return (norma_group_norm){.batch = batch, .channels = channels, .spatial = spatial, .groups = groups,
                            .epsilon = 1e-5, .data_type = type, .layout = NORMA_CHANNELS_FIRST, .threads = 1};
}

/* Calls `check` for both layouts, all types, one group, instances, and shapes around what kernels take at once. */
static void for_each_case(int kinds, void (*check)(groups_case *)) {
  static const int64_t shapes[][4] = {
    {1, 1, 1, 1},    {2, 1, 7, 1},    {3, 4, 1, 2},    {2, 6, 5, 1},   {2, 6, 5, 3},  {3, 6, 5, 6},
    {2, 12, 31, 4},  {1, 33, 16, 33}, {4, 8, 49, 2},   {1, 70, 40, 1}, {2, 130, 9, 2}, {5, 3, 300, 3},
    {2, 4, 1100, 2}, {1, 2, 4096, 1}, {2, 3, 9001, 3}, {2, 2, 6000, 1}
  };
  uint64_t seed = 5;
  char name[120];
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
      for (int variant = 0; variant < 8; variant++) {
        for (int kind = 0; kind < kinds; kind++) {
          norma_group_norm norm = norm_of(shapes[s][0], shapes[s][1], shapes[s][2], shapes[s][3], type);
          norm.layout = variant / 4;
          groups_case c = groups_make(norm, variant % 2, variant / 2 % 2);
          groups_fill(&c, (value_kind)kind, &seed);
          snprintf(name, sizeof name, "%ld x %ld x %ld in %ld groups, layout %d, %s, data %d, gamma %d, beta %d",
                   (long)norm.batch, (long)norm.channels, (long)norm.spatial, (long)norm.groups, norm.layout,
                   type_name(type), kind, c.gamma != NULL, c.beta != NULL);
          checked_case = name;
          check(&c);
          groups_free(&c);
        }
      }
    }
  }
  checked_case = NULL;
}

static void check_formulas(groups_case *c) {
  assert_int_equal(groups_forward(c, NULL, 0), NORMA_OK);
  groups_check_forward(c);
  assert_int_equal(groups_backward(c, NULL, 0), NORMA_OK);
  groups_check_backward(c);
}

static void formulas(void **state) {
  (void)state;
  for_each_case(KINDS, check_formulas);
}

/* The bytes of all outputs, one after the other. */
static char *outputs_of(const groups_case *c, int64_t *size) {
  const void *all[] = {c->y, c->dx, c->dgamma, c->dbeta, c->mean, c->variance, c->inv_std};
  *size = 0;
  char *bytes = new_bytes(2 * groups_tensor_bytes(c) + 2 * groups_parameter_bytes(c) + 3 * groups_statistic_bytes(c));
  for (int i = 0; i < GROUP_OUTPUTS; i++) {
    const int64_t part = i < 2 ? groups_tensor_bytes(c) : i < 4 ? groups_parameter_bytes(c) : groups_statistic_bytes(c);
    memcpy(bytes + *size, all[i], (size_t)part);
    *size += part;
  }
  return bytes;
}

static void run_all(groups_case *c, void *workspace, int64_t size) {
  assert_int_equal(groups_forward(c, workspace, size), NORMA_OK);
  assert_int_equal(groups_backward(c, workspace, size), NORMA_OK);
}

static void check_same(const groups_case *c, const char *expected, const char *what) {
  int64_t size;
  char *actual = outputs_of(c, &size);
  if (memcmp(actual, expected, (size_t)size) != 0) fail_msg("%s: other bits %s", checked_case, what);
  free(actual);
}

/* Threads, a workspace at another address, and in place. */
static void check_ways(groups_case *c) {
  int64_t size, needed;
  run_all(c, NULL, 0);
  char *expected = outputs_of(c, &size);
  for (c->norm.threads = 2; c->norm.threads <= 5; c->norm.threads += 3) {
    run_all(c, NULL, 0);
    check_same(c, expected, "with more threads");
  }
  assert_int_equal(norma_group_norm_workspace_size(&c->norm, &needed), NORMA_OK);
  char *workspace = new_bytes(needed + 8);
  run_all(c, workspace + 8, needed);
  check_same(c, expected, "with a workspace");
  free(workspace);

  groups_case in_place = *c;
  memcpy(in_place.dx, in_place.dy, (size_t)groups_tensor_bytes(c));
  in_place.dy = in_place.dx;
  assert_int_equal(groups_backward(&in_place, NULL, 0), NORMA_OK);
  check_same(c, expected, "with dx in place of dy");
  memcpy(in_place.y, in_place.x, (size_t)groups_tensor_bytes(c));
  in_place.x = in_place.y;
  assert_int_equal(groups_forward(&in_place, NULL, 0), NORMA_OK);
  check_same(c, expected, "with y in place of x");
  free(expected);
}

/* So large that threads share them: groups, images, parts of a group that is alone, slices of a run that is alone. */
static const int64_t large[][4] = {
  {4, 64, 400, 8}, {1, 40, 3000, 1}, {3, 160, 300, 2}, {1, 1, 200000, 1}, {2, 320, 256, 32}, {9, 33, 500, 33}
};

static void same_bits(void **state) {
  (void)state;
  for_each_case(1, check_ways);
  uint64_t seed = 9;
  for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
    for (int32_t layout = NORMA_CHANNELS_FIRST; layout <= NORMA_CHANNELS_LAST; layout++) {
      const int32_t type = i % 3 == 2 ? NORMA_BFLOAT16 : NORMA_FLOAT32;
      norma_group_norm norm = norm_of(large[i][0], large[i][1], large[i][2], large[i][3], type);
      norm.layout = layout;
      groups_case c = groups_make(norm, true, true);
      groups_fill(&c, NORMAL, &seed);
      checked_case = "large";
      check_ways(&c);
      check_formulas(&c);
      groups_free(&c);
    }
  }
  checked_case = NULL;
}

/* An image has the bits that it has in a batch of one. */
static void images_alone(void **state) {
  (void)state;
  uint64_t seed = 12;
  for (int32_t layout = NORMA_CHANNELS_FIRST; layout <= NORMA_CHANNELS_LAST; layout++) {
    norma_group_norm norm = norm_of(3, 24, 300, 4, NORMA_FLOAT32);
    norm.layout = layout;
    groups_case c = groups_make(norm, true, true);
    groups_fill(&c, NORMAL, &seed);
    run_all(&c, NULL, 0);
    const int64_t bytes = groups_tensor_bytes(&c) / 3;
    groups_case one = c;
    one.norm.batch = 1;
    one.y = new_bytes(bytes);
    one.mean = new_bytes(4 * (int64_t)sizeof(double));
    for (int64_t n = 0; n < 3; n++) {
      one.x = (char *)c.x + n * bytes;
      one.variance = one.inv_std = NULL;
      assert_int_equal(groups_forward(&one, NULL, 0), NORMA_OK);
      assert_memory_equal(one.y, (char *)c.y + n * bytes, (size_t)bytes);
      assert_memory_equal(one.mean, c.mean + 4 * n, 4 * sizeof(double));
    }
    free(one.y);
    free(one.mean);
    groups_free(&c);
  }
}

/* An output alone has the bits that it has beside the others. */
static void check_parts(groups_case *c) {
  int64_t size;
  run_all(c, NULL, 0);
  char *expected = outputs_of(c, &size);
  groups_case part = *c;
  part.dgamma = part.dbeta = NULL;
  assert_int_equal(groups_backward(&part, NULL, 0), NORMA_OK);
  part = *c;
  part.dx = NULL;
  assert_int_equal(groups_backward(&part, NULL, 0), NORMA_OK);
  part.dgamma = NULL;
  assert_int_equal(groups_backward(&part, NULL, 0), NORMA_OK);
  part.dbeta = NULL;
  assert_int_equal(groups_backward(&part, NULL, 0), NORMA_OK);
  check_same(c, expected, "of an output alone");
  part = *c;
  part.mean = part.variance = part.inv_std = NULL;
  assert_int_equal(groups_forward(&part, NULL, 0), NORMA_OK);
  check_same(c, expected, "without statistics");
  free(expected);
}

static void outputs_alone(void **state) {
  (void)state;
  for_each_case(1, check_parts);
}

/* The same operation by the kernels of a level and the caches of a machine. */
static void run_at(groups_case *c, const norma_kernels *kernels, norma_caches caches) {
  norma_job job = {
    .sum = SUM_MOMENTS,
    .apply = APPLY_NORMALIZE,
    .x = c->x, .gamma = c->gamma, .beta = c->beta, .out = c->y,
    .mean_out = c->mean, .variance_out = c->variance, .inv_std_out = c->inv_std
  };
  assert_int_equal(norma_group_run(&c->norm, kernels, caches, &job, NULL), NORMA_OK);
  job = (norma_job){
    .sum = SUM_GRADIENTS,
    .finish = FINISH_GROUP_GRADIENT,
    .apply = APPLY_GRADIENT,
    .weighted = true,
    .x = c->x, .dy = c->dy, .gamma = c->gamma, .mean = c->mean, .inv_std = c->inv_std,
    .count = c->norm.channels / c->norm.groups * c->norm.spatial,
    .out = c->dx, .dgamma = c->dgamma, .dbeta = c->dbeta
  };
  assert_int_equal(norma_group_run(&c->norm, kernels, caches, &job, NULL), NORMA_OK);
}

static void check_levels(groups_case *c) {
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

/* A NaN stays in its group, but for the gradients of parameters. */
static void nan_in_a_group(void **state) {
  (void)state;
  uint64_t seed = 3;
  for (int32_t layout = NORMA_CHANNELS_FIRST; layout <= NORMA_CHANNELS_LAST; layout++) {
    norma_group_norm norm = norm_of(3, 8, 20, 4, NORMA_FLOAT32);
    norm.layout = layout;
    groups_case c = groups_make(norm, true, true);
    groups_fill(&c, NORMAL, &seed);
    value_put(NORMA_FLOAT32, c.x, groups_at(&norm, 1, 5, 7), (double)NAN);
    run_all(&c, NULL, 0);
    for (int64_t n = 0; n < 3; n++)
      for (int64_t channel = 0; channel < 8; channel++)
        for (int64_t s = 0; s < 20; s++) {
          const bool is_hit = n == 1 && channel / 2 == 2;
          assert_int_equal(isnan(value_at(NORMA_FLOAT32, c.y, groups_at(&norm, n, channel, s))) != 0, is_hit);
          assert_int_equal(isnan(value_at(NORMA_FLOAT32, c.dx, groups_at(&norm, n, channel, s))) != 0, is_hit);
        }
    for (int64_t channel = 0; channel < 8; channel++)
      assert_int_equal(isnan(parameter_at(NORMA_FLOAT32, c.dgamma, channel)) != 0, channel / 2 == 2);
    groups_free(&c);
  }
}

/* A constant group gives beta exactly. */
static void constant_group(void **state) {
  (void)state;
  uint64_t seed = 4;
  for (int variant = 0; variant < 4; variant++) {
    norma_group_norm norm = norm_of(2, 6, 50, 2, NORMA_FLOAT32);
    norm.layout = variant / 2;
    norm.epsilon = variant % 2 ? 1e-5 : 0;
    groups_case c = groups_make(norm, true, true);
    groups_fill(&c, CONSTANT, &seed);
    run_all(&c, NULL, 0);
    for (int64_t n = 0; n < 2; n++)
      for (int64_t channel = 0; channel < 6; channel++)
        for (int64_t s = 0; s < 50; s++)
          assert_true(value_at(NORMA_FLOAT32, c.y, groups_at(&norm, n, channel, s)) ==
                      parameter_at(NORMA_FLOAT32, c.beta, channel));
    groups_free(&c);
  }
}

/* No byte beyond an array is touched. */
static void check_guarded(groups_case *c) {
  void **all[] = {&c->x, &c->dy, &c->y, &c->dx, &c->gamma, &c->beta, &c->dgamma, &c->dbeta};
  void *kept[8];
  guarded memory[8];
  for (int i = 0; i < 8; i++) {
    const int64_t bytes = i < 4 ? groups_tensor_bytes(c) : groups_parameter_bytes(c);
    memory[i] = guarded_make(bytes);
    kept[i] = *all[i];
    *all[i] = memcpy(guarded_end(memory[i], bytes), kept[i], (size_t)bytes);
  }
  run_all(c, NULL, 0);
  for (int i = 0; i < 8; i++) {
    guarded_free(memory[i]);
    *all[i] = kept[i];
  }
}

static void guard_pages(void **state) {
  (void)state;
  uint64_t seed = 6;
  for (int64_t extent = 1; extent <= 140; extent += extent < 40 ? 1 : 9) {
    for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
      for (int variant = 0; variant < 4; variant++) {
        const bool is_wide = variant % 2;
        norma_group_norm norm = is_wide ? norm_of(2, 3 * extent, 3, 3, type) : norm_of(2, 6, extent, 2, type);
        norm.layout = variant / 2;
        groups_case c = groups_make(norm, true, true);
        groups_fill(&c, NORMAL, &seed);
        check_guarded(&c);
        groups_free(&c);
      }
    }
  }
}

/* What is no group; all else that is refused is in arguments.c. */
static void bad_groups(void **state) {
  (void)state;
  uint64_t seed = 8;
  groups_case c = groups_make(norm_of(2, 6, 4, 2, NORMA_FLOAT32), true, true);
  groups_fill(&c, NORMAL, &seed);
  const int64_t bad[] = {0, -1, 4, 5, 7, 12, INT64_MIN, INT64_MAX};
  int64_t size = -1;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    c.norm.groups = bad[i];
    assert_int_equal(groups_forward(&c, NULL, 0), NORMA_BAD_GROUPS);
    assert_int_equal(groups_backward(&c, NULL, 0), NORMA_BAD_GROUPS);
    assert_int_equal(norma_group_norm_workspace_size(&c.norm, &size), NORMA_BAD_GROUPS);
    assert_int_equal(size, -1);
  }
  groups_free(&c);
}

/* The averages over the images, of halves and quarters, which are exact. */
static void averages(void **state) {
  (void)state;
  const double means[] = {1, 2, 3, 5, -2, 8}, variances[] = {0.5, 1, 0, 3, 0.25, 2};
  double mean[3], variance[3];
  assert_int_equal(norma_instance_norm_average_statistics(2, 3, means, variances, mean, variance), NORMA_OK);
  const double expected_mean[] = {3, 0, 5.5}, expected_variance[] = {1.75, 0.625, 1};
  assert_memory_equal(mean, expected_mean, sizeof mean);
  assert_memory_equal(variance, expected_variance, sizeof variance);
  assert_int_equal(norma_instance_norm_average_statistics(0, 3, means, variances, mean, variance), NORMA_BAD_EXTENT);
  assert_int_equal(norma_instance_norm_average_statistics(2, 0, means, variances, mean, variance), NORMA_BAD_EXTENT);
}

/* The average of equal images is what each of them has. */
static void average_of_equals(void **state) {
  (void)state;
  enum { IMAGES = 130 };
  double means[IMAGES], variances[IMAGES], mean, variance;
  for (int i = 0; i < IMAGES; i++) {
    means[i] = 0.1;
    variances[i] = 1.0 / 3;
  }
  assert_int_equal(norma_instance_norm_average_statistics(IMAGES, 1, means, variances, &mean, &variance), NORMA_OK);
  assert_memory_equal(&mean, means, sizeof mean);
  assert_memory_equal(&variance, variances, sizeof variance);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(formulas),       cmocka_unit_test(same_bits),      cmocka_unit_test(images_alone),
    cmocka_unit_test(outputs_alone),  cmocka_unit_test(levels),         cmocka_unit_test(nan_in_a_group),
    cmocka_unit_test(constant_group), cmocka_unit_test(guard_pages),    cmocka_unit_test(bad_groups),
    cmocka_unit_test(averages),       cmocka_unit_test(average_of_equals)
  };
  return cmocka_run_group_tests_name("group_norm", tests, NULL, NULL);
}
