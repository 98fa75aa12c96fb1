/*
 * 16-bit floats: bfloat16 (1 sign, 8 exponent, 7 fraction bits) and float16 (IEEE 754 binary16: 1, 5, 10),
 * stored as uint16_t and computed as float. To float they are exact. From float they round to nearest,
 * ties to even; what is too large becomes infinite; a NaN stays a NaN, made quiet, with the fraction
 * bits that fit. The bits are the same with the hardware's conversions and without.
 */
#ifndef NORMA_HALF_H
#define NORMA_HALF_H

#include <stdint.h>
#include <string.h>

/* ---- One number ------------------------------------------------------------------------------- */

static inline uint32_t norma_bits_of_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float norma_float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline float norma_float_of_bf16(uint16_t h) { return norma_float_of_bits((uint32_t)h << 16); }

static inline uint16_t norma_bf16_of_float(float value) {
  const uint32_t bits = norma_bits_of_float(value);
  if (value != value) return (uint16_t)((bits | 0x400000U) >> 16);
  return (uint16_t)((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

static inline float norma_float_of_f16(uint16_t h) {
  const uint32_t sign = (uint32_t)(h & 0x8000U) << 16;
  const uint32_t size = h & 0x7fffU;
  if (size < 0x400U) { /* subnormal, or zero: a count of 2^-24 */
    const float value = (float)size * 0x1p-24F;
    return norma_float_of_bits(norma_bits_of_float(value) | sign);
  }
  if (size < 0x7c00U) return norma_float_of_bits(sign | ((size << 13) + (112U << 23)));
  const uint32_t quiet = size > 0x7c00U ? 0x400000U : 0;
  return norma_float_of_bits(sign | 0x7f800000U | (size & 0x3ffU) << 13 | quiet);
}

static inline uint16_t norma_f16_of_float(float value) {
  const uint32_t bits = norma_bits_of_float(value);
  const uint32_t sign = bits >> 16 & 0x8000U;
  const uint32_t size = bits & 0x7fffffffU;
  if (size > 0x7f800000U) return (uint16_t)(sign | 0x7e00U | (size >> 13 & 0x3ffU));
  if (size >= 0x47800000U) return (uint16_t)(sign | 0x7c00U); /* from 2^16 on */
  if (size < 0x38800000U) { /* below 2^-14: the addition rounds to a count of 2^-24 in the last bits of 1/2 */
    return (uint16_t)(sign | (norma_bits_of_float(norma_float_of_bits(size) + 0.5F) - 0x3f000000U));
  }
  return (uint16_t)(sign | (size + 0xfffU + (size >> 13 & 1U) - (112U << 23)) >> 13);
}

/*
 * A double as a float that rounds to a 16-bit float like the double itself: where it is not exact, the one
 * of its two neighbours whose last bit is 1, which is never half way between two 16-bit floats.
 */
static inline float norma_odd_float(double value) {
  const float nearest = (float)value;
  if ((double)nearest == value || value != value) return nearest;
  uint32_t bits = norma_bits_of_float(nearest);
  const double size = value < 0 ? -value : value;
  const double nearest_size = (double)norma_float_of_bits(bits & 0x7fffffffU);
  if (nearest_size > size) bits -= 1;
  return norma_float_of_bits(bits | 1U);
}

#endif
