/* What is done between the sums and the last pass, channel by channel: see norma_finish. */
#ifndef NORMA_FINISH_H
#define NORMA_FINISH_H

#include "job.h"

/* By operation. */
norma_finish norma_finish_statistics;         /* moments -> mean_out, variance_out */
norma_finish norma_finish_forward_training;   /* the same, and coefficients from them */
norma_finish norma_finish_normalize;          /* coefficients from the statistics given */
norma_finish norma_finish_gradient_sums;      /* gradient sums -> sum_dy_out, sum_dy_x_hat_out */
norma_finish norma_finish_backward_training;  /* -> dgamma, dbeta, and coefficients from them */
norma_finish norma_finish_backward_inference; /* -> dgamma, dbeta, and dx = dy * scale */
norma_finish norma_finish_gradient_input;     /* coefficients from the gradient sums given */

/* Of samples, whose parameters are those of elements: */
norma_finish norma_finish_layer_norm; /* moments -> mean_out, inv_std_out, and coefficients from them */
norma_finish norma_finish_rms_norm;   /* squares -> inv_std_out, and coefficients from it */
norma_finish norma_finish_rms_gradient; /* gradient sums -> coefficients without a mean of gradients */

/* Before the gradient sums of any channel: what they need. */
norma_finish norma_prepare_gradient_sums;

#endif
