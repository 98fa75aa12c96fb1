/* What is done between the sums and the last pass, channel by channel: see norma_finish. */
#ifndef NORMA_FINISH_H
#define NORMA_FINISH_H

#include "coefficients.h"
#include "job.h"

/* Of what each group of neighbours has in common, the values for each of `count` channels. */
void norma_statistics_of(const norma_plan *plan, const double *statistics, int64_t first, int64_t count,
                         double *values);

/* What is known of up to PIECE channels where the statistics are given. */
norma_channels norma_channels_of(const norma_job *job, int64_t first, int64_t count);

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

/* Of groups of channels, whose statistics are put where those given are read: see groups.c. */
norma_finish norma_finish_groups;         /* moments of groups in parts -> mean_out, variance_out, inv_std_out */
norma_finish norma_finish_group_norm;     /* the same from moments of channels, and coefficients */
norma_finish norma_finish_group_gradient; /* gradient sums of channels, and coefficients from those of groups */

/* Before the gradient sums of any channel: what they need. */
norma_finish norma_prepare_gradient_sums;

#endif
