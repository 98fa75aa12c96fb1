/*
 * All kernels for one instruction-set level. Compiled once per line of isa.def, with that level's
 * flags and its name in NORMA_ISA_LEVEL; everything is static but the table.
 */
#include "kernels.h"

#include "simd.h"

#define PASTE_TWO(a, b) a##b
#define PASTE(a, b) PASTE_TWO(a, b)

#define FAMILY _f32
#define ELEMENT float
#define REAL float
#include "kernels.inc"

#define FAMILY _f32_wide
#define ELEMENT float
#define REAL double
#include "kernels.inc"

#define FAMILY _f64
#define ELEMENT double
#define REAL double
#include "kernels.inc"

const norma_kernels PASTE(norma_kernels_, NORMA_ISA_LEVEL) = {
  .f32 = &family_f32,
  .f32_wide = &family_f32_wide,
  .f64 = &family_f64
};
