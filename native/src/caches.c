#define _DEFAULT_SOURCE /* the names of cache sizes */

#include "caches.h"

#include <stdatomic.h>
#include <unistd.h>

static int64_t size_of(int name, int64_t usual) {
  const long size = sysconf(name);
  return size > 0 ? size : usual;
}

norma_caches norma_caches_here(void) {
  static _Atomic int64_t second, ways, last; /* threads that race here find the same */
  if (atomic_load_explicit(&second, memory_order_acquire) == 0) {
    norma_caches found = {.second = INT64_C(1) << 20, .ways = 8, .last = INT64_C(32) << 20};
#if defined(_SC_LEVEL2_CACHE_SIZE) && defined(_SC_LEVEL2_CACHE_ASSOC) && defined(_SC_LEVEL3_CACHE_SIZE)
    found.second = size_of(_SC_LEVEL2_CACHE_SIZE, found.second);
    found.ways = size_of(_SC_LEVEL2_CACHE_ASSOC, found.ways);
    found.last = size_of(_SC_LEVEL3_CACHE_SIZE, found.last);
#endif
    atomic_store_explicit(&ways, found.ways, memory_order_relaxed);
    atomic_store_explicit(&last, found.last, memory_order_relaxed);
    atomic_store_explicit(&second, found.second, memory_order_release);
  }
  return (norma_caches){.second = atomic_load_explicit(&second, memory_order_acquire),
                        .ways = atomic_load_explicit(&ways, memory_order_relaxed),
                        .last = atomic_load_explicit(&last, memory_order_relaxed)};
}
