/* Layer and RMS normalization of rows, and the formulas in long double; tolerances are derived in rows.c. */
#ifndef NORMA_TESTS_ROWS_H
#define NORMA_TESTS_ROWS_H

#include "data.h"

/* A case, its inputs and its outputs. */
typedef struct rows_case {
  norma_layer_norm norm;
  bool rms;
  void *x, *dy, *gamma, *beta; /* gamma and beta may be NULL */
  void *y, *dx, *dgamma, *dbeta;
  double *mean, *inv_std;
} rows_case;

rows_case rows_make(norma_layer_norm norm, bool rms, bool gamma, bool beta);
void rows_free(rows_case *c);

int64_t rows_elements(const rows_case *c);
int64_t rows_tensor_bytes(const rows_case *c);
int64_t rows_parameter_bytes(const rows_case *c);
int64_t rows_statistic_bytes(const rows_case *c);

void rows_fill(rows_case *c, value_kind kind, uint64_t *seed);

/* The public functions. Backward takes the statistics that forward gave. */
norma_status rows_forward(const rows_case *c, void *workspace, int64_t size);
norma_status rows_backward(const rows_case *c, void *workspace, int64_t size);

/* Fail where what these gave is farther from the formulas than the tolerance. */
void rows_check_forward(const rows_case *c);
void rows_check_backward(const rows_case *c);

#endif
