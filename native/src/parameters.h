/* Arrays of parameters, float or double by the data type, read and written as double. */
#ifndef NORMA_PARAMETERS_H
#define NORMA_PARAMETERS_H

#include <stddef.h>

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

#endif
