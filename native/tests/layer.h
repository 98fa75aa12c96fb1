/*
 * One batch normalization with all its arrays, so that a test can run any operation on it. Inputs are
 * filled by the test; outputs lie in one block, so that two runs can be compared bit by bit.
 */
#ifndef NORMA_TESTS_LAYER_H
#define NORMA_TESTS_LAYER_H

#include "driver.h"
#include "data.h"

typedef struct test_layer {
  norma_batch_norm norm;
  int64_t elements; /* N * C * S */
  int64_t count;    /* M = N * S */

  void *x, *dy;                         /* tensors */
  void *residual;                       /* tensor; a test may set it to NULL */
  void *gamma, *beta;                   /* parameters; a test may set them to NULL */
  void *running_mean, *running_var;     /* parameters */
  double *given_mean, *given_variance;  /* statistics that the forward pass gave */
  double *given_sum_dy, *given_sum_dy_x_hat; /* gradient sums of the whole */

  void *out;       /* tensor: y or dx */
  void *dresidual; /* tensor; written where there is a residual, and dx */
  double *mean, *variance, *sum_dy, *sum_dy_x_hat;
  void *dgamma, *dbeta;

  char *results; /* the block of all outputs */
  int64_t results_size;
  void *memory; /* of everything */
} test_layer;

test_layer layer_make(norma_batch_norm norm);
void layer_free(test_layer *layer);

/* The index of an element of a channel: value `i` of 0 .. M - 1 of channel `c`, in either layout. */
int64_t layer_index(const test_layer *layer, int64_t c, int64_t i);

/* Normal numbers of another mean and deviation for each channel, and gamma and beta about 1 and 0. */
void layer_fill(test_layer *layer, uint64_t seed);
/* The same with x = mean + deviation * normal in every channel. */
void layer_fill_x(test_layer *layer, uint64_t seed, double mean, double deviation);
void layer_set_channel(test_layer *layer, int64_t c, uint64_t seed, double mean, double deviation);

/* The operations of the header that take a descriptor. */
typedef enum test_operation {
  FORWARD_TRAINING,
  FORWARD_INFERENCE,
  BACKWARD_TRAINING,
  BACKWARD_INFERENCE,
  LOCAL_STATISTICS,
  NORMALIZE,
  LOCAL_GRADIENT_SUMS,
  GRADIENT_INPUT,
  RELU_FORWARD_TRAINING,
  RELU_FORWARD_INFERENCE,
  RELU_BACKWARD_TRAINING,
  RELU_BACKWARD_INFERENCE,
  OPERATIONS
} test_operation;

const char *operation_name(test_operation operation);

/* Whether ReLU is a part of it, with the residual before it if there is one. */
bool has_relu(test_operation operation);
/* Whether it takes running statistics, not those given. */
bool by_running(test_operation operation);
/* Whether it writes y from x, and not dx from dy or no tensor. */
bool is_forward(test_operation operation);
bool writes_tensor(test_operation operation);
/* Whether a backward pass writes the layer's dresidual too. */
bool writes_dresidual(const test_layer *layer, test_operation operation);

/*
 * Runs an operation through the public function. Where it needs statistics or gradient sums, they are
 * those `given`; forward for training and local statistics do not set those.
 */
norma_status layer_run(test_layer *layer, test_operation operation);

/*
 * Runs an operation with the kernels of one level and with a workspace or NULL as the public function would
 * on a machine of such caches.
 */
norma_status layer_run_at(test_layer *layer, test_operation operation, const norma_kernels *kernels,
                          norma_caches caches, void *workspace);

/* Statistics and gradient sums into those `given`, by the public functions. */
void layer_give(test_layer *layer);

#endif
