/*
 * Vectors of the widest register of the level this file is compiled for. With elements.h this is the only
 * file that may hold intrinsics.
 *
 * Kernels compute in a real type R, f32 (float) or f64 (double). Each has a vector type vec_R of lanes_R
 * lanes and
 *   splat_R(value)            all lanes alike
 *   load_R(p)                 lanes_R reals, any alignment
 *   load_tail_R(p, n, fill)   n < lanes_R reals, the other lanes from `fill`; never reads past p + n
 *   store_R(p, v)             lanes_R reals, any alignment
 *   store_tail_R(p, v, n)     n < lanes_R reals; never writes past p + n
 *   stream_R(p, v)            store_R past the caches; p aligned to a vector; to be followed by
 *                             stream_end() before anyone else reads, which waits until all of it is written
 *   fma_R(a, b, c)            a * b + c, rounded once where the hardware can
 *   rectified_R(v)            0 where v < 0, else v: also where v is NaN
 *   passed_R(v, g)            0 where v <= 0, else g: also where v is NaN
 *   sum_of_block_R(block)     the sum of a block of 128 bytes of lanes in double: halves onto halves
 */
#ifndef NORMA_SIMD_H
#define NORMA_SIMD_H

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#define INLINE static inline __attribute__((always_inline, unused))

enum { LINE = 64 }; /* bytes of a cache line */

typedef float vec_f32 __attribute__((vector_size(VECTOR_BYTES)));
typedef double vec_f64 __attribute__((vector_size(VECTOR_BYTES)));
typedef float half_f32 __attribute__((vector_size(VECTOR_BYTES / 2)));

enum {
  lanes_f32 = VECTOR_BYTES / sizeof(float),
  lanes_f64 = VECTOR_BYTES / sizeof(double)
};

INLINE vec_f32 splat_f32(float value) { return value - (vec_f32){0}; }
INLINE vec_f64 splat_f64(double value) { return value - (vec_f64){0}; }

INLINE vec_f32 load_f32(const float *p) {
  vec_f32 v;
  memcpy(&v, p, sizeof v);
  return v;
}

INLINE vec_f64 load_f64(const double *p) {
  vec_f64 v;
  memcpy(&v, p, sizeof v);
  return v;
}

INLINE void store_f32(float *p, vec_f32 v) { memcpy(p, &v, sizeof v); }
INLINE void store_f64(double *p, vec_f64 v) { memcpy(p, &v, sizeof v); }

#if defined(__AVX512F__)

INLINE __mmask16 first_16(int64_t n) { return (__mmask16)((1U << n) - 1U); }
INLINE __mmask8 first_8(int64_t n) { return (__mmask8)((1U << n) - 1U); }

INLINE vec_f32 load_tail_f32(const float *p, int64_t n, vec_f32 fill) {
  return (vec_f32)_mm512_mask_loadu_ps((__m512)fill, first_16(n), p);
}

INLINE vec_f64 load_tail_f64(const double *p, int64_t n, vec_f64 fill) {
  return (vec_f64)_mm512_mask_loadu_pd((__m512d)fill, first_8(n), p);
}

INLINE void store_tail_f32(float *p, vec_f32 v, int64_t n) {
  _mm512_mask_storeu_ps(p, first_16(n), (__m512)v);
}

INLINE void store_tail_f64(double *p, vec_f64 v, int64_t n) {
  _mm512_mask_storeu_pd(p, first_8(n), (__m512d)v);
}

INLINE void stream_f32(float *p, vec_f32 v) { _mm512_stream_ps(p, (__m512)v); }
INLINE void stream_f64(double *p, vec_f64 v) { _mm512_stream_pd(p, (__m512d)v); }

INLINE vec_f32 fma_f32(vec_f32 a, vec_f32 b, vec_f32 c) {
  return (vec_f32)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}

INLINE vec_f64 fma_f64(vec_f64 a, vec_f64 b, vec_f64 c) {
  return (vec_f64)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}

/* The maximum is its second operand where it cannot decide. */
INLINE vec_f32 rectified_f32(vec_f32 v) { return (vec_f32)_mm512_max_ps(_mm512_setzero_ps(), (__m512)v); }
INLINE vec_f64 rectified_f64(vec_f64 v) { return (vec_f64)_mm512_max_pd(_mm512_setzero_pd(), (__m512d)v); }

INLINE vec_f32 passed_f32(vec_f32 v, vec_f32 g) {
  const __mmask16 passes = _mm512_cmp_ps_mask((__m512)v, _mm512_setzero_ps(), _CMP_NLE_UQ);
  return (vec_f32)_mm512_maskz_mov_ps(passes, (__m512)g);
}

INLINE vec_f64 passed_f64(vec_f64 v, vec_f64 g) {
  const __mmask8 passes = _mm512_cmp_pd_mask((__m512d)v, _mm512_setzero_pd(), _CMP_NLE_UQ);
  return (vec_f64)_mm512_maskz_mov_pd(passes, (__m512d)g);
}

INLINE double sum_of_eight(__m512d v) {
  const __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd(v, 1));
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

INLINE __m512d lower_half(vec_f32 v) { return _mm512_cvtps_pd(_mm512_castps512_ps256((__m512)v)); }
INLINE __m512d upper_half(vec_f32 v) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)v, 1)); }

INLINE double sum_of_block_f32(const vec_f32 *block) {
  return sum_of_eight((lower_half(block[0]) + lower_half(block[1])) + (upper_half(block[0]) + upper_half(block[1])));
}

INLINE double sum_of_block_f64(const vec_f64 *block) { return sum_of_eight((__m512d)(block[0] + block[1])); }

#elif defined(__AVX2__)

INLINE __m256i first_8(int64_t n) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int32_t)n), lane);
}

INLINE __m256i first_4(int64_t n) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}

INLINE __m128i first_4_narrow(int64_t n) {
  return _mm_cmpgt_epi32(_mm_set1_epi32((int32_t)n), _mm_setr_epi32(0, 1, 2, 3));
}

INLINE vec_f32 load_tail_f32(const float *p, int64_t n, vec_f32 fill) {
  const __m256i mask = first_8(n);
  const __m256 v = _mm256_maskload_ps(p, mask);
  return (vec_f32)_mm256_blendv_ps((__m256)fill, v, _mm256_castsi256_ps(mask));
}

INLINE vec_f64 load_tail_f64(const double *p, int64_t n, vec_f64 fill) {
  const __m256i mask = first_4(n);
  const __m256d v = _mm256_maskload_pd(p, mask);
  return (vec_f64)_mm256_blendv_pd((__m256d)fill, v, _mm256_castsi256_pd(mask));
}

INLINE void store_tail_f32(float *p, vec_f32 v, int64_t n) {
  _mm256_maskstore_ps(p, first_8(n), (__m256)v);
}

INLINE void store_tail_f64(double *p, vec_f64 v, int64_t n) {
  _mm256_maskstore_pd(p, first_4(n), (__m256d)v);
}

INLINE void stream_f32(float *p, vec_f32 v) { _mm256_stream_ps(p, (__m256)v); }
INLINE void stream_f64(double *p, vec_f64 v) { _mm256_stream_pd(p, (__m256d)v); }

INLINE vec_f32 fma_f32(vec_f32 a, vec_f32 b, vec_f32 c) {
  return (vec_f32)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}

INLINE vec_f64 fma_f64(vec_f64 a, vec_f64 b, vec_f64 c) {
  return (vec_f64)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}

INLINE double sum_of_four(__m256d v) {
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

INLINE __m256d lower_half(vec_f32 v) { return _mm256_cvtps_pd(_mm256_castps256_ps128((__m256)v)); }
INLINE __m256d upper_half(vec_f32 v) { return _mm256_cvtps_pd(_mm256_extractf128_ps((__m256)v, 1)); }

INLINE double sum_of_block_f32(const vec_f32 *block) {
  const __m256d lower = (lower_half(block[0]) + lower_half(block[2])) + (lower_half(block[1]) + lower_half(block[3]));
  const __m256d upper = (upper_half(block[0]) + upper_half(block[2])) + (upper_half(block[1]) + upper_half(block[3]));
  return sum_of_four(lower + upper);
}

INLINE double sum_of_block_f64(const vec_f64 *block) {
  return sum_of_four((__m256d)((block[0] + block[2]) + (block[1] + block[3])));
}

#else

/* Adds the upper half of `count` numbers to the lower one, and so on. */
INLINE double sum_of_halves(double *sums, int64_t count) {
  for (int64_t half = count / 2; half > 0; half /= 2)
    for (int64_t i = 0; i < half; i++) sums[i] += sums[i + half];
  return sums[0];
}

INLINE double sum_of_block_f32(const vec_f32 *block) {
  double sums[32];
  for (int64_t i = 0; i < 32; i++) sums[i] = (double)block[i / lanes_f32][i % lanes_f32];
  return sum_of_halves(sums, 32);
}

INLINE double sum_of_block_f64(const vec_f64 *block) {
  double sums[16];
  memcpy(sums, block, sizeof sums);
  return sum_of_halves(sums, 16);
}

INLINE vec_f32 load_tail_f32(const float *p, int64_t n, vec_f32 fill) {
  memcpy(&fill, p, (size_t)n * sizeof *p);
  return fill;
}

INLINE vec_f64 load_tail_f64(const double *p, int64_t n, vec_f64 fill) {
  memcpy(&fill, p, (size_t)n * sizeof *p);
  return fill;
}

INLINE void store_tail_f32(float *p, vec_f32 v, int64_t n) {
  memcpy(p, &v, (size_t)n * sizeof *p);
}

INLINE void store_tail_f64(double *p, vec_f64 v, int64_t n) {
  memcpy(p, &v, (size_t)n * sizeof *p);
}

#if defined(__SSE2__)
INLINE void stream_f32(float *p, vec_f32 v) { _mm_stream_ps(p, (__m128)v); }
INLINE void stream_f64(double *p, vec_f64 v) { _mm_stream_pd(p, (__m128d)v); }
#else
INLINE void stream_f32(float *p, vec_f32 v) { store_f32(p, v); }
INLINE void stream_f64(double *p, vec_f64 v) { store_f64(p, v); }
#endif

/* GCC and Clang turn the loops into one instruction where the target has one for the vector. */
INLINE vec_f32 fma_f32(vec_f32 a, vec_f32 b, vec_f32 c) {
#if defined(__FP_FAST_FMAF)
  for (int lane = 0; lane < lanes_f32; lane++) c[lane] = __builtin_fmaf(a[lane], b[lane], c[lane]);
  return c;
#else
  return a * b + c;
#endif
}

INLINE vec_f64 fma_f64(vec_f64 a, vec_f64 b, vec_f64 c) {
#if defined(__FP_FAST_FMA)
  for (int lane = 0; lane < lanes_f64; lane++) c[lane] = __builtin_fma(a[lane], b[lane], c[lane]);
  return c;
#else
  return a * b + c;
#endif
}

#endif

#if !defined(__AVX512F__)

/* Comparisons of vectors give all bits or none. */
typedef int32_t bits_f32 __attribute__((vector_size(VECTOR_BYTES)));
typedef int64_t bits_f64 __attribute__((vector_size(VECTOR_BYTES)));

INLINE vec_f32 rectified_f32(vec_f32 v) { return (vec_f32)((bits_f32)v & ~(bits_f32)(v < 0)); }
INLINE vec_f64 rectified_f64(vec_f64 v) { return (vec_f64)((bits_f64)v & ~(bits_f64)(v < 0)); }

INLINE vec_f32 passed_f32(vec_f32 v, vec_f32 g) { return (vec_f32)((bits_f32)g & ~(bits_f32)(v <= 0)); }
INLINE vec_f64 passed_f64(vec_f64 v, vec_f64 g) { return (vec_f64)((bits_f64)g & ~(bits_f64)(v <= 0)); }


#endif

#if defined(__SSE2__)
INLINE void stream_end(void) { _mm_sfence(); }
#else
INLINE void stream_end(void) {}
#endif

#endif
