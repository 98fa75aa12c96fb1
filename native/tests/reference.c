#include "reference.h"

#include <math.h>

static double value(const test_layer *layer, const void *tensor, int64_t c, int64_t i) {
  return value_at(layer->norm.data_type, tensor, layer_index(layer, c, i));
}

static void set_inv_std(reference *by) {
  const long double square = by->variance + (long double)by->epsilon;
  by->inv_std = square == 0 ? 0 : 1 / sqrtl(square);
}

static reference parameters(const test_layer *layer, int64_t c) {
  const int32_t type = layer->norm.data_type;
  return (reference){
    .gamma = layer->gamma ? parameter_at(type, layer->gamma, c) : 1,
    .beta = layer->beta ? parameter_at(type, layer->beta, c) : 0,
    .epsilon = layer->norm.epsilon,
    .count = (long double)layer->count
  };
}

reference reference_of(const test_layer *layer, int64_t c, double mean, double variance) {
  reference by = parameters(layer, c);
  by.mean = (long double)mean;
  by.variance = (long double)variance;
  set_inv_std(&by);
  return by;
}

reference reference_of_batch(const test_layer *layer, int64_t c) {
  reference by = parameters(layer, c);
  long double sum = 0;
  for (int64_t i = 0; i < layer->count; i++) sum += (long double)value(layer, layer->x, c, i);
  by.mean = sum / by.count;
  long double square = 0;
  for (int64_t i = 0; i < layer->count; i++) {
    const long double d = (long double)value(layer, layer->x, c, i) - by.mean;
    square += d * d;
  }
  by.variance = square / by.count;
  set_inv_std(&by);
  return by;
}

void reference_sum_gradients(const test_layer *layer, int64_t c, bool relu, reference *by) {
  by->sum_dy = by->sum_dy_x_hat = by->size_dy = by->size_dy_x_hat = by->terms = 0;
  for (int64_t i = 0; i < layer->count; i++) {
    if (relu && reference_z(layer, by, c, i) <= 0) continue;
    const long double dy = (long double)value(layer, layer->dy, c, i);
    const long double product = dy * reference_x_hat(by, value(layer, layer->x, c, i));
    by->sum_dy += dy;
    by->sum_dy_x_hat += product;
    by->size_dy += fabsl(dy);
    by->size_dy_x_hat += fabsl(product);
    by->terms += 1;
  }
}

long double reference_x_hat(const reference *by, double x) { return ((long double)x - by->mean) * by->inv_std; }

long double reference_y(const reference *by, double x) {
  return (long double)by->gamma * reference_x_hat(by, x) + (long double)by->beta;
}

long double reference_z(const test_layer *layer, const reference *by, int64_t c, int64_t i) {
  const long double y = reference_y(by, value(layer, layer->x, c, i));
  return layer->residual ? y + (long double)value(layer, layer->residual, c, i) : y;
}

long double reference_dx(const reference *by, double x, double dy) {
  const long double mean_dy = by->sum_dy / by->count;
  const long double mean_dy_x_hat = by->sum_dy_x_hat / by->count;
  return (long double)by->gamma * by->inv_std *
         ((long double)dy - mean_dy - reference_x_hat(by, x) * mean_dy_x_hat);
}

long double reference_dx_inference(const reference *by, double dy) {
  return (long double)by->gamma * by->inv_std * (long double)dy;
}
