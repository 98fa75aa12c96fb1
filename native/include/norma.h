/*
 * Norma: normalization layers, forward and backward, on the CPU.
 *
 * This header is the specification of the library. What holds for every function stands here; what
 * holds for one stands above it.
 *
 * Tensors
 *   A tensor is N x C x S: batch, channels, and the product of the spatial extents (S = 1 for a
 *   dense layer). It is dense, in one of two orders:
 *     NORMA_CHANNELS_FIRST  element (n, c, s) at (n * C + c) * S + s    NC, NCW, NCHW, NCDHW
 *     NORMA_CHANNELS_LAST   element (n, c, s) at (n * S + s) * C + c    NC, NWC, NHWC, NDHWC
 *   With S = 1 the two orders are the same. M = N * S is the number of values of a channel.
 *
 * Types
 *   A tensor holds elements of `data_type`. Parameters (gamma, beta, their gradients, running
 *   statistics) are double for NORMA_FLOAT64 and float for the other types. Statistics of a batch
 *   are double for every data type. Every parameter and statistics array has C elements.
 *   The 16-bit types are computed in float and rounded at the end: to nearest, ties to even; what is
 *   too large for NORMA_FLOAT16 becomes infinite, and a NaN stays a NaN.
 *
 * Batch normalization (Ioffe and Szegedy, arXiv:1502.03167, algorithm 1)
 *   mean_c     = sum of x over channel c / M
 *   variance_c = sum of (x - mean_c)^2 over channel c / M            biased; without epsilon
 *   x_hat      = (x - mean_c) * inv_std_c,  inv_std_c = 1 / sqrt(variance_c + epsilon)
 *   y          = gamma_c * x_hat + beta_c
 *   Where variance_c + epsilon is 0 the channel is constant, and inv_std_c is taken as 0: y = beta_c.
 *   gamma = NULL means ones, beta = NULL means zeros.
 *
 * Accuracy
 *   No variance is computed as E[x^2] - E[x]^2 and no output as a folded x * a + b, so a mean far
 *   from zero costs no digits: y is within a few units in the last place of the largest of |y|,
 *   |beta| and |gamma| of the exact result of the formula, and within those of a double of
 *   |gamma * inv_std * mean|, for the mean is one. Where float arithmetic would overflow, double is
 *   used. In training, a NaN or an infinity makes what depends on it NaN or infinite: the outputs of
 *   its channel, and no other's.
 *   For NORMA_FLOAT64 the squares of the deviations must be representable (|x - mean| < 1e154).
 *   Deviations below 1e-19 count in the variance of NORMA_FLOAT32 only where epsilon is below 1e-30;
 *   above, their squares could not be told from zero beside epsilon.
 *
 * Reproducibility
 *   The bits of a result depend on the values, the shape, the layout, the data type and epsilon. They
 *   do not depend on the number of threads, on the addresses, or on the instruction-set level, if
 *   that level has a fused multiply-add in hardware (x86-64-v3, x86-64-v4, aarch64).
 *
 * Arguments
 *   A pointer must not be NULL unless the function says so, and must be aligned to its element.
 *   Outputs must not overlap inputs or each other, except where the function allows "in place",
 *   which means the same address. Every check is made before anything is written: when a function
 *   returns anything but NORMA_OK, all outputs are as they were.
 *
 * Workspace
 *   Functions that need scratch take `workspace` and `workspace_size` in bytes. With the size that
 *   norma_batch_norm_workspace_size, norma_layer_norm_workspace_size or norma_group_norm_workspace_size gives nothing
 *   is allocated; with NULL (and size 0) the function allocates and frees its own scratch, and may return
 *   NORMA_OUT_OF_MEMORY. A workspace is aligned to 8 bytes, overlaps nothing else and serves one call at a time; it
 *   carries nothing between calls.
 *
 * Threads
 *   Every function may be called from any number of threads at once, as long as no call writes what
 *   another reads or writes. A call uses an OpenMP team of at most `threads` threads
 *   (0: omp_get_max_threads()), never more than 64 or the number of processors, whichever is
 *   larger, and only the calling thread where the work is small. An OpenMP runtime keeps one team
 *   for each thread that calls it, and GNU's ends the process when it cannot create a thread: a program
 *   that calls from many threads should ask for few threads per call.
 *
 * The library has no other state than the instruction-set level it chose once. It never prints,
 * aborts or exits, and does not change the floating-point environment.
 */
#ifndef NORMA_H
#define NORMA_H

#include <stdint.h>

#if defined(_WIN32)
#define NORMA_API
#elif defined(__GNUC__)
#define NORMA_API __attribute__((visibility("default")))
#else
#define NORMA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a function returns: a value of enum norma_status_code. */
typedef int32_t norma_status;

enum norma_status_code {
  NORMA_OK = 0,
  NORMA_NULL_POINTER = 1,         /* a required pointer is NULL */
  NORMA_BAD_EXTENT = 2,           /* an extent or an element count is zero or negative */
  NORMA_EXTENT_OVERFLOW = 3,      /* the tensor has more than 2^57 bytes, the largest address space */
  NORMA_BAD_DATA_TYPE = 4,        /* not a value of enum norma_data_type */
  NORMA_BAD_LAYOUT = 5,           /* not a value of enum norma_layout */
  NORMA_BAD_EPSILON = 6,          /* epsilon is negative, infinite or NaN */
  NORMA_BAD_THREADS = 7,          /* threads is negative */
  NORMA_BAD_MOMENTUM = 8,         /* momentum is outside its range, or not a number */
  NORMA_BAD_RULE = 9,             /* another field of an update rule is outside its range */
  NORMA_BAD_COUNT = 10,           /* a count of values is negative, or all counts are zero */
  NORMA_OVERLAP = 11,             /* an output overlaps an input or another output */
  NORMA_MISALIGNED = 12,          /* a pointer is not aligned to its element */
  NORMA_WORKSPACE_TOO_SMALL = 13, /* workspace_size is below what the function for it says */
  NORMA_ONE_VALUE_PER_CHANNEL = 14, /* one value has no variance: training needs M > 1 */
  NORMA_OUT_OF_MEMORY = 15,       /* scratch could not be allocated */
  NORMA_UNKNOWN_ISA = 16,         /* the environment variable NORMA_ISA names no known level */
  NORMA_UNSUPPORTED_ISA = 17,     /* NORMA_ISA names a level this processor does not have */
  NORMA_BAD_GROUPS = 18           /* groups is below 1 or does not divide the channels */
};

enum norma_data_type {
  NORMA_FLOAT32 = 0,  /* float, parameters float */
  NORMA_FLOAT64 = 1,  /* double, parameters double */
  NORMA_BFLOAT16 = 2, /* the upper half of a float in a uint16_t, parameters float */
  NORMA_FLOAT16 = 3   /* IEEE 754 binary16 in a uint16_t, parameters float */
};

enum norma_layout {
  NORMA_CHANNELS_FIRST = 0,
  NORMA_CHANNELS_LAST = 1
};

/* A batch normalization: the shape of its tensor and how to compute it. */
typedef struct norma_batch_norm {
  int64_t batch;     /* N >= 1 */
  int64_t channels;  /* C >= 1 */
  int64_t spatial;   /* S >= 1, the product of the spatial extents */
  double epsilon;    /* >= 0, finite; added to the variance */
  int32_t data_type; /* enum norma_data_type */
  int32_t layout;    /* enum norma_layout */
  int32_t threads;   /* >= 0; 0: the OpenMP default */
} norma_batch_norm;

/* ---- The library ------------------------------------------------------------------------------ */

/* The version, "major.minor.patch". The string is static. */
NORMA_API const char *norma_version(void);

/* One English sentence that says what `status` means. The string is static; never NULL. */
NORMA_API const char *norma_status_message(norma_status status);

/*
 * The instruction-set level in use, for example "x86-64-v4"; NULL where NORMA_ISA forces a level that
 * cannot be used. The best supported level is chosen at the first call of the library; the
 * environment variable NORMA_ISA, read then, forces one by its name.
 */
NORMA_API const char *norma_isa_name(void);

/* NORMA_OK, or why there is no level in use: NORMA_UNKNOWN_ISA or NORMA_UNSUPPORTED_ISA. */
NORMA_API norma_status norma_isa_status(void);

/* How many levels the library was built with; they are numbered from 0, best first. */
NORMA_API int32_t norma_isa_count(void);

/* The name of a level; NULL outside 0 .. norma_isa_count() - 1. The string is static. */
NORMA_API const char *norma_isa_level_name(int32_t level);

/* 1 if this processor and operating system can run the level, else 0. */
NORMA_API int32_t norma_isa_level_supported(int32_t level);

/* The size of the team that `threads` = 0 asks for on the calling thread. */
NORMA_API int32_t norma_default_threads(void);

/* ---- Batch normalization ---------------------------------------------------------------------- */

/* The workspace that is enough for every function that takes this descriptor, into *size (bytes). */
NORMA_API norma_status norma_batch_norm_workspace_size(const norma_batch_norm *norm, int64_t *size);

/*
 * Forward for training: normalizes by the statistics of the batch.
 *   x         in   tensor
 *   gamma     in   parameters, or NULL for ones
 *   beta      in   parameters, or NULL for zeros
 *   y         out  tensor; in place (y == x) is allowed
 *   mean      out  double[C], the mean of the batch
 *   variance  out  double[C], the biased variance of the batch, without epsilon
 * One value per channel (M = 1) is NORMA_ONE_VALUE_PER_CHANNEL: it has no variance.
 */
NORMA_API norma_status norma_batch_norm_forward_training(
    const norma_batch_norm *norm, const void *x, const void *gamma, const void *beta, void *y,
    double *mean, double *variance, void *workspace, int64_t workspace_size);

/*
 * Forward for inference: normalizes by running statistics, which are parameters.
 *   y         out  tensor; in place (y == x) is allowed
 * A running_var whose sum with epsilon is negative gives NaN, like the formula.
 */
NORMA_API norma_status norma_batch_norm_forward_inference(
    const norma_batch_norm *norm, const void *x, const void *gamma, const void *beta,
    const void *running_mean, const void *running_var, void *y, void *workspace,
    int64_t workspace_size);

/*
 * Backward for training: the gradients of a loss L through the forward pass for training, in which
 * mean and variance depend on x.
 *   dbeta     = sum of dy over the channel
 *   dgamma    = sum of dy * x_hat over the channel
 *   dx        = gamma * inv_std * (dy - dbeta / M - x_hat * dgamma / M)
 *   x, dy     in   tensors: the forward input, and dL/dy
 *   gamma     in   parameters, or NULL for ones
 *   mean, variance  in  what the forward pass gave
 *   dx        out  tensor dL/dx, or NULL if not wanted; in place (dx == dy) is allowed
 *   dgamma    out  parameters, or NULL if not wanted; overwritten, not added to
 *   dbeta     out  parameters, or NULL if not wanted; overwritten, not added to
 * M = 1 is NORMA_ONE_VALUE_PER_CHANNEL.
 *
 * The Jacobian behind dx, for two values of one channel:
 *   d x_hat_i / d x_j = inv_std * ([i == j] - 1 / M - x_hat_i * x_hat_j / M)
 * The last term is the product of two different deviations; (x_i - mean)^2 stands there only for
 * i == j.
 */
NORMA_API norma_status norma_batch_norm_backward_training(
    const norma_batch_norm *norm, const void *x, const void *dy, const void *gamma,
    const double *mean, const double *variance, void *dx, void *dgamma, void *dbeta,
    void *workspace, int64_t workspace_size);

/*
 * Backward for inference mode: running statistics are constants, so
 *   dx        = gamma * inv_std * dy
 * and dgamma, dbeta are the sums above with x_hat by the running statistics. Arguments as in
 * norma_batch_norm_backward_training, with the running statistics (parameters) of the forward pass.
 */
NORMA_API norma_status norma_batch_norm_backward_inference(
    const norma_batch_norm *norm, const void *x, const void *dy, const void *gamma,
    const void *running_mean, const void *running_var, void *dx, void *dgamma, void *dbeta,
    void *workspace, int64_t workspace_size);

/* ---- Batch normalization and ReLU in one ------------------------------------------------------- */

/*
 * Batch normalization, the addition of a residual if there is one, and ReLU, in one pass less over the
 * tensors for each: the end of a block of a residual network (He et al., arXiv:1512.03385, figure 2).
 *   z  = gamma * x_hat + beta + residual
 *   y  = max(0, z); NaN where z is NaN
 *   residual  in   tensor, or NULL to add nothing; y may be in place of it (y == residual)
 * The other arguments are those of norma_batch_norm_forward_training. With the 16-bit types the sum is
 * rounded once, at the end. It is infinite where gamma * x_hat + beta is beyond float already.
 */
NORMA_API norma_status norma_batch_norm_relu_forward_training(
    const norma_batch_norm *norm, const void *x, const void *residual, const void *gamma,
    const void *beta, void *y, double *mean, double *variance, void *workspace,
    int64_t workspace_size);

/* The same by running statistics; the other arguments are those of norma_batch_norm_forward_inference. */
NORMA_API norma_status norma_batch_norm_relu_forward_inference(
    const norma_batch_norm *norm, const void *x, const void *residual, const void *gamma,
    const void *beta, const void *running_mean, const void *running_var, void *y, void *workspace,
    int64_t workspace_size);

/*
 * Backward for training, from what the forward pass has read: z is computed again, as there, which costs
 * less than to keep a mask or to read y.
 *   g          = dy where z > 0 or NaN, else 0
 *   dresidual  = g; dx, dgamma and dbeta as in norma_batch_norm_backward_training with g for dy
 *   x, residual, gamma, beta   in   those of the forward pass, none of them overwritten by y
 *   dx         out  tensor, or NULL if not wanted; in place (dx == dy) is allowed
 *   dresidual  out  tensor dL/dresidual, or NULL if not wanted; in place (dresidual == dy) is allowed,
 *                   but not both. It needs residual and dx
 */
NORMA_API norma_status norma_batch_norm_relu_backward_training(
    const norma_batch_norm *norm, const void *x, const void *residual, const void *dy,
    const void *gamma, const void *beta, const double *mean, const double *variance, void *dx,
    void *dresidual, void *dgamma, void *dbeta, void *workspace, int64_t workspace_size);

/* The same by running statistics, as in norma_batch_norm_backward_inference. */
NORMA_API norma_status norma_batch_norm_relu_backward_inference(
    const norma_batch_norm *norm, const void *x, const void *residual, const void *dy,
    const void *gamma, const void *beta, const void *running_mean, const void *running_var, void *dx,
    void *dresidual, void *dgamma, void *dbeta, void *workspace, int64_t workspace_size);

/* ---- Running statistics ----------------------------------------------------------------------- */

enum norma_running_mode {
  NORMA_RUNNING_EXPONENTIAL = 0, /* weight of the batch: 1 - momentum */
  NORMA_RUNNING_CUMULATIVE = 1   /* weight of the k-th batch: 1 / k, the mean of all batches */
};

/* How running statistics follow the batches. */
typedef struct norma_running_rule {
  double momentum;          /* 0 .. 1, the weight that the OLD running value keeps (PyTorch names the
                               other weight: its 0.1 is 0.9 here); not read in cumulative mode */
  int32_t mode;             /* enum norma_running_mode */
  int32_t unbiased;         /* 1: running_var follows variance * M / (M - 1); 0: the biased variance */
  int32_t refuse_nonfinite; /* 1: a batch that would make a running value NaN or infinite is refused */
} norma_running_rule;

/*
 * Updates running statistics by those of a batch:
 *   running = momentum * running + (1 - momentum) * batch
 * computed in double and rounded once. Epsilon has no part in it.
 *   data_type                 enum norma_data_type: decides the type of the parameters
 *   channels                  C >= 1
 *   count                     M of the batch, over all its parts; > 1 if the rule is unbiased
 *   mean, variance            in      double[C], of the batch, biased
 *   running_mean, running_var in/out  parameters
 *   batches                   in/out  int64[1], batches taken so far; grows by 1
 *   refused                   in/out  int64[1], batches refused so far
 * A refused batch (see the rule) changes nothing but *refused, and the status is NORMA_OK.
 */
NORMA_API norma_status norma_batch_norm_update_running(
    const norma_running_rule *rule, int32_t data_type, int64_t channels, int64_t count,
    const double *mean, const double *variance, void *running_mean, void *running_var,
    int64_t *batches, int64_t *refused);

/* ---- Split phases: a batch in several parts (synchronized batch normalization) ------------------- */

/*
 * Statistics of a part of a batch. M = 1 is allowed: its variance is 0. A part without values is not
 * computed; it enters the merge with count 0.
 *   mean, variance  out  double[C]
 */
NORMA_API norma_status norma_batch_norm_local_statistics(
    const norma_batch_norm *norm, const void *x, double *mean, double *variance, void *workspace,
    int64_t workspace_size);

/*
 * The statistics of the whole from those of its parts, not their average:
 *   mean     = sum of count_p * mean_p / count
 *   variance = sum of count_p * (variance_p + (mean_p - mean)^2) / count
 *   counts           in   int64[parts], M of each part, >= 0; what stands in the statistics of a part
 *                         with count 0 is not read
 *   means, variances in   double[parts * C], one part after the other
 *   count            out  int64[1], the sum of counts
 *   mean, variance   out  double[C]
 * All counts zero is NORMA_BAD_COUNT.
 *
 * Population statistics, for inference (algorithm 2, lines 8 to 12), are those of all batches of a data set:
 * merge what has been merged so far with each batch, then norma_batch_norm_update_running with momentum 0
 * and the count of all. Line 10 averages unbiased variances, which is right in the mean for batches drawn at
 * random; merged, any batches give the variance of all values.
 */
NORMA_API norma_status norma_batch_norm_merge_statistics(
    int64_t channels, int64_t parts, const int64_t *counts, const double *means,
    const double *variances, int64_t *count, double *mean, double *variance);

/*
 * Normalizes a part by given statistics (double[C]).
 *   y  out  tensor; in place (y == x) is allowed
 */
NORMA_API norma_status norma_batch_norm_normalize(
    const norma_batch_norm *norm, const void *x, const void *gamma, const void *beta,
    const double *mean, const double *variance, void *y, void *workspace, int64_t workspace_size);

/*
 * Gradient sums of a part, by the statistics of the whole:
 *   sum_dy        out  double[C], sum of dy: the part's share of dbeta
 *   sum_dy_x_hat  out  double[C], sum of dy * x_hat: the part's share of dgamma
 */
NORMA_API norma_status norma_batch_norm_local_gradient_sums(
    const norma_batch_norm *norm, const void *x, const void *dy, const double *mean,
    const double *variance, double *sum_dy, double *sum_dy_x_hat, void *workspace,
    int64_t workspace_size);

/*
 * Gradient sums of the whole: the sums over the parts, in their order. Parts with count 0 are not read.
 *   counts                   in   int64[parts], >= 0
 *   sums_dy, sums_dy_x_hat   in   double[parts * C], one part after the other
 *   sum_dy, sum_dy_x_hat     out  double[C]
 */
NORMA_API norma_status norma_batch_norm_merge_gradient_sums(
    int64_t channels, int64_t parts, const int64_t *counts, const double *sums_dy,
    const double *sums_dy_x_hat, double *sum_dy, double *sum_dy_x_hat);

/*
 * dx of a part, by the statistics and gradient sums of the whole:
 *   dx = gamma * inv_std * (dy - sum_dy / count - x_hat * sum_dy_x_hat / count)
 *   count  M of the whole, >= M of the part
 *   dx     out  tensor; in place (dx == dy) is allowed
 */
NORMA_API norma_status norma_batch_norm_gradient_input(
    const norma_batch_norm *norm, const void *x, const void *dy, const void *gamma,
    const double *mean, const double *variance, int64_t count, const double *sum_dy,
    const double *sum_dy_x_hat, void *dx, void *workspace, int64_t workspace_size);

/* ---- Folding: inference without normalization --------------------------------------------------- */

/*
 * Folds the normalization for inference into the dense layer or convolution before it. Both are linear
 * (Ioffe and Szegedy, algorithm 2, line 11), so that layer can do the work of both with other weights and
 * another bias (Jacob et al., arXiv:1712.05877, section 3.2):
 *   scale          = gamma * inv_std,  inv_std = 1 / sqrt(running_var + epsilon)
 *   folded_weights = weights * scale
 *   folded_bias    = (bias - running_mean) * scale + beta
 * computed in double and rounded once; for NORMA_FLOAT64 the scale must be representable. A sum of
 * running_var and epsilon that is 0 makes inv_std 0, one that is negative NaN, as in inference. ReLU is not
 * linear and stays to be done.
 *   data_type       enum norma_data_type, of the weights
 *   channels        C >= 1, of the layer's output
 *   fan_in          >= 1, the weights of a channel: what the extents of a filter make, as input channels
 *                   (of one group, where a convolution has groups) * height * width
 *   epsilon         >= 0, finite
 *   weights         in   C rows of fan_in elements, one row after the other
 *   bias            in   parameters, or NULL for zeros
 *   gamma           in   parameters, or NULL for ones
 *   beta            in   parameters, or NULL for zeros
 *   running_mean, running_var  in  parameters
 *   folded_weights  out  like weights; in place (folded_weights == weights) is allowed
 *   folded_bias     out  parameters; in place (folded_bias == bias) is allowed
 * The folded layer's output differs from the normalized one by rounding: half a unit in the last place of
 * each folded weight, times its input, and of the folded bias.
 */
NORMA_API norma_status norma_batch_norm_fold(
    int32_t data_type, int64_t channels, int64_t fan_in, double epsilon, const void *weights,
    const void *bias, const void *gamma, const void *beta, const void *running_mean,
    const void *running_var, void *folded_weights, void *folded_bias);

/* ---- Layer and RMS normalization ---------------------------------------------------------------- */

/*
 * Rows of a dense R x L array, each normalized by itself; element (r, l) is at r * L + l. An array whose last axes are
 * normalized together is such rows, too: L is then the product of those extents.
 *
 * Layer normalization (Ba, Kiros and Hinton, arXiv:1607.06450, equations 3 and 4; ONNX LayerNormalization-17)
 *   mean_r     = sum of x over row r / L
 *   variance_r = sum of (x - mean_r)^2 over row r / L           biased
 *   x_hat      = (x - mean_r) * inv_std_r,  inv_std_r = 1 / sqrt(variance_r + epsilon)
 *   y          = gamma_l * x_hat + beta_l
 * RMS normalization (Zhang and Sennrich, arXiv:1910.07467, equation 4; ONNX RMSNormalization-23)
 *   x_hat      = x * inv_rms_r,  inv_rms_r = 1 / sqrt(sum of x^2 over row r / L + epsilon)
 *   y          = gamma_l * x_hat
 *
 * Where the root is of 0, the inverse is taken as 0. Types, accuracy, reproducibility and all else that stands above
 * hold; gamma, beta and their gradients have L elements, mean, inv_std and inv_rms have R. A NaN or an infinity makes
 * its row NaN or infinite, and no other, but for gradients of parameters, which are sums over the rows. In RMS
 * normalization an infinity makes inv_rms 0: the finite elements of its row become 0, by the formula.
 */
typedef struct norma_layer_norm {
  int64_t rows;      /* R >= 1 */
  int64_t length;    /* L >= 1 */
  double epsilon;    /* >= 0, finite; added to the variance or the mean square */
  int32_t data_type; /* enum norma_data_type */
  int32_t threads;   /* >= 0; 0: the OpenMP default */
} norma_layer_norm;

/* The bytes of workspace for any function on `norm`, layer or RMS normalization. */
NORMA_API norma_status norma_layer_norm_workspace_size(const norma_layer_norm *norm, int64_t *size);

/*
 * Forward.
 *   x        in   R x L
 *   gamma    in   L parameters, NULL: ones
 *   beta     in   L parameters, NULL: zeros
 *   y        out  R x L; in place (y == x) is allowed
 *   mean     out  double[R], NULL: not wanted
 *   inv_std  out  double[R], NULL: not wanted
 */
NORMA_API norma_status norma_layer_norm_forward(
    const norma_layer_norm *norm, const void *x, const void *gamma, const void *beta, void *y, double *mean,
    double *inv_std, void *workspace, int64_t workspace_size);

/*
 * Backward, by the statistics of the forward pass:
 *   g      = gamma_l * dy
 *   dx     = inv_std_r * (g - sum of g over row r / L - x_hat * sum of g * x_hat over row r / L)
 *   dgamma = sum of dy * x_hat over the rows
 *   dbeta  = sum of dy over the rows
 * Each output may be NULL: it is then not computed.
 *   x, dy          in   R x L
 *   gamma          in   L parameters, NULL: ones
 *   mean, inv_std  in   double[R]
 *   dx             out  R x L; in place (dx == dy) is allowed
 *   dgamma, dbeta  out  L parameters
 */
NORMA_API norma_status norma_layer_norm_backward(
    const norma_layer_norm *norm, const void *x, const void *dy, const void *gamma, const double *mean,
    const double *inv_std, void *dx, void *dgamma, void *dbeta, void *workspace, int64_t workspace_size);

/*
 * Forward.
 *   x        in   R x L
 *   gamma    in   L parameters, NULL: ones
 *   y        out  R x L; in place (y == x) is allowed
 *   inv_rms  out  double[R], NULL: not wanted
 */
NORMA_API norma_status norma_rms_norm_forward(
    const norma_layer_norm *norm, const void *x, const void *gamma, void *y, double *inv_rms, void *workspace,
    int64_t workspace_size);

/*
 * Backward, by the statistic of the forward pass:
 *   dx     = inv_rms_r * (gamma_l * dy - x_hat * sum of gamma_l * dy * x_hat over row r / L)
 *   dgamma = sum of dy * x_hat over the rows
 * Each output may be NULL: it is then not computed.
 *   x, dy    in   R x L
 *   gamma    in   L parameters, NULL: ones
 *   inv_rms  in   double[R]
 *   dx       out  R x L; in place (dx == dy) is allowed
 *   dgamma   out  L parameters
 */
NORMA_API norma_status norma_rms_norm_backward(
    const norma_layer_norm *norm, const void *x, const void *dy, const void *gamma, const double *inv_rms, void *dx,
    void *dgamma, void *workspace, int64_t workspace_size);

/* ---- Group and instance normalization ------------------------------------------------------------- */

/*
 * The channels of a tensor N x C x S in G groups of C / G neighbours, each group of each image normalized by itself: by
 * the mean and variance of its M = C / G * S values.
 *
 * Group normalization (Wu and He, arXiv:1803.08494, equations 1 to 7; ONNX GroupNormalization-21)
 *   mean_ng     = sum of x over group g of image n / M
 *   variance_ng = sum of (x - mean_ng)^2 over the same / M           biased
 *   x_hat       = (x - mean_ng) * inv_std_ng,  inv_std_ng = 1 / sqrt(variance_ng + epsilon)
 *   y           = gamma_c * x_hat + beta_c
 * Instance normalization (Ulyanov, Vedaldi and Lempitsky, arXiv:1607.08022; ONNX InstanceNormalization) is the same
 * with G = C. With running statistics it is evaluated by norma_batch_norm_forward_inference and its backward pass, and
 * they follow what norma_instance_norm_average_statistics gives of each batch.
 *
 * Where variance + epsilon is 0, inv_std is taken as 0. Types, layouts, accuracy, reproducibility and all else that
 * stands above hold; gamma, beta and their gradients have C elements, statistics N * G, element (n, g) at n * G + g. A
 * NaN or an infinity makes its group of its image NaN or infinite, and no other, but for gradients of parameters.
 */
typedef struct norma_group_norm {
  int64_t batch;     /* N >= 1 */
  int64_t channels;  /* C >= 1 */
  int64_t spatial;   /* S >= 1, the product of the spatial extents */
  int64_t groups;    /* G >= 1, a divisor of C; C: instance normalization */
  double epsilon;    /* >= 0, finite; added to the variance */
  int32_t data_type; /* enum norma_data_type */
  int32_t layout;    /* enum norma_layout */
  int32_t threads;   /* >= 0; 0: the OpenMP default */
} norma_group_norm;

/* The bytes of workspace for any function on `norm`. */
NORMA_API norma_status norma_group_norm_workspace_size(const norma_group_norm *norm, int64_t *size);

/*
 * Forward.
 *   x         in   tensor
 *   gamma     in   C parameters, NULL: ones
 *   beta      in   C parameters, NULL: zeros
 *   y         out  tensor; in place (y == x) is allowed
 *   mean      out  double[N * G], NULL: not wanted
 *   variance  out  double[N * G], biased, without epsilon; NULL: not wanted
 *   inv_std   out  double[N * G], NULL: not wanted
 */
NORMA_API norma_status norma_group_norm_forward(
    const norma_group_norm *norm, const void *x, const void *gamma, const void *beta, void *y, double *mean,
    double *variance, double *inv_std, void *workspace, int64_t workspace_size);

/*
 * Backward, by the statistics of the forward pass:
 *   g      = gamma_c * dy
 *   dx     = inv_std_ng * (g - sum of g over the group / M - x_hat * sum of g * x_hat over the group / M)
 *   dgamma = sum of dy * x_hat over the images and positions
 *   dbeta  = sum of dy over the images and positions
 * Each output may be NULL: it is then not computed.
 *   x, dy          in   tensors
 *   gamma          in   C parameters, NULL: ones
 *   mean, inv_std  in   double[N * G]
 *   dx             out  tensor; in place (dx == dy) is allowed
 *   dgamma, dbeta  out  C parameters
 */
NORMA_API norma_status norma_group_norm_backward(
    const norma_group_norm *norm, const void *x, const void *dy, const void *gamma, const double *mean,
    const double *inv_std, void *dx, void *dgamma, void *dbeta, void *workspace, int64_t workspace_size);

/*
 * The statistics of a batch that running statistics of instance normalization follow, by
 * norma_batch_norm_update_running with count S: the averages over the images.
 *   means, variances  in   double[N * C], as norma_group_norm_forward gives them with G = C
 *   mean, variance    out  double[C]
 */
NORMA_API norma_status norma_instance_norm_average_statistics(
    int64_t batch, int64_t channels, const double *means, const double *variances, double *mean, double *variance);

/* ---- Gradient descent -------------------------------------------------------------------------- */

/* A step of gradient descent, with the conventions of PyTorch's SGD. */
typedef struct norma_gradient_descent {
  double learning_rate; /* >= 0, finite */
  double momentum;      /* 0 <= momentum < 1; 0: plain descent */
  double weight_decay;  /* >= 0, finite: adds weight_decay * parameter to the gradient */
  int32_t nesterov;     /* 1: Nesterov's momentum, which needs momentum > 0; else 0 */
} norma_gradient_descent;

/*
 * One step for an array of parameters (gamma or beta):
 *   g         = gradient + weight_decay * parameter
 *   velocity  = momentum * velocity + g
 *   parameter = parameter - learning_rate * (nesterov ? g + momentum * velocity : velocity)
 * computed in double and rounded once per array.
 *   data_type  enum norma_data_type: decides the type of all three arrays
 *   length     >= 1
 *   gradient   in      length parameters
 *   parameter  in/out  length parameters
 *   velocity   in/out  length parameters, zeros before the first step; NULL if momentum is 0
 */
NORMA_API norma_status norma_gradient_descent_step(
    const norma_gradient_descent *rule, int32_t data_type, int64_t length, const void *gradient,
    void *parameter, void *velocity);

#ifdef __cplusplus
}
#endif

#endif
