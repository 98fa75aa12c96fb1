/*
 * How a call is cut into pieces, and how the pieces run on threads.
 *
 * A channel is cut into chunks, the pieces that one kernel call adds up in vector lanes, and up to
 * CHUNKS_PER_SLICE chunks are a slice, the unit that threads share. Both depend on the shape alone,
 * and slices are merged in their order: this is why results do not depend on the number of threads.
 *
 * A slab is a range of channels that is taken from end to end, so that the last pass finds in the
 * caches what the sums have read. How wide it is, and whether a thread or the team takes it, follows
 * from the sizes of the caches and changes no bit.
 */
#ifndef NORMA_PLAN_H
#define NORMA_PLAN_H

#include "caches.h"
#include "kernels.h"
#include "norma.h"

enum {
  CHUNK_ADDITIONS = 128, /* of elements in a lane, at most: it bounds the rounding of a chunk's sums */
  CHUNK_LANES = 32,      /* of float that a run is added up in; half as many of double */
  CHUNK_ELEMENTS = CHUNK_ADDITIONS * CHUNK_LANES,
  CHUNKS_PER_SLICE = 8, /* at most, */
  SLICES = 24,          /* so that a channel of so many chunks has as many slices for threads to share, */
  IMAGE_SLICES = 8,     /* or so many where images are taken one by one, whose sums are put together each time */
  PIECE = 64            /* channels that are finished together, in arrays on the stack */
};

typedef struct norma_plan {
  int32_t data_type;
  const norma_family *fast;
  const norma_family *wide; /* where `fast` would overflow; NULL if it computes in double */
  const norma_finishing *finishing;
  bool by_rows;             /* row_ kernels on rows of channels; else run_ kernels on runs */
  int64_t batch;            /* runs of a channel, or rows */
  int64_t channels;
  int64_t spatial; /* length of a run; 1 by rows */
  int64_t count;   /* values of a channel */
  int64_t images;  /* that a tensor has of what is planned; more than 1 where each is taken by itself */
  int64_t group;   /* neighbours with the same mean and variance */
  int64_t period;  /* channels with parameters of their own; those after them have the same again */
  bool in_parts;   /* a run is a group: `group` parts of a length, one for each of its channels */
  double epsilon;
  double least; /* smallest sum of squares of a value that is kept; below it `wide` takes over */

  int64_t pieces;       /* chunks of a run, if a run is that long */
  int64_t piece_length; /* length of such a chunk, but for the last */
  int64_t chunk_batch;  /* runs or rows of a chunk */
  int64_t chunks;
  int64_t chunks_per_slice;
  int64_t slices;

  norma_caches caches;
  /* Set by norma_run: */
  norma_fusion fusion;
  bool flat;   /* gradients are by running statistics */
  bool stream; /* the last pass writes past the caches */
  const void *gamma, *beta; /* parameters for each element of a run, or NULL */

  int64_t channel_bytes; /* of one tensor */
  int32_t threads;
} norma_plan;

norma_plan norma_plan_make(const norma_batch_norm *norm, const norma_kernels *kernels,
                           norma_caches caches);

/* The same where each row has statistics of its own: a channel is then a row, which is one run. */
norma_plan norma_plan_samples(const norma_layer_norm *norm, const norma_kernels *kernels, norma_caches caches);

/*
 * The same where each group of channels of each image has statistics of its own. By rows it is the plan of an image.
 * Else a channel is a run of one of the channels of an image or, for the forward pass, all the runs of a group, which
 * are one: `in_parts`.
 */
norma_plan norma_plan_groups(const norma_group_norm *norm, bool gradients, const norma_kernels *kernels,
                             norma_caches caches);

/* Channels that are finished together. */
static inline int64_t norma_plan_together(const norma_plan *plan) { return plan->in_parts ? 1 : plan->group; }

/* The bytes of an element and of a parameter; 0 for an unknown data type. */
int64_t norma_element_size(int32_t data_type);
int64_t norma_parameter_size(int32_t data_type);

/* A piece of the runs that `channels` channels have in an image: start and runs as below. */
norma_runs norma_image_runs(const norma_plan *plan, int64_t image, int64_t piece, int64_t channels,
                            int64_t *start);
/* The whole runs that they have in `count` images. */
norma_runs norma_whole_runs(const norma_plan *plan, int64_t first, int64_t count, int64_t channels,
                            int64_t *start);
/* Chunk `k` of `channels` channels: where it starts, in elements after the first, and its runs. */
norma_runs norma_chunk_runs(const norma_plan *plan, int64_t k, int64_t channels, int64_t *start);
/* Chunk `k` of channels [0, width): where it starts, in elements, and its rows. */
norma_rows norma_chunk_rows(const norma_plan *plan, int64_t k, int64_t width, int64_t *start);

/* The chunks of a slice: from *first to before *end. */
void norma_slice_chunks(const norma_plan *plan, int64_t slice, int64_t *first, int64_t *end);
/* The values of a channel in a slice. */
int64_t norma_slice_count(const norma_plan *plan, int64_t slice);

/*
 * Whether a pass over so many tensors is to write its outputs past the caches: where these cannot keep them
 * for who reads them next, they would only push out what is still to be read. The share of the last level
 * that a team gets is not known; some multiple of its own caches is what processors are built with.
 */
bool norma_plan_streams(const norma_plan *plan, int64_t tensors);

typedef struct norma_slabs {
  int64_t width; /* channels of a slab, but for the last */
  bool shared;   /* the team takes one after the other; else each thread has its own */
  bool turns;    /* it is too large to stay in the caches: what was read last is to be written first */
} norma_slabs;

/* The slabs of passes on runs that read so many tensors twice. */
norma_slabs norma_plan_slabs(const norma_plan *plan, int64_t tensors);

/*
 * Whether runs, or groups of those that are finished together, share out well one by one, and what each has of so many
 * tensors stays in the caches of a thread from its sums to its outputs: then it may go directly from the ones to the
 * others.
 */
bool norma_plan_takes_direct(const norma_plan *plan, int64_t tensors);

/*
 * Members of a team that has fewer slices of rows take channels instead, a multiple of so many each; 0 where they have
 * slices enough, or channels do not share out well.
 */
int64_t norma_plan_columns(const norma_plan *plan, int64_t team);
/* Whether they do better to write whole rows after that than their own channels. */
bool norma_plan_writes_rows(const norma_plan *plan, int64_t team);

/* A thread of a team. */
typedef struct norma_member {
  int32_t thread;
  int32_t team;
} norma_member;

/* The part of `units` that falls to a member: from *first to before *end. */
void norma_share(norma_member member, int64_t units, int64_t *first, int64_t *end);
/* Waits for all members. */
void norma_meet(norma_member member);

/* Calls work(context, member) on every thread of a team. */
typedef void norma_work(void *context, norma_member member);
void norma_parallel(int32_t threads, norma_work *work, void *context);

#endif
