#include "data.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SplitMix64, by Sebastiano Vigna. */
uint64_t random_bits(uint64_t *seed) {
  uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

double random_uniform(uint64_t *seed, double low, double high) {
  return low + (high - low) * ((double)(random_bits(seed) >> 11) * 0x1p-53);
}

double random_normal(uint64_t *seed) {
  int64_t sum = 0;
  for (int draw = 0; draw < 2; draw++)
    for (uint64_t bits = random_bits(seed), part = 0; part < 4; part++, bits >>= 16) sum += (int64_t)(bits & 0xffff);
  return ((double)sum * 0x1p-16 - 4) * 1.224744871391589; /* sqrt(12 / 8) */
}

int64_t random_integer(uint64_t *seed, int64_t low, int64_t high) {
  return low + (int64_t)(random_bits(seed) % (uint64_t)(high - low + 1));
}

int64_t value_size(int32_t data_type) {
  return data_type == NORMA_FLOAT64 ? (int64_t)sizeof(double) : (int64_t)sizeof(float);
}

double value_at(int32_t data_type, const void *values, int64_t i) {
  return data_type == NORMA_FLOAT64 ? ((const double *)values)[i] : (double)((const float *)values)[i];
}

void value_put(int32_t data_type, void *values, int64_t i, double value) {
  if (data_type == NORMA_FLOAT64) {
    ((double *)values)[i] = value;
  } else {
    ((float *)values)[i] = (float)value;
  }
}

double unit_roundoff(int32_t data_type) {
  return data_type == NORMA_FLOAT64 ? DBL_EPSILON / 2 : (double)FLT_EPSILON / 2;
}

void *new_bytes(int64_t size) {
  void *bytes = malloc((size_t)size);
  assert_non_null(bytes);
  fill_pattern(bytes, size);
  return bytes;
}

void fill_pattern(void *bytes, int64_t size) { memset(bytes, 0xA5, (size_t)size); }

const char *checked_case;

void assert_close(double actual, double expected, double tolerance, const char *format, ...) {
  if (isnan(expected) ? isnan(actual) : actual == expected || fabs(actual - expected) <= tolerance) return;
  char where[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(where, sizeof where, format, arguments);
  va_end(arguments);
  fail_msg("%s%s%s: %.17g instead of %.17g, tolerance %.3g", checked_case ? checked_case : "", checked_case ? ": " : "",
           where, actual, expected, tolerance);
}
