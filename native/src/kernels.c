/*
 * All kernels for one instruction-set level. Compiled once per line of isa.def, with that level's
 * flags and its name in NORMA_ISA_LEVEL; everything is static but the table.
 */
#include "kernels.h"

#include "counts.h"
#include "elements.h"
#include "finish.h"
#include "paste.h"
#include "statistics.h"

/*
 * How many bytes ahead of the sums memory is fetched. `./norma bench --shapes resnet50 --implementations norma-c,copy`,
 * 256x56x56 and 512x7x7: with 4096, sums of long runs from memory are up to 15 % faster, those of short runs, which are
 * near, up to 10 % slower; with less, memory is late. Processors that fetch enough by themselves lose nothing.
 */
enum { FETCHED = 2048 };

/*
 * Calls a function that is inlined for each fusion, with the fusion as the constant `chosen` among its
 * arguments, so that no loop asks which one it is. Where float does not do, which is rare, loops ask.
 */
#define FOR_EACH_FUSION(fusion, call, ...)                           \
  do {                                                               \
    if (IS_RARE) {                                                   \
      const norma_fusion chosen = fusion;                            \
      call(__VA_ARGS__);                                             \
    } else if ((fusion) == FUSION_NONE) {                            \
      const norma_fusion chosen = FUSION_NONE;                       \
      call(__VA_ARGS__);                                             \
    } else if ((fusion) == FUSION_RELU) {                            \
      const norma_fusion chosen = FUSION_RELU;                       \
      call(__VA_ARGS__);                                             \
    } else {                                                         \
      const norma_fusion chosen = FUSION_ADD_RELU;                   \
      call(__VA_ARGS__);                                             \
    }                                                                \
  } while (0)

/* The same where there is one more. */
#define FOR_EACH_FUSION_AND(more, fusion, call, ...)                 \
  do {                                                               \
    if (!IS_RARE && (fusion) == (more)) {                            \
      const norma_fusion chosen = more;                              \
      call(__VA_ARGS__);                                             \
    } else {                                                         \
      FOR_EACH_FUSION(fusion, call, __VA_ARGS__);                    \
    }                                                                \
  } while (0)

#define PAIR f32_f32
#define ELEMENT float
#define REAL float
#define REAL_NAME f32
#define PARAMETER float
#define PARAMETER_PAIR f32_f32
#define IS_RARE false
#include "kernels.inc"

#define PAIR f64_f64
#define ELEMENT double
#define REAL double
#define REAL_NAME f64
#define PARAMETER double
#define PARAMETER_PAIR f64_f64
#define IS_RARE false
#include "kernels.inc"

#define PAIR bf16_f32
#define ELEMENT uint16_t
#define REAL float
#define REAL_NAME f32
#define PARAMETER float
#define PARAMETER_PAIR f32_f32
#define IS_RARE false
#include "kernels.inc"

#define PAIR f16_f32
#define ELEMENT uint16_t
#define REAL float
#define REAL_NAME f32
#define PARAMETER float
#define PARAMETER_PAIR f32_f32
#define IS_RARE false
#include "kernels.inc"

#define PAIR f32_f64
#define ELEMENT float
#define REAL double
#define REAL_NAME f64
#define PARAMETER float
#define PARAMETER_PAIR f32_f64
#define IS_RARE true
#include "kernels.inc"

#define PAIR bf16_f64
#define ELEMENT uint16_t
#define REAL double
#define REAL_NAME f64
#define PARAMETER float
#define PARAMETER_PAIR f32_f64
#define IS_RARE true
#include "kernels.inc"

#define PAIR f16_f64
#define ELEMENT uint16_t
#define REAL double
#define REAL_NAME f64
#define PARAMETER float
#define PARAMETER_PAIR f32_f64
#define IS_RARE true
#include "kernels.inc"

const norma_kernels PASTE(norma_kernels_, NORMA_ISA_LEVEL) = {
  .fast = {
    [NORMA_FLOAT32] = &family_f32_f32,
    [NORMA_FLOAT64] = &family_f64_f64,
    [NORMA_BFLOAT16] = &family_bf16_f32,
    [NORMA_FLOAT16] = &family_f16_f32
  },
  .wide = {
    [NORMA_FLOAT32] = &family_f32_f64,
    [NORMA_BFLOAT16] = &family_bf16_f64,
    [NORMA_FLOAT16] = &family_f16_f64
  },
  .finishing = &PASTE(norma_finishing_, NORMA_ISA_LEVEL)
};
