#include "pieces.h"

#include <stddef.h>

#include "counts.h"
#include "finish.h"
#include "gradients.h"
#include "moments.h"

static const void *element(const norma_job *job, const void *tensor, int64_t i) {
  return (const char *)tensor + i * job->plan.fast->element_size;
}

static void *element_out(const norma_job *job, void *tensor, int64_t i) {
  return (char *)tensor + i * job->plan.fast->element_size;
}

/* The element of the residual; NULL where there is none. */
static const void *residual_element(const norma_job *job, int64_t i) {
  return job->residual ? element(job, job->residual, i) : NULL;
}

/* ---- sum --------------------------------------------------------------------------------------- */

/* From channel `first` on; `start` is its first element. */
static norma_gradient_inputs gradient_inputs(const norma_job *job, int64_t first, int64_t start) {
  norma_gradient_inputs of = {
    .x = element(job, job->x, start),
    .residual = residual_element(job, start),
    .dy = element(job, job->dy, start),
    .is_wide = job->space.is_wide + first,
    .parameter_sum = job->parameter_sum,
    .parameter_product = job->parameter_product
  };
  if (job->plan.by_rows) {
    of.by = norma_rows_from(job->space.by, job->plan.fast, first);
    if (job->plan.wide) of.by_wide = norma_rows_from(job->space.by_wide, job->plan.wide, first);
  } else {
    of.by_channel = job->space.by_channel + first;
  }
  return of;
}

/* At most GROUP channels. */
static void sum_group(const norma_job *job, int64_t slice, int64_t first, int64_t end) {
  const norma_plan *plan = &job->plan;
  const int64_t start = first * plan->spatial;
  norma_sums *total = &job->space.runs[slice * plan->channels + first];
  if (job->sum == SUM_MOMENTS) {
    norma_run_moments(plan, element(job, job->x, start), slice, end - first, total);
  } else if (job->sum == SUM_SQUARES) {
    norma_run_squares(plan, element(job, job->x, start), slice, end - first, total);
  } else {
    norma_run_gradient_sums(plan, gradient_inputs(job, first, start), slice, end - first, total);
  }
}

void norma_sum_run_slice(const norma_job *job, int64_t slice, int64_t first, int64_t end) {
  for (; first < end; first += GROUP) sum_group(job, slice, first, end_of(first, GROUP, end));
}

void norma_sum_row_slice(const norma_job *job, int64_t slice, int64_t first, int64_t end) {
  const norma_plan *plan = &job->plan;
  const norma_sum_rows total = norma_space_rows(plan, &job->space, slice, first);
  if (job->sum == SUM_MOMENTS) {
    norma_row_moments(plan, element(job, job->x, first), slice, end - first, total);
  } else {
    norma_row_gradient_sums(plan, gradient_inputs(job, first, first), slice, end - first, total);
  }
}

/* ---- apply ------------------------------------------------------------------------------------- */

/* The tensor that a normalization reads. */
static const void *normalized(const norma_job *job) {
  return job->apply == APPLY_SCALE ? job->dy : job->x;
}

static norma_gradient_tensors gradient_tensors(const norma_job *job, int64_t start) {
  return (norma_gradient_tensors){
    .x = element(job, job->x, start),
    .residual = residual_element(job, start),
    .dy = element(job, job->dy, start),
    .dx = element_out(job, job->out, start),
    .dresidual = job->dresidual ? element_out(job, job->dresidual, start) : NULL
  };
}

/* Runs of channels of the same family; `start` is the first element of the first of them. */
static void apply_some_runs(const norma_job *job, const norma_family *family, int64_t start, norma_runs runs,
                            const norma_coefficients *by) {
  if (job->apply == APPLY_GRADIENT) {
    if (job->weighted) runs.fusion = FUSION_WEIGHT;
    family->run_gradient_input(gradient_tensors(job, start), runs, by);
  } else {
    family->run_normalize(element(job, normalized(job), start), residual_element(job, start),
                          element_out(job, job->out, start), runs, by);
  }
}

/* Runs of `count` neighbours, in ranges of the same family; `start` is the first element. */
static void apply_ranges(const norma_job *job, int64_t start, norma_runs runs, int64_t count, const bool *is_wide,
                         const norma_coefficients *by) {
  for (int64_t c = 0, to; c < count; c = to) {
    for (to = c + 1; to < count && is_wide[to] == is_wide[c];) to++;
    runs.channels = to - c;
    apply_some_runs(job, is_wide[c] ? job->plan.wide : job->plan.fast, start + c * runs.apart, runs, by + c);
  }
}

/* Elements [from, to) of each of parts [first, end), counted from the first of the tensor, whose runs are `apart`. */
static void apply_parts(const norma_job *job, norma_runs runs, int64_t first, int64_t end, int64_t from, int64_t to) {
  norma_channel_coefficients by;
  norma_coefficients by_part[PIECE];
  runs.length = to - from;
  for (int64_t part = first, count; part < end; part += count) {
    count = at_most(end - part, PIECE);
    job->plan.finishing->normalize(job, part, count, &by);
    for (int64_t i = 0; i < count; i++)
      by_part[i] = (norma_coefficients){.center = by.center[i], .scale = by.scale[i], .bias = by.bias[i]};
    apply_ranges(job, part * runs.apart + from, runs, count, by.is_wide, by_part);
  }
}

/* Runs in parts: elements from `at` on of that of a group, which may begin and end within a part. */
static void apply_group(const norma_job *job, int64_t at, norma_runs runs, int64_t group) {
  const int64_t length = job->plan.spatial / job->plan.group; /* of a part */
  const int64_t end = at + runs.length;
  const int64_t first = group * job->plan.group;
  runs.apart = length;
  while (at < end) {
    const int64_t part = at / length;
    const int64_t from = at % length;
    const int64_t whole = from == 0 ? (end - at) / length : 0;
    const int64_t to = whole > 0 ? length : at_most(from + end - at, length);
    apply_parts(job, runs, first + part, first + part + at_least(whole, 1), from, to);
    at += whole > 0 ? whole * length : to - from;
  }
}

/* The same of groups [first, end), which whole ones do together. */
static void apply_groups(const norma_job *job, int64_t at, norma_runs runs, int64_t first, int64_t end) {
  const int64_t parts = job->plan.group;
  if (runs.length < job->plan.spatial) {
    for (; first < end; first++) apply_group(job, at, runs, first);
    return;
  }
  runs.apart = job->plan.spatial / parts;
  apply_parts(job, runs, first * parts, end * parts, 0, runs.apart);
}

static int64_t take_direct_forward(const norma_job *job, int64_t first, int64_t end) {
  const norma_plan *plan = &job->plan;
  int64_t start;
  const norma_direct_runs of = {
    .runs = norma_whole_runs(plan, 0, 1, plan->channels, &start),
    .piece_length = plan->piece_length,
    .parts = plan->in_parts ? plan->group : 1,
    .period = plan->period,
    .gamma = job->gamma,
    .beta = job->beta,
    .epsilon = plan->epsilon,
    .least = plan->least,
    .squares = job->sum == SUM_SQUARES,
    .is_narrow = plan->wide != NULL,
    .mean = job->mean_out,
    .variance = job->variance_out,
    .inv_std = job->inv_std_out
  };
  return plan->fast->run_direct(job->x, job->out, &of, first, end);
}

static int64_t take_direct_backward(const norma_job *job, int64_t first, int64_t end) {
  const norma_plan *plan = &job->plan;
  int64_t start;
  const norma_direct_gradients of = {
    .runs = norma_whole_runs(plan, 0, 1, plan->group, &start),
    .piece_length = plan->piece_length,
    .parts = plan->group,
    .period = plan->period,
    .gamma = job->gamma,
    .count = (double)job->count,
    .is_narrow = plan->wide != NULL,
    .mean = job->mean,
    .inv_std = job->inv_std,
    .sum_dy = job->sum_dy_out,
    .sum_dy_x_hat = job->sum_dy_x_hat_out
  };
  return plan->fast->run_direct_gradient(gradient_tensors(job, 0), &of, first, end);
}

int64_t norma_take_direct(const norma_job *job, int64_t first, int64_t end) {
  return (job->sum == SUM_GRADIENTS ? take_direct_backward : take_direct_forward)(job, first, end);
}

void norma_apply_runs(const norma_job *job, int64_t start, norma_runs runs, int64_t first, int64_t end) {
  if (job->plan.in_parts) {
    apply_groups(job, start, runs, first, end);
  } else {
    apply_ranges(job, start + first * runs.apart, runs, end - first, job->space.is_wide + first,
                 job->space.by_channel + first);
  }
}

/* Channels [first, end) of a chunk, all of the same family. */
static void apply_columns(const norma_job *job, const norma_family *family, norma_coefficient_rows all, int64_t start,
                          norma_rows rows, int64_t first, int64_t end) {
  const norma_coefficient_rows by = norma_rows_from(all, family, first);
  rows.width = end - first;
  if (job->apply == APPLY_GRADIENT) {
    family->row_gradient_input(gradient_tensors(job, start + first), rows, by);
  } else {
    family->row_normalize(element(job, normalized(job), start + first), residual_element(job, start + first),
                          element_out(job, job->out, start + first), rows, by);
  }
}

/* In ranges of the same family; from the last rows to the first, for what was read last is nearest in the caches. */
void norma_apply_rows(const norma_job *job, int64_t first_row, int64_t end_row, int64_t first, int64_t end) {
  const int64_t channels = job->plan.channels;
  const bool *is_wide = job->space.is_wide;
  norma_rows rows = {
    .stride = channels,
    .stream = job->plan.stream,
    .fusion = job->weighted ? FUSION_WEIGHT : job->plan.fusion,
    .flat = job->plan.flat
  };
  for (int64_t row = end_row; row > first_row; row -= rows.count) {
    rows.count = at_most(CHUNK_ADDITIONS, row - first_row);
    const int64_t start = (row - rows.count) * channels;
    for (int64_t c = first, to; c < end; c = to) {
      for (to = c + 1; to < end && is_wide[to] == is_wide[c];) to++;
      if (is_wide[c]) {
        apply_columns(job, job->plan.wide, job->space.by_wide, start, rows, c, to);
      } else {
        apply_columns(job, job->plan.fast, job->space.by, start, rows, c, to);
      }
    }
  }
}
