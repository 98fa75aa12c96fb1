/* Pieces of the first and the last pass: the sums of a slice of some channels, and what is written of images. */
#ifndef NORMA_PIECES_H
#define NORMA_PIECES_H

#include "job.h"

/* Adds up a slice of channels [first, end). */
void norma_sum_run_slice(const norma_job *job, int64_t slice, int64_t first, int64_t end);
void norma_sum_row_slice(const norma_job *job, int64_t slice, int64_t first, int64_t end);

/* Writes runs of channels [first, end); `start` is the first element of channel 0. */
void norma_apply_runs(const norma_job *job, int64_t start, norma_runs runs, int64_t first, int64_t end);

/*
 * Writes what belongs to runs [first, end) that each have statistics of their own, or in the backward pass to such
 * groups of runs; returns the first that cannot go directly from its sums to its outputs, or `end`.
 */
int64_t norma_take_direct(const norma_job *job, int64_t first, int64_t end);

/* Writes rows [first_row, end_row) of channels [first, end). */
void norma_apply_rows(const norma_job *job, int64_t first_row, int64_t end_row, int64_t first, int64_t end);

#endif
