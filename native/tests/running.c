/*
 * The update of running statistics. It is computed in double and rounded once, so the expected value is
 * known to the bit: this program is compiled without contraction too.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "data.h"

enum { CHANNELS = 5 };

/* Running statistics of any data type, and the batches they have seen. */
typedef struct statistics {
  int32_t type;
  double memory[2][CHANNELS]; /* of floats or doubles */
  int64_t batches, refused;
} statistics;

typedef struct batch {
  int64_t count;
  double mean[CHANNELS], variance[CHANNELS];
} batch;

static statistics statistics_make(int32_t type) {
  statistics made = {.type = type};
  for (int c = 0; c < CHANNELS; c++) {
    parameter_put(type, made.memory[0], c, 0.1 * c);
    parameter_put(type, made.memory[1], c, 1 + 0.3 * c);
  }
  return made;
}

static batch random_batch(uint64_t *seed) {
  batch made = {.count = random_integer(seed, 2, 100)};
  for (int c = 0; c < CHANNELS; c++) {
    made.mean[c] = random_normal(seed);
    made.variance[c] = random_uniform(seed, 0.1, 3);
  }
  return made;
}

static norma_status update(const norma_running_rule *rule, const batch *by, statistics *s) {
  return norma_batch_norm_update_running(rule, s->type, CHANNELS, by->count, by->mean, by->variance, s->memory[0],
                                         s->memory[1], &s->batches, &s->refused);
}

static double rounded(int32_t type, double value) { return value_rounded(parameter_type(type), value); }

static void for_each_type(void (*check)(int32_t)) {
  for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) check(type);
}

/* running = momentum * running + (1 - momentum) * batch, the variance times M / (M - 1) if unbiased. */
static void check_exponential(int32_t type) {
  uint64_t seed = 71;
  for (int round = 0; round < 200; round++) {
    const double momenta[] = {0, 0.5, 0.9, 0.99, 1};
    const norma_running_rule rule = {momenta[round % 5], NORMA_RUNNING_EXPONENTIAL, round % 2, round / 2 % 2};
    statistics s = statistics_make(type);
    const statistics old = s;
    const batch by = random_batch(&seed);
    assert_int_equal(update(&rule, &by, &s), NORMA_OK);
    const double n = (double)by.count;
    const double correction = rule.unbiased ? n / (n - 1) : 1;
    for (int c = 0; c < CHANNELS; c++) {
      const double mean = rule.momentum * parameter_at(type, old.memory[0], c) + (1 - rule.momentum) * by.mean[c];
      const double var =
          rule.momentum * parameter_at(type, old.memory[1], c) + (1 - rule.momentum) * (by.variance[c] * correction);
      assert_close(parameter_at(type, s.memory[0], c), rounded(type, mean), 0, "running_mean[%d]", c);
      assert_close(parameter_at(type, s.memory[1], c), rounded(type, var), 0, "running_var[%d]", c);
    }
    assert_int_equal(s.batches, 1);
    assert_int_equal(s.refused, 0);
  }
}

static void exponential(void **state) {
  (void)state;
  for_each_type(check_exponential);
}

/* Momentum is the weight of the old value: 1 keeps it, 0 forgets it. */
static void check_meaning_of_momentum(int32_t type) {
  uint64_t seed = 72;
  const batch by = random_batch(&seed);
  statistics kept = statistics_make(type);
  const statistics old = kept;
  assert_int_equal(update(&(norma_running_rule){1, NORMA_RUNNING_EXPONENTIAL, 0, 0}, &by, &kept), NORMA_OK);
  assert_memory_equal(kept.memory, old.memory, sizeof old.memory);
  statistics forgotten = statistics_make(type);
  parameter_put(type, forgotten.memory[0], 2, (double)NAN); /* not even read */
  parameter_put(type, forgotten.memory[1], 3, (double)INFINITY);
  assert_int_equal(update(&(norma_running_rule){0, NORMA_RUNNING_EXPONENTIAL, 0, 1}, &by, &forgotten), NORMA_OK);
  for (int c = 0; c < CHANNELS; c++) {
    assert_close(parameter_at(type, forgotten.memory[0], c), rounded(type, by.mean[c]), 0, "running_mean[%d]", c);
    assert_close(parameter_at(type, forgotten.memory[1], c), rounded(type, by.variance[c]), 0, "running_var[%d]", c);
  }
  assert_int_equal(forgotten.refused, 0);
}

static void meaning_of_momentum(void **state) {
  (void)state;
  for_each_type(check_meaning_of_momentum);
}

/*
 * The cumulative average is the mean of all batches. Each of K updates rounds once to the type and twice
 * in double, of values below 4: K units are far more than the K random ones add up to.
 */
static void check_cumulative(int32_t type) {
  enum { BATCHES = 50 };
  uint64_t seed = 73;
  statistics s = statistics_make(type);
  double mean[CHANNELS] = {0}, var[CHANNELS] = {0};
  const norma_running_rule rule = {(double)NAN, NORMA_RUNNING_CUMULATIVE, 0, 1};
  for (int k = 0; k < BATCHES; k++) {
    const batch by = random_batch(&seed);
    assert_int_equal(update(&rule, &by, &s), NORMA_OK);
    assert_int_equal(s.batches, k + 1);
    for (int c = 0; c < CHANNELS; c++) {
      mean[c] += by.mean[c];
      var[c] += by.variance[c];
      const double tolerance = BATCHES * 4 * unit_roundoff(parameter_type(type));
      assert_close(parameter_at(type, s.memory[0], c), mean[c] / (k + 1), tolerance, "running_mean[%d], batch %d", c,
                   k);
      assert_close(parameter_at(type, s.memory[1], c), var[c] / (k + 1), tolerance, "running_var[%d], batch %d", c,
                   k);
    }
  }
}

static void cumulative(void **state) {
  (void)state;
  for_each_type(check_cumulative);
}

/* What spoils a batch: NaN or infinity in either statistic of any channel. */
static batch spoiled(uint64_t *seed, int how) {
  batch made = random_batch(seed);
  const double values[] = {(double)NAN, (double)INFINITY, (double)-INFINITY};
  (how % 2 ? made.variance : made.mean)[how % CHANNELS] = values[how % 3];
  return made;
}

static void check_refusal(int32_t type) {
  uint64_t seed = 74;
  for (int how = 0; how < 30; how++)
    for (int32_t mode = NORMA_RUNNING_EXPONENTIAL; mode <= NORMA_RUNNING_CUMULATIVE; mode++) {
      norma_running_rule rule = {0.9, mode, 0, 1};
      statistics s = statistics_make(type);
      s.batches = 7;
      s.refused = 2;
      const statistics old = s;
      const batch bad = spoiled(&seed, how);
      assert_int_equal(update(&rule, &bad, &s), NORMA_OK);
      assert_memory_equal(s.memory, old.memory, sizeof s.memory);
      assert_int_equal(s.batches, 7);
      assert_int_equal(s.refused, 3);
      /* The next good batch is the eighth. */
      const batch good = random_batch(&seed);
      assert_int_equal(update(&rule, &good, &s), NORMA_OK);
      assert_int_equal(s.batches, 8);
      assert_int_equal(s.refused, 3);
      /* Without refusal the batch goes in. */
      rule.refuse_nonfinite = 0;
      assert_int_equal(update(&rule, &bad, &s), NORMA_OK);
      assert_false(isfinite(parameter_at(type, s.memory[how % 2], how % CHANNELS)));
      assert_int_equal(s.batches, 9);
      assert_int_equal(s.refused, 3);
    }
}

static void refusal(void **state) {
  (void)state;
  for_each_type(check_refusal);
}

/* Refused is what would be infinite as a parameter, not as a double. */
static void refusal_in_the_parameter_type(void **state) {
  (void)state;
  uint64_t seed = 75;
  const norma_running_rule rule = {0.5, NORMA_RUNNING_EXPONENTIAL, 0, 1};
  batch by = random_batch(&seed);
  by.variance[3] = 4 * (double)FLT_MAX;
  statistics floats = statistics_make(NORMA_FLOAT32);
  assert_int_equal(update(&rule, &by, &floats), NORMA_OK);
  assert_int_equal(floats.refused, 1);
  statistics doubles = statistics_make(NORMA_FLOAT64);
  assert_int_equal(update(&rule, &by, &doubles), NORMA_OK);
  assert_int_equal(doubles.refused, 0);
  by.variance[3] = (double)FLT_MAX; /* half of it is in range */
  assert_int_equal(update(&rule, &by, &floats), NORMA_OK);
  assert_int_equal(floats.refused, 1);
}

/* Epsilon has no part in the update: the variance of a constant batch pulls towards 0. */
static void no_epsilon(void **state) {
  (void)state;
  statistics s = statistics_make(NORMA_FLOAT64);
  const batch constant = {.count = 4};
  const norma_running_rule rule = {0.5, NORMA_RUNNING_EXPONENTIAL, 0, 0};
  for (int k = 0; k < 60; k++) assert_int_equal(update(&rule, &constant, &s), NORMA_OK);
  for (int c = 0; c < CHANNELS; c++) assert_true(parameter_at(NORMA_FLOAT64, s.memory[1], c) < 4 * 0x1p-60);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(exponential),
    cmocka_unit_test(meaning_of_momentum),
    cmocka_unit_test(cumulative),
    cmocka_unit_test(refusal),
    cmocka_unit_test(refusal_in_the_parameter_type),
    cmocka_unit_test(no_epsilon),
  };
  return cmocka_run_group_tests_name("running", tests, NULL, NULL);
}
