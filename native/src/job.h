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

/* What each makes of the sums, and of the statistics given; coefficients are for the last pass. */
typedef enum norma_finish_pass {
  FINISH_STATISTICS,         /* moments -> mean_out, variance_out */
  FINISH_FORWARD_TRAINING,   /* the same, and coefficients from them */
  FINISH_NORMALIZE,          /* coefficients from the statistics given */
  FINISH_GRADIENT_SUMS,      /* gradient sums -> sum_dy_out, sum_dy_x_hat_out */
  FINISH_BACKWARD_TRAINING,  /* -> dgamma, dbeta, and coefficients from them */
  FINISH_BACKWARD_INFERENCE, /* -> dgamma, dbeta, and dx = dy * scale */
  FINISH_GRADIENT_INPUT,     /* coefficients from the gradient sums given */
  /* Of samples, whose parameters are those of elements: */
  FINISH_LAYER_NORM,   /* moments -> mean_out, inv_std_out, and coefficients from them */
  FINISH_RMS_NORM,     /* squares -> inv_std_out, and coefficients from it */
  FINISH_RMS_GRADIENT, /* gradient sums -> coefficients without a mean of gradients */
  /* Of groups of channels, whose statistics are put where those given are read: */
  FINISH_GROUPS,        /* moments of groups in parts -> mean_out, variance_out, inv_std_out */
  FINISH_GROUP_NORM,    /* the same from moments of channels, and coefficients */
  FINISH_GROUP_GRADIENT /* gradient sums of channels, and coefficients from those of groups */
} norma_finish_pass;

typedef struct norma_job norma_job;

struct norma_job {
  norma_sum_pass sum;
  norma_finish_pass finish;
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
