/* The choice of an instruction-set level, made once. */
#ifndef NORMA_DISPATCH_H
#define NORMA_DISPATCH_H

#include "kernels.h"
#include "norma.h"

/* A line of isa.def. */
typedef struct norma_isa {
  const char *name;
  const norma_kernels *kernels;
  bool supported;
} norma_isa;

/* How many levels there are, and level `i` of them, best first. */
int32_t norma_isa_levels(void);
norma_isa norma_isa_at(int32_t i);

/* The level in use, or minus the status that says why there is none. */
int32_t norma_dispatch(void);

/* What norma_dispatch finds where NORMA_ISA has the value `forced`, or is not set (NULL). */
int32_t norma_choose(const char *forced);

#endif
