/*
 * Normalizations that give every image statistics of its own, of groups of its channels, and their formulas in long
 * double. Rows are images without positions, and of one group.
 */
#ifndef NORMA_BENCHMARKS_TESTS_GROUPS_H
#define NORMA_BENCHMARKS_TESTS_GROUPS_H

#include "data.h"

/* A case, its inputs, and what must come out. */
typedef struct groups_case {
  const char *operation;
  int64_t batch, channels, spatial, groups;
  int32_t type;
  bool channels_last;

  void *x, *dy;              /* tensors */
  void *gamma, *beta;        /* parameters */
  double *y, *dx;            /* in the order of the tensors */
  double *dgamma, *dbeta;    /* of channels */
  double *size_dgamma, *size_dbeta; /* the sums of the magnitudes of the same terms */
} groups_case;

/* Fills `c`, whose first members are set. */
void groups_make(groups_case *c, uint64_t seed);
void groups_free(groups_case *c);

bool groups_is_rms(const groups_case *c);
int64_t groups_elements(const groups_case *c);
int64_t groups_tensor_bytes(const groups_case *c);
int64_t groups_parameter_bytes(const groups_case *c);
/* How many values have statistics in common. */
int64_t groups_count(const groups_case *c);

#endif
