/*
 * An operation as a choice of what three passes over the tensor do:
 *   sum     the sums of every slice: moments of x, or gradient sums of x and dy
 *   finish  per channel: statistics or gradients from the sums, and coefficients for the last pass
 *   apply   every element: y or dx
 */
#ifndef NORMA_JOB_H
#define NORMA_JOB_H

#include "space.h"

typedef enum norma_sum_pass {
  SUM_NOTHING,
  SUM_MOMENTS,  /* of x, for mean and variance */
  SUM_SQUARES,  /* of x, for the mean square */
  SUM_GRADIENTS /* of dy and dy * x_hat */
} norma_sum_pass;
typedef enum norma_apply_pass {
  APPLY_NOTHING,
  APPLY_NORMALIZE, /* x to y */
  APPLY_SCALE,     /* dy to dx, which is a normalization by mean 0 */
  APPLY_GRADIENT   /* x and dy to dx, and what ReLU lets pass of dy to dresidual */
} norma_apply_pass;

typedef struct norma_job norma_job;

/*
 * Finishes up to PIECE channels, from `first` on: writes their outputs, and the coefficients of the last pass.
 * Returns whether there are some.
 */
typedef bool norma_finish(const norma_job *job, int64_t first, int64_t count, norma_channel_coefficients *by);

struct norma_job {
  norma_sum_pass sum;
  norma_finish *finish;
  norma_apply_pass apply;

  bool relu;
  const void *x, *dy;        /* tensors; dy for gradients */
  const void *residual;      /* tensor, added before ReLU, or NULL */
  const void *gamma, *beta;  /* parameters of channels, or NULL */
  const double *mean, *variance;          /* statistics in, or NULL: */
  const void *running_mean, *running_var; /* running statistics in */
  const double *inv_std;                  /* in instead of the variance, of samples; mean NULL is then 0 */
  int64_t count;                          /* values of a channel that gradients are averaged over */
  const double *sum_dy, *sum_dy_x_hat;    /* gradient sums in */
  bool weighted;                          /* coefficients of APPLY_GRADIENT are for FUSION_WEIGHT */

  double *mean_out, *variance_out; /* of samples either may be NULL, like */
  double *inv_std_out;
  double *sum_dy_out, *sum_dy_x_hat_out;
  double *mean_g, *mean_g_x_hat;           /* scratch, of groups: means of gradients */
  char *parameter_sum, *parameter_product; /* of samples, where gradient sums add up the parameters' too; or NULL */
  void *dgamma, *dbeta; /* parameters out, or NULL */
  void *out;            /* tensor: y or dx */
  void *dresidual;      /* tensor out, or NULL */

  norma_plan plan;   /* set by norma_run */
  norma_space space; /* set by norma_run */
};

#endif
