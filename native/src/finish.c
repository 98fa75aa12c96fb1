#include "finish.h"

#include "counts.h"
#include "gradients.h"
#include "moments.h"
#include "parameters.h"

static const double zeros[PIECE] = {0};

/* Parameters that begin again after each period. */
static void get_parameters(const norma_plan *plan, const void *parameters, int64_t first, int64_t count, double absent,
                           double *values) {
  for (int64_t i = 0, some; i < count; i += some) {
    const int64_t at = (first + i) % plan->period;
    some = at_most(count - i, plan->period - at);
    norma_parameters_get(plan->data_type, parameters, at, some, absent, values + i);
  }
}

void norma_statistics_of(const norma_plan *plan, const double *statistics, int64_t first, int64_t count,
                         double *values) {
  if (plan->group == 1) {
    memcpy(values, statistics + first, (size_t)count * sizeof *values);
    return;
  }
  int64_t group = first / plan->group;
  for (int64_t i = 0, past; i < count; i = past, group++) {
    past = at_most((group + 1) * plan->group - first, count);
    for (int64_t k = i; k < past; k++) values[k] = statistics[group];
  }
}

/* What is known of channels before the sums, but for the statistics. */
static norma_channels parameters_of(const norma_job *job, int64_t first, int64_t count) {
  norma_channels of; /* 2 KB, of which only what there are channels for is worth setting */
  of.first = first;
  of.count = count;
  get_parameters(&job->plan, job->gamma, first, count, 1, of.gamma);
  get_parameters(&job->plan, job->beta, first, count, 0, of.beta);
  return of;
}

static void set_statistics(const norma_job *job, const double *mean, const double *variance, norma_channels *of) {
  memcpy(of->mean, mean, (size_t)of->count * sizeof *mean);
  norma_inv_std(of->count, variance, job->plan.epsilon, of->inv_std);
}

norma_channels norma_channels_of(const norma_job *job, int64_t first, int64_t count) {
  norma_channels of = parameters_of(job, first, count);
  if (job->inv_std) {
    norma_statistics_of(&job->plan, job->inv_std, first, count, of.inv_std);
    if (job->mean) {
      norma_statistics_of(&job->plan, job->mean, first, count, of.mean);
    } else {
      memset(of.mean, 0, (size_t)count * sizeof *of.mean);
    }
    return of;
  }
  if (job->mean) {
    set_statistics(job, job->mean + first, job->variance + first, &of);
    return of;
  }
  double variance[PIECE];
  norma_parameters_get(job->plan.data_type, job->running_mean, first, count, 0, of.mean);
  norma_parameters_get(job->plan.data_type, job->running_var, first, count, 1, variance);
  norma_inv_std(count, variance, job->plan.epsilon, of.inv_std);
  return of;
}

bool norma_finish_statistics(const norma_job *job, int64_t first, int64_t count, norma_channel_coefficients *by) {
  (void)by;
  norma_finish_moments(&job->plan, &job->space, first, count, job->mean_out + first, job->variance_out + first);
  return false;
}

bool norma_finish_forward_training(const norma_job *job, int64_t first, int64_t count,
                                   norma_channel_coefficients *by) {
  norma_finish_statistics(job, first, count, by);
  norma_channels of = parameters_of(job, first, count);
  set_statistics(job, job->mean_out + first, job->variance_out + first, &of);
  norma_normalize_coefficients(&job->plan, &of, by);
  return true;
}

bool norma_finish_normalize(const norma_job *job, int64_t first, int64_t count, norma_channel_coefficients *by) {
  const norma_channels of = norma_channels_of(job, first, count);
  norma_normalize_coefficients(&job->plan, &of, by);
  return true;
}

bool norma_prepare_gradient_sums(const norma_job *job, int64_t first, int64_t count,
                                 norma_channel_coefficients *by) {
  const norma_channels of = norma_channels_of(job, first, count);
  norma_sum_coefficients(&job->plan, &of, by);
  return true;
}

bool norma_finish_gradient_sums(const norma_job *job, int64_t first, int64_t count,
                                norma_channel_coefficients *by) {
  (void)by;
  const norma_channels of = norma_channels_of(job, first, count);
  norma_finish_sums(&job->plan, &job->space, &of, job->sum_dy_out + first, job->sum_dy_x_hat_out + first);
  return false;
}

/* The gradient sums, and the parameters' gradients that are wanted. */
static void put_gradients(const norma_job *job, const norma_channels *of, double *sum_dy, double *sum_dy_x_hat) {
  norma_finish_sums(&job->plan, &job->space, of, sum_dy, sum_dy_x_hat);
  const int32_t type = job->plan.data_type;
  if (job->dgamma) norma_parameters_put(type, job->dgamma, of->first, of->count, sum_dy_x_hat);
  if (job->dbeta) norma_parameters_put(type, job->dbeta, of->first, of->count, sum_dy);
}

/* Coefficients from the sums of dy and dy * x_hat. */
static void set_gradient(const norma_job *job, const norma_channels *of, const double *sum_dy,
                         const double *sum_dy_x_hat, norma_channel_coefficients *by) {
  const double n = (double)job->count;
  double mean_dy[PIECE], mean_dy_x_hat[PIECE];
  for (int64_t i = 0; i < of->count; i++) {
    mean_dy[i] = sum_dy[i] / n;
    mean_dy_x_hat[i] = sum_dy_x_hat[i] / n;
  }
  norma_gradient_coefficients(&job->plan, of, mean_dy, mean_dy_x_hat, by);
}

bool norma_finish_backward_training(const norma_job *job, int64_t first, int64_t count,
                                    norma_channel_coefficients *by) {
  const norma_channels of = norma_channels_of(job, first, count);
  double sum_dy[PIECE], sum_dy_x_hat[PIECE];
  put_gradients(job, &of, sum_dy, sum_dy_x_hat);
  set_gradient(job, &of, sum_dy, sum_dy_x_hat, by);
  return true;
}

bool norma_finish_backward_inference(const norma_job *job, int64_t first, int64_t count,
                                     norma_channel_coefficients *by) {
  norma_channels of = norma_channels_of(job, first, count);
  double sum_dy[PIECE], sum_dy_x_hat[PIECE];
  if (job->sum == SUM_GRADIENTS) put_gradients(job, &of, sum_dy, sum_dy_x_hat);
  if (job->relu) {
    set_gradient(job, &of, zeros, zeros, by);
    return true;
  }
  /* dx is dy normalized by mean 0 and beta 0. */
  memset(of.mean, 0, sizeof of.mean);
  memset(of.beta, 0, sizeof of.beta);
  norma_normalize_coefficients(&job->plan, &of, by);
  return true;
}

bool norma_finish_gradient_input(const norma_job *job, int64_t first, int64_t count,
                                 norma_channel_coefficients *by) {
  const norma_channels of = norma_channels_of(job, first, count);
  set_gradient(job, &of, job->sum_dy + first, job->sum_dy_x_hat + first, by);
  return true;
}

/* Coefficients of samples by statistics that are put out. */
static void set_samples(const norma_job *job, int64_t first, int64_t count, const double *mean, const double *variance,
                        norma_channel_coefficients *by) {
  norma_channels of = parameters_of(job, first, count);
  set_statistics(job, mean, variance, &of);
  if (job->mean_out) memcpy(job->mean_out + first, mean, (size_t)count * sizeof *mean);
  if (job->inv_std_out) memcpy(job->inv_std_out + first, of.inv_std, (size_t)count * sizeof *of.inv_std);
  norma_normalize_coefficients(&job->plan, &of, by);
}

bool norma_finish_layer_norm(const norma_job *job, int64_t first, int64_t count, norma_channel_coefficients *by) {
  double mean[PIECE], variance[PIECE];
  norma_finish_moments(&job->plan, &job->space, first, count, mean, variance);
  set_samples(job, first, count, mean, variance, by);
  return true;
}

bool norma_finish_rms_norm(const norma_job *job, int64_t first, int64_t count, norma_channel_coefficients *by) {
  double mean_square[PIECE];
  norma_finish_squares(&job->plan, &job->space, first, count, mean_square);
  set_samples(job, first, count, zeros, mean_square, by);
  return true;
}

bool norma_finish_rms_gradient(const norma_job *job, int64_t first, int64_t count, norma_channel_coefficients *by) {
  const norma_channels of = norma_channels_of(job, first, count);
  double sum_dy[PIECE], sum_dy_x_hat[PIECE];
  put_gradients(job, &of, sum_dy, sum_dy_x_hat);
  set_gradient(job, &of, zeros, sum_dy_x_hat, by);
  return true;
}
