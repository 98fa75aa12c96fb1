/* Small steps over the channels, on the calling thread. Arguments have been checked. */
#ifndef NORMA_RUNNING_H
#define NORMA_RUNNING_H

#include <stdbool.h>

#include "norma.h"

typedef struct norma_running {
  int32_t data_type;
  int64_t channels;
  int64_t count;
  const double *mean, *variance;
  void *running_mean, *running_var;
} norma_running;

/* Updates running statistics by a batch, `batch_number` from 1; false if the rule refuses it. */
bool norma_update_running(const norma_running_rule *rule, int64_t batch_number, norma_running running);

/* The statistics of a whole batch from those of its parts; see norma.h. */
void norma_merge_statistics(int64_t channels, int64_t parts, const int64_t *counts,
                            const double *means, const double *variances, int64_t count,
                            double *mean, double *variance);

/* The averages of the statistics of `batch` images. */
void norma_average_statistics(int64_t batch, int64_t channels, const double *means, const double *variances,
                              double *mean, double *variance);

/* The sums over the parts of a batch, those without values left out. */
void norma_merge_sums(int64_t channels, int64_t parts, const int64_t *counts, const double *sums,
                      double *sum);

#endif
