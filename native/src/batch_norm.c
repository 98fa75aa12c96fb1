#include "batch_norm.h"

#include <stdlib.h>

#include "coefficients.h"
#include "gradients.h"
#include "moments.h"
#include "parameters.h"
#include "reals.h"

enum {
  FINISHED_ALONE = 4096,    /* below this many sums, one thread finishes all channels */
  FETCHED_AHEAD = 512 << 10 /* bytes of the next channel that a second-level cache has room for */
};

static const void *element(const norma_job *job, const void *tensor, int64_t i) {
  return (const char *)tensor + i * job->plan.fast->element_size;
}

static void *element_out(const norma_job *job, int64_t i) {
  return (char *)job->out + i * job->plan.fast->element_size;
}

/* ---- finish ------------------------------------------------------------------------------------ */

static double mean_of(const norma_job *job, int64_t c) {
  return job->mean ? job->mean[c] : norma_parameter_at(job->plan.data_type, job->running_mean, c, 0);
}

static double inv_std_of(const norma_job *job, int64_t c) {
  const double variance =
      job->variance ? job->variance[c] : norma_parameter_at(job->plan.data_type, job->running_var, c, 1);
  return norma_inv_std(variance, job->plan.epsilon);
}

static double gamma_of(const norma_job *job, int64_t c) {
  return norma_parameter_at(job->plan.data_type, job->gamma, c, 1);
}

static void set_normalize(const norma_job *job, int64_t c, double mean, double inv_std) {
  const double beta = norma_parameter_at(job->plan.data_type, job->beta, c, 0);
  job->space.is_wide[c] = norma_normalize_coefficients(
      &job->plan, mean, inv_std, gamma_of(job, c), beta, &job->space.by_channel[c]);
}

static void set_gradient(const norma_job *job, int64_t c, double sum_dy, double sum_dy_x_hat) {
  const double n = (double)job->count;
  job->space.is_wide[c] = norma_gradient_coefficients(
      &job->plan, mean_of(job, c), inv_std_of(job, c), gamma_of(job, c), sum_dy / n, sum_dy_x_hat / n,
      &job->space.by_channel[c]);
}

void norma_finish_statistics(const norma_job *job, int64_t c) {
  norma_finish_moments(&job->plan, &job->space, c, &job->mean_out[c], &job->variance_out[c]);
}

void norma_finish_forward_training(const norma_job *job, int64_t c) {
  norma_finish_statistics(job, c);
  const double inv_std = norma_inv_std(job->variance_out[c], job->plan.epsilon);
  set_normalize(job, c, job->mean_out[c], inv_std);
}

void norma_finish_normalize(const norma_job *job, int64_t c) {
  set_normalize(job, c, mean_of(job, c), inv_std_of(job, c));
}

/* The gradient sums of a channel, from those of its slices. */
static void gradient_sums(const norma_job *job, int64_t c, double *sum_dy, double *sum_dy_x_hat) {
  norma_finish_sums(&job->plan, &job->space, c, mean_of(job, c), inv_std_of(job, c), sum_dy,
                    sum_dy_x_hat);
}

void norma_finish_gradient_sums(const norma_job *job, int64_t c) {
  gradient_sums(job, c, &job->sum_dy_out[c], &job->sum_dy_x_hat_out[c]);
}

/* The same, and writes the parameters' gradients that are wanted. */
static void put_gradients(const norma_job *job, int64_t c, double *sum_dy, double *sum_dy_x_hat) {
  gradient_sums(job, c, sum_dy, sum_dy_x_hat);
  if (job->dgamma) norma_parameter_put(job->plan.data_type, job->dgamma, c, *sum_dy_x_hat);
  if (job->dbeta) norma_parameter_put(job->plan.data_type, job->dbeta, c, *sum_dy);
}

void norma_finish_backward_training(const norma_job *job, int64_t c) {
  double sum_dy, sum_dy_x_hat;
  put_gradients(job, c, &sum_dy, &sum_dy_x_hat);
  set_gradient(job, c, sum_dy, sum_dy_x_hat);
}

void norma_finish_backward_inference(const norma_job *job, int64_t c) {
  if (job->sum == SUM_GRADIENTS) {
    double sum_dy, sum_dy_x_hat;
    put_gradients(job, c, &sum_dy, &sum_dy_x_hat);
  }
  /* dx is dy normalized by mean 0 and beta 0. */
  job->space.is_wide[c] = norma_normalize_coefficients(
      &job->plan, 0, inv_std_of(job, c), gamma_of(job, c), 0, &job->space.by_channel[c]);
}

void norma_finish_gradient_input(const norma_job *job, int64_t c) {
  set_gradient(job, c, job->sum_dy[c], job->sum_dy_x_hat[c]);
}

/* ---- sum --------------------------------------------------------------------------------------- */

static bool sums_are_wide(const norma_job *job, int64_t c) {
  return !norma_deviations_fit(&job->plan, inv_std_of(job, c));
}

static void sum_runs(const norma_job *job, int64_t c, int64_t slice) {
  const norma_plan *plan = &job->plan;
  const void *x = element(job, job->x, c * plan->spatial);
  norma_sums *sums = &job->space.runs[c * plan->slices + slice];
  if (job->sum == SUM_MOMENTS) {
    *sums = norma_run_moments(plan, x, slice);
  } else {
    const void *dy = element(job, job->dy, c * plan->spatial);
    const double center = norma_center(plan, mean_of(job, c));
    *sums = norma_run_gradient_sums(plan, x, dy, slice, center, sums_are_wide(job, c));
  }
}

static void sum_rows(const norma_job *job, int64_t slice, int64_t first, int64_t end) {
  const norma_plan *plan = &job->plan;
  const void *x = element(job, job->x, first);
  const norma_sum_rows total = norma_space_rows(plan, &job->space, slice, first);
  if (job->sum == SUM_MOMENTS) {
    norma_row_moments(plan, x, slice, end - first, total);
    return;
  }
  for (int64_t c = first; c < end; c++)
    norma_real_put(plan->fast, total.shift, c - first, norma_center(plan, mean_of(job, c)));
  const void *dy = element(job, job->dy, first);
  norma_row_gradient_sums(plan, x, dy, slice, end - first, job->space.is_wide + first, total);
}

/* ---- apply ------------------------------------------------------------------------------------- */

/* The tensor that a normalization reads. */
static const void *normalized(const norma_job *job) {
  return job->apply == APPLY_SCALE ? job->dy : job->x;
}

/*
 * From the last chunk to the first: what was read last is nearest in the caches. The next channel,
 * which may be fetched meanwhile, lies `spatial` elements further on.
 */
static void apply_runs(const norma_job *job, int64_t c, int64_t slice, bool fetch_next_channel) {
  const norma_plan *plan = &job->plan;
  const norma_coefficients by = job->space.by_channel[c];
  const norma_family *family = job->space.is_wide[c] ? plan->wide : plan->fast;
  int64_t first, end, start;
  norma_slice_chunks(plan, slice, &first, &end);
  for (int64_t k = end; k-- > first;) {
    norma_runs runs = norma_chunk_runs(plan, k, &start);
    if (fetch_next_channel) runs.ahead = plan->spatial;
    start += c * plan->spatial;
    void *out = element_out(job, start);
    if (job->apply == APPLY_GRADIENT) {
      const void *dy = element(job, job->dy, start);
      family->run_gradient_input(element(job, job->x, start), dy, out, runs, by);
    } else {
      family->run_normalize(element(job, normalized(job), start), out, runs, by);
    }
  }
}

static void apply_kernel(const norma_job *job, const norma_family *family, int64_t start,
                         norma_rows rows, norma_coefficient_rows by) {
  void *out = element_out(job, start);
  if (job->apply == APPLY_GRADIENT) {
    const void *dy = element(job, job->dy, start);
    family->row_gradient_input(element(job, job->x, start), dy, out, rows, by);
  } else {
    family->row_normalize(element(job, normalized(job), start), out, rows, by);
  }
}

/* Channels [first, end) of a chunk, none of which fits the fast family. */
static void apply_wide(const norma_job *job, int64_t start, norma_rows rows, int64_t first,
                       int64_t end) {
  double center[PIECE], scale[PIECE], offset[PIECE], slope[PIECE];
  for (int64_t c = first; c < end; c += rows.width) {
    rows.width = end - c < PIECE ? end - c : PIECE;
    for (int64_t i = 0; i < rows.width; i++) {
      const norma_coefficients by = job->space.by_channel[c + i];
      center[i] = by.center;
      scale[i] = by.scale;
      offset[i] = by.offset;
      slope[i] = by.slope;
    }
    const norma_coefficient_rows by = {center, scale, offset, slope};
    apply_kernel(job, job->plan.wide, start + c, rows, by);
  }
}

static void apply_fast(const norma_job *job, int64_t start, norma_rows rows, int64_t first,
                       int64_t end) {
  const int64_t at = first * job->plan.fast->real_size;
  const norma_coefficient_rows all = job->space.by;
  const norma_coefficient_rows by = {(char *)all.center + at, (char *)all.scale + at,
                                     (char *)all.offset + at, (char *)all.slope + at};
  rows.width = end - first;
  apply_kernel(job, job->plan.fast, start + first, rows, by);
}

/*
 * Rows [first_row, end_row) of channels [first, end), these in ranges of the same family; from the
 * last rows to the first, for what was read last is nearest in the caches.
 */
static void apply_rows(const norma_job *job, int64_t first_row, int64_t end_row, int64_t first,
                       int64_t end) {
  const bool *is_wide = job->space.is_wide;
  norma_rows rows = {.stride = job->plan.channels, .stream = job->plan.stream};
  for (int64_t row = end_row; row > first_row; row -= rows.count) {
    rows.count = row - first_row < CHUNK_ADDITIONS ? row - first_row : CHUNK_ADDITIONS;
    const int64_t start = (row - rows.count) * job->plan.channels;
    for (int64_t c = first, to; c < end; c = to) {
      for (to = c + 1; to < end && is_wide[to] == is_wide[c];) to++;
      (is_wide[c] ? apply_wide : apply_fast)(job, start, rows, c, to);
    }
  }
}

/* ---- the driver -------------------------------------------------------------------------------- */

static bool fetches_next(const norma_job *job, int64_t c) {
  const int64_t tensors = job->apply == APPLY_GRADIENT ? 2 : 1;
  return c + 1 < job->plan.channels && tensors * job->plan.channel_bytes <= FETCHED_AHEAD;
}

/* One channel from end to end: its values are still in the cache for the last pass. */
static void whole_channel(void *context, int64_t c) {
  const norma_job *job = context;
  const int64_t slices = job->plan.slices;
  if (job->sum != SUM_NOTHING)
    for (int64_t slice = 0; slice < slices; slice++) sum_runs(job, c, slice);
  job->finish(job, c);
  if (job->apply == APPLY_NOTHING) return;
  const bool fetch_next = fetches_next(job, c);
  for (int64_t slice = slices; slice-- > 0;) apply_runs(job, c, slice, fetch_next);
}

static void sum_unit(void *context, int64_t unit) {
  const norma_job *job = context;
  const norma_plan *plan = &job->plan;
  if (!plan->by_rows) {
    sum_runs(job, unit / plan->slices, unit % plan->slices);
    return;
  }
  int64_t first, end;
  norma_tile_channels(plan, unit / plan->slices, &first, &end);
  sum_rows(job, unit % plan->slices, first, end);
}

static void finish_unit(void *context, int64_t c) {
  const norma_job *job = context;
  job->finish(job, c);
  if (!job->plan.by_rows || job->apply == APPLY_NOTHING) return;
  const norma_coefficients by = job->space.by_channel[c];
  norma_real_put(job->plan.fast, job->space.by.center, c, by.center);
  norma_real_put(job->plan.fast, job->space.by.scale, c, by.scale);
  norma_real_put(job->plan.fast, job->space.by.offset, c, by.offset);
  norma_real_put(job->plan.fast, job->space.by.slope, c, by.slope);
}

static void apply_run_unit(void *context, int64_t unit) {
  const norma_job *job = context;
  const int64_t slices = job->plan.slices;
  apply_runs(job, unit / slices, unit % slices, false);
}

/* A thread's share of the rows. Shares of the channels would meet in a cache line of every row. */
static void apply_band(void *context, int64_t band) {
  const norma_job *job = context;
  const norma_plan *plan = &job->plan;
  const int64_t share = plan->batch / plan->threads;
  const int64_t more = plan->batch % plan->threads; /* bands with a row more */
  const int64_t first = band * share + (band < more ? band : more);
  apply_rows(job, first, first + share + (band < more), 0, plan->channels);
}

/* A thread's share of the channels, where there are fewer rows than threads. */
static void apply_tile(void *context, int64_t tile) {
  const norma_job *job = context;
  int64_t first, end;
  norma_tile_channels(&job->plan, tile, &first, &end);
  apply_rows(job, 0, job->plan.batch, first, end);
}

static void apply_pass(norma_job *job) {
  const norma_plan *plan = &job->plan;
  if (!plan->by_rows) {
    norma_parallel(plan->threads, plan->slices * plan->channels, apply_run_unit, job);
  } else if (plan->batch >= plan->threads) {
    norma_parallel(plan->threads, plan->threads, apply_band, job);
  } else {
    norma_parallel(plan->threads, plan->tiles, apply_tile, job);
  }
}

/* Whether whole channels share out well: no thread gets more than a quarter over its share. */
static bool channels_share_well(const norma_plan *plan) {
  const int64_t rounds = (plan->channels + plan->threads - 1) / plan->threads;
  return 4 * rounds * plan->threads <= 5 * plan->channels;
}

static void run_passes(norma_job *job) {
  const norma_plan *plan = &job->plan;
  if (!plan->by_rows && channels_share_well(plan)) {
    norma_parallel(plan->threads, plan->channels, whole_channel, job);
    return;
  }
  const int64_t units = plan->slices * (plan->by_rows ? plan->tiles : plan->channels);
  if (plan->by_rows && job->sum == SUM_GRADIENTS)
    for (int64_t c = 0; c < plan->channels; c++) job->space.is_wide[c] = sums_are_wide(job, c);
  if (job->sum != SUM_NOTHING) norma_parallel(plan->threads, units, sum_unit, job);
  const bool many_sums = plan->channels * plan->slices >= FINISHED_ALONE;
  norma_parallel(many_sums ? plan->threads : 1, plan->channels, finish_unit, job);
  if (job->apply != APPLY_NOTHING) apply_pass(job);
}

norma_status norma_run(const norma_plan *plan, norma_job *job, void *workspace) {
  job->plan = *plan;
  void *own = workspace ? NULL : malloc((size_t)norma_space_size(plan));
  if (!workspace && !own) return NORMA_OUT_OF_MEMORY;
  job->space = norma_space_cut(plan, workspace ? workspace : own);
  run_passes(job);
  free(own);
  return NORMA_OK;
}
