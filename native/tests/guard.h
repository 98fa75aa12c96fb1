/* Memory between two unmapped pages: a read or write of one byte past either end ends the test program. */
#ifndef NORMA_TESTS_GUARD_H
#define NORMA_TESTS_GUARD_H

#include <stdint.h>

typedef struct guarded {
  char *first; /* of `size` bytes */
  int64_t size;
  int64_t page;
} guarded;

guarded guarded_make(int64_t at_least);
void guarded_free(guarded memory);

/* The place of `bytes` bytes that end where the memory ends. */
static inline void *guarded_end(guarded memory, int64_t bytes) { return memory.first + memory.size - bytes; }

#endif
