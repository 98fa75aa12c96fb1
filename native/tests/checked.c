#include "checked.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "dispatch.h"

largest_errors largest[NORMA_FLOAT16 + 1];

/*
 * The tolerances. u is the unit roundoff of the type that is computed in: double's for double, else float's.
 * n are the values of a channel.
 *
 * Elements of 16 bits are the result of float, or double, rounded once: by at most 2^-8 (bfloat16) or 2^-11
 * (float16) of it, by 2^-25 where float16 is subnormal, and to infinity from half a spacing above the largest
 * number on. assert_rounded has all of this, for it rounds both ends of what the tolerance allows.
 *
 * Sums. A lane adds A terms one after the other, each addition off by at most u times the partial sum.
 * Partial sums grow in proportion to the terms added, the errors are independent and spread evenly, of
 * deviation u / sqrt(3): together they deviate by u / sqrt(3) * sqrt(A / 3) of the lane's sum. There are
 * n / A lanes, which are independent too: u * A / (3 sqrt(n)) of the sum of all terms' magnitudes. Six
 * deviations are g = 2 A / sqrt(n) units u. The sums of the K chunks are added in double, which in the
 * same way deviates by 2 sqrt(K) units of 2^-53.
 *
 * Variance. With Q and S the sums of d^2 and d, d = x - shift, and |shift - mean| <= k sigma:
 *   Q <= (1 + k^2) n sigma^2,  sum of |d| <= sqrt(n Q)
 * d is rounded once, so Q is off by (g + 2) u Q and S by (g + 1) u sqrt(n Q). Of S, Q - S^2 / n takes
 * 2 k sigma times its error. Relative to n sigma^2:
 *   (1 + k^2) (g + 2) u + 2 k sqrt(1 + k^2) (g + 1) u
 * The mean is off by S's error over n: sqrt(1 + k^2) (g + 1) u sigma, and by its own rounding in double.
 * inv_std is off by half of the variance's relative error.
 *
 * In double, once each: the mean, and of inv_std the sum with epsilon, of which the root halves the error,
 * the root and the quotient. For float these are nothing.
 *
 * ReLU. z = y + residual is rounded once more. Where |z| is within its tolerance, dy may pass or not: dx and
 * dresidual may be either, and of the sums all of such a term counts as an error. The m terms that pass may lie
 * together, in fewer lanes: their sums are off by 2 A / sqrt(m) units, and by no more than A, or m, roundings.
 *
 * Where epsilon is not below 1e-30, the variance of floats may lack squares below 1e-38, as norma.h says.
 */
typedef struct bounds {
  double u;
  double additions;     /* A */
  double chunks;        /* what adding up the chunks adds to g */
  double g;             /* of sums of all values, in units u of the sum of magnitudes */
  double variance;      /* relative */
  double variance_lost; /* what it may lack */
  double mean_in_sigma; /* relative to sigma */
  double inv_std;       /* relative, by its own computation */
  double tiny;          /* the spacing of the smallest numbers that are computed in */
} bounds;

static bounds bounds_of(const test_layer *layer, data_kind kind) {
  const norma_plan plan = norma_plan_make(&layer->norm, norma_isa_at(0).kernels, norma_caches_here());
  const int32_t computed = parameter_type(layer->norm.data_type);
  const int64_t lanes = plan.by_rows ? 1 : 128 / plan.fast->real_size;
  const int64_t in_run = (plan.piece_length + lanes - 1) / lanes;
  const int64_t batch = plan.chunk_batch < plan.batch ? plan.chunk_batch : plan.batch;
  bounds b = {.u = unit_roundoff(computed), .additions = (double)(in_run * batch), .tiny = smallest_value(computed)};
  b.chunks = 2 * sqrt((double)plan.chunks) * (0x1p-53 / b.u);
  b.g = 2 * b.additions / sqrt((double)layer->count) + b.chunks;
  const double k2 = kind == TYPICAL ? 2 : 4;
  b.variance = b.u * ((1 + k2) * (b.g + 2) + 2 * sqrt(k2 * (1 + k2)) * (b.g + 1));
  b.variance_lost = plan.wide && layer->norm.epsilon >= 1e-30 ? 1e-38 : 0;
  b.inv_std = 2.5 * 0x1p-53;
  b.mean_in_sigma = b.u * sqrt(1 + k2) * (b.g + 1);
  return b;
}

static void see(double *most, double error, double unit) {
  if (unit > 0 && isfinite(error) && error / unit > *most) *most = error / unit;
}

/* A unit in the last place of elements of that size. */
static double unit_of(const test_layer *layer, double size) {
  const int32_t type = layer->norm.data_type;
  return fmax(2 * unit_roundoff(type) * size, smallest_value(type));
}

static largest_errors *seen(const test_layer *layer) { return &largest[layer->norm.data_type]; }

static double input(const test_layer *layer, const void *tensor, int64_t c, int64_t i) {
  return value_at(layer->norm.data_type, tensor, layer_index(layer, c, i));
}

static void check_statistics(const test_layer *layer, const bounds *b, int64_t c, const reference *by) {
  const double sigma = (double)sqrtl(by->variance);
  const double mean = (double)by->mean;
  const double variance = (double)by->variance;
  see(&seen(layer)->mean, fabs(layer->mean[c] - mean), 2 * b->u * sigma + DBL_EPSILON * fabs(mean));
  see(&seen(layer)->variance, fabs(layer->variance[c] - variance), 2 * b->u * variance);
  const double mean_off = b->mean_in_sigma * sigma + DBL_EPSILON * fabs(mean) + 0x1p-1073;
  assert_close(layer->mean[c], mean, mean_off, "mean of channel %ld", (long)c);
  assert_close(layer->variance[c], variance, (b->variance + DBL_EPSILON) * variance + b->variance_lost,
               "variance of channel %ld", (long)c);
}

/* What the statistics of this batch are off by, or nothing where they are given. */
typedef struct statistics_off {
  double mean, inv_std;
} statistics_off;

static statistics_off off_of(const bounds *b, const reference *by, bool of_batch) {
  const double mean = b->mean_in_sigma * (double)sqrtl(by->variance) + DBL_EPSILON * fabs((double)by->mean);
  return (statistics_off){of_batch ? mean : 0, b->inv_std + (of_batch ? b->variance / 2 : 0)};
}

/*
 * y. The mean is split into a center that is computed with and a rest of at most u |mean|, which goes into the
 * bias. With d = x - center, s = |gamma| inv_std: the roundings of d, of s and of the product's sum with
 * the bias, the bias's own, and what the statistics are off by.
 */
static double tolerance_of_y(const bounds *b, const reference *by, double x, statistics_off off) {
  const double s = fabs(by->gamma) * (double)by->inv_std;
  const double rest = b->u * fabs((double)by->mean);
  const double deviation = fabs(x - (double)by->mean);
  return s * (deviation + rest) * (2 * b->u + off.inv_std) + s * off.mean + b->u * (fabs(by->beta) + s * rest) +
         b->u * fabs((double)reference_y(by, x)) + b->tiny;
}

static double tolerance_of_z(const test_layer *layer, const bounds *b, int64_t c, int64_t i, const reference *by,
                             statistics_off off) {
  const double y = tolerance_of_y(b, by, input(layer, layer->x, c, i), off);
  return layer->residual ? y + b->u * fabs((double)reference_z(layer, by, c, i)) : y;
}

static void check_y(const test_layer *layer, const bounds *b, int64_t c, const reference *by, bool of_batch) {
  const statistics_off off = off_of(b, by, of_batch);
  for (int64_t i = 0; i < layer->count; i++) {
    const double x = input(layer, layer->x, c, i);
    const double y = (double)reference_y(by, x);
    const double actual = input(layer, layer->out, c, i);
    const double size = fmax(fabs(y), fmax(fabs(by->beta), fabs(by->gamma)));
    see(&seen(layer)->y, fabs(actual - y), unit_of(layer, size));
    assert_rounded(layer->norm.data_type, actual, y, tolerance_of_y(b, by, x, off), "y of channel %ld, value %ld",
                   (long)c, (long)i);
  }
}

/* ReLU takes no two numbers apart: its result is off by no more than z is. */
static void check_relu(const test_layer *layer, const bounds *b, int64_t c, const reference *by, bool of_batch) {
  const statistics_off off = off_of(b, by, of_batch);
  for (int64_t i = 0; i < layer->count; i++) {
    const double z = (double)reference_z(layer, by, c, i);
    assert_rounded(layer->norm.data_type, input(layer, layer->out, c, i), z < 0 ? 0 : z,
                   tolerance_of_z(layer, b, c, i, by, off), "y behind ReLU of channel %ld, value %ld", (long)c,
                   (long)i);
  }
}

/* dy, or what ReLU lets pass of it, and what else that may be where z is too near to zero. */
typedef struct passed {
  double g, other;
} passed;

/* Of every value of a channel; the caller frees them. */
static passed *passed_of(const test_layer *layer, const bounds *b, int64_t c, const reference *by, bool relu) {
  passed *all = new_bytes(layer->count * (int64_t)sizeof *all);
  const statistics_off off = off_of(b, by, false);
  for (int64_t i = 0; i < layer->count; i++) {
    const double dy = input(layer, layer->dy, c, i);
    all[i] = (passed){dy, dy};
    if (!relu) continue;
    const double z = (double)reference_z(layer, by, c, i);
    if (z <= 0) all[i].g = 0;
    if (fabs(z) > tolerance_of_z(layer, b, c, i, by, off)) all[i].other = all[i].g;
    else all[i].other = dy - all[i].g;
  }
  return all;
}

/* Sums of dy and of dy * x_hat: as above, d rounded once and moved by the rest of the mean at the end. */
typedef struct sum_tolerances {
  double dy, dy_x_hat;
} sum_tolerances;

static sum_tolerances tolerances_of_sums(const test_layer *layer, const bounds *b, int64_t c, const reference *by,
                                         const passed *p) {
  const double rest = b->u * fabs((double)by->mean) * (double)by->inv_std;
  const double size_dy = (double)by->size_dy;
  const double m = (double)by->terms;
  const double few = fmin(b->additions * fmin(1, 2 / sqrt(fmax(m, 1))), m) + b->chunks;
  const double g = by->terms < by->count ? few : b->g;
  sum_tolerances off = {
    .dy = (g + 1) * b->u * size_dy,
    .dy_x_hat = ((g + 3) * b->u + b->inv_std) * ((double)by->size_dy_x_hat + 2 * rest * size_dy)
  };
  for (int64_t i = 0; i < layer->count; i++) {
    if (p[i].g == p[i].other) continue;
    const double x_hat = fabs((double)reference_x_hat(by, input(layer, layer->x, c, i))) + rest;
    off.dy += fabs(p[i].g - p[i].other);
    off.dy_x_hat += fabs(p[i].g - p[i].other) * x_hat;
  }
  return off;
}

static void check_sums(const test_layer *layer, const bounds *b, int64_t c, const reference *by, const passed *p) {
  const sum_tolerances off = tolerances_of_sums(layer, b, c, by, p);
  see(&seen(layer)->sums, fabs(layer->sum_dy[c] - (double)by->sum_dy), 2 * b->u * (double)by->size_dy);
  see(&seen(layer)->sums, fabs(layer->sum_dy_x_hat[c] - (double)by->sum_dy_x_hat),
      2 * b->u * (double)by->size_dy_x_hat);
  assert_close(layer->sum_dy[c], (double)by->sum_dy, off.dy, "sum_dy of channel %ld", (long)c);
  assert_close(layer->sum_dy_x_hat[c], (double)by->sum_dy_x_hat, off.dy_x_hat, "sum_dy_x_hat of channel %ld",
               (long)c);
}

/* Parameters are the sums, rounded once more. */
static void check_parameters(const test_layer *layer, const bounds *b, int64_t c, const reference *by,
                             sum_tolerances off) {
  const double dbeta = parameter_at(layer->norm.data_type, layer->dbeta, c);
  const double dgamma = parameter_at(layer->norm.data_type, layer->dgamma, c);
  assert_close(dbeta, (double)by->sum_dy, off.dy + b->u * fabs((double)by->sum_dy), "dbeta of channel %ld", (long)c);
  assert_close(dgamma, (double)by->sum_dy_x_hat, off.dy_x_hat + b->u * fabs((double)by->sum_dy_x_hat),
               "dgamma of channel %ld", (long)c);
}

/* The one of two numbers that is nearer to a third. */
static double nearer(double a, double b, double to) { return fabs(b - to) < fabs(a - to) ? b : a; }

/*
 * dx = ((dy - offset) - d * slope) * scale: offset, slope and scale are rounded once, and so is each
 * operation; of the sums, dx takes the share of one value.
 */
static void check_dx(const test_layer *layer, const bounds *b, int64_t c, const reference *by, sum_tolerances off,
                     const passed *p) {
  const double s = fabs(by->gamma) * (double)by->inv_std;
  const double rest = b->u * fabs((double)by->mean) * (double)by->inv_std;
  const double mean_dy = fabs((double)(by->sum_dy / by->count));
  const double mean_dy_x_hat = fabs((double)(by->sum_dy_x_hat / by->count));
  const double size_dy = (double)(by->size_dy / by->count);
  for (int64_t i = 0; i < layer->count; i++) {
    const double x = input(layer, layer->x, c, i);
    const double actual = input(layer, layer->out, c, i);
    double dx = (double)reference_dx(by, x, p[i].g);
    if (p[i].g != p[i].other) dx = nearer(dx, (double)reference_dx(by, x, p[i].other), actual);
    const double x_hat = fabs((double)reference_x_hat(by, x)) + rest;
    const double terms = fmax(fabs(p[i].g), fabs(p[i].other)) + mean_dy + x_hat * mean_dy_x_hat;
    const double from_sums = (off.dy + x_hat * off.dy_x_hat) / (double)by->count;
    const double tolerance = s * ((4 * b->u + 2 * b->inv_std) * terms + from_sums) + 2 * b->u * fabs(dx) + b->tiny;
    see(&seen(layer)->dx, fabs(actual - dx), unit_of(layer, s * (terms + size_dy)));
    assert_rounded(layer->norm.data_type, actual, dx, tolerance, "dx of channel %ld, value %ld", (long)c, (long)i);
  }
}

/* dx = dy * scale, both the scale and the product rounded once. */
static void check_dx_inference(const test_layer *layer, const bounds *b, int64_t c, const reference *by,
                               const passed *p) {
  for (int64_t i = 0; i < layer->count; i++) {
    const double actual = input(layer, layer->out, c, i);
    const double dx = nearer((double)reference_dx_inference(by, p[i].g),
                             (double)reference_dx_inference(by, p[i].other), actual);
    assert_rounded(layer->norm.data_type, actual, dx, (2 * b->u + b->inv_std) * fabs(dx) + b->tiny,
                   "dx (inference) of channel %ld, value %ld", (long)c, (long)i);
  }
}

/* dresidual is what passed of dy, to the bit. */
static void check_dresidual(const test_layer *layer, int64_t c, const passed *p) {
  for (int64_t i = 0; i < layer->count; i++) {
    const double actual = input(layer, layer->dresidual, c, i);
    assert_close(actual, nearer(p[i].g, p[i].other, actual), 0, "dresidual of channel %ld, value %ld", (long)c,
                 (long)i);
  }
}

/* The statistics that an operation takes or, of the batch, finds. */
static reference reference_for(const test_layer *layer, test_operation operation, int64_t c) {
  if (operation == FORWARD_TRAINING || operation == RELU_FORWARD_TRAINING || operation == LOCAL_STATISTICS)
    return reference_of_batch(layer, c);
  const int32_t type = layer->norm.data_type;
  if (by_running(operation))
    return reference_of(layer, c, parameter_at(type, layer->running_mean, c),
                        parameter_at(type, layer->running_var, c));
  return reference_of(layer, c, layer->given_mean[c], layer->given_variance[c]);
}

static void check_forward(const test_layer *layer, test_operation operation, const bounds *b, int64_t c) {
  const reference by = reference_for(layer, operation, c);
  const bool of_batch = operation == FORWARD_TRAINING || operation == RELU_FORWARD_TRAINING;
  if (of_batch || operation == LOCAL_STATISTICS) check_statistics(layer, b, c, &by);
  if (operation != LOCAL_STATISTICS) (has_relu(operation) ? check_relu : check_y)(layer, b, c, &by, of_batch);
}

static void check_backward(const test_layer *layer, test_operation operation, const bounds *b, int64_t c,
                           const reference *by, const passed *p) {
  const sum_tolerances off = tolerances_of_sums(layer, b, c, by, p);
  check_parameters(layer, b, c, by, off);
  if (by_running(operation)) {
    check_dx_inference(layer, b, c, by, p);
  } else {
    check_dx(layer, b, c, by, off, p);
  }
  if (writes_dresidual(layer, operation)) check_dresidual(layer, c, p);
}

static void check_gradients(const test_layer *layer, test_operation operation, const bounds *b, int64_t c) {
  reference by = reference_for(layer, operation, c);
  reference_sum_gradients(layer, c, has_relu(operation), &by);
  passed *p = passed_of(layer, b, c, &by, has_relu(operation));
  if (operation == LOCAL_GRADIENT_SUMS) {
    check_sums(layer, b, c, &by, p);
  } else if (operation == GRADIENT_INPUT) {
    by.sum_dy = (long double)layer->given_sum_dy[c];
    by.sum_dy_x_hat = (long double)layer->given_sum_dy_x_hat[c];
    check_dx(layer, b, c, &by, (sum_tolerances){0, 0}, p);
  } else {
    check_backward(layer, operation, b, c, &by, p);
  }
  free(p);
}

static void check_channel(const test_layer *layer, test_operation operation, const bounds *b, int64_t c) {
  if (is_forward(operation) || operation == LOCAL_STATISTICS) {
    check_forward(layer, operation, b, c);
  } else {
    check_gradients(layer, operation, b, c);
  }
}

void layer_compare(const test_layer *layer, test_operation operation, data_kind kind) {
  const bounds b = bounds_of(layer, kind);
  for (int64_t c = 0; c < layer->norm.channels; c++) check_channel(layer, operation, &b, c);
}

void layer_check(test_layer *layer, test_operation operation, data_kind kind) {
  fill_pattern(layer->results, layer->results_size);
  const norma_status status = layer_run(layer, operation);
  if (status != NORMA_OK) fail_msg("%s: %s", operation_name(operation), norma_status_message(status));
  layer_compare(layer, operation, kind);
}

void layer_check_all(test_layer *layer, data_kind kind) {
  layer_give(layer);
  for (test_operation operation = 0; operation < OPERATIONS; operation++) layer_check(layer, operation, kind);
  void *residual = layer->residual;
  layer->residual = NULL;
  for (test_operation operation = 0; residual && operation < OPERATIONS; operation++)
    if (has_relu(operation)) layer_check(layer, operation, kind);
  layer->residual = residual;
}

void print_largest_errors(const char *of_what) {
  for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
    const largest_errors e = largest[type];
    if (e.y == 0) continue;
    print_message("Largest errors of %s (%s), in units in the last place: y %.2f, dx %.2f, mean %.2f (of sigma), "
                  "variance %.2f, gradient sums %.2f (of the magnitudes)\n",
                  of_what, type_name(type), e.y, e.dx, e.mean, e.variance, e.sums);
  }
}
