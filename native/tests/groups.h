/* Group and instance normalization, and the formulas in long double; tolerances are derived in groups.c. */
#ifndef NORMA_TESTS_GROUPS_H
#define NORMA_TESTS_GROUPS_H

#include "data.h"

enum { GROUP_OUTPUTS = 7 };

/* A case, its inputs and its outputs. */
typedef struct groups_case {
  norma_group_norm norm;
  void *x, *dy, *gamma, *beta; /* gamma and beta may be NULL */
  void *y, *dx, *dgamma, *dbeta;
  double *mean, *variance, *inv_std;
} groups_case;

groups_case groups_make(norma_group_norm norm, bool gamma, bool beta);
void groups_free(groups_case *c);

int64_t groups_elements(const groups_case *c);
int64_t groups_tensor_bytes(const groups_case *c);
int64_t groups_parameter_bytes(const groups_case *c);
int64_t groups_statistic_bytes(const groups_case *c);

/* Where element (n, c, s) is. */
int64_t groups_at(const norma_group_norm *norm, int64_t n, int64_t c, int64_t s);

void groups_fill(groups_case *c, value_kind kind, uint64_t *seed);

/* The public functions. Backward takes the statistics that forward gave. */
norma_status groups_forward(const groups_case *c, void *workspace, int64_t size);
norma_status groups_backward(const groups_case *c, void *workspace, int64_t size);

/* Fail where what these gave is farther from the formulas than the tolerance. */
void groups_check_forward(const groups_case *c);
void groups_check_backward(const groups_case *c);

#endif
