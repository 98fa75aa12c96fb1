#include "gradients.h"

#include <math.h>

#include "reals.h"

static const void *moved(const norma_plan *plan, const void *tensor, int64_t elements) {
  return tensor ? (const char *)tensor + elements * plan->fast->element_size : NULL;
}

/* The inputs `elements` further on, of the same channels. */
static norma_gradient_inputs further(const norma_plan *plan, norma_gradient_inputs of, int64_t elements) {
  of.x = moved(plan, of.x, elements);
  of.residual = moved(plan, of.residual, elements);
  of.dy = moved(plan, of.dy, elements);
  return of;
}

/* Adds a chunk of runs, from element `start` of each on, to the totals of its channels; in double where it must be. */
static void add_runs(const norma_plan *plan, norma_gradient_inputs of, int64_t start, norma_runs runs,
                     norma_sums *total) {
  double sums[GROUP][2];
  if (of.parameter_sum) {
    const int64_t at = start * plan->fast->real_size;
    plan->fast->sample_sums(of.x, of.dy, runs, of.by_channel, sums, of.parameter_sum + at, of.parameter_product + at);
  } else {
    plan->fast->run_gradient_sums(of.x, of.residual, of.dy, runs, of.by_channel, sums);
  }
  norma_runs one = runs;
  one.channels = 1;
  for (int64_t c = 0; c < runs.channels; c++) {
    if (plan->wide && (of.is_wide[c] || !isfinite(sums[c][0]) || !isfinite(sums[c][1]))) {
      const norma_gradient_inputs at = further(plan, of, c * runs.apart);
      plan->wide->run_gradient_sums(at.x, at.residual, at.dy, one, &of.by_channel[c], &sums[c]);
    }
    total[c].sum += sums[c][0];
    total[c].square += sums[c][1];
  }
}

void norma_run_gradient_sums(const norma_plan *plan, norma_gradient_inputs of, int64_t slice,
                             int64_t channels, norma_sums *total) {
  int64_t k, end, start;
  norma_slice_chunks(plan, slice, &k, &end);
  for (int64_t c = 0; c < channels; c++) total[c] = (norma_sums){.shift = of.by_channel[c].center};
  for (; k < end; k++) {
    const norma_runs runs = norma_chunk_runs(plan, k, channels, &start);
    add_runs(plan, further(plan, of, start), start, runs, total);
  }
}

/* Adds channel `c` of a chunk to its totals if float could hold its sums. */
static bool add_finite(const norma_plan *plan, norma_sum_rows total, int64_t c) {
  const double sum = norma_real_at(plan->fast, total.chunk_sum, c);
  const double product = norma_real_at(plan->fast, total.chunk_square, c);
  if (!isfinite(sum) || !isfinite(product)) return false;
  total.sum[c] += sum;
  total.square[c] += product;
  return true;
}

/* Takes the sums of channels first .. first + width - 1 of a chunk in double and adds them. */
static void add_wide(const norma_plan *plan, norma_gradient_inputs of, norma_rows rows, int64_t first,
                     int64_t width, norma_sum_rows total) {
  double sum[PIECE], product[PIECE];
  rows.width = width;
  const norma_gradient_inputs at = further(plan, of, first);
  const norma_coefficient_rows by = norma_rows_from(of.by_wide, plan->wide, first);
  plan->wide->row_gradient_sums(at.x, at.residual, at.dy, rows, by, sum, product);
  plan->wide->row_add(width, sum, product, total.sum + first, total.square + first);
}

/* Adds a chunk of which some channels need double: those in pieces of neighbours. */
static void add_each(const norma_plan *plan, norma_gradient_inputs of, norma_rows rows,
                     norma_sum_rows total) {
  int64_t waiting = 0; /* channels before c that need double */
  for (int64_t c = 0; c < rows.width; c++) {
    const bool added = !of.is_wide[c] && add_finite(plan, total, c);
    if (waiting > 0 && (added || waiting == PIECE)) {
      add_wide(plan, of, rows, c - waiting, waiting, total);
      waiting = 0;
    }
    if (!added) waiting++;
  }
  if (waiting > 0) add_wide(plan, of, rows, rows.width - waiting, waiting, total);
}

void norma_row_gradient_sums(const norma_plan *plan, norma_gradient_inputs of, int64_t slice,
                             int64_t width, norma_sum_rows total) {
  const norma_family *fast = plan->fast;
  bool any_wide = false;
  for (int64_t c = 0; c < width; c++) {
    total.sum[c] = total.square[c] = 0;
    any_wide |= of.is_wide[c];
  }
  int64_t k, end, start;
  norma_slice_chunks(plan, slice, &k, &end);
  for (; k < end; k++) {
    const norma_rows rows = norma_chunk_rows(plan, k, width, &start);
    const norma_gradient_inputs at = further(plan, of, start);
    fast->row_gradient_sums(at.x, at.residual, at.dy, rows, of.by, total.chunk_sum, total.chunk_square);
    const bool overflows = fast->row_overflows(width, total.chunk_sum, total.chunk_square) > 0;
    if (plan->wide && (any_wide || overflows)) {
      add_each(plan, at, rows, total);
    } else {
      fast->row_add(width, total.chunk_sum, total.chunk_square, total.sum, total.square);
    }
  }
}
