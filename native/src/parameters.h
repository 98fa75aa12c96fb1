/* Arrays of parameters, float or double by the data type, read and written as double. */
#ifndef NORMA_PARAMETERS_H
#define NORMA_PARAMETERS_H

#include <stddef.h>
#include <string.h>

#include "norma.h"

/* The parameter at `i`, or `absent` where there is no array. */
static inline double norma_parameter_at(int32_t data_type, const void *parameters, int64_t i,
                                        double absent) {
  if (parameters == NULL) return absent;
  return data_type == NORMA_FLOAT64 ? ((const double *)parameters)[i]
                                    : (double)((const float *)parameters)[i];
}

static inline void norma_parameter_put(int32_t data_type, void *parameters, int64_t i, double value) {
  if (data_type == NORMA_FLOAT64) {
    ((double *)parameters)[i] = value;
  } else {
    ((float *)parameters)[i] = (float)value;
  }
}

/* `count` of them from `first` on. */
static inline void norma_parameters_get(int32_t data_type, const void *parameters, int64_t first, int64_t count,
                                        double absent, double *values) {
  if (parameters == NULL) {
    for (int64_t i = 0; i < count; i++) values[i] = absent;
  } else if (data_type == NORMA_FLOAT64) {
    memcpy(values, (const double *)parameters + first, (size_t)count * sizeof *values);
  } else {
    const float *from = (const float *)parameters + first;
    for (int64_t i = 0; i < count; i++) values[i] = (double)from[i];
  }
}

static inline void norma_parameters_put(int32_t data_type, void *parameters, int64_t first, int64_t count,
                                        const double *values) {
  if (data_type == NORMA_FLOAT64) {
    memcpy((double *)parameters + first, values, (size_t)count * sizeof *values);
  } else {
    float *to = (float *)parameters + first;
    for (int64_t i = 0; i < count; i++) to[i] = (float)values[i];
  }
}

#endif
