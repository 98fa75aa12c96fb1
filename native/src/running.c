#include "running.h"

#include <float.h>
#include <math.h>

#include "counts.h"
#include "parameters.h"
#include "plan.h"

/* The weights of the old value and of the batch. */
typedef struct weights {
  double old, batch;
} weights;

static weights weights_of(const norma_running_rule *rule, int64_t batch_number) {
  if (rule->mode == NORMA_RUNNING_EXPONENTIAL) return (weights){rule->momentum, 1 - rule->momentum};
  const double k = (double)batch_number;
  return (weights){(k - 1) / k, 1 / k};
}

/* One of the two running statistics, and what belongs to it of the batch, times `correction`. */
typedef struct moved {
  int32_t data_type;
  void *running;
  const double *batch;
  double correction;
} moved;

/* What `count` channels, at most PIECE, are to become. An old value without weight may be anything. */
static void blend(weights by, const moved *of, int64_t first, int64_t count, double *values) {
  double old[PIECE];
  norma_parameters_get(of->data_type, of->running, first, count, 0, old);
  for (int64_t i = 0; i < count; i++) {
    const double batch = of->batch[first + i] * of->correction;
    values[i] = by.old == 0 ? batch : by.old * old[i] + by.batch * batch;
  }
}

/* Whether the parameters that doubles become are finite, which those out of range are not. */
static bool are_finite(int32_t data_type, int64_t count, const double *values) {
  double infinite = 0;
  for (int64_t i = 0; i < count; i++) {
    const double value = data_type == NORMA_FLOAT64 ? values[i] : (double)(float)values[i];
    infinite += fabs(value) <= DBL_MAX ? 0.0 : 1.0;
  }
  return infinite == 0;
}

static bool stay_finite(weights by, const moved *of, int64_t channels) {
  double values[PIECE];
  for (int64_t c = 0; c < channels; c += PIECE) {
    const int64_t count = at_most(channels - c, PIECE);
    blend(by, of, c, count, values);
    if (!are_finite(of->data_type, count, values)) return false;
  }
  return true;
}

static void move(weights by, const moved *of, int64_t channels) {
  double values[PIECE];
  for (int64_t c = 0; c < channels; c += PIECE) {
    const int64_t count = at_most(channels - c, PIECE);
    blend(by, of, c, count, values);
    norma_parameters_put(of->data_type, of->running, c, count, values);
  }
}

bool norma_update_running(const norma_running_rule *rule, int64_t batch_number,
                          norma_running running) {
  const weights by = weights_of(rule, batch_number);
  const double n = (double)running.count;
  const double correction = rule->unbiased ? n / (n - 1) : 1;
  const moved mean = {running.data_type, running.running_mean, running.mean, 1};
  const moved var = {running.data_type, running.running_var, running.variance, correction};
  if (rule->refuse_nonfinite && !(stay_finite(by, &mean, running.channels) && stay_finite(by, &var, running.channels)))
    return false; /* and has changed nothing */
  move(by, &mean, running.channels);
  move(by, &var, running.channels);
  return true;
}

void norma_merge_statistics(int64_t channels, int64_t parts, const int64_t *counts,
                            const double *means, const double *variances, int64_t count,
                            double *mean, double *variance) {
  int64_t first = 0;
  while (counts[first] == 0) first++;
  const double n = (double)count;
  for (int64_t c = 0; c < channels; c++) {
    /* Deviations from the first part's mean, so that a large mean costs no digits. */
    const double origin = means[first * channels + c];
    double sum = 0;
    for (int64_t p = first; p < parts; p++)
      if (counts[p] > 0) sum += (double)counts[p] * (means[p * channels + c] - origin);
    const double center = origin + sum / n;
    double square = 0;
    for (int64_t p = first; p < parts; p++) {
      if (counts[p] == 0) continue;
      const double d = means[p * channels + c] - center;
      square += (double)counts[p] * (variances[p * channels + c] + d * d);
    }
    mean[c] = center;
    variance[c] = square / n;
  }
}

/* The average of `batch` values, `channels` apart, about the first: equal ones are their own average. */
static double average(int64_t batch, int64_t channels, const double *values) {
  double off = 0;
  for (int64_t image = 1; image < batch; image++) off += values[image * channels] - values[0];
  return values[0] + off / (double)batch;
}

void norma_average_statistics(int64_t batch, int64_t channels, const double *means, const double *variances,
                              double *mean, double *variance) {
  for (int64_t c = 0; c < channels; c++) {
    mean[c] = average(batch, channels, means + c);
    variance[c] = average(batch, channels, variances + c);
  }
}

void norma_merge_sums(int64_t channels, int64_t parts, const int64_t *counts, const double *sums,
                      double *sum) {
  for (int64_t c = 0; c < channels; c++) {
    double total = 0;
    for (int64_t p = 0; p < parts; p++)
      if (counts[p] > 0) total += sums[p * channels + c];
    sum[c] = total;
  }
}
