/* Arithmetic of counts and sizes. */
#ifndef NORMA_COUNTS_H
#define NORMA_COUNTS_H

#include <stdint.h>

static inline int64_t at_most(int64_t value, int64_t limit) { return value < limit ? value : limit; }

static inline int64_t at_least(int64_t value, int64_t limit) { return value > limit ? value : limit; }

static inline int64_t divide_up(int64_t a, int64_t b) { return a / b + (a % b != 0); }

#endif
