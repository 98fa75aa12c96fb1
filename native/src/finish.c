/*
 * All that is done between the sums and the last pass, for one instruction-set level: compiled once per line of
 * isa.def, like kernels.c. No product is contracted with a sum, so that all levels have the same bits.
 */
#include "finish.h"

#include <math.h>
#include <string.h>

#include "counts.h"
#include "parameters.h"
#include "paste.h"
#include "reals.h"
#include "statistics.h"

#include "channels.inc"

#include "coefficients.inc"

#include "channel_sums.inc"

/* ---- By operation ------------------------------------------------------------------------------- */

/*
 * Finishes up to PIECE channels, from `first` on: writes their outputs, and the coefficients of the last pass.
 * Returns whether there are some.
 */
typedef bool finish(const norma_job *job, int64_t first, int64_t count, norma_channel_coefficients *by);

static const double zeros[PIECE] = {0};

static bool finish_statistics(const norma_job *job, int64_t first, int64_t count, norma_channel_coefficients *by) {
  (void)by;
  finish_moments(&job->plan, &job->space, first, count, job->mean_out + first, job->variance_out + first);
  return false;
}

static bool finish_forward_training(const norma_job *job, int64_t first, int64_t count,
                                    norma_channel_coefficients *by) {
  finish_statistics(job, first, count, by);
  channels of = parameters_of(job, first, count);
  set_statistics(job, job->mean_out + first, job->variance_out + first, &of);
  normalize_coefficients(&job->plan, &of, by);
  return true;
}

static bool finish_normalize(const norma_job *job, int64_t first, int64_t count, norma_channel_coefficients *by) {
  const channels of = channels_of(job, first, count);
  normalize_coefficients(&job->plan, &of, by);
  return true;
}

static bool prepare_gradient_sums(const norma_job *job, int64_t first, int64_t count,
                                  norma_channel_coefficients *by) {
  const channels of = channels_of(job, first, count);
  sum_coefficients(&job->plan, &of, by);
  return true;
}

static bool finish_gradient_sums(const norma_job *job, int64_t first, int64_t count,
                                 norma_channel_coefficients *by) {
  (void)by;
  const channels of = channels_of(job, first, count);
  finish_sums(&job->plan, &job->space, &of, job->sum_dy_out + first, job->sum_dy_x_hat_out + first);
  return false;
}

/* The gradient sums, and the parameters' gradients that are wanted. */
static void put_gradients(const norma_job *job, const channels *of, double *sum_dy, double *sum_dy_x_hat) {
  finish_sums(&job->plan, &job->space, of, sum_dy, sum_dy_x_hat);
  const int32_t type = job->plan.data_type;
  if (job->dgamma) norma_parameters_put(type, job->dgamma, of->first, of->count, sum_dy_x_hat);
  if (job->dbeta) norma_parameters_put(type, job->dbeta, of->first, of->count, sum_dy);
}

/* Coefficients from the sums of dy and dy * x_hat. */
static void set_gradient(const norma_job *job, const channels *of, const double *sum_dy,
                         const double *sum_dy_x_hat, norma_channel_coefficients *by) {
  const double n = (double)job->count;
  double mean_dy[PIECE], mean_dy_x_hat[PIECE];
  for (int64_t i = 0; i < of->count; i++) {
    mean_dy[i] = sum_dy[i] / n;
    mean_dy_x_hat[i] = sum_dy_x_hat[i] / n;
  }
  gradient_coefficients(&job->plan, of, mean_dy, mean_dy_x_hat, by);
}

static bool finish_backward_training(const norma_job *job, int64_t first, int64_t count,
                                     norma_channel_coefficients *by) {
  const channels of = channels_of(job, first, count);
  double sum_dy[PIECE], sum_dy_x_hat[PIECE];
  put_gradients(job, &of, sum_dy, sum_dy_x_hat);
  set_gradient(job, &of, sum_dy, sum_dy_x_hat, by);
  return true;
}

static bool finish_backward_inference(const norma_job *job, int64_t first, int64_t count,
                                      norma_channel_coefficients *by) {
  channels of = channels_of(job, first, count);
  double sum_dy[PIECE], sum_dy_x_hat[PIECE];
  if (job->sum == SUM_GRADIENTS) put_gradients(job, &of, sum_dy, sum_dy_x_hat);
  if (job->relu) {
    set_gradient(job, &of, zeros, zeros, by);
    return true;
  }
  /* dx is dy normalized by mean 0 and beta 0. */
  memset(of.mean, 0, sizeof of.mean);
  memset(of.beta, 0, sizeof of.beta);
  normalize_coefficients(&job->plan, &of, by);
  return true;
}

static bool finish_gradient_input(const norma_job *job, int64_t first, int64_t count,
                                  norma_channel_coefficients *by) {
  const channels of = channels_of(job, first, count);
  set_gradient(job, &of, job->sum_dy + first, job->sum_dy_x_hat + first, by);
  return true;
}

/* Coefficients of samples by statistics that are put out. */
static void set_samples(const norma_job *job, int64_t first, int64_t count, const double *mean, const double *variance,
                        norma_channel_coefficients *by) {
  channels of = parameters_of(job, first, count);
  set_statistics(job, mean, variance, &of);
  if (job->mean_out) memcpy(job->mean_out + first, mean, (size_t)count * sizeof *mean);
  if (job->inv_std_out) memcpy(job->inv_std_out + first, of.inv_std, (size_t)count * sizeof *of.inv_std);
  normalize_coefficients(&job->plan, &of, by);
}

static bool finish_layer_norm(const norma_job *job, int64_t first, int64_t count, norma_channel_coefficients *by) {
  double mean[PIECE], variance[PIECE];
  finish_moments(&job->plan, &job->space, first, count, mean, variance);
  set_samples(job, first, count, mean, variance, by);
  return true;
}

static bool finish_rms_norm(const norma_job *job, int64_t first, int64_t count, norma_channel_coefficients *by) {
  double mean_square[PIECE];
  finish_squares(&job->plan, &job->space, first, count, mean_square);
  set_samples(job, first, count, zeros, mean_square, by);
  return true;
}

static bool finish_rms_gradient(const norma_job *job, int64_t first, int64_t count, norma_channel_coefficients *by) {
  const channels of = channels_of(job, first, count);
  double sum_dy[PIECE], sum_dy_x_hat[PIECE];
  put_gradients(job, &of, sum_dy, sum_dy_x_hat);
  set_gradient(job, &of, zeros, sum_dy_x_hat, by);
  return true;
}

#include "groups.inc"

/* ---- Pieces ------------------------------------------------------------------------------------- */

static finish *const finishes[] = {
  [FINISH_STATISTICS] = finish_statistics,
  [FINISH_FORWARD_TRAINING] = finish_forward_training,
  [FINISH_NORMALIZE] = finish_normalize,
  [FINISH_GRADIENT_SUMS] = finish_gradient_sums,
  [FINISH_BACKWARD_TRAINING] = finish_backward_training,
  [FINISH_BACKWARD_INFERENCE] = finish_backward_inference,
  [FINISH_GRADIENT_INPUT] = finish_gradient_input,
  [FINISH_LAYER_NORM] = finish_layer_norm,
  [FINISH_RMS_NORM] = finish_rms_norm,
  [FINISH_RMS_GRADIENT] = finish_rms_gradient,
  [FINISH_GROUPS] = finish_groups,
  [FINISH_GROUP_NORM] = finish_group_norm,
  [FINISH_GROUP_GRADIENT] = finish_group_gradient
};

/* How many channels from `c` on are finished at once: whole groups, or some of one that is too large. */
static int64_t piece_of(const norma_plan *plan, int64_t c) {
  const int64_t together = norma_plan_together(plan);
  return together <= PIECE ? PIECE / together * together : at_most(together - c % together, PIECE);
}

static void finish_pieces(const norma_job *job, finish *take, reader by_whom, int64_t first, int64_t end) {
  norma_channel_coefficients by;
  for (int64_t c = first, count; c < end; c += count) {
    count = at_most(end - c, piece_of(&job->plan, c));
    if (take(job, c, count, &by)) put_coefficients(&job->plan, &job->space, c, count, &by, by_whom);
  }
}

static void prepare_channels(const norma_job *job, int64_t first, int64_t end) {
  finish_pieces(job, prepare_gradient_sums, READER_SUMS, first, end);
}

static void finish_channels(const norma_job *job, int64_t first, int64_t end) {
  const reader by_whom = job->apply == APPLY_GRADIENT ? READER_GRADIENT : READER_NORMALIZE;
  finish_pieces(job, finishes[job->finish], by_whom, first, end);
}

static void normalize_channels(const norma_job *job, int64_t first, int64_t count, norma_channel_coefficients *by) {
  finish_normalize(job, first, count, by);
}

const norma_finishing PASTE(norma_finishing_, NORMA_ISA_LEVEL) = {
  .prepare = prepare_channels,
  .finish = finish_channels,
  .normalize = normalize_channels
};
