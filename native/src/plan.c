#define _POSIX_C_SOURCE 200809L /* sysconf */

#include "plan.h"

#include <omp.h>
#include <stddef.h>
#include <unistd.h>

enum {
  ELEMENTS_PER_THREAD = 32768, /* below it, waking a thread costs more than it saves */
  THREADS_AT_MOST = 64,        /* or the number of processors, if larger */
  TILE_CHANNELS = 32           /* the narrowest tile */
};

/* Tensors up to the first are never written past the caches, those above the second always. */
static const int64_t STREAM_NEVER = 16 << 20;
static const int64_t STREAM_ALWAYS = 64 << 20;

static int64_t at_most(int64_t value, int64_t limit) { return value < limit ? value : limit; }

static int64_t divide_up(int64_t a, int64_t b) { return a / b + (a % b != 0); }

int64_t norma_element_size(int32_t data_type) {
  switch (data_type) {
    case NORMA_FLOAT32: return sizeof(float);
    case NORMA_FLOAT64: return sizeof(double);
    default: return 0;
  }
}

int64_t norma_parameter_size(int32_t data_type) {
  return data_type == NORMA_FLOAT64 ? (int64_t)sizeof(double) : (int64_t)sizeof(float);
}

static int32_t thread_count(int32_t wanted, int64_t elements) {
  const int64_t useful = 1 + elements / ELEMENTS_PER_THREAD;
  if (useful == 1) return 1;
  if (wanted == 0) wanted = omp_get_max_threads();
  if (wanted > THREADS_AT_MOST) {
    const int32_t processors = omp_get_num_procs();
    wanted = (int32_t)at_most(wanted, processors > THREADS_AT_MOST ? processors : THREADS_AT_MOST);
  }
  return (int32_t)at_most(wanted, useful);
}

/* A tensor that the last-level cache cannot hold would only push out what is still to be read. */
static bool outgrows_cache(int64_t bytes) {
  if (bytes <= STREAM_NEVER) return false;
  long cache = 0;
#if defined(_SC_LEVEL3_CACHE_SIZE)
  cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
#endif
  return bytes > (cache > 0 ? at_most(cache, STREAM_ALWAYS) : STREAM_ALWAYS);
}

static void plan_rows(norma_plan *plan) {
  plan->pieces = 1;
  plan->piece_length = 1;
  plan->chunk_batch = CHUNK_ADDITIONS;
  plan->chunks = divide_up(plan->batch, CHUNK_ADDITIONS);
}

static void plan_runs(norma_plan *plan) {
  if (plan->spatial >= CHUNK_ELEMENTS) {
    const int64_t pieces = divide_up(plan->spatial, CHUNK_ELEMENTS);
    plan->piece_length = divide_up(divide_up(plan->spatial, pieces), CHUNK_LANES) * CHUNK_LANES;
    plan->pieces = divide_up(plan->spatial, plan->piece_length);
    plan->chunk_batch = 1;
    plan->chunks = plan->batch * plan->pieces;
  } else {
    plan->pieces = 1;
    plan->piece_length = plan->spatial;
    const int64_t additions = divide_up(plan->spatial, CHUNK_LANES); /* of one run, in lane 0 */
    const int64_t chunks = divide_up(plan->batch, CHUNK_ADDITIONS / additions);
    plan->chunk_batch = divide_up(plan->batch, chunks);
    plan->chunks = divide_up(plan->batch, plan->chunk_batch);
  }
}

/* Tiles give every thread the same share where the slices alone would not. */
static int64_t tile_count(const norma_plan *plan) {
  if (plan->slices % plan->threads == 0 || plan->slices >= INT64_C(8) * plan->threads) return 1;
  return at_most(plan->threads, divide_up(plan->channels, TILE_CHANNELS));
}

norma_plan norma_plan_make(const norma_batch_norm *norm, const norma_kernels *kernels) {
  norma_plan plan = {
    .data_type = norm->data_type,
    .fast = norm->data_type == NORMA_FLOAT64 ? kernels->f64 : kernels->f32,
    .wide = norm->data_type == NORMA_FLOAT64 ? NULL : kernels->f32_wide,
    .by_rows = norm->channels > 1 && (norm->spatial == 1 || norm->layout == NORMA_CHANNELS_LAST),
    .batch = norm->batch,
    .channels = norm->channels,
    .spatial = norm->spatial,
    .count = norm->batch * norm->spatial,
    .epsilon = norm->epsilon,
    .least = -1
  };
  /* Below 2^-100, beside no epsilon, squares would lose digits in float. */
  if (plan.wide && norm->epsilon < 0x1p-100) plan.least = 0x1p-100;
  if (plan.by_rows) {
    plan.batch = plan.count;
    plan.spatial = 1;
    plan_rows(&plan);
  } else {
    if (plan.channels == 1) { /* one run in either layout */
      plan.batch = 1;
      plan.spatial = plan.count;
    }
    plan_runs(&plan);
  }
  plan.channel_bytes = plan.count * norma_element_size(norm->data_type);
  plan.stream = outgrows_cache(plan.channel_bytes * plan.channels);
  plan.slices = divide_up(plan.chunks, CHUNKS_PER_SLICE);
  plan.threads = thread_count(norm->threads, plan.count * plan.channels);
  plan.tiles = plan.by_rows ? tile_count(&plan) : 1;
  return plan;
}

norma_runs norma_chunk_runs(const norma_plan *plan, int64_t k, int64_t *start) {
  const int64_t stride = plan->channels * plan->spatial;
  if (plan->pieces > 1) {
    const int64_t within = k % plan->pieces * plan->piece_length;
    *start = k / plan->pieces * stride + within;
    const int64_t length = at_most(plan->piece_length, plan->spatial - within);
    return (norma_runs){.count = 1, .length = length, .stride = stride, .stream = plan->stream};
  }
  const int64_t first = k * plan->chunk_batch;
  *start = first * stride;
  const int64_t count = at_most(plan->chunk_batch, plan->batch - first);
  return (norma_runs){
    .count = count, .length = plan->spatial, .stride = stride, .stream = plan->stream};
}

norma_rows norma_chunk_rows(const norma_plan *plan, int64_t k, int64_t width, int64_t *start) {
  const int64_t first = k * plan->chunk_batch;
  *start = first * plan->channels;
  const int64_t count = at_most(plan->chunk_batch, plan->batch - first);
  return (norma_rows){
    .count = count, .width = width, .stride = plan->channels, .stream = plan->stream};
}

void norma_slice_chunks(const norma_plan *plan, int64_t slice, int64_t *first, int64_t *end) {
  *first = slice * CHUNKS_PER_SLICE;
  *end = at_most(*first + CHUNKS_PER_SLICE, plan->chunks);
}

/* The values of a channel before chunk `k`. */
static int64_t count_before(const norma_plan *plan, int64_t k) {
  if (k == plan->chunks) return plan->count;
  if (plan->pieces == 1) return k * plan->chunk_batch * plan->spatial;
  return k / plan->pieces * plan->spatial + k % plan->pieces * plan->piece_length;
}

int64_t norma_slice_count(const norma_plan *plan, int64_t slice) {
  int64_t first, end;
  norma_slice_chunks(plan, slice, &first, &end);
  return count_before(plan, end) - count_before(plan, first);
}

void norma_tile_channels(const norma_plan *plan, int64_t tile, int64_t *first, int64_t *end) {
  const int64_t narrow_tiles = divide_up(plan->channels, TILE_CHANNELS);
  const int64_t width = divide_up(narrow_tiles, plan->tiles) * TILE_CHANNELS;
  *first = at_most(tile * width, plan->channels);
  *end = at_most(*first + width, plan->channels);
}

void norma_parallel(int32_t threads, int64_t units, norma_work *work, void *context) {
  const int32_t team = (int32_t)at_most(threads, units);
  if (team <= 1) {
    for (int64_t unit = 0; unit < units; unit++) work(context, unit);
    return;
  }
#pragma omp parallel for num_threads(team) schedule(static)
  for (int64_t unit = 0; unit < units; unit++) work(context, unit);
}
