/*
 * The bits of results: the same for every number of threads, for every level with a fused multiply-add,
 * in place, with any workspace, on any machine and at any address.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "layer.h"
#include "levels.h"

/* ---- Data that take different ways through the library ------------------------------------------ */

typedef void filler(test_layer *layer);

static void ordinary(test_layer *layer) { layer_fill(layer, 1); }

/* The first values of each channel lie far from the others: shifts have to move. There is no residual. */
static void off_center(test_layer *layer) {
  layer_fill(layer, 2);
  const double far = layer->norm.data_type == NORMA_FLOAT16 ? 3e4 : 1e6;
  for (int64_t c = 0; c < layer->norm.channels; c += 2)
    for (int64_t i = 0; i < layer->count && i < 20; i++)
      value_put(layer->norm.data_type, layer->x, layer_index(layer, c, i), far + (double)i);
  layer->residual = NULL;
}

/* Some channels overflow or underflow in float, some are constant: neighbours take other kernels. */
static void mixed_ranges(test_layer *layer) {
  layer_fill(layer, 3);
  layer->norm.epsilon = 0;
  static const double large[] = {1e25, 1e150, 1e25, 1e4};
  static const double small[] = {1e-25, 1e-150, 1e-25, 1e-7};
  const int32_t type = layer->norm.data_type;
  const double deviations[] = {1, large[type], 0, small[type], 1};
  for (int64_t c = 0; c < layer->norm.channels; c++)
    layer_set_channel(layer, c, (uint64_t)c, deviations[c % 5] == 0 ? 0.1 : 0, deviations[c % 5]);
  /* No channel of float16 leaves float's range by its data: these do by gamma. */
  for (int64_t c = 0; type == NORMA_FLOAT16 && c < layer->norm.channels; c += 3)
    parameter_put(type, layer->gamma, c, c % 2 ? 1e35 : 1e-35);
}

/* NaN and infinity in some channels. */
static void non_finite(test_layer *layer) {
  layer_fill(layer, 4);
  for (int64_t c = 0; c < layer->norm.channels; c += 3)
    value_put(layer->norm.data_type, layer->x, layer_index(layer, c, layer->count / 2),
              c % 2 ? (double)NAN : (double)INFINITY);
}

static filler *const FILLERS[] = {ordinary, off_center, mixed_ranges, non_finite};

/* ---- Shapes ----------------------------------------------------------------------------------------
 * The last ones have more than 16 * 32768 elements, so that 16 threads have work; they split along N, C
 * or S, in slabs and in slices. */

static const int64_t SHAPES[][3] = {
  {2, 1, 1}, {2, 3, 1}, {1, 3, 7}, {5, 7, 9}, {129, 5, 1}, {33, 17, 1}, {4, 64, 49}, {3, 2, 4096}, {2, 2, 4097},
  {600, 3, 7}, {1, 2, 33000}, {2, 33, 1000}, {100, 1000, 1},
  {1, 1, 600001}, {600001, 1, 1}, {1, 3, 200003}, {64, 64, 147}, {9, 67, 1000}, {20000, 33, 1}, {2, 300, 1024},
  {300000, 2, 1}, {128, 4800, 1}, {1, 16, 37000}
};
enum { SHAPES_COUNT = sizeof SHAPES / sizeof *SHAPES, MIDDLE = 30000, LARGE = 500000 };

/* Large tensors take turns with the types and kinds of data, those of some size with the kinds. */
static bool is_turn(int64_t elements, int shape, int32_t layout, int32_t type, int kind) {
  if (elements > LARGE) return type == (shape + 2 * layout) % 4 && kind == (shape / 2 + layout) % 4;
  return elements <= MIDDLE || kind == (shape + 2 * layout + type) % 4;
}

static void for_each_layer(int64_t largest, void (*check)(test_layer *)) {
  for (int shape = 0; shape < SHAPES_COUNT; shape++)
    for (int32_t layout = NORMA_CHANNELS_FIRST; layout <= NORMA_CHANNELS_LAST; layout++)
      for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++)
        for (int kind = 0; kind < 4; kind++) {
          const int64_t *s = SHAPES[shape];
          const int64_t elements = s[0] * s[1] * s[2];
          if (elements > largest || !is_turn(elements, shape, layout, type, kind)) continue;
          test_layer layer = layer_make((norma_batch_norm){s[0], s[1], s[2], 1e-5, type, layout, 1});
          FILLERS[kind](&layer);
          layer_give(&layer);
          check(&layer);
          layer_free(&layer);
        }
}

/* ---- Results that are compared --------------------------------------------------------------------- */

static const norma_kernels *best(void) { return norma_isa_at(norma_choose(NULL)).kernels; }

/* NaNs have many bit patterns, and which one an operation gives is the compiler's choice: one for all. */
static void make_nans_equal(const test_layer *layer) {
  const int32_t type = layer->norm.data_type;
  void *const tensors[] = {layer->out, layer->dresidual};
  for (int t = 0; t < 2; t++)
    for (int64_t i = 0; i < layer->elements; i++)
      if (isnan(value_at(type, tensors[t], i))) value_put(type, tensors[t], i, (double)NAN);
  double *const statistics[] = {layer->mean, layer->variance, layer->sum_dy, layer->sum_dy_x_hat};
  for (int64_t c = 0; c < layer->norm.channels; c++) {
    for (int i = 0; i < 4; i++)
      if (isnan(statistics[i][c])) statistics[i][c] = (double)NAN;
    if (isnan(parameter_at(type, layer->dgamma, c))) parameter_put(type, layer->dgamma, c, (double)NAN);
    if (isnan(parameter_at(type, layer->dbeta, c))) parameter_put(type, layer->dbeta, c, (double)NAN);
  }
}

static void run(test_layer *layer, test_operation operation, const norma_kernels *kernels, void *workspace) {
  fill_pattern(layer->results, layer->results_size);
  assert_int_equal(layer_run_at(layer, operation, kernels, norma_caches_here(), workspace), NORMA_OK);
  make_nans_equal(layer);
}

static void *copy_of_results(const test_layer *layer) {
  void *copy = new_bytes(layer->results_size);
  memcpy(copy, layer->results, (size_t)layer->results_size);
  return copy;
}

static void assert_same_bits(const test_layer *layer, const void *expected, test_operation operation, const char *how) {
  if (memcmp(layer->results, expected, (size_t)layer->results_size) == 0) return;
  int64_t at = 0;
  while (layer->results[at] == ((const char *)expected)[at]) at++;
  const norma_batch_norm *norm = &layer->norm;
  fail_msg("%s of %ld x %ld x %ld, layout %d, type %d, differs at byte %ld of the results %s",
           operation_name(operation), (long)norm->batch, (long)norm->channels, (long)norm->spatial, norm->layout,
           norm->data_type, (long)at, how);
}

/* ---- Tests -------------------------------------------------------------------------------------------- */

static void compare_threads(test_layer *layer) {
  for (test_operation operation = 0; operation < OPERATIONS; operation++) {
    for (int32_t level = 0; level < norma_isa_levels(); level++) {
      const norma_isa isa = norma_isa_at(level);
      if (!isa.supported) continue;
      layer->norm.threads = 1;
      run(layer, operation, isa.kernels, NULL);
      void *expected = copy_of_results(layer);
      static const int32_t threads[] = {2, 3, 5, 8, 16};
      for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        layer->norm.threads = threads[i];
        run(layer, operation, isa.kernels, NULL);
        assert_same_bits(layer, expected, operation, "with more threads");
        if (layer->elements < 32768) break; /* one thread whatever is asked for */
      }
      free(expected);
      if (layer->elements > LARGE) break; /* large ones on the best level */
    }
  }
}

static void threads(void **state) {
  (void)state;
  for_each_layer(INT64_MAX, compare_threads);
}

static void compare_levels(test_layer *layer) {
  for (test_operation operation = 0; operation < OPERATIONS; operation++) {
    void *expected = NULL;
    layer->norm.threads = 2;
    for (int32_t level = 0; level < norma_isa_levels(); level++) {
      const norma_isa isa = norma_isa_at(level);
      if (!isa.supported || !level_has_fma(isa.name)) continue;
      run(layer, operation, isa.kernels, NULL);
      if (!expected) expected = copy_of_results(layer);
      assert_same_bits(layer, expected, operation, isa.name);
    }
    free(expected);
  }
}

static void levels(void **state) {
  (void)state;
  for_each_layer(INT64_MAX, compare_levels);
}

/*
 * Machines on which slabs are one channel or all, a thread's or the team's, fetched ahead, streamed, or not; and
 * one that tells of more ways than its cache has bytes.
 */
static void compare_caches(test_layer *layer) {
  static const norma_caches machines[] = {
    {4 << 10, 4, 16 << 10}, {4 << 10, 8 << 10, 16 << 10}, {64 << 10, 1, 256 << 10}, {1 << 20, 16, 4 << 20},
    {INT64_C(1) << 40, 8, INT64_C(1) << 40}
  };
  for (test_operation operation = 0; operation < OPERATIONS; operation++) {
    void *expected = NULL;
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
      for (layer->norm.threads = 1; layer->norm.threads <= 3; layer->norm.threads += 2) {
        fill_pattern(layer->results, layer->results_size);
        assert_int_equal(layer_run_at(layer, operation, best(), machines[i], NULL), NORMA_OK);
        make_nans_equal(layer);
        if (!expected) expected = copy_of_results(layer);
        assert_same_bits(layer, expected, operation, "with other caches");
        if (layer->elements < 32768) break; /* one thread whatever is asked for */
      }
    }
    free(expected);
  }
}

static void caches(void **state) {
  (void)state;
  for_each_layer(INT64_MAX, compare_caches);
}

static void compare_workspaces(test_layer *layer) {
  layer->norm.threads = 2;
  const norma_plan plan = norma_plan_make(&layer->norm, best(), norma_caches_here());
  const int64_t size = norma_space_size(&plan);
  int64_t told = 0;
  assert_int_equal(norma_batch_norm_workspace_size(&layer->norm, &told), NORMA_OK);
  assert_true(told >= size);
  char *block = new_bytes(told + 64);
  for (test_operation operation = 0; operation < OPERATIONS; operation++) {
    run(layer, operation, best(), NULL);
    void *expected = copy_of_results(layer);
    for (int64_t offset = 0; offset < 64; offset += 8) {
      if (offset > 8 && layer->elements > 10000) break;
      fill_pattern(block, told + 64);
      run(layer, operation, best(), block + offset);
      assert_same_bits(layer, expected, operation, "with a workspace");
      for (int64_t i = 0; i < 64; i++)
        if (i < offset || i >= offset + told) assert_int_equal((unsigned char)block[i], 0xA5);
    }
    free(expected);
  }
  free(block);
}

static void workspaces(void **state) {
  (void)state;
  for_each_layer(LARGE, compare_workspaces);
}

/* An input, and the output that is written over it. */
typedef struct place {
  void **input;
  void *output;
} place;

/* Where an operation may write in place; the number of them. */
static int places_of(test_layer *layer, test_operation operation, place *places) {
  int count = 0;
  if (!writes_tensor(operation)) return count;
  places[count++] = (place){is_forward(operation) ? &layer->x : &layer->dy, layer->out};
  if (has_relu(operation) && is_forward(operation) && layer->residual)
    places[count++] = (place){&layer->residual, layer->out};
  if (writes_dresidual(layer, operation)) places[count++] = (place){&layer->dy, layer->dresidual};
  return count;
}

/* The input is put where the output goes. */
static void run_in_place(test_layer *layer, test_operation operation, place at) {
  void *original = *at.input;
  fill_pattern(layer->results, layer->results_size);
  memcpy(at.output, original, (size_t)(layer->elements * value_size(layer->norm.data_type)));
  *at.input = at.output;
  assert_int_equal(layer_run_at(layer, operation, best(), norma_caches_here(), NULL), NORMA_OK);
  *at.input = original;
  make_nans_equal(layer);
}

static void compare_in_place(test_layer *layer) {
  layer->norm.threads = 3;
  for (test_operation operation = 0; operation < OPERATIONS; operation++) {
    place places[2];
    const int count = places_of(layer, operation, places);
    if (count == 0) continue;
    run(layer, operation, best(), NULL);
    void *expected = copy_of_results(layer);
    for (int i = 0; i < count; i++) {
      run_in_place(layer, operation, places[i]);
      assert_same_bits(layer, expected, operation, "in place");
    }
    free(expected);
  }
}

static void in_place(void **state) {
  (void)state;
  for_each_layer(LARGE, compare_in_place);
}

/* Moves a tensor by one element, into memory of its own. */
static void *moved(const test_layer *layer, const void *tensor, void **memory) {
  const int64_t size = value_size(layer->norm.data_type);
  *memory = new_bytes((layer->elements + 1) * size);
  char *start = (char *)*memory + size;
  memcpy(start, tensor, (size_t)(layer->elements * size));
  return start;
}

static void compare_addresses(test_layer *layer) {
  void *memory[5] = {NULL};
  test_layer other = *layer;
  other.x = moved(layer, layer->x, &memory[0]);
  other.dy = moved(layer, layer->dy, &memory[1]);
  other.out = moved(layer, layer->out, &memory[2]);
  other.dresidual = moved(layer, layer->dresidual, &memory[3]);
  if (layer->residual) other.residual = moved(layer, layer->residual, &memory[4]);
  const int64_t bytes = layer->elements * value_size(layer->norm.data_type);
  for (test_operation operation = 0; operation < OPERATIONS; operation++) {
    run(layer, operation, best(), NULL);
    void *expected = copy_of_results(layer);
    fill_pattern(other.out, bytes);
    fill_pattern(other.dresidual, bytes);
    run(&other, operation, best(), NULL);
    memcpy(layer->out, other.out, (size_t)bytes);
    memcpy(layer->dresidual, other.dresidual, (size_t)bytes);
    assert_same_bits(layer, expected, operation, "one element further");
    free(expected);
  }
  for (int i = 0; i < 5; i++) free(memory[i]);
}

static void addresses(void **state) {
  (void)state;
  for_each_layer(LARGE, compare_addresses);
}

/* What the public functions compute is what the driver computes with the level in use. */
static void compare_public(test_layer *layer) {
  layer->norm.threads = 0;
  for (test_operation operation = 0; operation < OPERATIONS; operation++) {
    run(layer, operation, norma_isa_at(norma_dispatch()).kernels, NULL);
    void *expected = copy_of_results(layer);
    fill_pattern(layer->results, layer->results_size);
    assert_int_equal(layer_run(layer, operation), NORMA_OK);
    make_nans_equal(layer);
    assert_same_bits(layer, expected, operation, "through the public function");
    free(expected);
  }
}

static void public_functions(void **state) {
  (void)state;
  for_each_layer(LARGE, compare_public);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(threads),
    cmocka_unit_test(levels),
    cmocka_unit_test(caches),
    cmocka_unit_test(workspaces),
    cmocka_unit_test(in_place),
    cmocka_unit_test(addresses),
    cmocka_unit_test(public_functions),
  };
  return cmocka_run_group_tests_name("consistency", tests, NULL, NULL);
}
