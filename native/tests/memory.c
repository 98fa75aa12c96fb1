/*
 * Scratch that cannot be allocated, and calls that allocate none. The linker sends the library's calls of
 * malloc here (--wrap=malloc); what else allocates is not touched.
 */
#include <stdlib.h>
#include <string.h>

#include "functions.h"

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static bool armed, failing;
static int allocations;

void *__wrap_malloc(size_t size) {
  if (!armed) return __real_malloc(size);
  allocations++;
  return failing ? NULL : __real_malloc(size);
}

static int index_of_workspace(const test_call *call) {
  for (int i = 0; i < call->count; i++)
    if (call->function->arguments[i].kind == WORKSPACE) return i;
  return -1;
}

static void for_each_call(void (*check)(test_call *)) {
  for (int i = 0; i < FUNCTIONS_COUNT; i++)
    for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++)
      for (int32_t layout = NORMA_CHANNELS_FIRST; layout <= NORMA_CHANNELS_LAST; layout++) {
        test_call call = call_make(&FUNCTIONS[i], type);
        call.with.norm.layout = layout;
        check(&call);
        call_free(&call);
      }
}

static void call_armed(test_call *call, bool fail, norma_status expected, const char *what) {
  allocations = 0;
  failing = fail;
  armed = true;
  call_expecting(call, expected, "%s", what);
  armed = false;
}

static void without_workspace(test_call *call) {
  const int workspace = index_of_workspace(call);
  if (workspace < 0) return;
  call->arrays[workspace] = NULL;
  call->with.workspace_size = 0;
}

static void check_failure(test_call *call) {
  without_workspace(call);
  const bool needs_scratch = index_of_workspace(call) >= 0;
  call_armed(call, true, needs_scratch ? NORMA_OUT_OF_MEMORY : NORMA_OK, "no memory");
  assert_int_equal(allocations, needs_scratch ? 1 : 0);
  call_armed(call, false, NORMA_OK, "memory again");
}

/* Outputs are as they were: call_expecting compares them. */
static void out_of_memory(void **state) {
  (void)state;
  for_each_call(check_failure);
}

static void check_nothing_allocated(test_call *call) {
  const int workspace = index_of_workspace(call);
  int64_t size = 0;
  assert_int_equal(call_workspace_size(call, &size), NORMA_OK);
  void *memory = new_bytes(size);
  if (workspace >= 0) {
    call->arrays[workspace] = memory;
    call->with.workspace_size = size;
  }
  call_armed(call, true, NORMA_OK, "a workspace");
  assert_int_equal(allocations, 0);
  free(memory);
}

static void nothing_is_allocated_beside_a_workspace(void **state) {
  (void)state;
  for_each_call(check_nothing_allocated);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(out_of_memory),
    cmocka_unit_test(nothing_is_allocated_beside_a_workspace),
  };
  return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
