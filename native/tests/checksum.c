/* Prints the level in use and a checksum of the bits of forward, backward and folding results over a grid of cases. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "norma.h"

static uint64_t sum = UINT64_C(14695981039346656037);

/* FNV-1a */
static void mix(const void *data, int64_t size) {
  const unsigned char *bytes = data;
  for (int64_t i = 0; i < size; i++) sum = (sum ^ bytes[i]) * UINT64_C(1099511628211);
}

static void *memory(int64_t count, int64_t size) {
  void *bytes = malloc((size_t)(count * size));
  if (!bytes) exit(1);
  return bytes;
}

static int64_t element_size(int32_t data_type) {
  return data_type == NORMA_FLOAT64 ? 8 : data_type == NORMA_FLOAT32 ? 4 : 2;
}

static int64_t parameter_size(int32_t data_type) { return data_type == NORMA_FLOAT64 ? 8 : 4; }

static uint32_t next(uint32_t seed) { return seed * 1664525u + 1013904223u; }

/* Uniform in [-0.5, 0.5) before it is scaled: the arithmetic is exact, or rounds alike everywhere. */
static void *values(bool is_double, int64_t count, uint32_t seed, double scale, double mean) {
  void *array = memory(count, is_double ? 8 : 4);
  for (int64_t i = 0; i < count; i++) {
    seed = next(seed);
    const double value = mean + scale * ((double)(seed >> 8) / 16777216.0 - 0.5);
    if (is_double) ((double *)array)[i] = value;
    else ((float *)array)[i] = (float)value;
  }
  return array;
}

/* 16-bit floats of either sign and of sizes from 2^-4 to 4. */
static void *halves(int32_t data_type, int64_t count, uint32_t seed) {
  const uint32_t fraction_bits = data_type == NORMA_FLOAT16 ? 10 : 7;
  const uint32_t bias = data_type == NORMA_FLOAT16 ? 15 : 127;
  uint16_t *array = memory(count, 2);
  for (int64_t i = 0; i < count; i++) {
    seed = next(seed);
    const uint32_t exponent = bias - 4 + (seed >> 26) % 6;
    const uint32_t fraction = seed >> 10 & ((1u << fraction_bits) - 1);
    array[i] = (uint16_t)((seed >> 24 & 1) << 15 | exponent << fraction_bits | fraction);
  }
  return array;
}

static void *elements(const norma_batch_norm *norm, int64_t count, uint32_t seed, double scale, double mean) {
  if (element_size(norm->data_type) == 2) return halves(norm->data_type, count, seed);
  return values(norm->data_type == NORMA_FLOAT64, count, seed, scale, mean);
}

/* All arrays of a case. */
typedef struct arrays {
  int64_t channels, all;
  void *x, *dy, *residual, *gamma, *beta;
  void *y, *dx, *dresidual, *dgamma, *dbeta;
  double *mean, *variance;
} arrays;

static arrays arrays_make(const norma_batch_norm *norm, double scale, double mean) {
  const int64_t c = norm->channels;
  const int64_t all = norm->batch * c * norm->spatial;
  const int64_t element = element_size(norm->data_type);
  const int64_t parameter = parameter_size(norm->data_type);
  const bool is_double = norm->data_type == NORMA_FLOAT64;
  return (arrays){
    .channels = c, .all = all,
    .x = elements(norm, all, 1, scale, mean), .dy = elements(norm, all, 2, 1, 0.2),
    .residual = elements(norm, all, 5, 2, 0),
    .gamma = values(is_double, c, 3, 1, 1), .beta = values(is_double, c, 4, 1, 0),
    .y = memory(all, element), .dx = memory(all, element), .dresidual = memory(all, element),
    .dgamma = memory(c, parameter), .dbeta = memory(c, parameter),
    .mean = memory(c, 8), .variance = memory(c, 8)
  };
}

static void arrays_free(arrays *a) {
  void *const all[] = {a->x, a->dy, a->residual, a->gamma, a->beta, a->y, a->dx, a->dresidual, a->dgamma, a->dbeta,
                       a->mean, a->variance};
  for (int i = 0; i < 12; i++) free(all[i]);
}

static void mix_results(const norma_batch_norm *norm, const arrays *a) {
  const int64_t tensor = a->all * element_size(norm->data_type);
  const int64_t parameters = a->channels * parameter_size(norm->data_type);
  mix(a->y, tensor);
  mix(a->dx, tensor);
  mix(a->dgamma, parameters);
  mix(a->dbeta, parameters);
  mix(a->mean, a->channels * 8);
  mix(a->variance, a->channels * 8);
}

static void require(norma_status status) {
  if (status != NORMA_OK) exit(1);
}

/* Folded into y and dbeta: x as the weights of a layer, by a running variance that is positive. */
static void fold(const norma_batch_norm *norm, const arrays *a) {
  require(norma_batch_norm_fold(norm->data_type, a->channels, a->all / a->channels, norm->epsilon, a->x, a->beta,
                                a->gamma, a->beta, a->beta, a->gamma, a->y, a->dbeta));
  mix(a->y, a->all * element_size(norm->data_type));
  mix(a->dbeta, a->channels * parameter_size(norm->data_type));
}

static void run(const norma_batch_norm *norm, double scale, double mean) {
  arrays a = arrays_make(norm, scale, mean);
  require(norma_batch_norm_forward_training(norm, a.x, a.gamma, a.beta, a.y, a.mean, a.variance, NULL, 0));
  require(norma_batch_norm_backward_training(norm, a.x, a.dy, a.gamma, a.mean, a.variance, a.dx, a.dgamma, a.dbeta,
                                             NULL, 0));
  mix_results(norm, &a);
  require(norma_batch_norm_relu_forward_training(norm, a.x, a.residual, a.gamma, a.beta, a.y, a.mean, a.variance,
                                                 NULL, 0));
  require(norma_batch_norm_relu_backward_training(norm, a.x, a.residual, a.dy, a.gamma, a.beta, a.mean, a.variance,
                                                  a.dx, a.dresidual, a.dgamma, a.dbeta, NULL, 0));
  mix_results(norm, &a);
  mix(a.dresidual, a.all * element_size(norm->data_type));
  fold(norm, &a);
  arrays_free(&a);
}

int main(void) {
  static const int64_t shapes[][3] = {{8, 5, 49},   {2, 33, 100}, {1, 3, 5000}, {300, 70, 1},
                                      {4, 2, 9000}, {16, 130, 9}, {3, 1, 77}};
  static const double data[][2] = {{1, 0}, {3, 1e5}, {1e30, 0}}; /* scale, mean */
  for (int shape = 0; shape < 7; shape++)
    for (int layout = 0; layout < 2; layout++)
      for (int type = 0; type < 4; type++)
        for (int of = 0; of < 3; of++)
          run(&(norma_batch_norm){.batch = shapes[shape][0], .channels = shapes[shape][1],
                                  .spatial = shapes[shape][2], .epsilon = 1e-5, .data_type = type,
                                  .layout = layout, .threads = 3},
              data[of][0], data[of][1]);
  printf("%s %016" PRIx64 "\n", norma_isa_name(), sum);
  return 0;
}
