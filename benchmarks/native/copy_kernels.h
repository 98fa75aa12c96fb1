/* Loops that move memory and compute next to nothing, for every instruction-set level. */
#ifndef NORMA_BENCHMARKS_COPY_KERNELS_H
#define NORMA_BENCHMARKS_COPY_KERNELS_H

#include <stdint.h>

/* The tensors of a pass; those that its work does not have are NULL. */
typedef struct copy_arrays {
  const char *x, *residual, *dy;
  char *out, *residual_out;
} copy_arrays;

/* Moves the bytes from one offset to before another, both at whole vectors. */
typedef void copy_kernel(const copy_arrays *arrays, int64_t begin, int64_t end);

/* What is read and written. Of two tensors that make one, it is the bits that both have. */
typedef enum copy_work {
  COPY,         /* out = x */
  ADD_RESIDUAL, /* out = x & residual */
  BACK,         /* out = x & dy */
  BACK_BOTH,    /* out = x & dy, residual_out = residual & dy */
  COPY_WORKS
} copy_work;

typedef enum copy_stores { NORMAL_STORES, STREAMING_STORES, COPY_STORES } copy_stores;

typedef struct copy_kernels {
  copy_kernel *of[COPY_WORKS][COPY_STORES];
} copy_kernels;

#define ISA(name, text, condition) extern const copy_kernels copy_kernels_##name;
#include "isa.def"
#undef ISA

#endif
