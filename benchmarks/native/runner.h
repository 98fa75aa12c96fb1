/*
 * A runner in C: it speaks the protocol of ../README.md, reads inputs, writes outputs and takes
 * times. A peer is one file that fills in a runner_peer and hands it to runner_run.
 */
#ifndef NORMA_BENCHMARKS_RUNNER_H
#define NORMA_BENCHMARKS_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

/* What went wrong, one line; NULL where nothing did. */
typedef const char *runner_why;

/* Returns it from the caller unless it is NULL. */
#define CHECK(expression)                    \
  do {                                       \
    const runner_why checked = (expression); \
    if (checked) return checked;             \
  } while (0)

typedef enum runner_operation {
  BATCH_NORM,
  BATCH_NORM_RELU,
  BATCH_NORM_ADD_RELU, /* a residual is added before ReLU */
  LAYER_NORM,          /* of N rows of C elements; S is 1 */
  RMS_NORM,            /* the same, without mean and beta */
  GROUP_NORM,
  INSTANCE_NORM /* group normalization with as many groups as channels */
} runner_operation;

typedef enum runner_pass { FORWARD_TRAINING, FORWARD_INFERENCE, BACKWARD_TRAINING } runner_pass;
typedef enum runner_type { F32, F64, BF16, F16 } runner_type;
typedef enum runner_layout { NCHW, NHWC, NCHW16C } runner_layout;

#define RUNNER_EPSILON 1e-5

enum { RUNNER_ALIGNMENT = 64 };

/*
 * What is computed, and the arrays of it. They start at multiples of RUNNER_ALIGNMENT and may be
 * read and written up to the next one after their end. Tensors are in the order of the layout,
 * for NCHW16C in that of NCHW; an array that the pass does not use is NULL. Parameters are float
 * where tensors have 16 bits.
 */
typedef struct runner_case {
  runner_operation operation;
  runner_pass pass;
  runner_type type;
  runner_layout layout;
  int64_t batch, channels, spatial;
  int64_t groups; /* of channels, each normalized by itself; 1 where the operation has none */
  int32_t threads;
  void *x, *dy, *residual;          /* tensors */
  void *gamma, *beta;               /* C parameters */
  void *running_mean, *running_var; /* C parameters, of a forward pass of batch normalization,
                                       which may update them */
  void *y;                          /* tensor, what a forward pass computes */
  void *dx, *dresidual;             /* tensors, what the backward pass computes */
  void *dgamma, *dbeta;             /* C parameters, what the backward pass computes; RMS
                                       normalization has neither beta nor dbeta */
} runner_case;

/* What is measured. It has one case at a time and may keep what it needs in static variables. */
typedef struct runner_peer {
  const char *version; /* such as "oneDNN 3.11.0" */

  /* Why it cannot do the case, which has no arrays yet; NULL if it can. */
  runner_why (*unsupported)(const runner_case *test);

  /* Whatever one does once, before many calls. */
  runner_why (*prepare)(const runner_case *test);

  /* The pass, once: what is timed. */
  runner_why (*call)(const runner_case *test);

  /* Puts what the last call computed into the arrays, untimed; NULL where a call does so itself. */
  runner_why (*collect)(const runner_case *test);

  /* Frees what `prepare` took, even if it took a part only, or was never called. */
  void (*release)(void);
} runner_peer;

/* Answers commands until standard input ends. Returns the exit status. */
int runner_run(const runner_peer *peer);

/* For a peer that is not there: says why instead of answering commands. Returns the exit status. */
int runner_missing(runner_why why);

/* A formatted reason. It is valid until the next one is made. */
runner_why runner_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Memory as arrays have it, every page of it touched; to be freed by free(). *memory is NULL
 * where there is not enough, and the reason says of what.
 */
runner_why runner_allocate(const char *of_what, int64_t bytes, void **memory);

int64_t runner_tensor_bytes(const runner_case *test);

bool runner_has_residual(const runner_case *test);

/* Whether the operation is batch normalization, alone or with what follows it. */
bool runner_is_batch_norm(const runner_case *test);

/* Whether it is of rows: layer or RMS normalization. */
bool runner_is_of_rows(const runner_case *test);

#endif
