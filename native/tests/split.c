/* A batch in parts, as in synchronized batch normalization: the results are those of the whole. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"

enum { PARTS_AT_MOST = 12 };

/* How the samples of a batch of 12 are shared out; -1 ends a list. */
static const int64_t SPLITS[][PARTS_AT_MOST + 1] = {
  {12, -1}, {6, 6, -1}, {1, 11, -1}, {1, 7, 0, 4, -1}, {0, 12, -1}, {12, 0, 0, -1}, {0, 0, 5, 0, 7, -1},
  {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1}
};
enum { SPLITS_COUNT = sizeof SPLITS / sizeof *SPLITS };

/* What the parts contribute. */
typedef struct test_parts {
  int64_t count;
  int64_t n[PARTS_AT_MOST], values[PARTS_AT_MOST]; /* samples, and values per channel */
  double *first, *second;                          /* [count * C]: means and variances, or sums */
} test_parts;

static test_parts parts_make(const test_layer *l, const int64_t *split) {
  test_parts made = {0};
  while (split[made.count] >= 0) {
    made.n[made.count] = split[made.count];
    made.values[made.count] = split[made.count] * l->norm.spatial;
    made.count++;
  }
  const int64_t size = made.count * l->norm.channels;
  made.first = new_bytes(size * (int64_t)sizeof(double));
  made.second = new_bytes(size * (int64_t)sizeof(double));
  for (int64_t i = 0; i < size; i++) made.first[i] = made.second[i] = (double)NAN; /* empty parts stay so */
  return made;
}

static void parts_free(test_parts *parts) {
  free(parts->first);
  free(parts->second);
}

/* A part of a tensor: samples follow one another in both layouts. */
static void *part_of(const test_layer *l, void *tensor, int64_t first) {
  return (char *)tensor + first * l->norm.channels * l->norm.spatial * value_size(l->norm.data_type);
}

/* The layer of part `p`, in the memory of the whole. */
static test_layer layer_of_part(const test_layer *l, const test_parts *parts, int64_t p) {
  int64_t first = 0;
  for (int64_t i = 0; i < p; i++) first += parts->n[i];
  test_layer part = *l;
  part.norm.batch = parts->n[p];
  part.x = part_of(l, l->x, first);
  part.dy = part_of(l, l->dy, first);
  part.out = part_of(l, l->out, first);
  part.count = l->count; /* of the whole, which gradient_input divides by */
  part.mean = part.sum_dy = parts->first + p * l->norm.channels;
  part.variance = part.sum_dy_x_hat = parts->second + p * l->norm.channels;
  return part;
}

static void run_parts(const test_layer *l, const test_parts *parts, test_operation operation) {
  for (int64_t p = 0; p < parts->count; p++) {
    if (parts->n[p] == 0) continue;
    test_layer part = layer_of_part(l, parts, p);
    assert_int_equal(layer_run(&part, operation), NORMA_OK);
  }
}

static void merge_statistics(test_layer *l, const int64_t *split) {
  test_parts parts = parts_make(l, split);
  run_parts(l, &parts, LOCAL_STATISTICS);
  int64_t count = 0;
  assert_int_equal(norma_batch_norm_merge_statistics(l->norm.channels, parts.count, parts.values, parts.first,
                                                     parts.second, &count, l->mean, l->variance), NORMA_OK);
  assert_int_equal(count, l->count);
  parts_free(&parts);
}

static void merge_sums(test_layer *l, const int64_t *split) {
  test_parts parts = parts_make(l, split);
  run_parts(l, &parts, LOCAL_GRADIENT_SUMS);
  assert_int_equal(norma_batch_norm_merge_gradient_sums(l->norm.channels, parts.count, parts.values, parts.first,
                                                        parts.second, l->sum_dy, l->sum_dy_x_hat), NORMA_OK);
  parts_free(&parts);
}

/* Applies the last pass part by part. */
static void apply(test_layer *l, const int64_t *split, test_operation operation) {
  test_parts parts = parts_make(l, split);
  run_parts(l, &parts, operation);
  parts_free(&parts);
}

/*
 * Within the tolerances of the whole: the errors of the parts are independent, so their sum deviates no
 * more than that of one batch of all values. HOSTILE leaves room for the merge itself.
 */
static void check_split(test_layer *l, const int64_t *split) {
  fill_pattern(l->results, l->results_size);
  merge_statistics(l, split);
  layer_compare(l, LOCAL_STATISTICS, HOSTILE);
  const size_t statistics = (size_t)l->norm.channels * sizeof(double);
  memcpy(l->given_mean, l->mean, statistics);
  memcpy(l->given_variance, l->variance, statistics);
  apply(l, split, NORMALIZE);
  layer_compare(l, FORWARD_TRAINING, HOSTILE);

  merge_sums(l, split);
  layer_compare(l, LOCAL_GRADIENT_SUMS, HOSTILE);
  memcpy(l->given_sum_dy, l->sum_dy, statistics);
  memcpy(l->given_sum_dy_x_hat, l->sum_dy_x_hat, statistics);
  apply(l, split, GRADIENT_INPUT);
  for (int64_t c = 0; c < l->norm.channels; c++) {
    parameter_put(l->norm.data_type, l->dbeta, c, l->sum_dy[c]);
    parameter_put(l->norm.data_type, l->dgamma, c, l->sum_dy_x_hat[c]);
  }
  layer_compare(l, BACKWARD_TRAINING, HOSTILE);
}

static void parts_make_the_whole(void **state) {
  (void)state;
  const int64_t shapes[][2] = {{3, 1}, {5, 4}, {40, 1}, {2, 100}, {3, 4097}};
  for (int i = 0; i < 5; i++)
    for (int32_t layout = NORMA_CHANNELS_FIRST; layout <= NORMA_CHANNELS_LAST; layout++)
      for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++)
        for (int split = 0; split < SPLITS_COUNT; split++) {
          test_layer layer = layer_make((norma_batch_norm){12, shapes[i][0], shapes[i][1], 1e-5, type, layout, 2});
          layer_fill(&layer, 61);
          check_split(&layer, SPLITS[split]);
          layer_free(&layer);
        }
}

/* One part alone: its statistics come back, bit by bit. */
static void one_part(void **state) {
  (void)state;
  test_layer layer = layer_make((norma_batch_norm){12, 5, 9, 1e-5, NORMA_FLOAT32, NORMA_CHANNELS_FIRST, 1});
  layer_fill(&layer, 62);
  layer_give(&layer);
  merge_statistics(&layer, (int64_t[]){0, 12, 0, -1});
  assert_memory_equal(layer.mean, layer.given_mean, 5 * sizeof(double));
  assert_memory_equal(layer.variance, layer.given_variance, 5 * sizeof(double));
  layer_free(&layer);
}

/* A part of one value has variance 0. */
static void one_value(void **state) {
  (void)state;
  const norma_batch_norm norm = {1, 2, 1, 1e-5, NORMA_FLOAT32, NORMA_CHANNELS_FIRST, 1};
  const float x[] = {3.5F, -0.1F};
  double mean[2], variance[2];
  assert_int_equal(norma_batch_norm_local_statistics(&norm, x, mean, variance, NULL, 0), NORMA_OK);
  for (int c = 0; c < 2; c++) {
    assert_close(mean[c], (double)x[c], 0, "mean");
    assert_close(variance[c], 0, 0, "variance");
  }
}

/* Two values of 1 +- 1 and six of 3 +- 1: mean 2.5, variance (2 (1 + 2.25) + 6 (1 + 0.25)) / 8. */
static void merge_by_hand(void **state) {
  (void)state;
  const int64_t counts[] = {2, 0, 6};
  const double means[] = {1, (double)NAN, 3};
  const double variances[] = {1, (double)INFINITY, 1};
  int64_t count;
  double mean, variance;
  assert_int_equal(norma_batch_norm_merge_statistics(1, 3, counts, means, variances, &count, &mean, &variance),
                   NORMA_OK);
  assert_int_equal(count, 8);
  assert_close(mean, 2.5, 0, "mean");
  assert_close(variance, 1.75, 0, "variance");
  double sum_dy, sum_dy_x_hat;
  assert_int_equal(norma_batch_norm_merge_gradient_sums(1, 3, counts, means, variances, &sum_dy, &sum_dy_x_hat),
                   NORMA_OK);
  assert_close(sum_dy, 4, 0, "sum_dy");
  assert_close(sum_dy_x_hat, 2, 0, "sum_dy_x_hat");
}

/*
 * Merging parts, and parts of parts, is merging all: here a thousand parts in groups of ten. A mean far
 * from zero costs the variance nothing but what the means themselves are rounded by, 1e9 u, against
 * differences of about 1: 2e-7 of each square, which is all that the tolerance allows for.
 */
static void hierarchy(void **state) {
  (void)state;
  enum { GROUPS = 100, IN_GROUP = 10, ALL = GROUPS * IN_GROUP };
  static int64_t counts[ALL], group_counts[GROUPS];
  static double means[ALL], variances[ALL], group_means[GROUPS], group_variances[GROUPS];
  uint64_t seed = 63;
  long double n = 0, sum = 0, square = 0;
  for (int i = 0; i < ALL; i++) {
    counts[i] = random_integer(&seed, 0, 50);
    means[i] = 1e9 + random_normal(&seed);
    variances[i] = random_uniform(&seed, 0.5, 2);
    n += (long double)counts[i];
    sum += (long double)counts[i] * ((long double)means[i] - 1e9L);
  }
  const long double mean_rest = sum / n;
  for (int i = 0; i < ALL; i++) {
    const long double d = (long double)means[i] - 1e9L - mean_rest;
    square += (long double)counts[i] * ((long double)variances[i] + d * d);
  }
  for (int g = 0; g < GROUPS; g++)
    assert_int_equal(norma_batch_norm_merge_statistics(1, IN_GROUP, counts + g * IN_GROUP, means + g * IN_GROUP,
                                                       variances + g * IN_GROUP, &group_counts[g], &group_means[g],
                                                       &group_variances[g]), NORMA_OK);
  int64_t flat_count, count;
  double flat_mean, flat_variance, mean, variance;
  assert_int_equal(norma_batch_norm_merge_statistics(1, ALL, counts, means, variances, &flat_count, &flat_mean,
                                                     &flat_variance), NORMA_OK);
  assert_int_equal(norma_batch_norm_merge_statistics(1, GROUPS, group_counts, group_means, group_variances, &count,
                                                     &mean, &variance), NORMA_OK);
  assert_int_equal(count, flat_count);
  const double expected = (double)(square / n);
  const double mean_off = 2 * 1e9 * 0x1p-53;
  assert_close(flat_mean - 1e9, (double)mean_rest, mean_off, "mean of all parts");
  assert_close(mean - 1e9, (double)mean_rest, 2 * mean_off, "mean of the groups");
  assert_close(flat_variance, expected, 2e-7 * expected, "variance of all parts");
  assert_close(variance, expected, 2e-7 * expected, "variance of the groups");
}

/*
 * The statistics of a data set: each of a thousand batches is merged with all before it. A merge rounds the mean once,
 * by u |mean|, and its move, which is nothing beside; so means are off by e = 2000 u |mean| at most. The variance takes
 * up to 2 e of the deviations about a mean that is off, e^2, and some roundings in each merge.
 */
static void population(void **state) {
  (void)state;
  enum { BATCHES = 1000 };
  uint64_t seed = 64;
  int64_t counts[] = {0, 0};
  double means[2], variances[2];
  long double n = 0, sum = 0, squares = 0; /* about 1e9 */
  for (int batch = 0; batch < BATCHES; batch++) {
    counts[1] = random_integer(&seed, 1, 50);
    means[1] = 1e9 + random_normal(&seed);
    variances[1] = counts[1] == 1 ? 0 : random_uniform(&seed, 0.5, 2);
    const long double d = (long double)means[1] - 1e9L;
    n += (long double)counts[1];
    sum += (long double)counts[1] * d;
    squares += (long double)counts[1] * ((long double)variances[1] + d * d);
    int64_t count;
    double mean, variance;
    assert_int_equal(norma_batch_norm_merge_statistics(1, 2, counts, means, variances, &count, &mean, &variance),
                     NORMA_OK);
    counts[0] = count;
    means[0] = mean;
    variances[0] = variance;
  }
  assert_close((double)counts[0], (double)n, 0, "count");
  const long double rest = sum / n;
  const double variance = (double)(squares / n - rest * rest);
  const double mean_off = 2 * BATCHES * 0x1p-53 * 1e9;
  const double variance_off =
      2 * sqrt(variance) * mean_off + mean_off * mean_off + 8 * BATCHES * 0x1p-53 * variance;
  assert_close(means[0] - 1e9, (double)rest, mean_off, "mean");
  assert_close(variances[0], variance, variance_off, "variance");

  /* Stored as they are, whatever was there: momentum 0, with the correction for the count of all. */
  const norma_running_rule rule = {0, NORMA_RUNNING_EXPONENTIAL, 1, 1};
  double running_mean = (double)NAN, running_var = (double)NAN;
  int64_t batches = 0, refused = 0;
  assert_int_equal(norma_batch_norm_update_running(&rule, NORMA_FLOAT64, 1, counts[0], means, variances, &running_mean,
                                                   &running_var, &batches, &refused), NORMA_OK);
  assert_close(running_mean, means[0], 0, "running_mean");
  assert_close(running_var, variances[0] * ((double)n / (double)(n - 1)), 0, "running_var");
  assert_int_equal(refused, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(parts_make_the_whole),
    cmocka_unit_test(one_part),
    cmocka_unit_test(one_value),
    cmocka_unit_test(merge_by_hand),
    cmocka_unit_test(hierarchy),
    cmocka_unit_test(population),
  };
  return cmocka_run_group_tests_name("split", tests, NULL, NULL);
}
