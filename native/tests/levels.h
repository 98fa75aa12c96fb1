/* The instruction-set levels that this processor has, for tests that run on each of them. */
#ifndef NORMA_TESTS_LEVELS_H
#define NORMA_TESTS_LEVELS_H

#include <string.h>

#include "dispatch.h"

/* Whether the header promises a fused multiply-add in hardware for the level. */
static inline bool level_has_fma(const char *name) {
#if defined(__aarch64__)
  return strcmp(name, "portable") == 0;
#else
  return strcmp(name, "x86-64-v3") == 0 || strcmp(name, "x86-64-v4") == 0;
#endif
}

#endif
