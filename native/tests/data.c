#include "data.h"

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

/* A binary format: its digits, the exponents of its smallest and of its largest power of two, and its size. */
typedef struct binary {
  int digits, least, most;
  int64_t size;
  const char *name;
} binary;

static const binary FORMATS[] = {
  [NORMA_FLOAT32] = {24, -149, 127, 4, "float"},
  [NORMA_FLOAT64] = {53, -1074, 1023, 8, "double"},
  [NORMA_BFLOAT16] = {8, -133, 127, 2, "bfloat16"},
  [NORMA_FLOAT16] = {11, -24, 15, 2, "float16"}
};

int64_t value_size(int32_t data_type) { return FORMATS[data_type].size; }

double unit_roundoff(int32_t data_type) { return ldexp(1, -FORMATS[data_type].digits); }

double smallest_value(int32_t data_type) { return ldexp(1, FORMATS[data_type].least); }

double largest_value(int32_t data_type) {
  const binary *format = &FORMATS[data_type];
  return ldexp(2 - ldexp(1, 1 - format->digits), format->most);
}

bool is_half(int32_t data_type) { return FORMATS[data_type].size == 2; }

const char *type_name(int32_t data_type) { return FORMATS[data_type].name; }

static double power_of_two(int exponent) {
  const uint64_t bits = (uint64_t)(exponent + 1023) << 52;
  double power;
  memcpy(&power, &bits, sizeof power);
  return power;
}

/* Of a normal number as frexp gives it; of a subnormal one, one that is small enough. */
static int exponent_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (int)(bits >> 52 & 0x7ff) - 1022;
}

/* Doubles from 2^52 units of the last digit on have no digits behind it: adding one rounds. */
static double half_rounded(const binary *format, double value) {
  if (fabs(value) >= power_of_two(format->most + 1)) return copysign((double)INFINITY, value);
  const int last = exponent_of(value) - format->digits;
  const double large = 1.5 * power_of_two(52 + (last > format->least ? last : format->least));
  const double rounded = (fabs(value) + large) - large;
  return copysign(rounded >= power_of_two(format->most + 1) ? (double)INFINITY : rounded, value);
}

double value_rounded(int32_t data_type, double value) {
  if (data_type == NORMA_FLOAT32) return (double)(float)value;
  if (data_type == NORMA_FLOAT64 || isnan(value)) return value;
  return half_rounded(&FORMATS[data_type], value);
}

/* From the top: the sign, the biased exponent and the fraction. */
static double value_of_half(const binary *format, uint16_t bits) {
  const int fraction_bits = format->digits - 1;
  const int fraction = bits & ((1 << fraction_bits) - 1);
  const int biased = (bits & 0x7fff) >> fraction_bits;
  double size = ldexp(fraction, format->least);
  if (biased > 0) size = ldexp((1 << fraction_bits) + fraction, format->least + biased - 1);
  if (biased == 2 * format->most + 1) size = fraction ? (double)NAN : (double)INFINITY;
  return bits & 0x8000 ? -size : size;
}

/* Of a value that the format has. */
static uint16_t half_of_value(const binary *format, double value) {
  const int fraction_bits = format->digits - 1;
  const uint16_t sign = signbit(value) ? 0x8000 : 0;
  const uint16_t infinite = (uint16_t)((2 * format->most + 1) << fraction_bits);
  if (isnan(value)) return (uint16_t)(sign | infinite | 1 << (fraction_bits - 1));
  if (value == 0 || isinf(value)) return value == 0 ? sign : sign | infinite;
  int exponent;
  frexp(value, &exponent);
  const int biased = exponent - format->digits - format->least + 1; /* below 1: subnormal, without the leading digit */
  const int last = biased > 1 ? format->least + biased - 1 : format->least;
  const int digits = (int)ldexp(fabs(value), -last);
  return (uint16_t)(sign | (digits + (biased > 1 ? (biased - 1) << fraction_bits : 0)));
}

/* All of them, for there are few. The first call is not to be one of several at once. */
static const double *values_of_halves(int32_t data_type) {
  static double all[NORMA_FLOAT16 + 1][1 << 16];
  static bool made[NORMA_FLOAT16 + 1];
  for (int bits = 0; !made[data_type] && bits < 1 << 16; bits++)
    all[data_type][bits] = value_of_half(&FORMATS[data_type], (uint16_t)bits);
  made[data_type] = true;
  return all[data_type];
}

double value_at(int32_t data_type, const void *values, int64_t i) {
  if (data_type == NORMA_FLOAT64) return ((const double *)values)[i];
  if (data_type == NORMA_FLOAT32) return (double)((const float *)values)[i];
  return values_of_halves(data_type)[((const uint16_t *)values)[i]];
}

void value_put(int32_t data_type, void *values, int64_t i, double value) {
  if (data_type == NORMA_FLOAT64) {
    ((double *)values)[i] = value;
  } else if (data_type == NORMA_FLOAT32) {
    ((float *)values)[i] = (float)value;
  } else {
    ((uint16_t *)values)[i] = half_of_value(&FORMATS[data_type], value_rounded(data_type, value));
  }
}

int32_t parameter_type(int32_t data_type) { return data_type == NORMA_FLOAT64 ? NORMA_FLOAT64 : NORMA_FLOAT32; }

int64_t parameter_size(int32_t data_type) { return value_size(parameter_type(data_type)); }

double parameter_at(int32_t data_type, const void *parameters, int64_t i) {
  return value_at(parameter_type(data_type), parameters, i);
}

void parameter_put(int32_t data_type, void *parameters, int64_t i, double value) {
  value_put(parameter_type(data_type), parameters, i, value);
}

double random_of_kind(value_kind kind, int32_t type, int64_t i, uint64_t *seed) {
  const double r = random_normal(seed);
  const double large = type == NORMA_FLOAT16 ? 1e4 : 1e30;
  const double far = is_half(type) ? 100 : 1e7;
  switch (kind) {
    case FAR_FROM_ZERO: return far + r;
    case CONSTANT: return 3.7;
    case HUGE_VALUES: return large * r;
    case TINY_VALUES: return (type == NORMA_FLOAT16 ? 1e-6 : 1e-40) * r;
    case HUGE_AND_TINY: return i % 2 ? large * r : r / large;
    default: return r;
  }
}

void *new_bytes(int64_t size) {
  void *bytes = malloc((size_t)size);
  assert_non_null(bytes);
  fill_pattern(bytes, size);
  return bytes;
}

void fill_pattern(void *bytes, int64_t size) { memset(bytes, 0xA5, (size_t)size); }

const char *checked_case;

static void fail_at(double actual, double expected, double tolerance, const char *format, va_list arguments)
    __attribute__((format(printf, 4, 0)));

static void fail_at(double actual, double expected, double tolerance, const char *format, va_list arguments) {
  char where[256];
  vsnprintf(where, sizeof where, format, arguments);
  fail_msg("%s%s%s: %.17g instead of %.17g, tolerance %.3g", checked_case ? checked_case : "", checked_case ? ": " : "",
           where, actual, expected, tolerance);
}

void assert_close(double actual, double expected, double tolerance, const char *format, ...) {
  if (isnan(expected) ? isnan(actual) : actual == expected || fabs(actual - expected) <= tolerance) return;
  va_list arguments;
  va_start(arguments, format);
  fail_at(actual, expected, tolerance, format, arguments);
  va_end(arguments);
}

/* Rounding keeps the order: what lies between two numbers rounds to what lies between their roundings. */
/* What float cannot hold is infinite. */
static double in_range_of_float(double value) {
  return fabs(value) >= 0x1.ffffffp127 ? copysign((double)INFINITY, value) : value;
}

void assert_rounded(int32_t data_type, double actual, double expected, double tolerance, const char *format, ...) {
  double low = expected - tolerance;
  double high = expected + tolerance;
  if (is_half(data_type)) {
    low = value_rounded(data_type, low);
    high = value_rounded(data_type, high);
  } else if (data_type == NORMA_FLOAT32) {
    low = in_range_of_float(low);
    high = in_range_of_float(high);
  }
  if (isnan(expected) ? isnan(actual) : actual == expected || (low <= actual && actual <= high)) return;
  va_list arguments;
  va_start(arguments, format);
  fail_at(actual, expected, tolerance, format, arguments);
  va_end(arguments);
}
