#include "checked.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "dispatch.h"

largest_errors largest[2];

/*
 * The tolerances. u is the unit roundoff of the data type, n the values of a channel.
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
 * Where epsilon is not below 1e-30, the variance of floats may lack squares below 1e-38, as norma.h says.
 */
typedef struct bounds {
  double u;
  double g;             /* of sums, in units u of the sum of magnitudes */
  double variance;      /* relative */
  double variance_lost; /* what it may lack */
  double mean_in_sigma; /* relative to sigma */
  double inv_std;       /* relative, by its own computation */
  double tiny;          /* the spacing of the smallest numbers of the type */
} bounds;

static bounds bounds_of(const test_layer *layer, data_kind kind) {
  const norma_plan plan = norma_plan_make(&layer->norm, norma_isa_at(0).kernels, norma_caches_here());
  const int64_t lanes = plan.by_rows ? 1 : 128 / plan.fast->real_size;
  const int64_t in_run = (plan.piece_length + lanes - 1) / lanes;
  const int64_t batch = plan.chunk_batch < plan.batch ? plan.chunk_batch : plan.batch;
  const double additions = (double)(in_run * batch);
  bounds b = {.u = unit_roundoff(layer->norm.data_type)};
  b.g = 2 * additions / sqrt((double)layer->count) + 2 * sqrt((double)plan.chunks) * (0x1p-53 / b.u);
  const double k2 = kind == TYPICAL ? 2 : 4;
  b.variance = b.u * ((1 + k2) * (b.g + 2) + 2 * sqrt(k2 * (1 + k2)) * (b.g + 1));
  b.variance_lost = plan.wide && layer->norm.epsilon >= 1e-30 ? 1e-38 : 0;
  b.inv_std = 2.5 * 0x1p-53;
  b.mean_in_sigma = b.u * sqrt(1 + k2) * (b.g + 1);
  b.tiny = layer->norm.data_type == NORMA_FLOAT64 ? 0x1p-1074 : 0x1p-149;
  return b;
}

static void see(double *most, double error, double unit) {
  if (unit > 0 && isfinite(error) && error / unit > *most) *most = error / unit;
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

/*
 * y. The mean is split into a center of the data type and a rest of at most u |mean|, which goes into the
 * offset. With d = x - center, s = |gamma| inv_std: the roundings of d, of s and of the product's sum
 * with the offset, the offset's own, and what the statistics are off by, if they are of this batch.
 */
static void check_y(const test_layer *layer, const bounds *b, int64_t c, const reference *by, bool of_batch) {
  const double s = fabs(by->gamma) * (double)by->inv_std;
  const double rest = b->u * fabs((double)by->mean);
  const double own_mean_off = b->mean_in_sigma * (double)sqrtl(by->variance) + DBL_EPSILON * fabs((double)by->mean);
  const double mean_off = of_batch ? own_mean_off : 0;
  const double inv_std_off = b->inv_std + (of_batch ? b->variance / 2 : 0);
  for (int64_t i = 0; i < layer->count; i++) {
    const double x = input(layer, layer->x, c, i);
    const double y = (double)reference_y(by, x);
    const double deviation = fabs(x - (double)by->mean);
    const double tolerance = s * (deviation + rest) * (2 * b->u + inv_std_off) + s * mean_off +
                             b->u * (fabs(by->beta) + s * rest) + b->u * fabs(y) + b->tiny;
    const double actual = input(layer, layer->out, c, i);
    const double size = fmax(fabs(y), fmax(fabs(by->beta), fabs(by->gamma)));
    see(&seen(layer)->y, fabs(actual - y), 2 * b->u * size);
    assert_close(actual, y, tolerance, "y of channel %ld, value %ld", (long)c, (long)i);
  }
}

/* Sums of dy and of dy * x_hat: as above, d rounded once and moved by the rest of the mean at the end. */
typedef struct sum_tolerances {
  double dy, dy_x_hat;
} sum_tolerances;

static sum_tolerances tolerances_of_sums(const bounds *b, const reference *by) {
  const double rest = b->u * fabs((double)by->mean) * (double)by->inv_std;
  const double size_dy = (double)by->size_dy;
  return (sum_tolerances){
    .dy = (b->g + 1) * b->u * size_dy,
    .dy_x_hat = ((b->g + 3) * b->u + b->inv_std) * ((double)by->size_dy_x_hat + 2 * rest * size_dy)
  };
}

static void check_sums(const test_layer *layer, const bounds *b, int64_t c, const reference *by) {
  const sum_tolerances off = tolerances_of_sums(b, by);
  see(&seen(layer)->sums, fabs(layer->sum_dy[c] - (double)by->sum_dy), 2 * b->u * (double)by->size_dy);
  see(&seen(layer)->sums, fabs(layer->sum_dy_x_hat[c] - (double)by->sum_dy_x_hat),
      2 * b->u * (double)by->size_dy_x_hat);
  assert_close(layer->sum_dy[c], (double)by->sum_dy, off.dy, "sum_dy of channel %ld", (long)c);
  assert_close(layer->sum_dy_x_hat[c], (double)by->sum_dy_x_hat, off.dy_x_hat, "sum_dy_x_hat of channel %ld",
               (long)c);
}

/* Parameters are the sums, rounded once more. */
static void check_parameters(const test_layer *layer, const bounds *b, int64_t c, const reference *by) {
  const sum_tolerances off = tolerances_of_sums(b, by);
  const double dbeta = value_at(layer->norm.data_type, layer->dbeta, c);
  const double dgamma = value_at(layer->norm.data_type, layer->dgamma, c);
  assert_close(dbeta, (double)by->sum_dy, off.dy + b->u * fabs((double)by->sum_dy), "dbeta of channel %ld", (long)c);
  assert_close(dgamma, (double)by->sum_dy_x_hat, off.dy_x_hat + b->u * fabs((double)by->sum_dy_x_hat),
               "dgamma of channel %ld", (long)c);
}

/*
 * dx = ((dy - offset) - d * slope) * scale: offset, slope and scale are rounded once, and so is each
 * operation; of the sums, dx takes the share of one value.
 */
static void check_dx(const test_layer *layer, const bounds *b, int64_t c, const reference *by, bool of_batch) {
  const double s = fabs(by->gamma) * (double)by->inv_std;
  const double rest = b->u * fabs((double)by->mean) * (double)by->inv_std;
  const double mean_dy = fabs((double)(by->sum_dy / by->count));
  const double mean_dy_x_hat = fabs((double)(by->sum_dy_x_hat / by->count));
  const double size_dy = (double)(by->size_dy / by->count);
  const sum_tolerances off = of_batch ? tolerances_of_sums(b, by) : (sum_tolerances){0, 0};
  for (int64_t i = 0; i < layer->count; i++) {
    const double x = input(layer, layer->x, c, i);
    const double dy = input(layer, layer->dy, c, i);
    const double dx = (double)reference_dx(by, x, dy);
    const double x_hat = fabs((double)reference_x_hat(by, x)) + rest;
    const double terms = fabs(dy) + mean_dy + x_hat * mean_dy_x_hat;
    const double from_sums = (off.dy + x_hat * off.dy_x_hat) / (double)by->count;
    const double tolerance = s * ((4 * b->u + 2 * b->inv_std) * terms + from_sums) + 2 * b->u * fabs(dx) + b->tiny;
    const double actual = input(layer, layer->out, c, i);
    see(&seen(layer)->dx, fabs(actual - dx), 2 * b->u * s * (terms + size_dy));
    assert_close(actual, dx, tolerance, "dx of channel %ld, value %ld", (long)c, (long)i);
  }
}

/* dx = dy * scale, both the scale and the product rounded once. */
static void check_dx_inference(const test_layer *layer, const bounds *b, int64_t c, const reference *by) {
  for (int64_t i = 0; i < layer->count; i++) {
    const double dx = (double)reference_dx_inference(by, input(layer, layer->dy, c, i));
    assert_close(input(layer, layer->out, c, i), dx, (2 * b->u + b->inv_std) * fabs(dx) + b->tiny,
                 "dx (inference) of channel %ld, value %ld", (long)c, (long)i);
  }
}

static reference running_reference(const test_layer *layer, int64_t c) {
  const int32_t type = layer->norm.data_type;
  return reference_of(layer, c, value_at(type, layer->running_mean, c), value_at(type, layer->running_var, c));
}

static void check_channel(const test_layer *layer, test_operation operation, const bounds *b, int64_t c) {
  if (operation == FORWARD_TRAINING || operation == LOCAL_STATISTICS) {
    const reference by = reference_of_batch(layer, c);
    check_statistics(layer, b, c, &by);
    if (operation == FORWARD_TRAINING) check_y(layer, b, c, &by, true);
    return;
  }
  const bool by_running = operation == FORWARD_INFERENCE || operation == BACKWARD_INFERENCE;
  reference by = by_running ? running_reference(layer, c)
                            : reference_of(layer, c, layer->given_mean[c], layer->given_variance[c]);
  if (operation == FORWARD_INFERENCE || operation == NORMALIZE) {
    check_y(layer, b, c, &by, false);
    return;
  }
  reference_sum_gradients(layer, c, &by);
  if (operation == LOCAL_GRADIENT_SUMS) {
    check_sums(layer, b, c, &by);
    return;
  }
  if (operation == GRADIENT_INPUT) {
    by.sum_dy = (long double)layer->given_sum_dy[c];
    by.sum_dy_x_hat = (long double)layer->given_sum_dy_x_hat[c];
    check_dx(layer, b, c, &by, false);
    return;
  }
  check_parameters(layer, b, c, &by);
  if (operation == BACKWARD_TRAINING) check_dx(layer, b, c, &by, true);
  if (operation == BACKWARD_INFERENCE) check_dx_inference(layer, b, c, &by);
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
}

void print_largest_errors(const char *of_what) {
  for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT64; type++) {
    const largest_errors e = largest[type];
    if (e.y == 0) continue;
    print_message("Largest errors of %s (%s), in units in the last place: y %.2f, dx %.2f, mean %.2f (of sigma), "
                  "variance %.2f, gradient sums %.2f (of the magnitudes)\n",
                  of_what, type == NORMA_FLOAT32 ? "float" : "double", e.y, e.dx, e.mean, e.variance, e.sums);
  }
}
