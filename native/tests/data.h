/* Seeded data, arrays of any data type read and written as double, and messages of failures. */
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

/* Elements of tensors. Those of 16 bits are converted by arithmetic on their meaning, not as the library does. */
int64_t value_size(int32_t data_type);
double value_at(int32_t data_type, const void *values, int64_t i);
void value_put(int32_t data_type, void *values, int64_t i, double value);

/* What storing makes of a value: rounded once, to nearest, ties to even; infinite where it is too large. */
double value_rounded(int32_t data_type, double value);

/* Parameters, which are float but for NORMA_FLOAT64: the type of their elements, and the same of them. */
int32_t parameter_type(int32_t data_type);
int64_t parameter_size(int32_t data_type);
double parameter_at(int32_t data_type, const void *parameters, int64_t i);
void parameter_put(int32_t data_type, void *parameters, int64_t i, double value);

/* 2^-24, 2^-53, 2^-8 or 2^-11: the largest relative error of rounding to the type. */
double unit_roundoff(int32_t data_type);
/* The smallest positive number of the type, which is also the spacing of its smallest ones. */
double smallest_value(int32_t data_type);
/* The largest finite number of the type. */
double largest_value(int32_t data_type);
/* Whether the type is one of 16 bits. */
bool is_half(int32_t data_type);
const char *type_name(int32_t data_type);

/* The kinds of data that others lose digits on, and a number of a kind: the one at `i`. */
typedef enum value_kind {
  NORMAL,
  FAR_FROM_ZERO,
  CONSTANT,
  HUGE_VALUES,
  TINY_VALUES,
  HUGE_AND_TINY,
  KINDS
} value_kind;
double random_of_kind(value_kind kind, int32_t data_type, int64_t i, uint64_t *seed);

/* Memory of that size that is never NULL, filled with a pattern that no result has. */
void *new_bytes(int64_t size);
void fill_pattern(void *bytes, int64_t size);

/* What failures of assert_close start with; NULL for nothing. */
extern const char *checked_case;

/* Fails with the message if the values differ by more than the tolerance, or one is NaN alone. */
void assert_close(double actual, double expected, double tolerance, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * The same for what is stored as an element: of 16 bits, it must be what a number within the tolerance rounds
 * to. Those of float and double are rounded by the arithmetic itself, which the tolerance allows for.
 */
void assert_rounded(int32_t data_type, double actual, double expected, double tolerance, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
