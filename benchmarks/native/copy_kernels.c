/*
 * Compiled once per line of isa.def, like Norma's kernels and with their vectors. Loops, not
 * memcpy: that would choose for itself between normal and streaming stores.
 */
#include "copy_kernels.h"

#include "simd.h"

INLINE void store_end(void) {}

/* `put` is store or stream; dy is not used by the copies. */
#define KERNEL(name, F, ELEMENT, put, value)                                           \
  static void name(const void *x_in, const void *dy_in, void *out_in, int64_t bytes) { \
    const ELEMENT *x = x_in, *dy = dy_in;                                              \
    ELEMENT *out = out_in;                                                             \
    (void)dy;                                                                          \
    for (int64_t i = 0; i < bytes / (int64_t)sizeof(ELEMENT); i += lanes_##F)          \
      put##_##F(out + i, value);                                                       \
    put##_end();                                                                       \
  }
KERNEL(copy_normal, f32, float, store, load_f32(x + i))
KERNEL(copy_streaming, f32, float, stream, load_f32(x + i))
KERNEL(add_f32_normal, f32, float, store, load_f32(x + i) + load_f32(dy + i))
KERNEL(add_f32_streaming, f32, float, stream, load_f32(x + i) + load_f32(dy + i))
KERNEL(add_f64_normal, f64, double, store, load_f64(x + i) + load_f64(dy + i))
KERNEL(add_f64_streaming, f64, double, stream, load_f64(x + i) + load_f64(dy + i))

#define PASTE_TWO(a, b) a##b
#define PASTE(a, b) PASTE_TWO(a, b)

const copy_kernels PASTE(copy_kernels_, NORMA_ISA_LEVEL) = {
  .of = {
    [COPY] = {copy_normal, copy_streaming},
    [ADD_F32] = {add_f32_normal, add_f32_streaming},
    [ADD_F64] = {add_f64_normal, add_f64_streaming}
  }
};
