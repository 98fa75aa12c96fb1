/*
 * How a call is cut into pieces, and how the pieces run on threads.
 *
 * A channel is cut into chunks, the pieces that one kernel call adds up in vector lanes, and every
 * CHUNKS_PER_SLICE chunks are a slice, the unit that threads share. Both depend on the shape alone,
 * and slices are merged in their order: this is why results do not depend on the number of threads.
 */
#ifndef NORMA_PLAN_H
#define NORMA_PLAN_H

#include "kernels.h"
#include "norma.h"

enum {
  CHUNK_ADDITIONS = 128, /* of elements in a lane, at most: it bounds the rounding of a chunk's sums */
  CHUNK_LANES = 32,      /* of float that a run is added up in; half as many of double */
  CHUNK_ELEMENTS = CHUNK_ADDITIONS * CHUNK_LANES,
  CHUNKS_PER_SLICE = 8
};

typedef struct norma_plan {
  int32_t data_type;
  const norma_family *fast;
  const norma_family *wide; /* where `fast` would overflow; NULL if it computes in double */
  bool by_rows;             /* row_ kernels on rows of channels; else run_ kernels on runs */
  int64_t batch;            /* runs of a channel, or rows */
  int64_t channels;
  int64_t spatial; /* length of a run; 1 by rows */
  int64_t count;   /* values of a channel */
  double epsilon;
  double least; /* smallest sum of squares of a value that is kept; below it `wide` takes over */

  int64_t pieces;       /* chunks of a run, if a run is that long */
  int64_t piece_length; /* length of such a chunk, but for the last */
  int64_t chunk_batch;  /* runs or rows of a chunk */
  int64_t chunks;
  int64_t slices;

  bool stream;           /* write the last pass past the caches */
  int64_t channel_bytes; /* of one tensor */
  int32_t threads;
  int64_t tiles; /* by rows: groups of channels that threads share */
} norma_plan;

norma_plan norma_plan_make(const norma_batch_norm *norm, const norma_kernels *kernels);

/* The bytes of an element and of a parameter; 0 for an unknown data type. */
int64_t norma_element_size(int32_t data_type);
int64_t norma_parameter_size(int32_t data_type);

/* Chunk `k` of a channel: where it starts, in elements after the channel's first, and its runs. */
norma_runs norma_chunk_runs(const norma_plan *plan, int64_t k, int64_t *start);
/* Chunk `k` of channels [0, width): where it starts, in elements, and its rows. */
norma_rows norma_chunk_rows(const norma_plan *plan, int64_t k, int64_t width, int64_t *start);

/* The chunks of a slice: from *first to before *end. */
void norma_slice_chunks(const norma_plan *plan, int64_t slice, int64_t *first, int64_t *end);
/* The values of a channel in a slice. */
int64_t norma_slice_count(const norma_plan *plan, int64_t slice);
/* The channels of a tile: from *first to before *end. */
void norma_tile_channels(const norma_plan *plan, int64_t tile, int64_t *first, int64_t *end);

/* Calls work(context, unit) for 0 <= unit < units, neighbouring units on the same thread. */
typedef void norma_work(void *context, int64_t unit);
void norma_parallel(int32_t threads, int64_t units, norma_work *work, void *context);

#endif
