#include "driver.h"

#include <stdlib.h>

#include "counts.h"
#include "finish.h"
#include "pieces.h"

/* Images that are taken side by side, at most and if there are as many: memory is read faster from several places. */
enum { IMAGES_BESIDE = 4 };

/* Runs, or groups of them, that the passes take where one cannot go directly. */
enum { LEFT_AT_ONCE = 4 };

static const norma_member ALONE = {.thread = 0, .team = 1};

/* ---- finish ------------------------------------------------------------------------------------ */

typedef void take_channels(const norma_job *job, int64_t first, int64_t end);

/* A member's share of channels [first, end), whole groups. */
static void share_channels(const norma_job *job, take_channels *take, int64_t first, int64_t end, norma_member member) {
  const int64_t together = norma_plan_together(&job->plan);
  int64_t group, last;
  norma_share(member, (end - first) / together, &group, &last);
  take(job, first + group * together, first + last * together);
}

/* From the sums to outputs, and to what the last pass needs. */
static void finish_channels(const norma_job *job, int64_t first, int64_t end, norma_member member) {
  share_channels(job, job->plan.finishing->finish, first, end, member);
}

/* ---- rows -------------------------------------------------------------------------------------- */

/* Channels that a member takes of rows: all, unless there are fewer slices than members. */
static int64_t row_groups(const norma_plan *plan, norma_member member) {
  if (plan->slices >= member.team) return 1;
  return at_most(member.team, plan->channels);
}

static void group_channels(const norma_plan *plan, int64_t group, int64_t groups, int64_t *first, int64_t *end) {
  norma_share((norma_member){(int32_t)group, (int32_t)groups}, plan->channels, first, end);
}

static int64_t first_row(const norma_plan *plan, int64_t slice) {
  return at_most(slice * plan->chunks_per_slice * plan->chunk_batch, plan->batch);
}

/* What a member adds up it writes, from the end to the beginning: what was read last is nearest in the caches. */
static void run_rows(const norma_job *job, norma_member member) {
  const norma_plan *plan = &job->plan;
  const int64_t groups = row_groups(plan, member);
  int64_t first_unit, last_unit, first, end;
  norma_share(member, groups * plan->slices, &first_unit, &last_unit);
  for (int64_t unit = first_unit; unit < last_unit; unit++) {
    group_channels(plan, unit / plan->slices, groups, &first, &end);
    norma_sum_row_slice(job, unit % plan->slices, first, end);
  }
  norma_meet(member);
  finish_channels(job, 0, plan->channels, member);
  if (job->apply == APPLY_NOTHING) return;
  norma_meet(member);
  for (int64_t unit = last_unit; unit-- > first_unit;) {
    group_channels(plan, unit / plan->slices, groups, &first, &end);
    const int64_t slice = unit % plan->slices;
    norma_apply_rows(job, first_row(plan, slice), first_row(plan, slice + 1), first, end);
  }
}

/* A member's share of the channels, in multiples of `unit`, from their sums to their outputs, or of the rows then. */
static void run_columns(const norma_job *job, int64_t unit, norma_member member) {
  const norma_plan *plan = &job->plan;
  int64_t first, end;
  norma_share(member, divide_up(plan->channels, unit), &first, &end);
  first *= unit;
  end = at_most(end * unit, plan->channels);
  if (job->sum == SUM_GRADIENTS) plan->finishing->prepare(job, first, end);
  for (int64_t slice = 0; slice < plan->slices; slice++) norma_sum_row_slice(job, slice, first, end);
  plan->finishing->finish(job, first, end);
  if (job->apply == APPLY_NOTHING) return;
  if (norma_plan_writes_rows(plan, member.team)) {
    norma_meet(member);
    norma_share(member, plan->batch, &first, &end);
    norma_apply_rows(job, first, end, 0, plan->channels);
  } else {
    norma_apply_rows(job, 0, plan->batch, first, end);
  }
}

/* ---- runs -------------------------------------------------------------------------------------- */

/* Channels [first, end), and how far ahead the next ones lie that are to be fetched; 0 for none. */
typedef struct slab {
  int64_t first, end;
  int64_t ahead;
} slab;

static bool is_empty(slab s) { return s.first == s.end; }

/* Whole images [first, end). */
static void apply_images(const norma_job *job, slab s, int64_t first, int64_t end) {
  int64_t start;
  norma_runs runs = norma_whole_runs(&job->plan, first, end - first, s.end - s.first, &start);
  runs.ahead = s.ahead;
  norma_apply_runs(job, start, runs, s.first, s.end);
}

static void apply_chunk(const norma_job *job, slab s, int64_t k) {
  int64_t start;
  norma_runs runs = norma_chunk_runs(&job->plan, k, s.end - s.first, &start);
  runs.ahead = s.ahead;
  norma_apply_runs(job, start, runs, s.first, s.end);
}

/* Slices [first, end): whole images side by side, and what there is of others chunk by chunk. */
static void apply_slices(const norma_job *job, slab s, int64_t first, int64_t end) {
  const norma_plan *plan = &job->plan;
  int64_t k, past, unused;
  norma_slice_chunks(plan, first, &k, &unused);
  norma_slice_chunks(plan, end - 1, &unused, &past);
  for (; k < past && k % plan->pieces != 0; k++) apply_chunk(job, s, k);
  const int64_t images = (past - k) / plan->pieces;
  if (images > 0) {
    const int64_t image = k / plan->pieces * plan->chunk_batch;
    apply_images(job, s, image, at_most(image + images * plan->chunk_batch, plan->batch));
    k += images * plan->pieces;
  }
  for (; k < past; k++) apply_chunk(job, s, k);
}

/* Slices of about IMAGES_BESIDE images. */
static int64_t slices_beside(const norma_plan *plan) {
  const int64_t chunks = IMAGES_BESIDE * plan->pieces / plan->chunk_batch;
  return at_least(divide_up(chunks, plan->chunks_per_slice), 1);
}

/* A member's share of the channels of a slab. */
static slab share_of(slab s, norma_member member) {
  int64_t first, end;
  norma_share(member, s.end - s.first, &first, &end);
  return (slab){.first = s.first + first, .end = s.first + end, .ahead = s.ahead};
}

/*
 * Writes a slab while the next one is added up, a few images of each at a time: so memory is read and written at once,
 * and what is read again was read no longer ago than a slab. Either may be empty. Members share slices, or channels
 * where there are too few of those.
 */
static void relay(const norma_job *job, slab written, slab added, bool backwards, norma_member member) {
  const norma_plan *plan = &job->plan;
  if (plan->slices < member.team) {
    written = share_of(written, member);
    added = share_of(added, member);
    member = ALONE;
  }
  const int64_t step = slices_beside(plan);
  int64_t first, past;
  norma_share(member, plan->slices, &first, &past);
  const int64_t steps = divide_up(past - first, step);
  for (int64_t i = 0; i < steps; i++) {
    int64_t slice = first + (backwards ? steps - 1 - i : i) * step;
    const int64_t end = end_of(slice, step, past);
    if (!is_empty(written)) apply_slices(job, written, slice, end);
    for (; !is_empty(added) && slice < end; slice++) norma_sum_run_slice(job, slice, added.first, added.end);
  }
}

/* The slab after channel `first` of those before `end`; empty if there is none. */
static slab next_slab(int64_t first, int64_t end, int64_t width) {
  return (slab){.first = first, .end = end_of(first, width, end)};
}

/* Channels [first, end), which a member takes alone, or the team. */
static void run_channels(const norma_job *job, norma_slabs slabs, int64_t first, int64_t end, norma_member member) {
  const norma_plan *plan = &job->plan;
  slab written = {0};
  slab added = next_slab(first, end, slabs.width);
  bool backwards = false;
  for (; !is_empty(added); backwards ^= slabs.turns) {
    relay(job, written, added, backwards, member);
    norma_meet(member);
    finish_channels(job, added.first, added.end, member);
    norma_meet(member);
    if (job->apply != APPLY_NOTHING) written = added;
    added = next_slab(added.end, end, slabs.width);
    if (plan->stream && !is_empty(added)) written.ahead = (added.first - written.first) * plan->spatial;
  }
  relay(job, written, added, backwards, member);
}

/* The tensors that both the sums and the last pass read. */
static int64_t read_twice(const norma_job *job) {
  if (job->sum != SUM_GRADIENTS) return 1;
  return job->residual ? 3 : 2;
}

static void run_runs(const norma_job *job, norma_member member) {
  const norma_plan *plan = &job->plan;
  const norma_slabs slabs = norma_plan_slabs(plan, read_twice(job));
  if (slabs.shared) {
    run_channels(job, slabs, 0, plan->channels, member);
    return;
  }
  int64_t first, end;
  norma_share(member, divide_up(plan->channels, slabs.width), &first, &end);
  run_channels(job, slabs, first * slabs.width, at_most(end * slabs.width, plan->channels), ALONE);
}

/* ---- directly ---------------------------------------------------------------------------------- */

/* Forward what has statistics of its own, and backward, what has several gammas. */
static bool goes_directly(const norma_job *job) {
  const bool forward = job->sum != SUM_GRADIENTS && job->apply == APPLY_NORMALIZE && !job->relu;
  const bool backward = job->sum == SUM_GRADIENTS && job->apply == APPLY_GRADIENT && job->weighted;
  return (forward || backward) && norma_plan_takes_direct(&job->plan, read_twice(job));
}

/* One by one, and by the passes what cannot go directly, with the next few, which may be like it. */
static void run_directly(const norma_job *job, norma_member member) {
  const int64_t together = norma_plan_together(&job->plan);
  int64_t first, end;
  norma_share(member, job->plan.channels / together, &first, &end);
  while (first < end) {
    first = norma_take_direct(job, first, end);
    const int64_t past = end_of(first, LEFT_AT_ONCE, end);
    if (first < past) {
      if (job->sum == SUM_GRADIENTS) norma_prepare_channels(job, first * together, past * together);
      norma_run_channels(job, first * together, past * together);
    }
    first = past;
  }
}

/* ---- without sums ------------------------------------------------------------------------------ */

/* Runs, or pieces of long ones, in the order of memory. */
static void apply_in_order(const norma_job *job, norma_member member) {
  const norma_plan *plan = &job->plan;
  const int64_t units = plan->channels * plan->pieces; /* of an image */
  int64_t unit, last;
  norma_share(member, plan->batch * units, &unit, &last);
  while (unit < last) {
    const int64_t channel = unit % units / plan->pieces;
    const int64_t channels = plan->pieces > 1 ? 1 : at_most(units - channel, last - unit);
    int64_t start;
    const norma_runs runs = norma_image_runs(plan, unit / units, unit % plan->pieces, channels, &start);
    norma_apply_runs(job, start, runs, channel, channel + channels);
    unit += channels;
  }
}

/* Nothing is read twice: from the first elements to the last. */
static void run_in_order(const norma_job *job, norma_member member) {
  const norma_plan *plan = &job->plan;
  finish_channels(job, 0, plan->channels, member);
  if (job->apply == APPLY_NOTHING) return;
  norma_meet(member);
  int64_t first, end;
  norma_share(member, plan->batch, &first, &end);
  if (plan->by_rows) {
    norma_apply_rows(job, first, end, 0, plan->channels);
  } else if (norma_are_short(plan->batch, plan->spatial)) {
    apply_images(job, (slab){.first = 0, .end = plan->channels}, first, end);
  } else {
    apply_in_order(job, member);
  }
}

/* ---- the driver -------------------------------------------------------------------------------- */

void norma_take_part(const norma_job *job, norma_member member) {
  if (job->sum == SUM_NOTHING) {
    run_in_order(job, member);
    return;
  }
  if (goes_directly(job)) {
    run_directly(job, member);
    return;
  }
  const int64_t columns = norma_plan_columns(&job->plan, member.team);
  if (columns > 0) {
    run_columns(job, columns, member);
    return;
  }
  if (job->sum == SUM_GRADIENTS) {
    share_channels(job, job->plan.finishing->prepare, 0, job->plan.channels, member);
    norma_meet(member);
  }
  (job->plan.by_rows ? run_rows : run_runs)(job, member);
}

static void run_passes(void *context, norma_member member) { norma_take_part(context, member); }

/* The tensors that the last pass reads or writes. */
static int64_t touched(const norma_job *job) {
  const int64_t plain = job->apply == APPLY_GRADIENT ? 3 : 2;
  return plain + (job->residual != NULL) + (job->dresidual != NULL);
}

void norma_set_up(const norma_plan *plan, norma_job *job, void *workspace) {
  job->plan = *plan;
  job->plan.stream = norma_plan_streams(plan, touched(job));
  job->plan.flat = job->running_mean != NULL;
  if (job->relu) job->plan.fusion = job->residual ? FUSION_ADD_RELU : FUSION_RELU;
  job->space = norma_space_cut(plan, workspace);
}

void norma_prepare_channels(const norma_job *job, int64_t first, int64_t end) {
  job->plan.finishing->prepare(job, first, end);
}

void norma_run_channels(const norma_job *job, int64_t first, int64_t end) {
  norma_slabs slabs = norma_plan_slabs(&job->plan, read_twice(job));
  if (job->parameter_sum) slabs.width = divide_up(slabs.width, SAMPLES_AT_ONCE) * SAMPLES_AT_ONCE;
  run_channels(job, slabs, first, end, ALONE);
}

norma_status norma_run(const norma_plan *plan, norma_job *job, void *workspace) {
  void *own = workspace ? NULL : malloc((size_t)norma_space_size(plan));
  if (!workspace && !own) return NORMA_OUT_OF_MEMORY;
  norma_set_up(plan, job, workspace ? workspace : own);
  norma_parallel(plan->threads, run_passes, job);
  free(own);
  return NORMA_OK;
}
