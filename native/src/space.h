/*
 * The scratch of a call, cut from one block of memory: the caller's workspace, or one allocated.
 *
 * Runs keep an array of moments or gradient sums per channel and slice. Rows keep arrays over the
 * channels, so that kernels can work on them: one set per slice, and one of coefficients.
 */
#ifndef NORMA_SPACE_H
#define NORMA_SPACE_H

#include "plan.h"

/* Sums over a slice of one channel, about `shift`. */
typedef struct norma_sums {
  double shift;
  double sum;    /* moments: of x - shift; gradients: of dy */
  double square; /* moments: of (x - shift)^2; gradients: of dy * (x - shift) */
} norma_sums;

/* The same for all channels of a slice. */
typedef struct norma_sum_rows {
  double *sum, *square;
  char *shift, *chunk_sum, *chunk_square; /* reals */
} norma_sum_rows;

typedef struct norma_space {
  norma_sums *runs;               /* runs: [slices][channels] */
  norma_sum_rows rows;            /* rows: the first slice; norma_space_rows gives the others */
  bool *is_wide;                  /* [channels], whether the channel needs the wide family */
  norma_coefficients *by_channel; /* runs: [channels] */
  norma_coefficient_rows by;      /* rows: as reals, */
  norma_coefficient_rows by_wide; /* and in double */
} norma_space;

/* The bytes that a plan needs, whatever the alignment of the block. */
int64_t norma_space_size(const norma_plan *plan);

/* Cuts `block`, which has that size. */
norma_space norma_space_cut(const norma_plan *plan, void *block);

/* The arrays of a slice, from channel `first` on. */
norma_sum_rows norma_space_rows(const norma_plan *plan, const norma_space *space, int64_t slice,
                                int64_t first);

/* Coefficients of channel `first` and its neighbours in rows, each as large as a family's reals. */
norma_coefficient_rows norma_rows_from(norma_coefficient_rows by, const norma_family *family, int64_t first);

#endif
