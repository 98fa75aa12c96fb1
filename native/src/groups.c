/*
 * Finishing where channels have statistics in common: from what was added up of each channel to what holds for a group,
 * and back to coefficients of each. All channels of a group are finished one after the other by the same thread, so the
 * first of them puts down what the others read.
 */
#include <string.h>

#include "counts.h"
#include "finish.h"
#include "gradients.h"
#include "moments.h"
#include "statistics.h"

/* ---- forward ----------------------------------------------------------------------------------- */

/* Puts out the statistics of `count` groups, at most PIECE. */
static void put_statistics(const norma_job *job, int64_t first, int64_t count, const double *mean,
                           const double *variance) {
  memcpy(job->mean_out + first, mean, (size_t)count * sizeof *mean);
  norma_inv_std(count, variance, job->plan.epsilon, job->inv_std_out + first);
  if (job->variance_out) memcpy(job->variance_out + first, variance, (size_t)count * sizeof *variance);
}

bool norma_finish_groups(const norma_job *job, int64_t first, int64_t count, norma_channel_coefficients *by) {
  (void)by;
  double mean[PIECE], variance[PIECE];
  norma_finish_moments(&job->plan, &job->space, first, count, mean, variance);
  put_statistics(job, first, count, mean, variance);
  return false;
}

/* Channels [first, end) that some whole groups have, no more than PIECE, by the number of a group among them. */
typedef struct gathered {
  const norma_job *job;
  int64_t first, end;
  double origin[PIECE], off[PIECE], square[PIECE];
} gathered;

/* Of a slice of n values a channel, those from `i` to before `end` are of group `g`. */
typedef void gather(gathered *of, int64_t g, const norma_channel_sums *sums, int64_t i, int64_t end, double n);

/* Sums of every fourth term: an addition takes longer than the next one may wait. */
typedef struct four_sums {
  double of[4];
} four_sums;

static double total_of(const four_sums *sums) {
  return (sums->of[0] + sums->of[2]) + (sums->of[1] + sums->of[3]);
}

static void gather_off(gathered *of, int64_t g, const norma_channel_sums *sums, int64_t i, int64_t end, double n) {
  four_sums off = {0};
  for (int64_t k = 0; i < end; i++, k++)
    off.of[k % 4] += norma_sum_about(of->origin[g], n, sums->shift[i], sums->sum[i]);
  of->off[g] += total_of(&off);
}

static void gather_square(gathered *of, int64_t g, const norma_channel_sums *sums, int64_t i, int64_t end, double n) {
  four_sums square = {0};
  for (int64_t k = 0; i < end; i++, k++) {
    const double e = of->origin[g] - sums->shift[i] + of->off[g];
    square.of[k % 4] += norma_square_about(e, n, sums->sum[i], sums->square[i]);
  }
  of->square[g] += total_of(&square);
}

static void for_each_slice(gathered *of, gather *add) {
  const norma_plan *plan = &of->job->plan;
  norma_channel_sums sums;
  for (int64_t c = of->first; c < of->end; c += PIECE) {
    const int64_t count = at_most(of->end - c, PIECE);
    for (int64_t k = 0; k < plan->slices; k++) {
      norma_space_sums(plan, &of->job->space, k, c, count, &sums);
      const double n = (double)norma_slice_count(plan, k);
      for (int64_t i = 0, past; i < count; i = past) {
        const int64_t g = (c + i - of->first) / plan->group;
        past = at_most(count, of->first + (g + 1) * plan->group - c);
        add(of, g, &sums, i, past, n);
      }
    }
  }
}

/* As norma_finish_moments does of the slices of a channel, for the slices of all channels of a group. */
static void gather_moments(const norma_job *job, int64_t first, int64_t end) {
  const norma_plan *plan = &job->plan;
  const int64_t groups = (end - first) / plan->group;
  const double n = (double)(plan->group * plan->count);
  gathered of = {.job = job, .first = first, .end = end};
  norma_channel_sums sums;
  for (int64_t g = 0; g < groups; g++) {
    norma_space_sums(plan, &job->space, 0, first + g * plan->group, 1, &sums);
    of.origin[g] = sums.shift[0];
  }
  for_each_slice(&of, gather_off);
  for (int64_t g = 0; g < groups; g++) of.off[g] /= n;
  for_each_slice(&of, gather_square);
  for (int64_t g = 0; g < groups; g++) {
    of.origin[g] += of.off[g];
    of.square[g] = norma_variance_of(of.square[g], n);
  }
  put_statistics(job, first / plan->group, groups, of.origin, of.square);
}

/* The end of the groups that begin among `count` channels from `first` on, which is the first of its group. */
static int64_t end_of_groups(const norma_plan *plan, int64_t first, int64_t count) {
  return first + at_least(count, plan->group);
}

bool norma_finish_group_norm(const norma_job *job, int64_t first, int64_t count, norma_channel_coefficients *by) {
  if (first % job->plan.group == 0) gather_moments(job, first, end_of_groups(&job->plan, first, count));
  const norma_channels of = norma_channels_of(job, first, count);
  norma_normalize_coefficients(&job->plan, &of, by);
  return true;
}

/* ---- backward ---------------------------------------------------------------------------------- */

/* Puts down the gradient sums of channels and adds them, times gamma, to those of their groups. */
static void add_to_groups(const norma_job *job, const norma_channels *of) {
  const int64_t size = job->plan.group;
  const double *sum_dy = job->sum_dy_out + of->first, *sum_dy_x_hat = job->sum_dy_x_hat_out + of->first;
  norma_finish_sums(&job->plan, &job->space, of, job->sum_dy_out + of->first, job->sum_dy_x_hat_out + of->first);
  int64_t group = of->first / size;
  for (int64_t i = 0, past; i < of->count; i = past, group++) {
    past = at_most((group + 1) * size - of->first, of->count);
    for (int64_t k = i; k < past; k++) {
      job->mean_g[group] += of->gamma[k] * sum_dy[k];
      job->mean_g_x_hat[group] += of->gamma[k] * sum_dy_x_hat[k];
    }
  }
}

/* The gradient sums of all groups that begin among some channels, which are the first of them. */
static void gather_gradients(const norma_job *job, const norma_channels *of) {
  const int64_t size = job->plan.group;
  const int64_t end = end_of_groups(&job->plan, of->first, of->count);
  for (int64_t group = of->first / size; group < end / size; group++)
    job->mean_g[group] = job->mean_g_x_hat[group] = 0;
  add_to_groups(job, of);
  for (int64_t c = of->first + of->count; c < end; c += PIECE) {
    const norma_channels more = norma_channels_of(job, c, at_most(end - c, PIECE));
    add_to_groups(job, &more);
  }
  for (int64_t group = of->first / size; group < end / size; group++) {
    job->mean_g[group] /= (double)job->count;
    job->mean_g_x_hat[group] /= (double)job->count;
  }
}

bool norma_finish_group_gradient(const norma_job *job, int64_t first, int64_t count, norma_channel_coefficients *by) {
  const norma_channels of = norma_channels_of(job, first, count);
  double mean_g[PIECE], mean_g_x_hat[PIECE];
  if (first % job->plan.group == 0) gather_gradients(job, &of);
  norma_statistics_of(&job->plan, job->mean_g, first, count, mean_g);
  norma_statistics_of(&job->plan, job->mean_g_x_hat, first, count, mean_g_x_hat);
  norma_weighted_coefficients(&job->plan, &of, mean_g, mean_g_x_hat, by);
  return true;
}
