/*
 * Vectors of the widest register of the level this file is compiled for. With half.h this is the
 * only file that may hold intrinsics.
 *
 * A kernel family is a pair of types, how elements are stored and how they are computed:
 *   f32       float, float
 *   f64       double, double
 *   f32_wide  float, double: the same kernels where float would overflow or underflow
 * Each family F has a vector type vec_F of `lanes_F` lanes of the computing type and
 *   splat_F(value)            all lanes alike
 *   load_F(p)                 lanes_F elements, any alignment
 *   load_tail_F(p, n, fill)   n < lanes_F elements, the other lanes from `fill`; never reads past p + n
 *   store_F(p, v)             lanes_F elements, any alignment
 *   store_tail_F(p, v, n)     n < lanes_F elements; never writes past p + n
 *   stream_F(p, v)            store_F past the caches; p aligned to lanes_F elements; to be followed
 *                             by stream_end() before anyone else reads
 *   fma_F(a, b, c)            a * b + c, rounded once where the hardware can
 *   load_real_F, load_tail_real_F, store_real_F, store_tail_real_F   the same for arrays of the
 *                             computing type
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

typedef float vec_f32 __attribute__((vector_size(VECTOR_BYTES)));
typedef double vec_f64 __attribute__((vector_size(VECTOR_BYTES)));
typedef vec_f64 vec_f32_wide;
typedef float half_f32 __attribute__((vector_size(VECTOR_BYTES / 2)));

enum {
  lanes_f32 = VECTOR_BYTES / sizeof(float),
  lanes_f64 = VECTOR_BYTES / sizeof(double),
  lanes_f32_wide = lanes_f64
};

INLINE vec_f32 splat_f32(float value) { return value - (vec_f32){0}; }
INLINE vec_f64 splat_f64(double value) { return value - (vec_f64){0}; }
INLINE vec_f64 splat_f32_wide(double value) { return splat_f64(value); }

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

INLINE vec_f64 load_f32_wide(const float *p) {
  half_f32 v;
  memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, vec_f64);
}

INLINE void store_f32(float *p, vec_f32 v) { memcpy(p, &v, sizeof v); }
INLINE void store_f64(double *p, vec_f64 v) { memcpy(p, &v, sizeof v); }

INLINE void store_f32_wide(float *p, vec_f64 v) {
  const half_f32 narrow = __builtin_convertvector(v, half_f32);
  memcpy(p, &narrow, sizeof narrow);
}

#if defined(__AVX512F__)

INLINE __mmask16 first_16(int64_t n) { return (__mmask16)((1U << n) - 1U); }
INLINE __mmask8 first_8(int64_t n) { return (__mmask8)((1U << n) - 1U); }

INLINE vec_f32 load_tail_f32(const float *p, int64_t n, vec_f32 fill) {
  return (vec_f32)_mm512_mask_loadu_ps((__m512)fill, first_16(n), p);
}

INLINE vec_f64 load_tail_f64(const double *p, int64_t n, vec_f64 fill) {
  return (vec_f64)_mm512_mask_loadu_pd((__m512d)fill, first_8(n), p);
}

INLINE vec_f64 load_tail_f32_wide(const float *p, int64_t n, vec_f64 fill) {
  const __m256 narrow = _mm256_maskz_loadu_ps(first_8(n), p);
  return (vec_f64)_mm512_mask_cvtps_pd((__m512d)fill, first_8(n), narrow);
}

INLINE void store_tail_f32(float *p, vec_f32 v, int64_t n) {
  _mm512_mask_storeu_ps(p, first_16(n), (__m512)v);
}

INLINE void store_tail_f64(double *p, vec_f64 v, int64_t n) {
  _mm512_mask_storeu_pd(p, first_8(n), (__m512d)v);
}

INLINE void store_tail_f32_wide(float *p, vec_f64 v, int64_t n) {
  _mm256_mask_storeu_ps(p, first_8(n), _mm512_cvtpd_ps((__m512d)v));
}

INLINE void stream_f32(float *p, vec_f32 v) { _mm512_stream_ps(p, (__m512)v); }
INLINE void stream_f64(double *p, vec_f64 v) { _mm512_stream_pd(p, (__m512d)v); }

INLINE vec_f32 fma_f32(vec_f32 a, vec_f32 b, vec_f32 c) {
  return (vec_f32)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}

INLINE vec_f64 fma_f64(vec_f64 a, vec_f64 b, vec_f64 c) {
  return (vec_f64)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}

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

INLINE vec_f64 load_tail_f32_wide(const float *p, int64_t n, vec_f64 fill) {
  const __m256d v = _mm256_cvtps_pd(_mm_maskload_ps(p, first_4_narrow(n)));
  return (vec_f64)_mm256_blendv_pd((__m256d)fill, v, _mm256_castsi256_pd(first_4(n)));
}

INLINE void store_tail_f32(float *p, vec_f32 v, int64_t n) {
  _mm256_maskstore_ps(p, first_8(n), (__m256)v);
}

INLINE void store_tail_f64(double *p, vec_f64 v, int64_t n) {
  _mm256_maskstore_pd(p, first_4(n), (__m256d)v);
}

INLINE void store_tail_f32_wide(float *p, vec_f64 v, int64_t n) {
  _mm_maskstore_ps(p, first_4_narrow(n), _mm256_cvtpd_ps((__m256d)v));
}

INLINE void stream_f32(float *p, vec_f32 v) { _mm256_stream_ps(p, (__m256)v); }
INLINE void stream_f64(double *p, vec_f64 v) { _mm256_stream_pd(p, (__m256d)v); }

INLINE vec_f32 fma_f32(vec_f32 a, vec_f32 b, vec_f32 c) {
  return (vec_f32)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}

INLINE vec_f64 fma_f64(vec_f64 a, vec_f64 b, vec_f64 c) {
  return (vec_f64)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}

#else

INLINE vec_f32 load_tail_f32(const float *p, int64_t n, vec_f32 fill) {
  memcpy(&fill, p, (size_t)n * sizeof *p);
  return fill;
}

INLINE vec_f64 load_tail_f64(const double *p, int64_t n, vec_f64 fill) {
  memcpy(&fill, p, (size_t)n * sizeof *p);
  return fill;
}

INLINE vec_f64 load_tail_f32_wide(const float *p, int64_t n, vec_f64 fill) {
  half_f32 v = {0};
  memcpy(&v, p, (size_t)n * sizeof *p);
  const vec_f64 wide = __builtin_convertvector(v, vec_f64);
  memcpy(&fill, &wide, (size_t)n * sizeof(double));
  return fill;
}

INLINE void store_tail_f32(float *p, vec_f32 v, int64_t n) {
  memcpy(p, &v, (size_t)n * sizeof *p);
}

INLINE void store_tail_f64(double *p, vec_f64 v, int64_t n) {
  memcpy(p, &v, (size_t)n * sizeof *p);
}

INLINE void store_tail_f32_wide(float *p, vec_f64 v, int64_t n) {
  const half_f32 narrow = __builtin_convertvector(v, half_f32);
  memcpy(p, &narrow, (size_t)n * sizeof *p);
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

#if defined(__SSE2__)
INLINE void stream_end(void) { _mm_sfence(); }
#else
INLINE void stream_end(void) {}
#endif

/* Doubles narrowed to float fill half a vector: they go through the caches. */
INLINE void stream_f32_wide(float *p, vec_f64 v) { store_f32_wide(p, v); }

INLINE vec_f64 fma_f32_wide(vec_f64 a, vec_f64 b, vec_f64 c) { return fma_f64(a, b, c); }

INLINE vec_f32 load_real_f32(const float *p) { return load_f32(p); }
INLINE vec_f64 load_real_f64(const double *p) { return load_f64(p); }
INLINE vec_f64 load_real_f32_wide(const double *p) { return load_f64(p); }

INLINE vec_f32 load_tail_real_f32(const float *p, int64_t n, vec_f32 fill) {
  return load_tail_f32(p, n, fill);
}
INLINE vec_f64 load_tail_real_f64(const double *p, int64_t n, vec_f64 fill) {
  return load_tail_f64(p, n, fill);
}
INLINE vec_f64 load_tail_real_f32_wide(const double *p, int64_t n, vec_f64 fill) {
  return load_tail_f64(p, n, fill);
}

INLINE void store_real_f32(float *p, vec_f32 v) { store_f32(p, v); }
INLINE void store_real_f64(double *p, vec_f64 v) { store_f64(p, v); }
INLINE void store_real_f32_wide(double *p, vec_f64 v) { store_f64(p, v); }

INLINE void store_tail_real_f32(float *p, vec_f32 v, int64_t n) { store_tail_f32(p, v, n); }
INLINE void store_tail_real_f64(double *p, vec_f64 v, int64_t n) { store_tail_f64(p, v, n); }
INLINE void store_tail_real_f32_wide(double *p, vec_f64 v, int64_t n) { store_tail_f64(p, v, n); }

#endif
