/* Arrays of reals, the computing type of a family, read and written as double. */
#ifndef NORMA_REALS_H
#define NORMA_REALS_H

#include <string.h>

#include "kernels.h"

static inline double norma_real_at(const norma_family *family, const void *reals, int64_t i) {
  if (family->real_size == sizeof(float)) {
    float value;
    memcpy(&value, (const char *)reals + i * (int64_t)sizeof value, sizeof value);
    return (double)value;
  }
  double value;
  memcpy(&value, (const char *)reals + i * (int64_t)sizeof value, sizeof value);
  return value;
}

static inline void norma_real_put(const norma_family *family, void *reals, int64_t i, double value) {
  if (family->real_size == sizeof(float)) {
    const float narrow = (float)value;
    memcpy((char *)reals + i * (int64_t)sizeof narrow, &narrow, sizeof narrow);
  } else {
    memcpy((char *)reals + i * (int64_t)sizeof value, &value, sizeof value);
  }
}

/* `count` of them from `first` on. */
static inline void norma_reals_get(const norma_family *family, const void *reals, int64_t first, int64_t count,
                                   double *values) {
  if (family->real_size == sizeof(float)) {
    const float *from = (const float *)reals + first;
    for (int64_t i = 0; i < count; i++) values[i] = (double)from[i];
  } else {
    memcpy(values, (const double *)reals + first, (size_t)count * sizeof *values);
  }
}

static inline void norma_reals_put(const norma_family *family, void *reals, int64_t first, int64_t count,
                                   const double *values) {
  if (family->real_size == sizeof(float)) {
    float *to = (float *)reals + first;
    for (int64_t i = 0; i < count; i++) to[i] = (float)values[i];
  } else {
    memcpy((double *)reals + first, values, (size_t)count * sizeof *values);
  }
}

#endif
