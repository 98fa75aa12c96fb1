#include "layer_norm.h"

#include <stdlib.h>
#include <string.h>

#include "counts.h"
#include "parameters.h"

enum {
  SLICES_AT_MOST = 64,     /* of rows, whose sums threads share: more of them take longer to add up than they gain, */
  SLICE_ROWS = 16,         /* like those of fewer rows, */
  SLICE_VALUES = 24 << 10, /* or of fewer values, for which a thread more is not worth its while */
  CHUNK_VALUES = 64 << 10  /* of rows that are in the caches while they are added up and written */
};

/* The parameters' gradients: sums over slices of rows, each of which one thread adds up, chunk by chunk. */
typedef struct gradients {
  norma_job *job;
  norma_layer_parameters parameters;
  int64_t slices, slice_rows, chunk_rows;
  double *sum, *product;           /* [slices][length]: of dy, of dy * x_hat */
  char *chunk_sum, *chunk_product; /* [threads][length] reals */
} gradients;

/*
 * How rows are cut follows from the shape alone, for the sake of the bits: into a power of two of slices, which most
 * teams share out evenly, of a multiple of four rows, which kernels take at once.
 */
static void plan_gradients(const norma_plan *plan, gradients *g) {
  const int64_t least = at_least(SLICE_ROWS, SLICE_VALUES / plan->spatial);
  int64_t slices = 1;
  while (slices < SLICES_AT_MOST && 2 * slices * least <= plan->channels) slices *= 2;
  g->slice_rows = divide_up(divide_up(plan->channels, slices), 4) * 4;
  g->slices = divide_up(plan->channels, g->slice_rows);
  g->chunk_rows = at_most(at_least(CHUNK_VALUES / plan->spatial / 4 * 4, 4), CHUNK_ADDITIONS);
}

/* The scratch, in order: of the driver, defaults of a parameter, sums of slices, sums of chunks. */
static int64_t cut(const norma_plan *plan, gradients *g, char *at, void **defaults) {
  plan_gradients(plan, g);
  const int64_t length = plan->spatial;
  int64_t used = whole_lines(norma_space_size(plan));
  const int64_t sizes[] = {
    length * norma_parameter_size(plan->data_type), g->slices * length * (int64_t)sizeof(double),
    g->slices * length * (int64_t)sizeof(double), plan->threads * length * plan->fast->real_size,
    plan->threads * length * plan->fast->real_size
  };
  void *parts[5] = {NULL};
  for (int i = 0; i < 5; i++) {
    if (at) parts[i] = at + used;
    used += whole_lines(sizes[i]);
  }
  *defaults = parts[0];
  g->sum = parts[1];
  g->product = parts[2];
  g->chunk_sum = parts[3];
  g->chunk_product = parts[4];
  return used;
}

int64_t norma_layer_space_size(const norma_plan *plan) {
  gradients unused;
  void *defaults;
  return cut(plan, &unused, NULL, &defaults);
}

static const char *element(const norma_job *job, const void *tensor, int64_t row) {
  return (const char *)tensor + row * job->plan.spatial * job->plan.fast->element_size;
}

/* Adds rows [first, end) to the sums of a slice in double, in pieces. */
static void add_wide(const gradients *g, int64_t first, int64_t end, double *sum, double *product) {
  const norma_plan *plan = &g->job->plan;
  const int32_t size = plan->fast->element_size;
  double piece_sum[PIECE], piece_product[PIECE];
  for (int64_t i = 0; i < plan->spatial; i += PIECE) {
    const norma_rows rows = {
      .count = end - first, .width = end_of(i, PIECE, plan->spatial) - i, .stride = plan->spatial};
    plan->wide->row_parameter_sums(element(g->job, g->job->x, first) + i * size,
                                   element(g->job, g->job->dy, first) + i * size, rows,
                                   g->job->space.by_channel + first, piece_sum, piece_product);
    plan->wide->row_add(rows.width, piece_sum, piece_product, sum + i, product + i);
  }
}

/* The sums of a chunk of rows, in a thread's own reals. */
typedef struct chunk_sums {
  char *sum, *product;
} chunk_sums;

static chunk_sums chunk_of(const gradients *g, int32_t thread) {
  const int64_t at = thread * g->job->plan.spatial * g->job->plan.fast->real_size;
  return (chunk_sums){g->chunk_sum + at, g->chunk_product + at};
}

static bool any_is_wide(const gradients *g, int64_t first, int64_t end) {
  bool any = false;
  for (int64_t row = first; row < end; row++) any |= g->job->space.is_wide[row];
  return any;
}

/* Adds a chunk to the sums of a slice; false where float could not hold its sums. */
static bool add_chunk(const gradients *g, chunk_sums chunk, double *sum, double *product) {
  const norma_plan *plan = &g->job->plan;
  if (plan->wide && plan->fast->row_overflows(plan->spatial, chunk.sum, chunk.product) > 0) return false;
  plan->fast->row_add(plan->spatial, chunk.sum, chunk.product, sum, product);
  return true;
}

/* Adds rows [first, end) to the sums of a slice; in double where float cannot hold them. */
static void add_rows(const gradients *g, int64_t first, int64_t end, chunk_sums chunk, double *sum, double *product) {
  const norma_plan *plan = &g->job->plan;
  if (!any_is_wide(g, first, end)) {
    const norma_rows rows = {.count = end - first, .width = plan->spatial, .stride = plan->spatial};
    plan->fast->row_parameter_sums(element(g->job, g->job->x, first), element(g->job, g->job->dy, first), rows,
                                   g->job->space.by_channel + first, chunk.sum, chunk.product);
    if (add_chunk(g, chunk, sum, product)) return;
  }
  add_wide(g, first, end, sum, product);
}

/* The same while dx is computed, which is not in place of dy: that may have to be read again. */
static void add_rows_beside_dx(const gradients *g, int64_t first, int64_t end, chunk_sums chunk, double *sum,
                               double *product) {
  const int64_t bytes = g->job->plan.spatial * g->job->plan.fast->real_size;
  memset(chunk.sum, 0, (size_t)bytes);
  memset(chunk.product, 0, (size_t)bytes);
  norma_job job = *g->job;
  job.parameter_sum = chunk.sum;
  job.parameter_product = chunk.product;
  norma_run_channels(&job, first, end);
  if (!add_chunk(g, chunk, sum, product)) {
    norma_prepare_channels(g->job, first, end);
    add_wide(g, first, end, sum, product);
  }
}

/* Dx may be in place of dy: it is then written last. */
static void take_slice(const gradients *g, int64_t slice, int32_t thread) {
  const norma_job *job = g->job;
  const int64_t end = end_of(slice * g->slice_rows, g->slice_rows, job->plan.channels);
  double *sum = g->sum + slice * job->plan.spatial;
  double *product = g->product + slice * job->plan.spatial;
  const chunk_sums chunk = chunk_of(g, thread);
  memset(sum, 0, (size_t)job->plan.spatial * sizeof *sum);
  memset(product, 0, (size_t)job->plan.spatial * sizeof *product);
  for (int64_t first = slice * g->slice_rows, past; first < end; first = past) {
    past = end_of(first, g->chunk_rows, end);
    norma_prepare_channels(job, first, past);
    if (job->out && job->out != job->dy && !any_is_wide(g, first, past)) {
      add_rows_beside_dx(g, first, past, chunk, sum, product);
    } else {
      add_rows(g, first, past, chunk, sum, product);
      if (job->out) norma_run_channels(job, first, past);
    }
  }
}

/* Puts a parameter's gradient, unless it is NULL: the sums of all slices, in their order. */
static void put_gradient(const gradients *g, const double *sums, int64_t first, int64_t count, void *gradient) {
  const norma_plan *plan = &g->job->plan;
  if (!gradient) return;
  double total[PIECE];
  memcpy(total, sums + first, (size_t)count * sizeof *total);
  for (int64_t slice = 1; slice < g->slices; slice++)
    for (int64_t i = 0; i < count; i++) total[i] += sums[slice * plan->spatial + first + i];
  norma_parameters_put(plan->data_type, gradient, first, count, total);
}

static void run_gradients(void *context, norma_member member) {
  const gradients *g = context;
  int64_t first, end;
  norma_share(member, g->slices, &first, &end);
  for (; first < end; first++) take_slice(g, first, member.thread);
  norma_meet(member);
  const int64_t length = g->job->plan.spatial;
  norma_share(member, divide_up(length, PIECE), &first, &end);
  for (; first < end; first++) {
    const int64_t count = at_most(length - first * PIECE, PIECE);
    put_gradient(g, g->product, first * PIECE, count, g->parameters.dgamma);
    put_gradient(g, g->sum, first * PIECE, count, g->parameters.dbeta);
  }
}

/* The parameters that have a part, of which those that are absent are ones or zeros. */
static void set_parameters(norma_plan *plan, const norma_job *job, norma_layer_parameters parameters, void *defaults) {
  const bool has_beta = job->sum == SUM_MOMENTS;
  if (!parameters.gamma && !(has_beta && parameters.beta)) return;
  plan->fusion = has_beta ? FUSION_AFFINE : FUSION_SCALE;
  plan->gamma = parameters.gamma ? parameters.gamma : defaults;
  if (has_beta) plan->beta = parameters.beta ? parameters.beta : defaults;
  if (parameters.gamma && (parameters.beta || !has_beta)) return;
  for (int64_t i = 0; i < plan->spatial; i++)
    norma_parameter_put(plan->data_type, defaults, i, parameters.gamma ? 0 : 1);
}

static void run(const norma_plan *plan, norma_job *job, norma_layer_parameters parameters, char *workspace) {
  void *defaults;
  gradients g = {.job = job, .parameters = parameters};
  cut(plan, &g, workspace, &defaults);
  norma_plan with_parameters = *plan;
  set_parameters(&with_parameters, job, parameters, defaults);
  if (parameters.dgamma || parameters.dbeta) {
    norma_set_up(&with_parameters, job, workspace);
    norma_parallel(plan->threads, run_gradients, &g);
  } else {
    norma_run(&with_parameters, job, workspace);
  }
}

norma_status norma_layer_run(const norma_plan *plan, norma_job *job, norma_layer_parameters parameters,
                             void *workspace) {
  void *own = workspace ? NULL : malloc((size_t)norma_layer_space_size(plan));
  if (!workspace && !own) return NORMA_OUT_OF_MEMORY;
  run(plan, job, parameters, workspace ? workspace : own);
  free(own);
  return NORMA_OK;
}
