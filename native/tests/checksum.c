/* Prints the level in use and a checksum of the bits of forward and backward results over a grid of cases. */
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

/* Uniform in [-0.5, 0.5) before it is scaled: the arithmetic is exact, or rounds alike everywhere. */
static void *values(const norma_batch_norm *norm, int64_t count, uint32_t seed, double scale, double mean) {
  const bool is_double = norm->data_type == NORMA_FLOAT64;
  void *array = memory(count, is_double ? 8 : 4);
  for (int64_t i = 0; i < count; i++) {
    seed = seed * 1664525u + 1013904223u;
    const double value = mean + scale * ((double)(seed >> 8) / 16777216.0 - 0.5);
    if (is_double) ((double *)array)[i] = value;
    else ((float *)array)[i] = (float)value;
  }
  return array;
}

static void run(const norma_batch_norm *norm, double scale, double mean) {
  const int64_t c = norm->channels;
  const int64_t all = norm->batch * c * norm->spatial;
  const int64_t size = norm->data_type == NORMA_FLOAT64 ? 8 : 4;
  void *x = values(norm, all, 1, scale, mean), *dy = values(norm, all, 2, 1, 0.2);
  void *gamma = values(norm, c, 3, 1, 1), *beta = values(norm, c, 4, 1, 0);
  void *y = memory(all, size), *dx = memory(all, size), *dgamma = memory(c, size), *dbeta = memory(c, size);
  double *mean_of = memory(c, 8), *variance = memory(c, 8);
  if (norma_batch_norm_forward_training(norm, x, gamma, beta, y, mean_of, variance, NULL, 0) != NORMA_OK) exit(1);
  if (norma_batch_norm_backward_training(norm, x, dy, gamma, mean_of, variance, dx, dgamma, dbeta, NULL, 0) !=
      NORMA_OK)
    exit(1);
  void *const results[] = {y, dx, dgamma, dbeta, mean_of, variance};
  const int64_t sizes[] = {all * size, all * size, c * size, c * size, c * 8, c * 8};
  for (int i = 0; i < 6; i++) {
    mix(results[i], sizes[i]);
    free(results[i]);
  }
  free(x);
  free(dy);
  free(gamma);
  free(beta);
}

int main(void) {
  static const int64_t shapes[][3] = {{8, 5, 49},   {2, 33, 100}, {1, 3, 5000}, {300, 70, 1},
                                      {4, 2, 9000}, {16, 130, 9}, {3, 1, 77}};
  static const double data[][2] = {{1, 0}, {3, 1e5}, {1e30, 0}}; /* scale, mean */
  for (int shape = 0; shape < 7; shape++)
    for (int layout = 0; layout < 2; layout++)
      for (int type = 0; type < 2; type++)
        for (int of = 0; of < 3; of++)
          run(&(norma_batch_norm){.batch = shapes[shape][0], .channels = shapes[shape][1],
                                  .spatial = shapes[shape][2], .epsilon = 1e-5, .data_type = type,
                                  .layout = layout, .threads = 3},
              data[of][0], data[of][1]);
  printf("%s %016" PRIx64 "\n", norma_isa_name(), sum);
  return 0;
}
