#include "batch_norm.h"

#include <stdlib.h>

#include "coefficients.h"
#include "gradients.h"
#include "moments.h"
#include "parameters.h"
#include "reals.h"

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

static double beta_of(const norma_job *job, int64_t c) {
  return norma_parameter_at(job->plan.data_type, job->beta, c, 0);
}

static void set_normalize(const norma_job *job, int64_t c, double mean, double inv_std) {
  job->space.is_wide[c] = norma_normalize_coefficients(
      &job->plan, mean, inv_std, gamma_of(job, c), beta_of(job, c), &job->space.by_channel[c]);
}

static void set_gradient(const norma_job *job, int64_t c, double sum_dy, double sum_dy_x_hat) {
  const double n = (double)job->count;
  job->space.is_wide[c] = norma_gradient_coefficients(
      &job->plan, mean_of(job, c), inv_std_of(job, c), gamma_of(job, c), beta_of(job, c), sum_dy / n,
      sum_dy_x_hat / n, &job->space.by_channel[c]);
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
  if (job->relu) {
    set_gradient(job, c, 0, 0);
    return;
  }
  /* dx is dy normalized by mean 0 and beta 0. */
  job->space.is_wide[c] = norma_normalize_coefficients(
      &job->plan, 0, inv_std_of(job, c), gamma_of(job, c), 0, &job->space.by_channel[c]);
}

void norma_finish_gradient_input(const norma_job *job, int64_t c) {
  set_gradient(job, c, job->sum_dy[c], job->sum_dy_x_hat[c]);
}

/* ---- sum --------------------------------------------------------------------------------------- */

/* What the gradient sums need of channel `c`. */
static void set_sum(const norma_job *job, int64_t c) {
  job->space.is_wide[c] =
      norma_sum_coefficients(&job->plan, mean_of(job, c), inv_std_of(job, c), gamma_of(job, c),
                             beta_of(job, c), &job->space.by_channel[c]);
}

/* From channel `first` on; `start` is its first element. */
static norma_gradient_inputs gradient_inputs(const norma_job *job, int64_t first, int64_t start) {
  return (norma_gradient_inputs){
    .x = element(job, job->x, start),
    .residual = residual_element(job, start),
    .dy = element(job, job->dy, start),
    .by_channel = job->space.by_channel + first,
    .by = norma_space_by(&job->plan, &job->space, first),
    .is_wide = job->space.is_wide + first
  };
}

static void sum_runs(const norma_job *job, int64_t slice, int64_t first, int64_t end) {
  const norma_plan *plan = &job->plan;
  const int64_t start = first * plan->spatial;
  norma_sums *total = &job->space.runs[slice * plan->channels + first];
  if (job->sum == SUM_MOMENTS) {
    norma_run_moments(plan, element(job, job->x, start), slice, end - first, total);
  } else {
    norma_run_gradient_sums(plan, gradient_inputs(job, first, start), slice, end - first, total);
  }
}

static void sum_rows(const norma_job *job, int64_t slice, int64_t first, int64_t end) {
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
static void apply_some_runs(const norma_job *job, int64_t start, norma_runs runs, int64_t c) {
  const norma_family *family = job->space.is_wide[c] ? job->plan.wide : job->plan.fast;
  const norma_coefficients *by = &job->space.by_channel[c];
  if (job->apply == APPLY_GRADIENT) {
    family->run_gradient_input(gradient_tensors(job, start), runs, by);
  } else {
    family->run_normalize(element(job, normalized(job), start), residual_element(job, start),
                          element_out(job, job->out, start), runs, by);
  }
}

/* Runs of channels [first, end); `start` is the first element of channel 0. */
static void apply_runs(const norma_job *job, int64_t start, norma_runs runs, int64_t first,
                       int64_t end) {
  const bool *is_wide = job->space.is_wide;
  for (int64_t c = first, to; c < end; c = to) {
    for (to = c + 1; to < end && is_wide[to] == is_wide[c];) to++;
    runs.channels = to - c;
    apply_some_runs(job, start + c * job->plan.spatial, runs, c);
  }
}

/* From the last chunk to the first: what was read last is nearest in the caches. */
static void apply_slice(const norma_job *job, int64_t slice, int64_t first, int64_t end,
                        int64_t ahead) {
  int64_t first_chunk, k, start;
  norma_slice_chunks(&job->plan, slice, &first_chunk, &k);
  while (k-- > first_chunk) {
    norma_runs runs = norma_chunk_runs(&job->plan, k, end - first, &start);
    runs.ahead = ahead;
    apply_runs(job, start, runs, first, end);
  }
}

static void apply_kernel(const norma_job *job, const norma_family *family, int64_t start,
                         norma_rows rows, norma_coefficient_rows by) {
  if (job->apply == APPLY_GRADIENT) {
    family->row_gradient_input(gradient_tensors(job, start), rows, by);
  } else {
    family->row_normalize(element(job, normalized(job), start), residual_element(job, start),
                          element_out(job, job->out, start), rows, by);
  }
}

/* Channels [first, end) of a chunk, none of which fits the fast family. */
static void apply_wide(const norma_job *job, int64_t start, norma_rows rows, int64_t first,
                       int64_t end) {
  double center[PIECE], scale[PIECE], bias[PIECE], offset[PIECE], slope[PIECE];
  for (int64_t c = first; c < end; c += rows.width) {
    rows.width = end - c < PIECE ? end - c : PIECE;
    for (int64_t i = 0; i < rows.width; i++) {
      const norma_coefficients by = job->space.by_channel[c + i];
      center[i] = by.center;
      scale[i] = by.scale;
      bias[i] = by.bias;
      offset[i] = by.offset;
      slope[i] = by.slope;
    }
    const norma_coefficient_rows by = {center, scale, bias, offset, slope};
    apply_kernel(job, job->plan.wide, start + c, rows, by);
  }
}

static void apply_fast(const norma_job *job, int64_t start, norma_rows rows, int64_t first,
                       int64_t end) {
  rows.width = end - first;
  apply_kernel(job, job->plan.fast, start + first, rows, norma_space_by(&job->plan, &job->space, first));
}

/*
 * Rows [first_row, end_row) of channels [first, end), in ranges of the same family; from the last rows to
 * the first, for what was read last is nearest in the caches.
 */
static void apply_rows(const norma_job *job, int64_t first_row, int64_t end_row, int64_t first, int64_t end) {
  const int64_t channels = job->plan.channels;
  const bool *is_wide = job->space.is_wide;
  norma_rows rows = {
    .stride = channels,
    .stream = job->plan.stream,
    .fusion = job->plan.fusion,
    .flat = job->plan.flat
  };
  for (int64_t row = end_row; row > first_row; row -= rows.count) {
    rows.count = row - first_row < CHUNK_ADDITIONS ? row - first_row : CHUNK_ADDITIONS;
    const int64_t start = (row - rows.count) * channels;
    for (int64_t c = first, to; c < end; c = to) {
      for (to = c + 1; to < end && is_wide[to] == is_wide[c];) to++;
      (is_wide[c] ? apply_wide : apply_fast)(job, start, rows, c, to);
    }
  }
}

/* ---- slabs ------------------------------------------------------------------------------------- */

/* Channels [first, end), and how far ahead the next ones lie that are to be fetched; 0 for none. */
typedef struct slab {
  int64_t first, end;
  int64_t ahead;
} slab;

/* Groups of channels that one call of a kernel takes: of rows all, unless members would go without. */
static int64_t groups_of(const norma_job *job, slab s, norma_member member) {
  const norma_plan *plan = &job->plan;
  if (!plan->by_rows) return (s.end - s.first + GROUP - 1) / GROUP;
  if (plan->slices >= member.team) return 1;
  return member.team < plan->channels ? member.team : plan->channels;
}

static void group_channels(slab s, int64_t group, int64_t groups, int64_t *first, int64_t *end) {
  norma_share((norma_member){(int32_t)group, (int32_t)groups}, s.end - s.first, first, end);
  *first += s.first;
  *end += s.first;
}

static void sum_slab(const norma_job *job, slab s, norma_member member) {
  const int64_t slices = job->plan.slices;
  const int64_t groups = groups_of(job, s, member);
  int64_t unit, last, first, end;
  norma_share(member, groups * slices, &unit, &last);
  for (; unit < last; unit++) {
    group_channels(s, unit / slices, groups, &first, &end);
    (job->plan.by_rows ? sum_rows : sum_runs)(job, unit % slices, first, end);
  }
}

static void finish_channels(const norma_job *job, slab s, norma_member member) {
  int64_t c, end;
  norma_share(member, s.end - s.first, &c, &end);
  for (c += s.first, end += s.first; c < end; c++) {
    job->finish(job, c);
    if (job->apply != APPLY_NOTHING) norma_space_put(&job->plan, &job->space, c);
  }
}

/* Before the gradient sums of any channel. */
static void set_sums(const norma_job *job, norma_member member) {
  int64_t c, end;
  norma_share(member, job->plan.channels, &c, &end);
  for (; c < end; c++) {
    set_sum(job, c);
    norma_space_put(&job->plan, &job->space, c);
  }
}

static int64_t first_row(const norma_plan *plan, int64_t slice) {
  const int64_t row = slice * plan->chunks_per_slice * plan->chunk_batch;
  return row < plan->batch ? row : plan->batch;
}

/* What a member has added up, from the end to the beginning. */
static void apply_slab(const norma_job *job, slab s, norma_member member) {
  const int64_t slices = job->plan.slices;
  const int64_t groups = groups_of(job, s, member);
  int64_t unit, last, first, end;
  norma_share(member, groups * slices, &unit, &last);
  while (last-- > unit) {
    group_channels(s, last / slices, groups, &first, &end);
    if (job->plan.by_rows) {
      const int64_t slice = last % slices;
      apply_rows(job, first_row(&job->plan, slice), first_row(&job->plan, slice + 1), first, end);
    } else {
      apply_slice(job, last % slices, first, end, s.ahead);
    }
  }
}

static void run_slab(const norma_job *job, slab s, norma_member member) {
  sum_slab(job, s, member);
  norma_meet(member);
  finish_channels(job, s, member);
  norma_meet(member);
  if (job->apply != APPLY_NOTHING) apply_slab(job, s, member);
}

/* ---- the driver -------------------------------------------------------------------------------- */

/* The tensors that both the sums and the last pass read. */
static int64_t read_twice(const norma_job *job) {
  if (job->sum == SUM_MOMENTS) return 1;
  return job->residual ? 3 : 2;
}

/* Slab by slab, each taken by one member or by all. */
static void run_slabs(void *context, norma_member member) {
  static const norma_member ALONE = {.thread = 0, .team = 1};
  const norma_job *job = context;
  const norma_plan *plan = &job->plan;
  const norma_slabs slabs = norma_plan_slabs(plan, read_twice(job));
  if (job->sum == SUM_GRADIENTS) {
    set_sums(job, member);
    norma_meet(member);
  }
  int64_t i, end;
  norma_share(slabs.shared ? ALONE : member, (plan->channels + slabs.width - 1) / slabs.width, &i, &end);
  for (; i < end; i++) {
    const int64_t first = i * slabs.width;
    const int64_t past = first + slabs.width < plan->channels ? first + slabs.width : plan->channels;
    const int64_t ahead = slabs.fetched && i + 1 < end ? slabs.width * plan->spatial : 0;
    run_slab(job, (slab){first, past, ahead}, slabs.shared ? member : ALONE);
  }
}

/* Runs, or pieces of long ones, in the order of memory. */
static void apply_in_order(const norma_job *job, norma_member member) {
  const norma_plan *plan = &job->plan;
  const int64_t units = plan->channels * plan->pieces; /* of an image */
  int64_t unit, last;
  norma_share(member, plan->batch * units, &unit, &last);
  while (unit < last) {
    const int64_t rest = last - unit;
    const int64_t channel = unit % units / plan->pieces;
    const int64_t channels = plan->pieces > 1 ? 1 : rest < units - channel ? rest : units - channel;
    int64_t start;
    const norma_runs runs = norma_image_runs(plan, unit / units, unit % plan->pieces, channels, &start);
    apply_runs(job, start, runs, channel, channel + channels);
    unit += channels;
  }
}

/* Nothing is read twice: from the first elements to the last. */
static void run_in_order(void *context, norma_member member) {
  const norma_job *job = context;
  const norma_plan *plan = &job->plan;
  finish_channels(job, (slab){0, plan->channels, 0}, member);
  if (job->apply == APPLY_NOTHING) return;
  norma_meet(member);
  if (!plan->by_rows) {
    if (norma_are_short(plan->batch, plan->spatial)) {
      apply_slab(job, (slab){0, plan->channels, 0}, member);
    } else {
      apply_in_order(job, member);
    }
    return;
  }
  int64_t first, end;
  norma_share(member, plan->batch, &first, &end);
  apply_rows(job, first, end, 0, plan->channels);
}

static void run_passes(norma_job *job) {
  norma_parallel(job->plan.threads, job->sum == SUM_NOTHING ? run_in_order : run_slabs, job);
}

/* The tensors that the last pass reads or writes. */
static int64_t touched(const norma_job *job) {
  const int64_t plain = job->apply == APPLY_GRADIENT ? 3 : 2;
  return plain + (job->residual != NULL) + (job->dresidual != NULL);
}

norma_status norma_run(const norma_plan *plan, norma_job *job, void *workspace) {
  job->plan = *plan;
  job->plan.stream = norma_plan_streams(plan, touched(job));
  job->plan.flat = job->running_mean != NULL;
  if (job->relu) job->plan.fusion = job->residual ? FUSION_ADD_RELU : FUSION_RELU;
  void *own = workspace ? NULL : malloc((size_t)norma_space_size(plan));
  if (!workspace && !own) return NORMA_OUT_OF_MEMORY;
  job->space = norma_space_cut(plan, workspace ? workspace : own);
  run_passes(job);
  free(own);
  return NORMA_OK;
}
