/*
 * Gradient descent against its formulas. A step is computed in double and rounded once per array, so the
 * expected value is known to the bit.
 */
#include <math.h>
#include <string.h>

#include "data.h"

enum { LENGTH = 70, STEPS = 6 };

/* Arrays of any data type. */
typedef struct arrays {
  int32_t type;
  double gradient[LENGTH], parameter[LENGTH], velocity[LENGTH];
} arrays;

static double rounded(int32_t type, double value) { return value_rounded(parameter_type(type), value); }

static arrays arrays_make(int32_t type, uint64_t *seed) {
  arrays made;
  memset(&made, 0, sizeof made);
  made.type = type;
  for (int i = 0; i < LENGTH; i++) {
    parameter_put(type, made.gradient, i, random_normal(seed));
    parameter_put(type, made.parameter, i, random_normal(seed));
  }
  return made;
}

/* One element's step, as norma.h writes it. */
static void expect_step(const norma_gradient_descent *rule, int32_t type, double gradient, double *parameter,
                        double *velocity) {
  const double g = gradient + rule->weight_decay * *parameter;
  const double v = rule->momentum * *velocity + g;
  const double direction = rule->nesterov ? g + rule->momentum * v : v;
  *parameter = rounded(type, *parameter - rule->learning_rate * direction);
  *velocity = rounded(type, v);
}

static void check_rule(const norma_gradient_descent *rule, int32_t type) {
  uint64_t seed = 81;
  arrays a = arrays_make(type, &seed);
  double parameter[LENGTH], velocity[LENGTH] = {0};
  for (int i = 0; i < LENGTH; i++) parameter[i] = parameter_at(type, a.parameter, i);
  for (int step = 0; step < STEPS; step++) {
    for (int i = 0; i < LENGTH; i++) parameter_put(type, a.gradient, i, random_normal(&seed));
    const double gradient_before = parameter_at(type, a.gradient, 3);
    assert_int_equal(norma_gradient_descent_step(rule, type, LENGTH, a.gradient, a.parameter, a.velocity), NORMA_OK);
    for (int i = 0; i < LENGTH; i++) {
      expect_step(rule, type, parameter_at(type, a.gradient, i), &parameter[i], &velocity[i]);
      assert_close(parameter_at(type, a.parameter, i), parameter[i], 0, "parameter %d after step %d", i, step);
      if (rule->momentum > 0)
        assert_close(parameter_at(type, a.velocity, i), velocity[i], 0, "velocity %d after step %d", i, step);
    }
    assert_close(parameter_at(type, a.gradient, 3), gradient_before, 0, "gradient");
  }
}

static void formulas(void **state) {
  (void)state;
  const norma_gradient_descent rules[] = {
    {0.1, 0, 0, 0}, {0.1, 0, 0.01, 0}, {0.05, 0.9, 0, 0}, {0.05, 0.9, 0.01, 0}, {0.05, 0.9, 0, 1},
    {0.05, 0.9, 0.01, 1}, {0, 0.5, 0, 0}, {3, 0.999, 0.5, 1}
  };
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
    for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) check_rule(&rules[i], type);
}

/* Only `length` elements move, whatever the length. */
static void lengths(void **state) {
  (void)state;
  const norma_gradient_descent rule = {0.5, 0.5, 0, 1};
  for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++)
    for (int64_t length = 1; length < LENGTH; length++) {
      uint64_t seed = 82;
      arrays a = arrays_make(type, &seed);
      const arrays before = a;
      assert_int_equal(norma_gradient_descent_step(&rule, type, length, a.gradient, a.parameter, a.velocity),
                       NORMA_OK);
      for (int64_t i = 0; i < LENGTH; i++) {
        const bool moved = parameter_at(type, a.parameter, i) != parameter_at(type, before.parameter, i);
        assert_int_equal(moved, i < length);
        assert_int_equal(parameter_at(type, a.velocity, i) != 0, i < length);
      }
    }
}

/* Without momentum the velocity may be absent, and is not written where it is there. */
static void no_velocity(void **state) {
  (void)state;
  const norma_gradient_descent rule = {0.5, 0, 0, 0};
  uint64_t seed = 83;
  arrays with = arrays_make(NORMA_FLOAT32, &seed);
  arrays without = with;
  const arrays before = with;
  assert_int_equal(norma_gradient_descent_step(&rule, NORMA_FLOAT32, LENGTH, with.gradient, with.parameter,
                                               with.velocity), NORMA_OK);
  assert_int_equal(norma_gradient_descent_step(&rule, NORMA_FLOAT32, LENGTH, without.gradient, without.parameter,
                                               NULL), NORMA_OK);
  assert_memory_equal(with.parameter, without.parameter, sizeof with.parameter);
  assert_memory_equal(with.velocity, before.velocity, sizeof with.velocity);
}

/* A parabola (p - 3)^2 / 2: descent finds its minimum, faster with momentum. */
static void descends(void **state) {
  (void)state;
  const norma_gradient_descent rules[] = {{0.1, 0, 0, 0}, {0.1, 0.5, 0, 0}, {0.1, 0.5, 0, 1}};
  double left[3];
  for (int i = 0; i < 3; i++) {
    double parameter = -5, velocity = 0;
    for (int step = 0; step < 60; step++) {
      const double gradient = parameter - 3;
      assert_int_equal(norma_gradient_descent_step(&rules[i], NORMA_FLOAT64, 1, &gradient, &parameter, &velocity),
                       NORMA_OK);
    }
    left[i] = fabs(parameter - 3);
    assert_true(left[i] < 0.1);
  }
  assert_true(left[1] < left[0]);
  assert_true(left[2] < left[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(formulas),
    cmocka_unit_test(lengths),
    cmocka_unit_test(no_velocity),
    cmocka_unit_test(descends),
  };
  return cmocka_run_group_tests_name("descent", tests, NULL, NULL);
}
