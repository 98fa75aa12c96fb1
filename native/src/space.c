#include "space.h"

#include "counts.h"
#include "reals.h"

enum { ALIGNMENT = 64 }; /* so that no two arrays share a cache line */

/* Takes the next `size` bytes of a block; only counts them where there is none. */
static void *take(char **at, int64_t *used, int64_t size) {
  void *taken = *at;
  if (*at) *at += whole_lines(size);
  *used += whole_lines(size);
  return taken;
}

static norma_coefficient_rows take_rows(char **at, int64_t *used, int64_t size) {
  norma_coefficient_rows by;
  by.center = take(at, used, size);
  by.scale = take(at, used, size);
  by.bias = take(at, used, size);
  by.offset = take(at, used, size);
  by.slope = take(at, used, size);
  return by;
}

static norma_space cut(const norma_plan *plan, char *at, int64_t *used) {
  norma_space space = {0};
  const int64_t sums = plan->channels * plan->slices;
  space.is_wide = take(&at, used, plan->channels * (int64_t)sizeof(bool));
  if (!plan->by_rows) {
    space.by_channel = take(&at, used, plan->channels * (int64_t)sizeof(norma_coefficients));
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
  space.by = take_rows(&at, used, plan->channels * plan->fast->real_size);
  if (plan->wide) space.by_wide = take_rows(&at, used, plan->channels * plan->wide->real_size);
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

norma_coefficient_rows norma_rows_from(norma_coefficient_rows by, const norma_family *family, int64_t first) {
  const int64_t at = first * family->real_size;
  return (norma_coefficient_rows){(char *)by.center + at, (char *)by.scale + at, (char *)by.bias + at,
                                  (char *)by.offset + at, (char *)by.slope + at};
}
