/*
 * Batch normalization as one driver of three passes over the tensor:
 *   sum     the sums of every slice: moments of x, or gradient sums of x and dy
 *   finish  per channel: statistics or gradients from the sums, and coefficients for the last pass
 *   apply   every element: y or dx
 * An operation is a choice of what each pass does. Arguments have been checked.
 */
#ifndef NORMA_BATCH_NORM_H
#define NORMA_BATCH_NORM_H

#include "space.h"

typedef enum norma_sum_pass { SUM_NOTHING, SUM_MOMENTS, SUM_GRADIENTS } norma_sum_pass;
typedef enum norma_apply_pass {
  APPLY_NOTHING,
  APPLY_NORMALIZE, /* x to y */
  APPLY_SCALE,     /* dy to dx, which is a normalization by mean 0 */
  APPLY_GRADIENT   /* x and dy to dx, and what ReLU lets pass of dy to dresidual */
} norma_apply_pass;

typedef struct norma_job norma_job;

/* Finishes a channel: writes its outputs and its space.by_channel and space.is_wide. */
typedef void norma_finish(const norma_job *job, int64_t channel);

struct norma_job {
  norma_sum_pass sum;
  norma_finish *finish;
  norma_apply_pass apply;

  bool relu;
  const void *x, *dy;        /* tensors; dy for gradients */
  const void *residual;      /* tensor, added before ReLU, or NULL */
  const void *gamma, *beta;  /* parameters, or NULL */
  const double *mean, *variance;          /* statistics in, or NULL: */
  const void *running_mean, *running_var; /* running statistics in */
  int64_t count;                          /* values of a channel that gradients are averaged over */
  const double *sum_dy, *sum_dy_x_hat;    /* gradient sums in */

  double *mean_out, *variance_out;
  double *sum_dy_out, *sum_dy_x_hat_out;
  void *dgamma, *dbeta; /* parameters out, or NULL */
  void *out;            /* tensor: y or dx */
  void *dresidual;      /* tensor out, or NULL */

  norma_plan plan;   /* set by norma_run */
  norma_space space; /* set by norma_run */
};

/* The finishing steps, by operation. */
norma_finish norma_finish_statistics;         /* moments -> mean_out, variance_out */
norma_finish norma_finish_forward_training;   /* the same, and coefficients from them */
norma_finish norma_finish_normalize;          /* coefficients from the statistics given */
norma_finish norma_finish_gradient_sums;      /* gradient sums -> sum_dy_out, sum_dy_x_hat_out */
norma_finish norma_finish_backward_training;  /* -> dgamma, dbeta, and coefficients from them */
norma_finish norma_finish_backward_inference; /* -> dgamma, dbeta, and dx = dy * scale */
norma_finish norma_finish_gradient_input;     /* coefficients from the gradient sums given */

/* Runs a job by a plan. The workspace is large enough for the plan, or NULL. */
norma_status norma_run(const norma_plan *plan, norma_job *job, void *workspace);

#endif
