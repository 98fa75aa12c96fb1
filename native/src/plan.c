#include "plan.h"

#include <omp.h>
#include <stddef.h>

#include "counts.h"
#include "simd.h"

/*
 * Thresholds. None of them changes a bit of a result. What shows whether one is right on a machine:
 * ELEMENTS_PER_THREAD  `./norma bench --shapes small --threads 1,2`: 2 threads win from here on. Higher, and
 *                      threads idle that could help; lower, and waking them costs more than they save.
 * GROUP_BYTES          `./norma bench --shapes resnet50 --layouts nchw`: 256x14x14 and 512x7x7, whose runs are
 *                      short. Higher, and what is written outgrows the first-level cache with what is added up
 *                      meanwhile; lower, and calls rule.
 * PASSING_BYTES        `./norma bench --shapes large --layouts nchw`: 512x28x28, backward. Lower, and memory is read
 *                      in pieces that are too short; higher, and less of a slab is found in the caches after all.
 * PART_BYTES, PART_ROWS  `./norma bench --shapes FILE --threads 2` with 64x512, 64x1000, 128x512 and 128x2048. More
 *                      bytes or fewer rows, and 128x2048 and 64x512 are slower; the other way, 64x1000 and 128x512.
 * KEPT                 `./norma bench --shapes resnet50,layer --implementations norma-c,copy,copy-streaming`: where
 *                      the streaming copy overtakes the other. Higher, and outputs push out what is still to be
 *                      read; lower, and who reads a small output next has to fetch it from memory.
 */
enum {
  ELEMENTS_PER_THREAD = 32768,
  THREADS_AT_MOST = 64,   /* or the number of processors, if larger */
  GROUP_BYTES = 4 << 10,    /* of the runs of neighbouring channels that are taken together, */
  PASSING_BYTES = 12 << 10, /* and of those of slabs that do not stay in the caches */
  PART_BYTES = 2560, /* of a row, that a member writes no shorter part of, */
  PART_ROWS = 96,    /* if there are so many rows */
  KEPT = 14 /* times its second-level caches is what a team may find in the last level */
};

int64_t norma_element_size(int32_t data_type) {
  switch (data_type) {
    case NORMA_FLOAT32: return sizeof(float);
    case NORMA_FLOAT64: return sizeof(double);
    case NORMA_BFLOAT16:
    case NORMA_FLOAT16: return sizeof(uint16_t);
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

bool norma_plan_streams(const norma_plan *plan, int64_t tensors) {
  const int64_t kept = at_most(plan->caches.last, KEPT * (int64_t)plan->threads * plan->caches.second);
  return tensors * plan->images * plan->channel_bytes > kept / plan->channels;
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

/* What follows from the shape that the plan has by now; a slice is to be one of about so many. */
static norma_plan planned(norma_plan plan, int64_t slices, int32_t threads, double epsilon,
                          const norma_kernels *kernels, norma_caches caches) {
  plan.fast = kernels->fast[plan.data_type];
  plan.wide = kernels->wide[plan.data_type];
  plan.finishing = kernels->finishing;
  plan.epsilon = epsilon;
  plan.caches = caches;
  /* Below 2^-100, beside no epsilon, squares would lose digits in float. */
  plan.least = plan.wide && epsilon < 0x1p-100 ? 0x1p-100 : -1;
  (plan.by_rows ? plan_rows : plan_runs)(&plan);
  plan.chunks_per_slice = at_least(at_most(plan.chunks / slices, CHUNKS_PER_SLICE), 1);
  plan.slices = divide_up(plan.chunks, plan.chunks_per_slice);
  plan.channel_bytes = plan.count * norma_element_size(plan.data_type);
  plan.threads = thread_count(threads, plan.images * plan.count * plan.channels);
  return plan;
}

/* Whether channels are neighbours in memory: those of a position, or of a sample without positions. */
static bool are_rows(int64_t channels, int64_t spatial, int32_t layout) {
  return channels > 1 && (spatial == 1 || layout == NORMA_CHANNELS_LAST);
}

norma_plan norma_plan_make(const norma_batch_norm *norm, const norma_kernels *kernels,
                           norma_caches caches) {
  norma_plan plan = {
    .data_type = norm->data_type,
    .by_rows = are_rows(norm->channels, norm->spatial, norm->layout),
    .batch = norm->batch,
    .channels = norm->channels,
    .spatial = norm->spatial,
    .count = norm->batch * norm->spatial,
    .images = 1,
    .group = 1,
    .period = norm->channels
  };
  if (plan.by_rows) {
    plan.batch = plan.count;
    plan.spatial = 1;
  } else if (plan.channels == 1) { /* one run in either layout */
    plan.batch = 1;
    plan.spatial = plan.count;
  }
  return planned(plan, SLICES, norm->threads, norm->epsilon, kernels, caches);
}

norma_plan norma_plan_samples(const norma_layer_norm *norm, const norma_kernels *kernels, norma_caches caches) {
  const norma_plan plan = {
    .data_type = norm->data_type,
    .batch = 1,
    .channels = norm->rows,
    .spatial = norm->length,
    .count = norm->length,
    .images = 1,
    .group = 1,
    .period = norm->rows
  };
  return planned(plan, SLICES, norm->threads, norm->epsilon, kernels, caches);
}

norma_plan norma_plan_groups(const norma_group_norm *norm, bool gradients, const norma_kernels *kernels,
                             norma_caches caches) {
  const bool by_rows = are_rows(norm->channels, norm->spatial, norm->layout);
  norma_plan plan = {
    .data_type = norm->data_type,
    .by_rows = by_rows,
    .batch = 1,
    .channels = norm->batch * norm->channels,
    .spatial = norm->spatial,
    .count = norm->spatial,
    .images = 1,
    .group = norm->channels / norm->groups,
    .period = norm->channels,
    .in_parts = !by_rows && !gradients
  };
  if (by_rows) {
    plan.batch = norm->spatial;
    plan.channels = norm->channels;
    plan.spatial = 1;
    plan.images = norm->batch;
  } else if (plan.in_parts) {
    plan.channels = norm->batch * norm->groups;
    plan.spatial = plan.group * norm->spatial;
    plan.count = plan.spatial;
  }
  return planned(plan, by_rows ? IMAGE_SLICES : SLICES, norm->threads, norm->epsilon, kernels, caches);
}

/* The parameter of element `i` of a run, where elements have their own. */
static const void *parameter(const norma_plan *plan, const void *parameters, int64_t i) {
  return parameters ? (const char *)parameters + i * norma_parameter_size(plan->data_type) : NULL;
}

norma_runs norma_image_runs(const norma_plan *plan, int64_t image, int64_t piece, int64_t channels,
                            int64_t *start) {
  const int64_t within = piece * plan->piece_length;
  *start = image * plan->channels * plan->spatial + within;
  return (norma_runs){
    .count = 1,
    .channels = channels,
    .length = at_most(plan->piece_length, plan->spatial - within),
    .apart = plan->spatial,
    .stride = plan->channels * plan->spatial,
    .stream = plan->stream,
    .fusion = plan->fusion,
    .flat = plan->flat,
    .gamma = parameter(plan, plan->gamma, within),
    .beta = parameter(plan, plan->beta, within)
  };
}

norma_runs norma_whole_runs(const norma_plan *plan, int64_t first, int64_t count, int64_t channels,
                            int64_t *start) {
  norma_runs runs = norma_image_runs(plan, first, 0, channels, start);
  runs.count = count;
  runs.length = plan->spatial;
  return runs;
}

norma_runs norma_chunk_runs(const norma_plan *plan, int64_t k, int64_t channels, int64_t *start) {
  if (plan->pieces > 1)
    return norma_image_runs(plan, k / plan->pieces, k % plan->pieces, channels, start);
  const int64_t first = k * plan->chunk_batch;
  return norma_whole_runs(plan, first, at_most(plan->chunk_batch, plan->batch - first), channels, start);
}

norma_rows norma_chunk_rows(const norma_plan *plan, int64_t k, int64_t width, int64_t *start) {
  const int64_t first = k * plan->chunk_batch;
  *start = first * plan->channels;
  const int64_t count = at_most(plan->chunk_batch, plan->batch - first);
  return (norma_rows){
    .count = count,
    .width = width,
    .stride = plan->channels,
    .stream = plan->stream,
    .fusion = plan->fusion,
    .flat = plan->flat
  };
}

void norma_slice_chunks(const norma_plan *plan, int64_t slice, int64_t *first, int64_t *end) {
  *first = slice * plan->chunks_per_slice;
  *end = at_most(*first + plan->chunks_per_slice, plan->chunks);
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

/* Whether slabs of a width share out well in a team: no thread gets more than a quarter over its share. */
static bool shares_well(const norma_plan *plan, int64_t width, int64_t team) {
  const int64_t rounds = divide_up(divide_up(plan->channels, width), team);
  return 4 * rounds * width * team <= 5 * plan->channels;
}

/* The bytes of its cache that a thread may fill with what it reads twice: there are outputs and coefficients, too. */
static int64_t own_cache(const norma_plan *plan) { return plan->caches.second / 8 * 3; }

/* The channels that so many bytes of each of the tensors have room for. */
static int64_t room(const norma_plan *plan, int64_t tensors, int64_t bytes) {
  return at_most(bytes / (tensors * plan->channel_bytes), plan->channels);
}

/*
 * A slab has a multiple of so many: channels that are finished together, or whose runs of an image make a row of whole
 * cache lines, where runs are taken as rows.
 */
static int64_t even_channels(const norma_plan *plan) {
  if (!norma_are_short(plan->batch, plan->spatial)) return norma_plan_together(plan);
  int64_t channels = LINE / plan->fast->element_size;
  for (int64_t spatial = plan->spatial; spatial % 2 == 0 && channels > 1; spatial /= 2) channels /= 2;
  return channels;
}

/*
 * Whether a cache has places for the runs of a channel in so many tensors, shared by some threads. Runs begin a
 * multiple of an image apart, which is often a multiple of a large power of two: at few places of each way, then,
 * whatever the size of the cache.
 */
static bool has_places(const norma_plan *plan, int64_t tensors, int64_t threads) {
  const int64_t image = plan->channel_bytes / plan->batch * plan->channels;
  const int64_t way = at_least(plan->caches.second / plan->caches.ways, 1); /* whatever the system tells */
  const int64_t apart = at_most(image & -image, way);
  return plan->batch * tensors <= way / apart * plan->caches.ways * threads;
}

/* The channels whose runs of an image have about so many bytes; of few images they may have those of several. */
static int64_t usual(const norma_plan *plan, int64_t bytes, int64_t even) {
  const int64_t images = plan->batch == 1 ? 16 : at_least(4 / plan->batch, 1);
  const int64_t channels = images * bytes / (plan->spatial * plan->fast->element_size);
  return at_least(at_most(at_most(channels, GROUP), plan->channels) / even * even, even);
}

/* Slabs of at most so many channels that every thread takes for itself, if they share out well; else of none. */
static norma_slabs own_slabs(const norma_plan *plan, int64_t width, int64_t even) {
  width -= width % even;
  while (width > even && !shares_well(plan, width, plan->threads)) width -= even;
  return (norma_slabs){.width = width > 0 && shares_well(plan, width, plan->threads) ? width : 0};
}

/*
 * A slab is to stay in the caches until it is read again, beside what is added up meanwhile: in those of one thread, or
 * of the team, of which half the places will do. A thread's own slab needs no waiting for others; that is why threads
 * have their own, too, where none would stay, unless a channel alone is larger than all the caches.
 */
norma_slabs norma_plan_slabs(const norma_plan *plan, int64_t tensors) {
  const int64_t cache = own_cache(plan);
  const int64_t even = at_most(even_channels(plan), plan->channels);
  if (has_places(plan, tensors, 1)) {
    const norma_slabs own = own_slabs(plan, at_most(room(plan, tensors, cache), usual(plan, GROUP_BYTES, even)), even);
    if (own.width > 0) return own;
  }
  const int64_t stays = room(plan, tensors, cache * plan->threads);
  const int64_t fits = room(plan, tensors, 2 * cache * plan->threads);
  if (has_places(plan, tensors, INT64_C(2) * plan->threads) && fits >= even)
    return (norma_slabs){.width = at_least(stays - stays % even, even), .shared = true, .turns = stays < even};
  const int64_t passing = usual(plan, PASSING_BYTES, even);
  const norma_slabs own = own_slabs(plan, passing, even);
  if (own.width > 0 && fits > 0) return (norma_slabs){.width = own.width, .turns = true};
  return (norma_slabs){.width = passing, .shared = true, .turns = true};
}

/* Whole cache lines, if they share out well: what two members write would go from cache to cache with every row. */
int64_t norma_plan_columns(const norma_plan *plan, int64_t team) {
  if (!plan->by_rows || plan->slices >= team) return 0;
  const int64_t together = norma_plan_together(plan);
  int64_t lines = together;
  while (lines * plan->fast->element_size % LINE != 0) lines *= 2;
  if (shares_well(plan, lines, team)) return lines;
  return shares_well(plan, together, team) ? together : 0;
}

/*
 * Of a short part of a row processors fetch the lines behind it, too, and so take them from the member that writes
 * them. Where rows are few it costs more to wait for the others' coefficients, unless parts have lines in common.
 */
bool norma_plan_writes_rows(const norma_plan *plan, int64_t team) {
  const int64_t row = plan->channels * plan->fast->element_size;
  return row / team <= PART_BYTES && (plan->batch >= PART_ROWS || row % LINE != 0);
}

_Static_assert((int)DIRECT_PARTS <= (int)PIECE, "parts that go directly are added up as those of a piece are");

bool norma_plan_takes_direct(const norma_plan *plan, int64_t tensors) {
  if (plan->by_rows || plan->batch > 1 || plan->slices != plan->pieces) return false;
  if (plan->pieces > DIRECT_PIECES || plan->group > DIRECT_PARTS) return false;
  const int64_t together = norma_plan_together(plan);
  return room(plan, tensors, own_cache(plan)) >= together && shares_well(plan, together, plan->threads);
}

void norma_share(norma_member member, int64_t units, int64_t *first, int64_t *end) {
  const int64_t share = units / member.team;
  const int64_t more = units % member.team; /* members with one more */
  *first = member.thread * share + at_most(member.thread, more);
  *end = *first + share + (member.thread < more);
}

void norma_meet(norma_member member) {
  if (member.team == 1) return;
#pragma omp barrier
}

static void take_part(norma_work *work, void *context, norma_member member) {
  work(context, member);
  stream_end(); /* once: a kernel that waited for its own stores would hold up the next one's */
}

void norma_parallel(int32_t threads, norma_work *work, void *context) {
  if (threads <= 1) {
    take_part(work, context, (norma_member){0, 1});
    return;
  }
#pragma omp parallel num_threads(threads)
  take_part(work, context, (norma_member){omp_get_thread_num(), omp_get_num_threads()});
}
