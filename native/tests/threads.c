/* Many threads that call at once, each on tensors of its own: results are those of one thread, bit by bit. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "layer.h"

enum { THREADS = 16, ROUNDS = 12 };

/* Shapes on either side of the size at which a call opens a team of its own. */
static const norma_batch_norm NORMS[] = {
  {4, 6, 25, 1e-5, NORMA_FLOAT32, NORMA_CHANNELS_FIRST, 1},
  {64, 10, 1, 1e-5, NORMA_FLOAT64, NORMA_CHANNELS_LAST, 0},
  {8, 16, 784, 1e-5, NORMA_FLOAT32, NORMA_CHANNELS_LAST, 2},
  {2, 3, 20000, 1e-5, NORMA_FLOAT32, NORMA_CHANNELS_FIRST, 2},
  {4, 6, 25, 1e-5, NORMA_FLOAT16, NORMA_CHANNELS_LAST, 1},
  {8, 16, 784, 1e-5, NORMA_BFLOAT16, NORMA_CHANNELS_FIRST, 2}
};
enum { NORMS_COUNT = sizeof NORMS / sizeof *NORMS };

static pthread_barrier_t start;

/* A thread's own layer and workspace, and what it found. */
typedef struct caller {
  pthread_t thread;
  test_layer layer;
  char *expected[OPERATIONS];
  int wrong;
} caller;

static void fill(test_layer *layer, uint64_t seed) {
  layer_fill(layer, seed);
  const size_t statistics = (size_t)layer->norm.channels * sizeof(double);
  for (int64_t c = 0; c < layer->norm.channels; c++) {
    layer->given_mean[c] = 0.5;
    layer->given_variance[c] = 2;
  }
  memset(layer->given_sum_dy, 0, statistics);
  memset(layer->given_sum_dy_x_hat, 0, statistics);
}

static void *call(void *argument) {
  caller *own = argument;
  test_layer *layer = &own->layer;
  pthread_barrier_wait(&start);
  for (int round = 0; round < ROUNDS; round++)
    for (test_operation operation = 0; operation < OPERATIONS; operation++) {
      fill_pattern(layer->results, layer->results_size);
      own->wrong += layer_run(layer, operation) != NORMA_OK;
      char *expected = own->expected[operation];
      if (!expected) { /* the first round's results are compared with those of one thread at the end */
        own->expected[operation] = expected = malloc((size_t)layer->results_size);
        memcpy(expected, layer->results, (size_t)layer->results_size);
      }
      own->wrong += memcmp(layer->results, expected, (size_t)layer->results_size) != 0;
    }
  return NULL;
}

static void check_alone(caller *own) {
  for (test_operation operation = 0; operation < OPERATIONS; operation++) {
    fill_pattern(own->layer.results, own->layer.results_size);
    assert_int_equal(layer_run(&own->layer, operation), NORMA_OK);
    assert_memory_equal(own->layer.results, own->expected[operation], (size_t)own->layer.results_size);
    free(own->expected[operation]);
  }
}

/* The threads make the first calls of the process: they race for the choice of a level as well. */
static void concurrent_calls(void **state) {
  (void)state;
  static caller callers[THREADS];
  assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
  for (int i = 0; i < THREADS; i++) {
    callers[i].layer = layer_make(NORMS[i % NORMS_COUNT]);
    fill(&callers[i].layer, (uint64_t)i);
    assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(callers[i].wrong, 0);
    check_alone(&callers[i]);
    layer_free(&callers[i].layer);
  }
  pthread_barrier_destroy(&start);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(concurrent_calls)};
  return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
