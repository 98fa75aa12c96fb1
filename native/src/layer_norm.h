/*
 * Layer and RMS normalization: rows that have statistics of their own, and parameters for each element of a row. A row
 * is to the driver what a channel is in batch normalization; what it does not know are the parameters' gradients, which
 * are sums over the rows.
 */
#ifndef NORMA_LAYER_NORM_H
#define NORMA_LAYER_NORM_H

#include "driver.h"

/* Arrays of `length` parameters; any may be NULL. */
typedef struct norma_layer_parameters {
  const void *gamma, *beta;
  void *dgamma, *dbeta; /* out */
} norma_layer_parameters;

/* The bytes that a plan of samples needs, whatever is asked for. */
int64_t norma_layer_space_size(const norma_plan *plan);

/* Runs a job by a plan of samples. The workspace is large enough, or NULL. */
norma_status norma_layer_run(const norma_plan *plan, norma_job *job, norma_layer_parameters parameters,
                             void *workspace);

#endif
