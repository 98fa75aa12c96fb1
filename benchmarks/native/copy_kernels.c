/*
 * Compiled once per line of isa.def, like Norma's kernels and with their vectors. Loops, not
 * memcpy: that would choose for itself between normal and streaming stores.
 */
#include "copy_kernels.h"

#include <stdbool.h>

#include "simd.h"

INLINE void put_f32(float *p, vec_f32 v, bool streams) {
  if (streams) {
    stream_f32(p, v);
  } else {
    store_f32(p, v);
  }
}

INLINE void put_f64(double *p, vec_f64 v, bool streams) {
  if (streams) {
    stream_f64(p, v);
  } else {
    store_f64(p, v);
  }
}

INLINE void copy(const float *x, float *out, int64_t bytes, bool streams) {
  const int64_t count = bytes / (int64_t)sizeof *x;
  for (int64_t i = 0; i < count; i += lanes_f32) put_f32(out + i, load_f32(x + i), streams);
  if (streams) stream_end();
}

INLINE void add_f32(const float *x, const float *dy, float *out, int64_t bytes, bool streams) {
  const int64_t count = bytes / (int64_t)sizeof *x;
  for (int64_t i = 0; i < count; i += lanes_f32) {
    put_f32(out + i, load_f32(x + i) + load_f32(dy + i), streams);
  }
  if (streams) stream_end();
}

INLINE void add_f64(const double *x, const double *dy, double *out, int64_t bytes, bool streams) {
  const int64_t count = bytes / (int64_t)sizeof *x;
  for (int64_t i = 0; i < count; i += lanes_f64) {
    put_f64(out + i, load_f64(x + i) + load_f64(dy + i), streams);
  }
  if (streams) stream_end();
}

static void copy_normal(const void *x, const void *dy, void *out, int64_t bytes) {
  (void)dy;
  copy(x, out, bytes, false);
}

static void copy_streaming(const void *x, const void *dy, void *out, int64_t bytes) {
  (void)dy;
  copy(x, out, bytes, true);
}

static void add_f32_normal(const void *x, const void *dy, void *out, int64_t bytes) {
  add_f32(x, dy, out, bytes, false);
}

static void add_f32_streaming(const void *x, const void *dy, void *out, int64_t bytes) {
  add_f32(x, dy, out, bytes, true);
}

static void add_f64_normal(const void *x, const void *dy, void *out, int64_t bytes) {
  add_f64(x, dy, out, bytes, false);
}

static void add_f64_streaming(const void *x, const void *dy, void *out, int64_t bytes) {
  add_f64(x, dy, out, bytes, true);
}

#define PASTE_TWO(a, b) a##b
#define PASTE(a, b) PASTE_TWO(a, b)

const copy_kernels PASTE(copy_kernels_, NORMA_ISA_LEVEL) = {
  .of = {
    [COPY] = {copy_normal, copy_streaming},
    [ADD_F32] = {add_f32_normal, add_f32_streaming},
    [ADD_F64] = {add_f64_normal, add_f64_streaming}
  }
};
