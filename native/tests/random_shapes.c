/*
 * Random shapes, descriptors and data: every operation against the reference. The first argument is the
 * number of cases; a failure names the case, which depends on its number alone.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "checked.h"

enum { ELEMENTS_AT_MOST = 6000 };

static int64_t cases = 3000;

/* From 1 to `most`, small numbers as likely as large ones. */
static int64_t random_extent(uint64_t *seed, int64_t most) {
  const double size = exp(random_uniform(seed, 0, log((double)most + 1)));
  return (int64_t)size < most ? (int64_t)size : most;
}

static norma_batch_norm random_norm(uint64_t *seed) {
  int64_t extents[3] = {1, 1, 1};
  int64_t left = ELEMENTS_AT_MOST;
  for (int i = 0, at = (int)random_integer(seed, 0, 2); i < 3; i++, at = (at + 1) % 3) {
    extents[at] = random_extent(seed, left);
    left /= extents[at];
  }
  if (extents[0] * extents[2] == 1) extents[0] = 2;
  const double epsilons[] = {0, 1e-5, 1e-3, 1};
  return (norma_batch_norm){
    .batch = extents[0],
    .channels = extents[1],
    .spatial = extents[2],
    .epsilon = epsilons[random_integer(seed, 0, 3)],
    .data_type = (int32_t)random_integer(seed, NORMA_FLOAT32, NORMA_FLOAT16),
    .layout = (int32_t)random_integer(seed, NORMA_CHANNELS_FIRST, NORMA_CHANNELS_LAST),
    .threads = (int32_t)random_integer(seed, 0, 4)
  };
}

/* Channels of every kind beside one another, as far as the type has the range. */
static void fill(test_layer *l, uint64_t *seed) {
  layer_fill(l, random_bits(seed));
  const double deviations_float16[] = {1, 1e-3, 1e3, 1e-5, 1e4, 1e-7, 5e3, 0};
  const double deviations_others[] = {1, 1e-3, 1e3, 1e-12, 1e12, 1e-25, 1e25, 0};
  const double *deviations = l->norm.data_type == NORMA_FLOAT16 ? deviations_float16 : deviations_others;
  const double offsets[] = {0, 1, 1e3, -1e6};
  for (int64_t c = 0; c < l->norm.channels; c++) {
    if (random_integer(seed, 0, 3) > 0) continue; /* three in four stay ordinary */
    const double deviation = deviations[random_integer(seed, 0, 7)];
    const double mean = (deviation == 0 ? 1 : deviation) * offsets[random_integer(seed, 0, 3)];
    const bool fits = fabs(mean) + 5 * deviation < largest_value(l->norm.data_type);
    layer_set_channel(l, c, random_bits(seed), fits ? mean : 0, deviation);
  }
  if (random_integer(seed, 0, 7) == 0) l->gamma = NULL;
  if (random_integer(seed, 0, 7) == 0) l->beta = NULL;
}

static void random_cases(void **state) {
  (void)state;
  for (int64_t i = 0; i < cases; i++) {
    uint64_t seed = (uint64_t)i;
    test_layer layer = layer_make(random_norm(&seed));
    fill(&layer, &seed);
    const norma_batch_norm *norm = &layer.norm;
    char name[160];
    snprintf(name, sizeof name, "case %ld: %ld x %ld x %ld, epsilon %g, type %d, layout %d, threads %d", (long)i,
             (long)norm->batch, (long)norm->channels, (long)norm->spatial, norm->epsilon, norm->data_type,
             norm->layout, norm->threads);
    checked_case = name;
    layer_check_all(&layer, HOSTILE);
    layer_free(&layer);
  }
  print_largest_errors("random shapes");
}

int main(int count, char **arguments) {
  if (count > 1) cases = strtoll(arguments[1], NULL, 10);
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_cases)};
  return cmocka_run_group_tests_name("random_shapes", tests, NULL, NULL);
}
