/* Loops that move memory and compute next to nothing, for every instruction-set level. */
#ifndef NORMA_BENCHMARKS_COPY_KERNELS_H
#define NORMA_BENCHMARKS_COPY_KERNELS_H

#include <stdint.h>

/* out = x, or out = x + dy, over whole vectors at aligned addresses. */
typedef void copy_kernel(const void *x, const void *dy, void *out, int64_t bytes);

typedef enum copy_work { COPY, ADD_F32, ADD_F64, COPY_WORKS } copy_work;
typedef enum copy_stores { NORMAL_STORES, STREAMING_STORES, COPY_STORES } copy_stores;

typedef struct copy_kernels {
  copy_kernel *of[COPY_WORKS][COPY_STORES];
} copy_kernels;

#define ISA(name, text, condition) extern const copy_kernels copy_kernels_##name;
#include "isa.def"
#undef ISA

#endif
