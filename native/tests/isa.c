/*
 * The choice of an instruction-set level. The library chooses once, so each value of NORMA_ISA gets a
 * process of its own: this program again, with "child" and what is expected.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "functions.h"
#include "levels.h"

#if defined(__x86_64__)
/* What the compiler's runtime knows of the processor, which __builtin_cpu_supports asks. */
extern unsigned int __cpu_features2[];
#endif

/* Makes this process believe that the processor has no x86-64 level. */
static void forget_processor(void) {
#if defined(__x86_64__)
  __cpu_features2[0] = __cpu_features2[1] = __cpu_features2[2] = 0;
#endif
}

/* ---- The child ------------------------------------------------------------------------------------ */

/* No level: every function that takes a descriptor says why, and has written nothing. */
static void expect_status(norma_status expected) {
  assert_int_equal(norma_isa_status(), expected);
  assert_null(norma_isa_name());
  for (int i = 0; i < FUNCTIONS_COUNT; i++)
    for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
      test_call call = call_make(&FUNCTIONS[i], type);
      call_expecting(&call, FUNCTIONS[i].takes == TAKES_NONE ? NORMA_OK : expected, "no level");
      call_free(&call);
    }
}

static void expect_level(const char *name) {
  assert_int_equal(norma_isa_status(), NORMA_OK);
  assert_non_null(norma_isa_name());
  assert_string_equal(norma_isa_name(), name);
  for (int i = 0; i < FUNCTIONS_COUNT; i++)
    for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
      test_call call = call_make(&FUNCTIONS[i], type);
      call_expecting(&call, NORMA_OK, "valid");
      call_free(&call);
    }
}

static const char *wanted;

static void expectation(void **state) {
  (void)state;
  if (strcmp(wanted, "unknown") == 0) {
    expect_status(NORMA_UNKNOWN_ISA);
  } else if (strcmp(wanted, "unsupported") == 0) {
    expect_status(NORMA_UNSUPPORTED_ISA);
  } else {
    expect_level(wanted);
  }
}

static int child(const char *kind, const char *expected) {
  if (strcmp(kind, "forgetful") == 0) forget_processor();
  wanted = expected;
  const struct CMUnitTest tests[] = {cmocka_unit_test(expectation)};
  return cmocka_run_group_tests_name(expected, tests, NULL, NULL);
}

/* ---- The parent ------------------------------------------------------------------------------------- */

static int run_child(const char *isa, const char *kind, const char *expected) {
  fflush(NULL);
  const pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    if (isa) {
      setenv("NORMA_ISA", isa, 1);
    } else {
      unsetenv("NORMA_ISA");
    }
    execl("/proc/self/exe", "isa", "child", kind, expected, (char *)NULL);
    _exit(127);
  }
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static const char *best(void) {
  int32_t level = 0;
  while (!norma_isa_at(level).supported) level++;
  return norma_isa_at(level).name;
}

static void best_level_is_chosen(void **state) {
  (void)state;
  assert_int_equal(run_child(NULL, "usual", best()), 0);
}

static void forced_levels(void **state) {
  (void)state;
  for (int32_t i = 0; i < norma_isa_levels(); i++) {
    const norma_isa isa = norma_isa_at(i);
    assert_int_equal(run_child(isa.name, "usual", isa.supported ? isa.name : "unsupported"), 0);
  }
}

static void unknown_levels(void **state) {
  (void)state;
  const char *const names[] = {"", "x86-64-v9", "X86-64-V3", "x86-64-v3 ", " portable", "v3", "portable2"};
  for (int i = 0; i < 7; i++) assert_int_equal(run_child(names[i], "usual", "unknown"), 0);
}

/* On a processor without them, the x86-64 levels are unsupported and the portable one is the best. */
static void unsupported_levels(void **state) {
  (void)state;
  for (int32_t i = 0; i < norma_isa_levels(); i++) {
    const char *name = norma_isa_at(i).name;
    const bool is_portable = strcmp(name, "portable") == 0;
    assert_int_equal(run_child(name, "forgetful", is_portable ? name : "unsupported"), 0);
  }
  assert_int_equal(run_child(NULL, "forgetful", "portable"), 0);
}

static void choices(void **state) {
  (void)state;
  for (int32_t i = 0; i < norma_isa_levels(); i++) {
    const norma_isa isa = norma_isa_at(i);
    assert_int_equal(norma_choose(isa.name), isa.supported ? i : -NORMA_UNSUPPORTED_ISA);
  }
  assert_int_equal(norma_choose("no level"), -NORMA_UNKNOWN_ISA);
  assert_string_equal(norma_isa_at(norma_choose(NULL)).name, best());
}

static void level_names(void **state) {
  (void)state;
  const int32_t count = norma_isa_count();
  assert_int_equal(count, norma_isa_levels());
  for (int32_t i = 0; i < count; i++) {
    assert_string_equal(norma_isa_level_name(i), norma_isa_at(i).name);
    assert_int_equal(norma_isa_level_supported(i), norma_isa_at(i).supported);
    for (int32_t k = 0; k < i; k++) assert_string_not_equal(norma_isa_level_name(i), norma_isa_level_name(k));
  }
  assert_int_equal(norma_isa_level_supported(count - 1), 1); /* the portable level runs everywhere */
  const int32_t outside[] = {-1, count, INT32_MIN, INT32_MAX};
  for (int i = 0; i < 4; i++) {
    assert_null(norma_isa_level_name(outside[i]));
    assert_int_equal(norma_isa_level_supported(outside[i]), 0);
  }
  assert_true(norma_default_threads() >= 1);
}

int main(int count, char **arguments) {
  if (count == 4 && strcmp(arguments[1], "child") == 0) return child(arguments[2], arguments[3]);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(best_level_is_chosen),
    cmocka_unit_test(forced_levels),
    cmocka_unit_test(unknown_levels),
    cmocka_unit_test(unsupported_levels),
    cmocka_unit_test(choices),
    cmocka_unit_test(level_names),
  };
  return cmocka_run_group_tests_name("isa", tests, NULL, NULL);
}
