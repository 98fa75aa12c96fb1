#define _DEFAULT_SOURCE /* the names of cache sizes */

#include "caches.h"

#include <stdatomic.h>
#include <unistd.h>

static int64_t size_of(int name, int64_t usual) {
  const long size = sysconf(name);
  return size > 0 ? size : usual;
}

norma_caches norma_caches_here(void) {
  static _Atomic int64_t second, last; /* threads that race here find the same */
  if (atomic_load_explicit(&second, memory_order_relaxed) == 0) {
    int64_t found_second = INT64_C(1) << 20;
    int64_t found_last = INT64_C(32) << 20;
#if defined(_SC_LEVEL2_CACHE_SIZE) && defined(_SC_LEVEL3_CACHE_SIZE)
    found_second = size_of(_SC_LEVEL2_CACHE_SIZE, found_second);
    found_last = size_of(_SC_LEVEL3_CACHE_SIZE, found_last);
#endif
    atomic_store_explicit(&last, found_last, memory_order_relaxed);
    atomic_store_explicit(&second, found_second, memory_order_release);
  }
  return (norma_caches){atomic_load_explicit(&second, memory_order_acquire),
                        atomic_load_explicit(&last, memory_order_relaxed)};
}
