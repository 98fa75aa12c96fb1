/* The sizes of the caches, which decide how a call is cut and written, and never what it computes. */
#ifndef NORMA_CACHES_H
#define NORMA_CACHES_H

#include <stdint.h>

typedef struct norma_caches {
  int64_t second; /* bytes of a processor's own cache, */
  int64_t ways;   /* and how many lines it can hold of those whose addresses differ by a multiple of second / ways */
  int64_t last;   /* bytes of the cache that processors share */
} norma_caches;

/* Those of this machine, found once; usual sizes where the system does not tell. */
norma_caches norma_caches_here(void);

#endif
