/*
 * The table of kernels that every instruction-set level exports.
 *
 * Kernels are pure, single-threaded functions over one piece of a tensor. They come in two shapes:
 *   run_*  contiguous runs of one channel (channels first): scalars go in and come out
 *   row_*  rows of channels (channels last): arrays of one value per channel go in and come out
 * and for every pair of elements.h: how elements are stored, and the type `real` they are computed in.
 * Elements and reals are passed as void pointers, scalars as double.
 */
#ifndef NORMA_KERNELS_H
#define NORMA_KERNELS_H

#include <float.h>
#include <stdbool.h>
#include <stdint.h>

#include "norma.h"

/* What is done to y before it is written. */
typedef enum norma_fusion {
  FUSION_NONE,
  FUSION_RELU,    /* max(0, y) */
  FUSION_ADD_RELU, /* max(0, y + residual) */
  FUSION_AFFINE,   /* of runs only: y * gamma + beta, with parameters of their own for each element of a run */
  FUSION_SCALE,    /* of runs only: the same without beta, and about 0 */
  FUSION_WEIGHT    /* of gradient_input only: y * gamma, where other channels have a part in dx */
} norma_fusion;

enum {
  GROUP = 32,          /* channels whose runs one call adds up, at most */
  SAMPLES_AT_ONCE = 4, /* rows that are added to the columns at once */
  DIRECT_PIECES = 20,  /* of a run that goes directly that are summed about a shift each, at most, */
  DIRECT_PARTS = 64    /* and that have a gamma and a beta each */
};

/*
 * Whether runs of so many images are better taken beside those of their neighbours: a run of few vectors and a part of
 * one costs more by its ends than by its elements. What that takes to set up must serve some images. From
 * `./norma bench --shapes FILE --layouts nchw` with 64 and 196 elements, 8 to 64 images: with more elements or fewer
 * images setting up costs what it saves.
 */
static inline bool norma_are_short(int64_t images, int64_t length) {
  return length <= 200 && length % 16 != 0 && images >= 16;
}

/*
 * Runs of `length` elements: `count` of each of `channels` neighbouring channels. Those of a channel are
 * `stride` elements apart, those of neighbours `apart`.
 */
typedef struct norma_runs {
  int64_t count;
  int64_t channels;
  int64_t length;
  int64_t apart;
  int64_t stride;
  int64_t ahead; /* prefetch what lies this many elements further on; 0: nothing */
  bool stream;   /* write past the caches */
  norma_fusion fusion;
  bool flat; /* behind ReLU: by running statistics, so that the slope is 0 whatever x is */
  const void *gamma, *beta; /* FUSION_AFFINE and FUSION_SCALE: `length` parameters each, which all the runs share */
} norma_runs;

/*
 * Runs one after the other that go directly from their sums to their outputs. Each is summed in pieces, about a shift
 * each, and written in `parts` parts, which have a gamma and a beta each.
 */
typedef struct norma_direct_runs {
  norma_runs runs; /* as for normalize, but for count and channels */
  int64_t piece_length;
  int64_t parts;
  int64_t period;           /* parts that have parameters of their own; those after them have the same again */
  const void *gamma, *beta; /* parameters of parts, or NULL */
  double epsilon;
  double least;   /* smallest sum of squares of a value that is kept */
  bool squares;   /* by the root mean square; else by mean and variance */
  bool is_narrow; /* reals are float, which does not hold everything */
  double *mean, *variance, *inv_std; /* of runs, out, each or NULL */
} norma_direct_runs;

/* The same back: `parts` runs, with a gamma each, have a mean and an inverse standard deviation in common. */
typedef struct norma_direct_gradients {
  norma_runs runs; /* as for gradient_input, but for count and channels: a part */
  int64_t piece_length;
  int64_t parts;
  int64_t period;
  const void *gamma; /* of parts, or NULL */
  double count;      /* of values that have the statistics in common */
  bool is_narrow;
  const double *mean, *inv_std;
  double *sum_dy, *sum_dy_x_hat; /* of parts, out */
} norma_direct_gradients;

/* `count` rows of `width` neighbouring channels, `stride` elements apart; the rest as above. */
typedef struct norma_rows {
  int64_t count;
  int64_t width;
  int64_t stride;
  int64_t ahead;
  bool stream;
  norma_fusion fusion;
  bool flat;
} norma_rows;

/*
 * How a pass computes, with d = x - center:
 *   normalize       y  = d * scale + bias
 *   gradient input  dx = ((dy - offset) - d * slope) * scale
 * Behind ReLU the gradients take 0 for dy where d * scale + bias (+ residual) <= 0; behind FUSION_SCALE gamma * dy,
 * and behind FUSION_WEIGHT bias * dy, where bias is gamma.
 */
typedef struct norma_coefficients {
  double center, scale, bias, offset, slope;
} norma_coefficients;

/* The same for rows of channels: arrays of reals, one value per channel. */
typedef struct norma_coefficient_rows {
  void *center, *scale, *bias, *offset, *slope;
} norma_coefficient_rows;

/* residual: NULL but for FUSION_ADD_RELU, like dresidual, which may be NULL there too */
typedef struct norma_gradient_tensors {
  const void *x, *residual, *dy;
  void *dx, *dresidual;
} norma_gradient_tensors;

/* When a chunk's sums about a shift are good enough to be added to the totals; see moments.h. */
typedef struct norma_settling {
  double n;          /* values in the totals and the chunk together */
  double off_center; /* 1 + 1 / k^2 where the shift may lie k standard deviations off the mean */
  double least;      /* the smallest sum of squares that lost nothing to underflow */
} norma_settling;

/*
 * How far the shift may lie from the mean of what was added up: with S and Q about the shift,
 *   |shift - mean| <= k * sigma  <=>  (S/n)^2 <= k^2 * (Q/n - (S/n)^2)  <=>  (1 + 1/k^2) * S^2 <= n * Q
 * The first chunk is held to sqrt(2) sigma, so that the chunks after it rarely cross 2 sigma.
 */
static const double NORMA_OFF_CENTER_FIRST = 1 + 1.0 / 2;
static const double NORMA_OFF_CENTER_LATER = 1 + 1.0 / 4;

static inline bool norma_settled(norma_settling by, double square, double total_sum,
                                 double total_square) {
  const bool centered = by.off_center * total_sum * total_sum <= by.n * total_square;
  return centered & (square >= by.least) & (total_square <= DBL_MAX);
}

typedef struct norma_family {
  int32_t element_size;
  int32_t real_size;

  /* A value near the mean of the run's first elements, to be used as a shift. */
  double (*run_shift)(const void *x, int64_t length);
  /* Of up to GROUP channels: sums[c][0] = sum of (x - shift[c]), sums[c][1] = sum of (x - shift[c])^2 */
  void (*run_moments)(const void *x, norma_runs runs, const double *shift, double (*sums)[2]);
  /* Of up to GROUP channels of one run each: the sums of x^2 */
  void (*run_squares)(const void *x, norma_runs runs, double *sums);
  /* Of up to GROUP channels: sums[c][0] = sum of dy, sums[c][1] = sum of dy * (x - center) */
  void (*run_gradient_sums)(const void *x, const void *residual, const void *dy, norma_runs runs,
                            const norma_coefficients *by, double (*sums)[2]);
  void (*run_normalize)(const void *x, const void *residual, void *y, norma_runs runs,
                        const norma_coefficients *by);
  void (*run_gradient_input)(norma_gradient_tensors tensors, norma_runs runs, const norma_coefficients *by);

  /*
   * Statistics and outputs of runs [first, end); returns the first that is left undone, because its sums need another
   * shift or its coefficients another type, or `end`.
   */
  int64_t (*run_direct)(const void *x, void *y, const norma_direct_runs *of, int64_t first, int64_t end);
  /* The same back; the residual and its gradient are NULL. */
  int64_t (*run_direct_gradient)(norma_gradient_tensors tensors, const norma_direct_gradients *of, int64_t first,
                                 int64_t end);

  void (*row_shift)(const void *x, norma_rows rows, void *shift);
  /* Overwrites sum and square. */
  void (*row_moments)(const void *x, norma_rows rows, const void *shift, void *sum, void *square);
  void (*row_normalize)(const void *x, const void *residual, void *y, norma_rows rows,
                        norma_coefficient_rows by);
  /* Overwrites sum and product; scale and bias are read behind ReLU only. */
  void (*row_gradient_sums)(const void *x, const void *residual, const void *dy, norma_rows rows,
                            norma_coefficient_rows by, void *sum, void *product);
  void (*row_gradient_input)(norma_gradient_tensors tensors, norma_rows rows, norma_coefficient_rows by);
  /*
   * Where each row has coefficients of its own: sum[c] = sum over the rows of dy, product[c] = sum of dy * x_hat, with
   * x_hat = (x - center) * scale + bias. Overwrites sum and product.
   */
  void (*row_parameter_sums)(const void *x, const void *dy, norma_rows rows, const norma_coefficients *by, void *sum,
                             void *product);

  /*
   * Both sums of rows of runs.length elements, where each has coefficients of its own: sums[r] as run_gradient_sums
   * gives them, and what row_parameter_sums gives added to sum and product.
   */
  void (*sample_sums)(const void *x, const void *dy, norma_runs runs, const norma_coefficients *by, double (*sums)[2],
                      void *sum, void *product);

  /* How many channels of a chunk are not norma_settled, with the totals of the chunks before. */
  int64_t (*row_unsettled)(int64_t width, const void *sum, const void *square, const double *total_sum,
                           const double *total_square, norma_settling by);
  /* How many channels have sums that are not finite. */
  int64_t (*row_overflows)(int64_t width, const void *sum, const void *product);
  /* total_a += a, total_b += b */
  void (*row_add)(int64_t width, const void *a, const void *b, double *total_a, double *total_b);
} norma_family;

enum { DATA_TYPES = NORMA_FLOAT16 + 1 };

typedef struct norma_finishing norma_finishing; /* finish.h */

/* By data type: the family to compute in, and the one where that would overflow or underflow, or NULL. */
typedef struct norma_kernels {
  const norma_family *fast[DATA_TYPES];
  const norma_family *wide[DATA_TYPES];
  const norma_finishing *finishing;
} norma_kernels;

/* norma_kernels_<name>, one for each line of isa.def */
#define ISA(name, text, supported) extern const norma_kernels norma_kernels_##name;
#include "isa.def"
#undef ISA

#endif
