#include "dispatch.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

int32_t norma_isa_levels(void) {
#define ISA(name, text, condition) +1
  return 0
#include "isa.def"
      ;
#undef ISA
}

norma_isa norma_isa_at(int32_t i) {
  const norma_isa levels[] = {
#define ISA(name, text, condition) {text, &norma_kernels_##name, (condition) != 0},
#include "isa.def"
#undef ISA
  };
  return levels[i];
}

int32_t norma_choose(const char *forced) {
  const int32_t levels = norma_isa_levels();
  for (int32_t i = 0; i < levels; i++) {
    const norma_isa isa = norma_isa_at(i);
    if (forced && strcmp(forced, isa.name) == 0) return isa.supported ? i : -NORMA_UNSUPPORTED_ISA;
    if (!forced && isa.supported) return i;
  }
  return -NORMA_UNKNOWN_ISA;
}

int32_t norma_dispatch(void) {
  enum { UNCHOSEN = INT32_MIN };
  static _Atomic int32_t chosen = UNCHOSEN; /* threads that race here choose the same */
  int32_t choice = atomic_load_explicit(&chosen, memory_order_relaxed);
  if (choice == UNCHOSEN) {
    choice = norma_choose(getenv("NORMA_ISA"));
    atomic_store_explicit(&chosen, choice, memory_order_relaxed);
  }
  return choice;
}
