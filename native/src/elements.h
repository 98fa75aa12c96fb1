/*
 * Elements as they are stored, read and written as the reals that kernels compute in: for a pair of
 * element type E and real type R
 *   value_E_R(element)           one element
 *   load_E_R, load_tail_E_R, store_E_R, store_tail_E_R   as in simd.h, with elements in memory
 *   stream_line_E_R(p, v)        a cache line of elements from as many vectors as they fill, past the caches;
 *                                p aligned to a line; to be followed by stream_end() as in simd.h
 * A line is streamed at once: one that is written in parts may reach memory in parts.
 * Pairs are f32_f32, f64_f64, bf16_f32, f16_f32, and those for what float cannot hold: f32_f64, bf16_f64,
 * f16_f64.
 */
#ifndef NORMA_ELEMENTS_H
#define NORMA_ELEMENTS_H

#include "half.h"
#include "simd.h"

/* What goes lane by lane: copies of it in every loop would only be long to compile. */
#define BY_LANE static __attribute__((noinline, unused))

/* ---- float as float, double as double --------------------------------------------------------- */

INLINE float value_f32_f32(float x) { return x; }
INLINE vec_f32 load_f32_f32(const float *p) { return load_f32(p); }
INLINE vec_f32 load_tail_f32_f32(const float *p, int64_t n, vec_f32 fill) { return load_tail_f32(p, n, fill); }
INLINE void store_f32_f32(float *p, vec_f32 v) { store_f32(p, v); }
INLINE void store_tail_f32_f32(float *p, vec_f32 v, int64_t n) { store_tail_f32(p, v, n); }
INLINE void stream_line_f32_f32(float *p, const vec_f32 *v) {
  for (int64_t i = 0; i < LINE / VECTOR_BYTES; i++) stream_f32(p + i * lanes_f32, v[i]);
}

INLINE double value_f64_f64(double x) { return x; }
INLINE vec_f64 load_f64_f64(const double *p) { return load_f64(p); }
INLINE vec_f64 load_tail_f64_f64(const double *p, int64_t n, vec_f64 fill) { return load_tail_f64(p, n, fill); }
INLINE void store_f64_f64(double *p, vec_f64 v) { store_f64(p, v); }
INLINE void store_tail_f64_f64(double *p, vec_f64 v, int64_t n) { store_tail_f64(p, v, n); }
INLINE void stream_line_f64_f64(double *p, const vec_f64 *v) {
  for (int64_t i = 0; i < LINE / VECTOR_BYTES; i++) stream_f64(p + i * lanes_f64, v[i]);
}

/* ---- float as double -------------------------------------------------------------------------- */

INLINE double value_f32_f64(float x) { return (double)x; }

INLINE vec_f64 load_f32_f64(const float *p) {
  half_f32 v;
  memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, vec_f64);
}

INLINE void store_f32_f64(float *p, vec_f64 v) {
  const half_f32 narrow = __builtin_convertvector(v, half_f32);
  memcpy(p, &narrow, sizeof narrow);
}

#if defined(__AVX512F__)

INLINE vec_f64 load_tail_f32_f64(const float *p, int64_t n, vec_f64 fill) {
  const __m256 narrow = _mm256_maskz_loadu_ps(first_8(n), p);
  return (vec_f64)_mm512_mask_cvtps_pd((__m512d)fill, first_8(n), narrow);
}

INLINE void store_tail_f32_f64(float *p, vec_f64 v, int64_t n) {
  _mm256_mask_storeu_ps(p, first_8(n), _mm512_cvtpd_ps((__m512d)v));
}

#elif defined(__AVX2__)

INLINE vec_f64 load_tail_f32_f64(const float *p, int64_t n, vec_f64 fill) {
  const __m256d v = _mm256_cvtps_pd(_mm_maskload_ps(p, first_4_narrow(n)));
  return (vec_f64)_mm256_blendv_pd((__m256d)fill, v, _mm256_castsi256_pd(first_4(n)));
}

INLINE void store_tail_f32_f64(float *p, vec_f64 v, int64_t n) {
  _mm_maskstore_ps(p, first_4_narrow(n), _mm256_cvtpd_ps((__m256d)v));
}

#else

INLINE vec_f64 load_tail_f32_f64(const float *p, int64_t n, vec_f64 fill) {
  half_f32 v = {0};
  memcpy(&v, p, (size_t)n * sizeof *p);
  const vec_f64 wide = __builtin_convertvector(v, vec_f64);
  memcpy(&fill, &wide, (size_t)n * sizeof(double));
  return fill;
}

INLINE void store_tail_f32_f64(float *p, vec_f64 v, int64_t n) {
  const half_f32 narrow = __builtin_convertvector(v, half_f32);
  memcpy(p, &narrow, (size_t)n * sizeof *p);
}

#endif

/* Rare, so through the caches. */
INLINE void stream_line_f32_f64(float *p, const vec_f64 *v) {
  for (int64_t i = 0; i < 2 * LINE / VECTOR_BYTES; i++) store_f32_f64(p + i * lanes_f64, v[i]);
}

/* ---- 16-bit floats as float ---------------------------------------------------------------------- */

/* A vector's worth of 16-bit floats, and the bits of a vector of floats. */
typedef uint16_t halves __attribute__((vector_size(VECTOR_BYTES / 2)));
typedef uint32_t words __attribute__((vector_size(VECTOR_BYTES)));

/* What GCC 12 makes of __builtin_convertvector here takes several instructions. */
#if defined(__AVX512F__)
INLINE words words_of_halves(halves h) { return (words)_mm512_cvtepu16_epi32((__m256i)h); }
INLINE halves upper_halves(words w) { return (halves)_mm512_cvtepi32_epi16((__m512i)(w >> 16)); }
#elif defined(__AVX2__)
INLINE words words_of_halves(halves h) { return (words)_mm256_cvtepu16_epi32((__m128i)h); }
INLINE halves upper_halves(words w) {
  const __m256i upper = (__m256i)(w >> 16);
  return (halves)_mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1));
}
#else
INLINE words words_of_halves(halves h) { return __builtin_convertvector(h, words); }
INLINE halves upper_halves(words w) { return __builtin_convertvector(w >> 16, halves); }
#endif

INLINE vec_f32 floats_of_bf16(halves h) { return (vec_f32)(words_of_halves(h) << 16); }

/* As norma_bf16_of_float, in the upper half of every lane. */
INLINE words rounded_to_bf16(vec_f32 v) {
  const words bits = (words)v;
  const words rounded = bits + (0x7fffU + ((bits >> 16) & 1U));
#if defined(__AVX512F__)
  const __mmask16 is_nan = _mm512_cmp_ps_mask((__m512)v, (__m512)v, _CMP_UNORD_Q);
  return (words)_mm512_mask_or_epi32((__m512i)rounded, is_nan, (__m512i)bits, _mm512_set1_epi32(0x400000));
#else
  const words is_nan = (words)((bits & 0x7fffffffU) > 0x7f800000U);
  return (rounded & ~is_nan) | ((bits | 0x400000U) & is_nan);
#endif
}

INLINE halves bf16_of_floats(vec_f32 v) { return upper_halves(rounded_to_bf16(v)); }

#if defined(__AVX512F__)
INLINE vec_f32 floats_of_f16(halves h) { return (vec_f32)_mm512_cvtph_ps((__m256i)h); }
INLINE halves f16_of_floats(vec_f32 v) {
  return (halves)_mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
#elif defined(__F16C__)
INLINE vec_f32 floats_of_f16(halves h) { return (vec_f32)_mm256_cvtph_ps((__m128i)h); }
INLINE halves f16_of_floats(vec_f32 v) {
  return (halves)_mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT);
}
#else
BY_LANE vec_f32 floats_of_f16(halves h) {
  vec_f32 v;
  for (int lane = 0; lane < lanes_f32; lane++) v[lane] = norma_float_of_f16(h[lane]);
  return v;
}
BY_LANE halves f16_of_floats(vec_f32 v) {
  halves h;
  for (int lane = 0; lane < lanes_f32; lane++) h[lane] = norma_f16_of_float(v[lane]);
  return h;
}
#endif

INLINE halves load_halves(const uint16_t *p) {
  halves h;
  memcpy(&h, p, sizeof h);
  return h;
}

#if defined(__AVX512F__)
INLINE halves load_tail_halves(const uint16_t *p, int64_t n) {
  return (halves)_mm256_maskz_loadu_epi16(first_16(n), p);
}
INLINE void store_tail_halves(uint16_t *p, halves h, int64_t n) {
  _mm256_mask_storeu_epi16(p, first_16(n), (__m256i)h);
}
#else
INLINE halves load_tail_halves(const uint16_t *p, int64_t n) {
  halves h = {0};
  memcpy(&h, p, (size_t)n * sizeof *p);
  return h;
}
INLINE void store_tail_halves(uint16_t *p, halves h, int64_t n) { memcpy(p, &h, (size_t)n * sizeof *p); }
#endif

/* The first n lanes of v, the others of `fill`. */
INLINE vec_f32 first_lanes(vec_f32 v, int64_t n, vec_f32 fill) {
#if defined(__AVX512F__)
  return (vec_f32)_mm512_mask_mov_ps((__m512)fill, first_16(n), (__m512)v);
#elif defined(__AVX2__)
  return (vec_f32)_mm256_blendv_ps((__m256)fill, (__m256)v, _mm256_castsi256_ps(first_8(n)));
#else
  memcpy(&fill, &v, (size_t)n * sizeof(float));
  return fill;
#endif
}

enum { HALVES_PER_LINE = LINE / sizeof(halves) };

INLINE void stream_halves(uint16_t *p, const halves *h) {
#if defined(__AVX512F__)
  _mm512_stream_si512((void *)p, _mm512_inserti64x4(_mm512_castsi256_si512((__m256i)h[0]), (__m256i)h[1], 1));
#elif defined(__AVX2__)
  for (int64_t i = 0; i < HALVES_PER_LINE; i += 2)
    _mm256_stream_si256((void *)(p + i * lanes_f32), _mm256_set_m128i((__m128i)h[i + 1], (__m128i)h[i]));
#else
  memcpy(p, h, LINE);
#endif
}

INLINE float value_bf16_f32(uint16_t x) { return norma_float_of_bf16(x); }
INLINE vec_f32 load_bf16_f32(const uint16_t *p) { return floats_of_bf16(load_halves(p)); }
INLINE vec_f32 load_tail_bf16_f32(const uint16_t *p, int64_t n, vec_f32 fill) {
  return first_lanes(floats_of_bf16(load_tail_halves(p, n)), n, fill);
}
INLINE void store_bf16_f32(uint16_t *p, vec_f32 v) {
  const halves h = bf16_of_floats(v);
  memcpy(p, &h, sizeof h);
}
INLINE void store_tail_bf16_f32(uint16_t *p, vec_f32 v, int64_t n) {
  store_tail_halves(p, bf16_of_floats(v), n);
}
#if defined(__AVX512F__)
INLINE void stream_line_bf16_f32(uint16_t *p, const vec_f32 *v) {
  static const uint16_t upper[32] = {1,  3,  5,  7,  9,  11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31,
                                     33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 63};
  _mm512_stream_si512((void *)p, _mm512_permutex2var_epi16((__m512i)rounded_to_bf16(v[0]), _mm512_loadu_si512(upper),
                                                           (__m512i)rounded_to_bf16(v[1])));
}
#else
INLINE void stream_line_bf16_f32(uint16_t *p, const vec_f32 *v) {
  halves line[HALVES_PER_LINE];
  for (int64_t i = 0; i < HALVES_PER_LINE; i++) line[i] = bf16_of_floats(v[i]);
  stream_halves(p, line);
}
#endif

INLINE float value_f16_f32(uint16_t x) { return norma_float_of_f16(x); }
INLINE vec_f32 load_f16_f32(const uint16_t *p) { return floats_of_f16(load_halves(p)); }
INLINE vec_f32 load_tail_f16_f32(const uint16_t *p, int64_t n, vec_f32 fill) {
  return first_lanes(floats_of_f16(load_tail_halves(p, n)), n, fill);
}
INLINE void store_f16_f32(uint16_t *p, vec_f32 v) {
  const halves h = f16_of_floats(v);
  memcpy(p, &h, sizeof h);
}
INLINE void store_tail_f16_f32(uint16_t *p, vec_f32 v, int64_t n) {
  store_tail_halves(p, f16_of_floats(v), n);
}
INLINE void stream_line_f16_f32(uint16_t *p, const vec_f32 *v) {
  halves line[HALVES_PER_LINE];
  for (int64_t i = 0; i < HALVES_PER_LINE; i++) line[i] = f16_of_floats(v[i]);
  stream_halves(p, line);
}

/* ---- 16-bit floats as double: rare, so lane by lane ------------------------------------------------ */

INLINE double value_bf16_f64(uint16_t x) { return (double)norma_float_of_bf16(x); }
BY_LANE vec_f64 load_tail_bf16_f64(const uint16_t *p, int64_t n, vec_f64 fill) {
  for (int64_t lane = 0; lane < n; lane++) fill[lane] = value_bf16_f64(p[lane]);
  return fill;
}
INLINE vec_f64 load_bf16_f64(const uint16_t *p) { return load_tail_bf16_f64(p, lanes_f64, splat_f64(0)); }
BY_LANE void store_tail_bf16_f64(uint16_t *p, vec_f64 v, int64_t n) {
  for (int64_t lane = 0; lane < n; lane++) p[lane] = norma_bf16_of_float(norma_odd_float(v[lane]));
}
INLINE void store_bf16_f64(uint16_t *p, vec_f64 v) { store_tail_bf16_f64(p, v, lanes_f64); }
INLINE void stream_line_bf16_f64(uint16_t *p, const vec_f64 *v) {
  for (int64_t i = 0; i < 4 * LINE / VECTOR_BYTES; i++) store_bf16_f64(p + i * lanes_f64, v[i]);
}

INLINE double value_f16_f64(uint16_t x) { return (double)norma_float_of_f16(x); }
BY_LANE vec_f64 load_tail_f16_f64(const uint16_t *p, int64_t n, vec_f64 fill) {
  for (int64_t lane = 0; lane < n; lane++) fill[lane] = value_f16_f64(p[lane]);
  return fill;
}
INLINE vec_f64 load_f16_f64(const uint16_t *p) { return load_tail_f16_f64(p, lanes_f64, splat_f64(0)); }
BY_LANE void store_tail_f16_f64(uint16_t *p, vec_f64 v, int64_t n) {
  for (int64_t lane = 0; lane < n; lane++) p[lane] = norma_f16_of_float(norma_odd_float(v[lane]));
}
INLINE void store_f16_f64(uint16_t *p, vec_f64 v) { store_tail_f16_f64(p, v, lanes_f64); }
INLINE void stream_line_f16_f64(uint16_t *p, const vec_f64 *v) {
  for (int64_t i = 0; i < 4 * LINE / VECTOR_BYTES; i++) store_f16_f64(p + i * lanes_f64, v[i]);
}

#endif
