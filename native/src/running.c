#include "running.h"

#include <math.h>

#include "parameters.h"

/* The weights of the old value and of the batch. */
typedef struct weights {
  double old, batch;
} weights;

static weights weights_of(const norma_running_rule *rule, int64_t batch_number) {
  if (rule->mode == NORMA_RUNNING_EXPONENTIAL) return (weights){rule->momentum, 1 - rule->momentum};
  const double k = (double)batch_number;
  return (weights){(k - 1) / k, 1 / k};
}

/* An old value without weight is not read: it may be anything. */
static double blend(weights by, double old, double batch) {
  return by.old == 0 ? batch : by.old * old + by.batch * batch;
}

/* What a double becomes as a parameter: infinite where it is out of range. */
static double as_parameter(int32_t data_type, double value) {
  return data_type == NORMA_FLOAT64 ? value : (double)(float)value;
}

bool norma_update_running(const norma_running_rule *rule, int64_t batch_number,
                          norma_running running) {
  const weights by = weights_of(rule, batch_number);
  const double n = (double)running.count;
  const double correction = rule->unbiased ? n / (n - 1) : 1;
  const int32_t type = running.data_type;
  /* The first pass looks, the second writes: a refused batch has changed nothing. */
  for (int pass = rule->refuse_nonfinite ? 0 : 1; pass < 2; pass++) {
    for (int64_t c = 0; c < running.channels; c++) {
      const double old_mean = norma_parameter_at(type, running.running_mean, c, 0);
      const double old_var = norma_parameter_at(type, running.running_var, c, 1);
      const double mean = blend(by, old_mean, running.mean[c]);
      const double var = blend(by, old_var, running.variance[c] * correction);
      if (pass == 1) {
        norma_parameter_put(type, running.running_mean, c, mean);
        norma_parameter_put(type, running.running_var, c, var);
      } else if (!isfinite(as_parameter(type, mean)) || !isfinite(as_parameter(type, var))) {
        return false;
      }
    }
  }
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
