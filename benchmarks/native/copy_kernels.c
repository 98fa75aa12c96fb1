/*
 * Compiled once per line of isa.def, like Norma's kernels and with their vectors. Loops, not
 * memcpy: that would choose for itself between normal and streaming stores. What the bits mean does
 * not matter: every type is moved as float.
 */
#include "copy_kernels.h"

#include <stdbool.h>

#include "simd.h"

typedef int32_t vec_bits __attribute__((vector_size(VECTOR_BYTES)));

INLINE vec_f32 get(const char *array, int64_t at) {
  return load_f32((const float *)(const void *)(array + at));
}

INLINE void put(char *array, int64_t at, vec_f32 v, bool streams) {
  float *const p = (float *)(void *)(array + at);
  if (streams) {
    stream_f32(p, v);
  } else {
    store_f32(p, v);
  }
}

INLINE vec_f32 common(vec_f32 a, vec_f32 b) { return (vec_f32)((vec_bits)a & (vec_bits)b); }

INLINE void move(copy_work work, const copy_arrays *arrays, int64_t begin, int64_t end,
                 bool streams) {
  const copy_arrays a = *arrays;
  for (int64_t at = begin; at < end; at += VECTOR_BYTES) {
    const vec_f32 x = get(a.x, at);
    if (work == COPY) put(a.out, at, x, streams);
    if (work == ADD_RESIDUAL) put(a.out, at, common(x, get(a.residual, at)), streams);
    if (work == BACK || work == BACK_BOTH) {
      const vec_f32 dy = get(a.dy, at);
      put(a.out, at, common(x, dy), streams);
      if (work == BACK_BOTH) {
        put(a.residual_out, at, common(get(a.residual, at), dy), streams);
      }
    }
  }
  if (streams) stream_end();
}

/* The work and the stores are constants in each: nothing is left of the conditions. */
#define KERNELS(name, work)                                                                 \
  static void name##_normal(const copy_arrays *arrays, int64_t begin, int64_t end) {        \
    move(work, arrays, begin, end, false);                                                  \
  }                                                                                         \
  static void name##_streaming(const copy_arrays *arrays, int64_t begin, int64_t end) {     \
    move(work, arrays, begin, end, true);                                                   \
  }
KERNELS(copy, COPY)
KERNELS(add_residual, ADD_RESIDUAL)
KERNELS(back, BACK)
KERNELS(back_both, BACK_BOTH)

#define PASTE_TWO(a, b) a##b
#define PASTE(a, b) PASTE_TWO(a, b)

const copy_kernels PASTE(copy_kernels_, NORMA_ISA_LEVEL) = {
  .of = {
    [COPY] = {copy_normal, copy_streaming},
    [ADD_RESIDUAL] = {add_residual_normal, add_residual_streaming},
    [BACK] = {back_normal, back_streaming},
    [BACK_BOTH] = {back_both_normal, back_both_streaming}
  }
};
