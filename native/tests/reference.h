/*
 * The oracle: the formulas of norma.h for one channel, written plainly in long double and in two passes.
 */
#ifndef NORMA_TESTS_REFERENCE_H
#define NORMA_TESTS_REFERENCE_H

#include "layer.h"

typedef struct reference {
  double gamma, beta, epsilon;
  long double count; /* M */
  long double mean, variance, inv_std;
  long double sum_dy, sum_dy_x_hat;
  long double size_dy, size_dy_x_hat; /* the sums of the magnitudes of the same terms */
  long double terms;                  /* how many they are: all values, or those that ReLU lets pass */
} reference;

/* The parameters of channel `c`, and the statistics of its values. */
reference reference_of_batch(const test_layer *layer, int64_t c);
/* The parameters of channel `c`, and statistics that are given. */
reference reference_of(const test_layer *layer, int64_t c, double mean, double variance);

/* The gradient sums of a channel by the statistics in `by`, into it; behind ReLU those of what it lets pass. */
void reference_sum_gradients(const test_layer *layer, int64_t c, bool relu, reference *by);

long double reference_x_hat(const reference *by, double x);
long double reference_y(const reference *by, double x);
/* Value `i` of channel `c` before ReLU: y and the residual, if there is one. */
long double reference_z(const test_layer *layer, const reference *by, int64_t c, int64_t i);
long double reference_dx(const reference *by, double x, double dy);
/* dx where the statistics are constants. */
long double reference_dx_inference(const reference *by, double dy);

#endif
