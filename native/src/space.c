#include "space.h"

#include "reals.h"

enum { ALIGNMENT = 64 }; /* so that no two arrays share a cache line */

/* Takes the next `size` bytes of a block; only counts them where there is none. */
static void *take(char **at, int64_t *used, int64_t size) {
  const int64_t whole = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  void *taken = *at;
  if (*at) *at += whole;
  *used += whole;
  return taken;
}

static norma_space cut(const norma_plan *plan, char *at, int64_t *used) {
  norma_space space = {0};
  const int64_t sums = plan->channels * plan->slices;
  space.by_channel = take(&at, used, plan->channels * (int64_t)sizeof(norma_coefficients));
  space.is_wide = take(&at, used, plan->channels * (int64_t)sizeof(bool));
  if (!plan->by_rows) {
    space.runs = take(&at, used, sums * (int64_t)sizeof(norma_sums));
    return space;
  }
  const int64_t doubles = sums * (int64_t)sizeof(double);
  const int64_t reals = sums * plan->fast->real_size;
  space.rows.sum = take(&at, used, doubles);
  space.rows.square = take(&at, used, doubles);
  space.rows.shift = take(&at, used, reals);
  space.rows.chunk_sum = take(&at, used, reals);
  space.rows.chunk_square = take(&at, used, reals);
  const int64_t channel_reals = plan->channels * plan->fast->real_size;
  space.by.center = take(&at, used, channel_reals);
  space.by.scale = take(&at, used, channel_reals);
  space.by.bias = take(&at, used, channel_reals);
  space.by.offset = take(&at, used, channel_reals);
  space.by.slope = take(&at, used, channel_reals);
  return space;
}

int64_t norma_space_size(const norma_plan *plan) {
  int64_t used = ALIGNMENT; /* to align the first array */
  cut(plan, NULL, &used);
  return used;
}

norma_space norma_space_cut(const norma_plan *plan, void *block) {
  int64_t used = 0;
  const uintptr_t past = (uintptr_t)block % ALIGNMENT;
  return cut(plan, (char *)block + (past ? ALIGNMENT - past : 0), &used);
}

norma_sum_rows norma_space_rows(const norma_plan *plan, const norma_space *space, int64_t slice,
                                int64_t first) {
  const int64_t at = slice * plan->channels + first;
  const int64_t real_at = at * plan->fast->real_size;
  return (norma_sum_rows){
    .sum = space->rows.sum + at,
    .square = space->rows.square + at,
    .shift = space->rows.shift + real_at,
    .chunk_sum = space->rows.chunk_sum + real_at,
    .chunk_square = space->rows.chunk_square + real_at
  };
}

void norma_space_put(const norma_plan *plan, const norma_space *space, int64_t first, int64_t count,
                     const norma_channel_coefficients *by) {
  for (int64_t i = 0; i < count; i++) {
    space->by_channel[first + i] = (norma_coefficients){
      .center = by->center[i], .scale = by->scale[i], .bias = by->bias[i],
      .offset = by->offset[i], .slope = by->slope[i]};
    space->is_wide[first + i] = by->is_wide[i];
  }
  if (!plan->by_rows) return;
  norma_reals_put(plan->fast, space->by.center, first, count, by->center);
  norma_reals_put(plan->fast, space->by.scale, first, count, by->scale);
  norma_reals_put(plan->fast, space->by.bias, first, count, by->bias);
  norma_reals_put(plan->fast, space->by.offset, first, count, by->offset);
  norma_reals_put(plan->fast, space->by.slope, first, count, by->slope);
}

norma_coefficient_rows norma_space_by(const norma_plan *plan, const norma_space *space, int64_t first) {
  if (!plan->by_rows) return (norma_coefficient_rows){0};
  const int64_t at = first * plan->fast->real_size;
  const norma_coefficient_rows all = space->by;
  return (norma_coefficient_rows){(char *)all.center + at, (char *)all.scale + at, (char *)all.bias + at,
                                  (char *)all.offset + at, (char *)all.slope + at};
}

void norma_space_sums(const norma_plan *plan, const norma_space *space, int64_t slice, int64_t first, int64_t count,
                      norma_channel_sums *sums) {
  const int64_t at = slice * plan->channels + first;
  if (plan->by_rows) {
    norma_reals_get(plan->fast, space->rows.shift, at, count, sums->shift);
    memcpy(sums->sum, space->rows.sum + at, (size_t)count * sizeof(double));
    memcpy(sums->square, space->rows.square + at, (size_t)count * sizeof(double));
    return;
  }
  for (int64_t i = 0; i < count; i++) {
    sums->shift[i] = space->runs[at + i].shift;
    sums->sum[i] = space->runs[at + i].sum;
    sums->square[i] = space->runs[at + i].square;
  }
}
