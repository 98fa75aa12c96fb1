#include "moments.h"

#include <math.h>

#include "reals.h"

/* Each brings a shift 2^10 times nearer: the third is never needed where the first was about right. */
enum { RECENTERINGS = 3 };

/* The next chunk of a slice. */
struct chunk {
  const norma_plan *plan;
  const char *x;
  norma_runs runs;
  norma_rows rows;
  double count;  /* values of a channel in the chunk */
  double before; /* values of a channel in the slice before the chunk */
};

static norma_settling settling(const struct chunk *chunk) {
  return (norma_settling){
    .n = chunk->before + chunk->count,
    .off_center = chunk->before == 0 ? NORMA_OFF_CENTER_FIRST : NORMA_OFF_CENTER_LATER,
    .least = chunk->plan->least * chunk->count
  };
}

/* The sums of up to PIECE channels about the shifts in `total`. */
static void chunk_sums(const struct chunk *chunk, const norma_family *family, int64_t width,
                       const norma_sums *total, norma_sums *sums) {
  if (!chunk->plan->by_rows) {
    double two[1][2];
    family->run_moments(chunk->x, chunk->runs, &total->shift, two);
    *sums = (norma_sums){.sum = two[0][0], .square = two[0][1]};
    return;
  }
  double shift[PIECE] = {0}, sum[PIECE], square[PIECE]; /* large enough for any real */
  norma_rows rows = chunk->rows;
  rows.width = width;
  for (int64_t c = 0; c < width; c++) norma_real_put(family, shift, c, total[c].shift);
  family->row_moments(chunk->x, rows, shift, sum, square);
  for (int64_t c = 0; c < width; c++) {
    sums[c].sum = norma_real_at(family, sum, c);
    sums[c].square = norma_real_at(family, square, c);
  }
}

/* The same, taken again in double where float overflowed or underflowed. */
static void safe_sums(const struct chunk *chunk, int64_t width, const norma_sums *total, norma_sums *sums) {
  const norma_plan *plan = chunk->plan;
  chunk_sums(chunk, plan->fast, width, total, sums);
  if (!plan->wide) return;
  const double least = settling(chunk).least;
  int64_t unsafe = 0;
  for (int64_t c = 0; c < width; c++) unsafe += !(sums[c].square >= least && sums[c].square <= DBL_MAX);
  if (!unsafe) return;
  norma_sums wide[PIECE];
  chunk_sums(chunk, plan->wide, width, total, wide);
  for (int64_t c = 0; c < width; c++)
    if (!(sums[c].square >= least && sums[c].square <= DBL_MAX)) sums[c] = wide[c];
}

/*
 * The mean, rounded to a grid of about a quarter of the standard deviation: as good a shift, and one
 * of so few digits that values of few digits are summed about it without rounding. Where the old
 * shift was far off, the variance found about it is mostly noise, and the grid is no finer than that.
 */
static double coarse_mean(const norma_plan *plan, double mean, double variance, double off) {
  const double noise = off * off * (plan->fast->real_size == sizeof(float) ? 0x1p-20 : 0x1p-48);
  if (!(variance > noise)) variance = noise;
  if (!(variance > 0 && variance <= DBL_MAX)) return mean;
  int exponent;
  frexp(variance, &exponent);
  const double grid = ldexp(1, exponent / 2 - 2);
  const double coarse = floor(mean / grid + 0.5) * grid;
  return isfinite(coarse) ? coarse : mean;
}

/*
 * Moves the shift of a channel to the mean of everything so far, chunk included, and the totals with
 * it; with S and Q about the old shift, and d = old - new:
 *   S' = S + n d,  Q' = Q + d (2 S + n d)
 * Returns false where it is near the mean already or can come no nearer.
 */
static bool recenter(const struct chunk *chunk, norma_sums *total, norma_sums sums) {
  if (!isfinite(total->shift)) { /* of the first values, whose sum overflowed */
    const bool first = chunk->before == 0;
    if (first) total->shift = 0;
    return first;
  }
  const norma_settling by = settling(chunk);
  const double sum = total->sum + sums.sum;
  const double square = total->square + sums.square;
  if (by.off_center * sum * sum <= by.n * square) return false;

  const double off = sum / by.n;
  double shift = coarse_mean(chunk->plan, total->shift + off, square / by.n - off * off, off);
  if (chunk->plan->fast->real_size == sizeof(float)) shift = (double)(float)shift;
  if (!isfinite(shift) || shift == total->shift) return false;

  const double d = total->shift - shift;
  total->square += d * (2 * total->sum + chunk->before * d);
  total->sum += chunk->before * d;
  total->shift = shift;
  return true;
}

/* Adds a chunk of up to PIECE channels to their totals, with their shifts moved where they have to. */
static void settle(const struct chunk *chunk, int64_t width, norma_sums *total) {
  norma_sums sums[PIECE];
  safe_sums(chunk, width, total, sums);
  for (int move = 0; move < RECENTERINGS; move++) {
    int64_t moved = 0;
    for (int64_t c = 0; c < width; c++) moved += recenter(chunk, &total[c], sums[c]);
    if (!moved) break;
    safe_sums(chunk, width, total, sums);
  }
  for (int64_t c = 0; c < width; c++) {
    total[c].sum += sums[c].sum;
    total[c].square += sums[c].square;
  }
}

/* Channel `c` of a chunk of runs, alone. */
static struct chunk channel_of(struct chunk chunk, int64_t c) {
  chunk.x += c * chunk.runs.apart * chunk.plan->fast->element_size;
  chunk.runs.channels = 1;
  return chunk;
}

/* Adds a chunk of runs to the totals of its channels. */
static void add_runs(const struct chunk *chunk, norma_sums *total) {
  const norma_family *fast = chunk->plan->fast;
  double shift[GROUP], sums[GROUP][2];
  for (int64_t c = 0; c < chunk->runs.channels; c++) {
    const struct chunk one = channel_of(*chunk, c);
    if (chunk->before == 0) total[c] = (norma_sums){.shift = fast->run_shift(one.x, one.runs.length)};
    shift[c] = total[c].shift;
  }
  fast->run_moments(chunk->x, chunk->runs, shift, sums);
  const norma_settling by = settling(chunk);
  for (int64_t c = 0; c < chunk->runs.channels; c++) {
    const double sum = total[c].sum + sums[c][0];
    const double square = total[c].square + sums[c][1];
    if (norma_settled(by, sums[c][1], sum, square)) {
      total[c].sum = sum;
      total[c].square = square;
    } else {
      const struct chunk one = channel_of(*chunk, c);
      settle(&one, 1, &total[c]);
    }
  }
}

void norma_run_moments(const norma_plan *plan, const void *x, int64_t slice, int64_t channels,
                       norma_sums *total) {
  int64_t k, end, start;
  norma_slice_chunks(plan, slice, &k, &end);
  struct chunk chunk = {.plan = plan};
  for (; k < end; k++) {
    chunk.runs = norma_chunk_runs(plan, k, channels, &start);
    chunk.x = (const char *)x + start * plan->fast->element_size;
    chunk.count = (double)(chunk.runs.count * chunk.runs.length);
    add_runs(&chunk, total);
    chunk.before += chunk.count;
  }
}

/* Adds the squares of a chunk of single runs; in double where float cannot hold their sum. */
static void add_squares(const struct chunk *chunk, norma_sums *total) {
  const norma_plan *plan = chunk->plan;
  const double least = settling(chunk).least;
  double squares[GROUP];
  plan->fast->run_squares(chunk->x, chunk->runs, squares);
  for (int64_t c = 0; c < chunk->runs.channels; c++) {
    if (plan->wide && !(squares[c] >= least && squares[c] <= DBL_MAX)) {
      const struct chunk one = channel_of(*chunk, c);
      plan->wide->run_squares(one.x, one.runs, &squares[c]);
    }
    total[c].square += squares[c];
  }
}

void norma_run_squares(const norma_plan *plan, const void *x, int64_t slice, int64_t channels, norma_sums *total) {
  int64_t k, end, start;
  norma_slice_chunks(plan, slice, &k, &end);
  struct chunk chunk = {.plan = plan};
  for (int64_t c = 0; c < channels; c++) total[c] = (norma_sums){0};
  for (; k < end; k++) {
    chunk.runs = norma_chunk_runs(plan, k, channels, &start);
    chunk.x = (const char *)x + start * plan->fast->element_size;
    chunk.count = (double)(chunk.runs.count * chunk.runs.length);
    add_squares(&chunk, total);
  }
}

/* Adds channel `c` of a chunk to its totals if it is settled. */
static bool add_settled(const struct chunk *chunk, norma_sum_rows total, int64_t c) {
  const norma_family *fast = chunk->plan->fast;
  const double chunk_square = norma_real_at(fast, total.chunk_square, c);
  const double sum = total.sum[c] + norma_real_at(fast, total.chunk_sum, c);
  const double square = total.square[c] + chunk_square;
  if (!norma_settled(settling(chunk), chunk_square, sum, square)) return false;
  total.sum[c] = sum;
  total.square[c] = square;
  return true;
}

/* Settles channels first .. first + width - 1 of a chunk. */
static void settle_piece(struct chunk chunk, norma_sum_rows total, int64_t first, int64_t width) {
  const norma_family *fast = chunk.plan->fast;
  norma_sums piece[PIECE];
  for (int64_t i = 0; i < width; i++) {
    const int64_t c = first + i;
    piece[i] = (norma_sums){norma_real_at(fast, total.shift, c), total.sum[c], total.square[c]};
  }
  chunk.x += first * fast->element_size;
  settle(&chunk, width, piece);
  for (int64_t i = 0; i < width; i++) {
    const int64_t c = first + i;
    norma_real_put(fast, total.shift, c, piece[i].shift);
    total.sum[c] = piece[i].sum;
    total.square[c] = piece[i].square;
  }
}

/* Adds a chunk of which some channels are not settled: those in pieces of neighbours. */
static void settle_rows(const struct chunk *chunk, norma_sum_rows total) {
  int64_t waiting = 0; /* unsettled channels before c */
  for (int64_t c = 0; c < chunk->rows.width; c++) {
    const bool added = add_settled(chunk, total, c);
    if (waiting > 0 && (added || waiting == PIECE)) {
      settle_piece(*chunk, total, c - waiting, waiting);
      waiting = 0;
    }
    if (!added) waiting++;
  }
  if (waiting > 0) settle_piece(*chunk, total, chunk->rows.width - waiting, waiting);
}

void norma_row_moments(const norma_plan *plan, const void *x, int64_t slice, int64_t width,
                       norma_sum_rows total) {
  const norma_family *fast = plan->fast;
  int64_t k, end, start;
  norma_slice_chunks(plan, slice, &k, &end);
  struct chunk chunk = {.plan = plan};
  for (; k < end; k++) {
    chunk.rows = norma_chunk_rows(plan, k, width, &start);
    chunk.x = (const char *)x + start * fast->element_size;
    chunk.count = (double)chunk.rows.count;
    if (chunk.before == 0) {
      fast->row_shift(chunk.x, chunk.rows, total.shift);
      for (int64_t c = 0; c < width; c++) total.sum[c] = total.square[c] = 0;
    }
    fast->row_moments(chunk.x, chunk.rows, total.shift, total.chunk_sum, total.chunk_square);
    if (fast->row_unsettled(width, total.chunk_sum, total.chunk_square, total.sum, total.square,
                            settling(&chunk)) == 0) {
      fast->row_add(width, total.chunk_sum, total.chunk_square, total.sum, total.square);
    } else {
      settle_rows(&chunk, total);
    }
    chunk.before += chunk.count;
  }
}
