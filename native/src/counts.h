/* Arithmetic of counts and sizes. */
#ifndef NORMA_COUNTS_H
#define NORMA_COUNTS_H

#include <stdint.h>

static inline int64_t at_most(int64_t value, int64_t limit) { return value < limit ? value : limit; }

static inline int64_t at_least(int64_t value, int64_t limit) { return value > limit ? value : limit; }

/* Where the next `length` end of those from `first` to before `end`. */
static inline int64_t end_of(int64_t first, int64_t length, int64_t end) {
  return first + at_most(length, end - first);
}

/* Bytes, up to the next multiple of a cache line: no two arrays of such sizes share one. */
static inline int64_t whole_lines(int64_t bytes) { return (bytes + 63) / 64 * 64; }

static inline int64_t divide_up(int64_t a, int64_t b) { return a / b + (a % b != 0); }

#endif
