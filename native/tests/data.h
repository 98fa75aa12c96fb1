/* Seeded data, arrays of either data type read and written as double, and messages of failures. */
#ifndef NORMA_TESTS_DATA_H
#define NORMA_TESTS_DATA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdbool.h>

#include <cmocka.h>

#include "norma.h"

/* Every generator advances *seed. */
uint64_t random_bits(uint64_t *seed);
double random_uniform(uint64_t *seed, double low, double high);
/* About normal, mean 0 and variance 1, never beyond 5: the sum of eight uniform numbers. */
double random_normal(uint64_t *seed);
/* From low to high, both included. */
int64_t random_integer(uint64_t *seed, int64_t low, int64_t high);

int64_t value_size(int32_t data_type);
double value_at(int32_t data_type, const void *values, int64_t i);
void value_put(int32_t data_type, void *values, int64_t i, double value);

/* 2^-24 or 2^-53: the largest relative error of rounding to the type. */
double unit_roundoff(int32_t data_type);

/* Memory of that size that is never NULL, filled with a pattern that no result has. */
void *new_bytes(int64_t size);
void fill_pattern(void *bytes, int64_t size);

/* What failures of assert_close start with; NULL for nothing. */
extern const char *checked_case;

/* Fails with the message if the values differ by more than the tolerance, or one is NaN alone. */
void assert_close(double actual, double expected, double tolerance, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
