#include "group_norm.h"

#include <stdlib.h>

#include "counts.h"
#include "parameters.h"

/* Images for each member, from which on members take whole ones, even if some get one more. */
enum { IMAGES_EACH = 4 };

typedef struct group_run {
  norma_job *job; /* of the whole tensor */
  int64_t batch;
  bool own;               /* by rows: members take images of their own, else the team takes one after the other */
  char *spaces;           /* by rows: scratch of the driver for each member, or for the team */
  int64_t space_size;
} group_run;

static bool are_own(const norma_plan *plan, int64_t team) {
  return plan->images % team == 0 || plan->images >= IMAGES_EACH * team;
}

/* ---- scratch ----------------------------------------------------------------------------------- */

/* The forward pass needs the statistics, which nobody else may want, the backward pass the rest. */
typedef struct group_scratch {
  double *mean, *inv_std;        /* [batch * groups] */
  double *mean_g, *mean_g_x_hat; /* [batch * groups] */
  double *sum_dy, *sum_dy_x_hat; /* [batch * channels] */
  char *spaces;
} group_scratch;

/* Cuts the scratch from `at` on, unless that is NULL; returns its size. */
static int64_t cut(const norma_group_norm *norm, const norma_plan *plan, char *at, group_scratch *scratch) {
  const int64_t of_groups = whole_lines(norm->batch * norm->groups * (int64_t)sizeof(double));
  const int64_t of_channels = whole_lines(norm->batch * norm->channels * (int64_t)sizeof(double));
  const int64_t sizes[] = {of_groups, of_groups, of_groups, of_groups, of_channels, of_channels};
  void *arrays[6] = {NULL};
  int64_t used = 0;
  for (int i = 0; i < 6; i++) {
    if (at) arrays[i] = at + used;
    used += sizes[i];
  }
  *scratch = (group_scratch){arrays[0], arrays[1], arrays[2], arrays[3], arrays[4], arrays[5], at ? at + used : NULL};
  const bool own = plan->by_rows && are_own(plan, plan->threads);
  return used + (own ? plan->threads : 1) * whole_lines(norma_space_size(plan));
}

int64_t norma_group_space_size(const norma_group_norm *norm, const norma_kernels *kernels, norma_caches caches) {
  group_scratch unused;
  const norma_plan forward = norma_plan_groups(norm, false, kernels, caches);
  const norma_plan backward = norma_plan_groups(norm, true, kernels, caches);
  return at_least(cut(norm, &forward, NULL, &unused), cut(norm, &backward, NULL, &unused));
}

/* Where nobody wants the statistics they are put down for the last pass, and for that alone. */
static void set_scratch(norma_job *job, const group_scratch *scratch) {
  job->sum_dy_out = scratch->sum_dy;
  job->sum_dy_x_hat_out = scratch->sum_dy_x_hat;
  job->mean_g = scratch->mean_g;
  job->mean_g_x_hat = scratch->mean_g_x_hat;
  if (job->sum == SUM_GRADIENTS) return;
  if (!job->mean_out) job->mean_out = scratch->mean;
  if (!job->inv_std_out) job->inv_std_out = scratch->inv_std;
  job->mean = job->mean_out;
  job->inv_std = job->inv_std_out;
}

/* ---- images ------------------------------------------------------------------------------------ */

static const void *element(const norma_plan *plan, const void *tensor, int64_t i) {
  return tensor ? (const char *)tensor + i * plan->fast->element_size : NULL;
}

/* The job of an image, in the scratch of a member. */
static norma_job image_job(const group_run *run, int64_t image, int32_t member) {
  norma_job job = *run->job;
  const norma_plan *plan = &job.plan;
  const int64_t start = image * plan->channels * plan->batch;
  const int64_t channel = image * plan->channels;
  const int64_t group = channel / plan->group;
  job.x = element(plan, job.x, start);
  job.dy = element(plan, job.dy, start);
  if (job.out) job.out = (char *)job.out + start * plan->fast->element_size;
  job.mean += group;
  job.inv_std += group;
  if (job.sum == SUM_MOMENTS) {
    job.mean_out += group;
    job.inv_std_out += group;
    if (job.variance_out) job.variance_out += group;
  }
  job.mean_g += group;
  job.mean_g_x_hat += group;
  job.sum_dy_out += channel;
  job.sum_dy_x_hat_out += channel;
  job.space = norma_space_cut(plan, run->spaces + member * run->space_size);
  return job;
}

static void run_images(const group_run *run, norma_member member) {
  int64_t first = 0, end = run->batch;
  if (run->own) norma_share(member, run->batch, &first, &end);
  for (; first < end; first++) {
    const norma_job job = image_job(run, first, run->own ? member.thread : 0);
    norma_take_part(&job, run->own ? (norma_member){.thread = 0, .team = 1} : member);
    if (!run->own) norma_meet(member); /* before the scratch is used again */
  }
}

/* ---- parameters -------------------------------------------------------------------------------- */

/* The sums over the images, in their order, of `count` channels. */
static void put_sums(const group_run *run, const double *sums, int64_t first, int64_t count, void *gradient) {
  const norma_plan *plan = &run->job->plan;
  double total[PIECE] = {0};
  for (int64_t image = 0; image < run->batch; image++)
    for (int64_t i = 0; i < count; i++) total[i] += sums[image * plan->period + first + i];
  norma_parameters_put(plan->data_type, gradient, first, count, total);
}

static void put_gradients(const group_run *run, norma_member member) {
  const norma_job *job = run->job;
  const int64_t channels = job->plan.period;
  int64_t piece, end;
  norma_share(member, divide_up(channels, PIECE), &piece, &end);
  for (; piece < end; piece++) {
    const int64_t first = piece * PIECE;
    const int64_t count = at_most(channels - first, PIECE);
    if (job->dgamma) put_sums(run, job->sum_dy_x_hat_out, first, count, job->dgamma);
    if (job->dbeta) put_sums(run, job->sum_dy_out, first, count, job->dbeta);
  }
}

/* ---- the run ----------------------------------------------------------------------------------- */

static void take_part(void *context, norma_member member) {
  const group_run *run = context;
  if (run->job->plan.by_rows) {
    run_images(run, member);
  } else {
    norma_take_part(run->job, member);
  }
  if (!run->job->dgamma && !run->job->dbeta) return;
  norma_meet(member);
  put_gradients(run, member);
}

static void run_groups(const norma_group_norm *norm, const norma_plan *plan, norma_job *job, char *workspace) {
  group_scratch scratch;
  cut(norm, plan, workspace, &scratch);
  set_scratch(job, &scratch);
  if (job->sum == SUM_MOMENTS) job->finish = plan->in_parts ? FINISH_GROUPS : FINISH_GROUP_NORM;
  norma_set_up(plan, job, scratch.spaces);
  group_run run = {
    .job = job,
    .batch = norm->batch,
    .own = are_own(plan, plan->threads),
    .spaces = scratch.spaces,
    .space_size = whole_lines(norma_space_size(plan))
  };
  norma_parallel(plan->threads, take_part, &run);
}

norma_status norma_group_run(const norma_group_norm *norm, const norma_kernels *kernels, norma_caches caches,
                             norma_job *job, void *workspace) {
  const norma_plan plan = norma_plan_groups(norm, job->sum == SUM_GRADIENTS, kernels, caches);
  void *own = workspace ? NULL : malloc((size_t)norma_group_space_size(norm, kernels, caches));
  if (!workspace && !own) return NORMA_OUT_OF_MEMORY;
  run_groups(norm, &plan, job, workspace ? workspace : own);
  free(own);
  return NORMA_OK;
}
