#include "golden_samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden_file.h"
#include "golden_tolerances.h"

/*
 * A normalization of samples: n * groups of them, each of c / groups channels with s positions. Rows are images of one
 * group whose channels have one position.
 */
typedef struct samples {
  const golden_file *file;
  int32_t type;
  int64_t n, c, s, groups;
  bool channels_last, rms;
  double epsilon;
  void *x, *dy, *gamma, *beta; /* dy, gamma and beta may be NULL */
  void *y, *dx, *dgamma, *dbeta;
  double *mean, *variance, *inv_std; /* variance: of groups */
} samples;

static int64_t elements_of(const samples *l) { return l->n * l->c * l->s; }
static int64_t count_of(const samples *l) { return l->n * l->groups; }
static int64_t values_of(const samples *l) { return l->c / l->groups * l->s; }

/* Of value `i` of a sample. */
static int64_t channel_of(const samples *l, int64_t sample, int64_t i) {
  return sample % l->groups * (l->c / l->groups) + i / l->s;
}

static int64_t element_of(const samples *l, int64_t sample, int64_t i) {
  const int64_t image = sample / l->groups;
  const int64_t channel = channel_of(l, sample, i);
  const int64_t position = i % l->s;
  return l->channels_last ? (image * l->s + position) * l->c + channel : (image * l->c + channel) * l->s + position;
}

/* ---- From a file ---- */

static void *read_optional(const samples *l, const char *tensor, int64_t count) {
  const double *values = golden_optional(l->file, tensor, count);
  if (!values) return NULL;
  void *array = new_bytes(count * value_size(l->type));
  golden_put(l->type, array, values, count);
  return array;
}

/* The arrays, where the extents are known. */
static void open_arrays(samples *l, const golden_file *file) {
  l->file = file;
  l->type = golden_data_type(file);
  l->epsilon = golden_number(file, "epsilon");
  const int64_t tensor = elements_of(l) * value_size(l->type);
  golden_tensor(file, "x", elements_of(l));
  l->x = read_optional(l, "x", elements_of(l));
  l->dy = read_optional(l, "dy", elements_of(l));
  l->gamma = read_optional(l, "gamma", l->c);
  l->beta = read_optional(l, "beta", l->c);
  l->y = new_bytes(tensor);
  l->dx = new_bytes(tensor);
  l->dgamma = new_bytes(l->c * value_size(l->type));
  l->dbeta = new_bytes(l->c * value_size(l->type));
  const int64_t statistics = count_of(l) * (int64_t)sizeof(double);
  l->mean = new_bytes(statistics);
  l->variance = new_bytes(statistics);
  l->inv_std = new_bytes(statistics);
}

static samples rows_from(const golden_file *file, bool rms) {
  samples l = {.n = golden_integer(file, "rows"), .c = golden_integer(file, "length"), .s = 1, .groups = 1, .rms = rms};
  open_arrays(&l, file);
  return l;
}

static samples groups_from(const golden_file *file) {
  samples l = {
    .n = golden_integer(file, "n"),
    .c = golden_integer(file, "c"),
    .s = golden_integer(file, "s"),
    .groups = golden_integer(file, "groups"),
    .channels_last = strcmp(golden_text(file, "layout"), "nsc") == 0
  };
  open_arrays(&l, file);
  return l;
}

static void close_arrays(samples *l) {
  void *all[] = {l->x,      l->dy,    l->gamma, l->beta,     l->y,      l->dx,
                 l->dgamma, l->dbeta, l->mean,  l->variance, l->inv_std};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* ---- Comparisons ---- */

static double x_at(const samples *l, int64_t i) { return value_at(l->type, l->x, i); }
static double dy_at(const samples *l, int64_t i) { return value_at(l->type, l->dy, i); }
static double gamma_at(const samples *l, int64_t c) { return l->gamma ? value_at(l->type, l->gamma, c) : 1; }
static double beta_at(const samples *l, int64_t c) { return l->beta ? value_at(l->type, l->beta, c) : 0; }

/* One lane may add them all: they are few. */
static golden_tolerances tolerances_of(const samples *l, int64_t count) {
  return golden_tolerances_of(l->type, (double)count, (double)count);
}

/* The file's. */
static double mean_of(const samples *l, int64_t sample) {
  return l->rms ? 0 : golden_tensor(l->file, "mean", count_of(l))[sample];
}

static double inv_std_of(const samples *l, int64_t sample) {
  return golden_tensor(l->file, l->rms ? "inv_rms" : "inv_std", count_of(l))[sample];
}

/* Sigma is at most 1 / inv_std, which is off by half of what the variance is. */
static void check_statistics(const samples *l) {
  const golden_tolerances t = tolerances_of(l, values_of(l));
  for (int64_t i = 0; i < count_of(l); i++) {
    const double mean = mean_of(l, i);
    const double inv_std = inv_std_of(l, i);
    if (!l->rms) assert_close(l->mean[i], mean, t.mean / inv_std + t.file * fmax(1, fabs(mean)), "mean[%ld]", (long)i);
    assert_close(l->inv_std[i], inv_std, (t.variance / 2 + t.file) * inv_std, "inverse deviation[%ld]", (long)i);
  }
}

static void check_variance(const samples *l) {
  const golden_tolerances t = tolerances_of(l, values_of(l));
  const double *variance = golden_tensor(l->file, "variance", count_of(l));
  for (int64_t i = 0; i < count_of(l); i++)
    assert_close(l->variance[i], variance[i], t.variance * variance[i] + t.file, "variance[%ld]", (long)i);
}

static void check_y(const samples *l) {
  const golden_tolerances t = tolerances_of(l, values_of(l));
  const double *all = golden_tensor(l->file, "y", elements_of(l));
  for (int64_t sample = 0; sample < count_of(l); sample++) {
    for (int64_t i = 0; i < values_of(l); i++) {
      const int64_t c = channel_of(l, sample, i);
      const double y = all[element_of(l, sample, i)];
      const double gamma = fabs(gamma_at(l, c));
      const double beta = fabs(beta_at(l, c));
      const double off = golden_a_few * 2 * t.u * fmax(fabs(y), fmax(beta, gamma)) + t.file * (fabs(y) + beta);
      assert_close(value_at(l->type, l->y, element_of(l, sample, i)), y, off, "y of sample %ld, value %ld",
                   (long)sample, (long)i);
    }
  }
}

/* What dx of a sample is made of, g = gamma * dy. */
typedef struct magnitudes {
  double mean, inv_std;
  double g, g_x_hat;           /* sums of magnitudes */
  double mean_g, mean_g_x_hat; /* magnitudes of the means */
} magnitudes;

static double x_hat_of(const samples *l, const magnitudes *m, int64_t element) {
  return (x_at(l, element) - m->mean) * m->inv_std;
}

static double g_of(const samples *l, int64_t sample, int64_t i) {
  return gamma_at(l, channel_of(l, sample, i)) * dy_at(l, element_of(l, sample, i));
}

static magnitudes magnitudes_of(const samples *l, int64_t sample) {
  const double count = (double)values_of(l);
  magnitudes m = {.mean = mean_of(l, sample), .inv_std = inv_std_of(l, sample)};
  for (int64_t i = 0; i < values_of(l); i++) {
    const double g = g_of(l, sample, i);
    const double g_x_hat = g * x_hat_of(l, &m, element_of(l, sample, i));
    m.g += fabs(g);
    m.g_x_hat += fabs(g_x_hat);
    m.mean_g += l->rms ? 0 : g / count;
    m.mean_g_x_hat += g_x_hat / count;
  }
  m.mean_g = fabs(m.mean_g);
  m.mean_g_x_hat = fabs(m.mean_g_x_hat);
  return m;
}

/*
 * dx = (g - mean of g - x_hat * mean of g * x_hat) * inv_std: g, each mean and each operation are rounded once, and
 * inv_std, also within x_hat, is off by half of what the variance is. In the sums g, d = x - mean and the product are
 * rounded once each; the mean is off by t.mean sigma. Of the sums, dx takes the share of one value.
 */
static void check_dx_of(const samples *l, int64_t sample, const double *all) {
  const golden_tolerances t = tolerances_of(l, values_of(l));
  const magnitudes m = magnitudes_of(l, sample);
  const double off_g = ((t.g + 2) * t.u + t.file) * m.g;
  const double off_g_x_hat = ((t.g + 4) * t.u + t.variance / 2 + t.file) * m.g_x_hat + (t.mean + t.file) * m.g;
  for (int64_t i = 0; i < values_of(l); i++) {
    const int64_t at = element_of(l, sample, i);
    const double x_hat = fabs(x_hat_of(l, &m, at));
    const double terms = fabs(g_of(l, sample, i)) + m.mean_g + x_hat * m.mean_g_x_hat;
    const double of_sums = (off_g + x_hat * off_g_x_hat) / (double)values_of(l);
    const double of_mean = (t.mean + t.variance / 2 * x_hat) * m.mean_g_x_hat;
    const double off = terms * (7 * t.u + t.variance / 2 + t.file) + of_sums + of_mean;
    assert_close(value_at(l->type, l->dx, at), all[at], m.inv_std * off, "dx of sample %ld, value %ld", (long)sample,
                 (long)i);
  }
}

static void check_dx(const samples *l) {
  const double *all = golden_tensor(l->file, "dx", elements_of(l));
  for (int64_t sample = 0; sample < count_of(l); sample++) check_dx_of(l, sample, all);
}

/* Sums over the images and positions of a channel, each x_hat with the errors that it has in dx. */
static void check_parameters_of(const samples *l, int64_t c) {
  const golden_tolerances t = tolerances_of(l, values_of(l));
  const double g = tolerances_of(l, l->n * l->s).g;
  const int64_t width = l->c / l->groups;
  double size = 0, size_x_hat = 0; /* of dy and of dy * x_hat */
  for (int64_t image = 0; image < l->n; image++) {
    const int64_t sample = image * l->groups + c / width;
    const magnitudes m = {.mean = mean_of(l, sample), .inv_std = inv_std_of(l, sample)};
    for (int64_t i = 0; i < l->s; i++) {
      const int64_t at = element_of(l, sample, c % width * l->s + i);
      size += fabs(dy_at(l, at));
      size_x_hat += fabs(dy_at(l, at) * x_hat_of(l, &m, at));
    }
  }
  const double dgamma = golden_tensor(l->file, "dgamma", l->c)[c];
  const double off_dgamma = ((g + 3) * t.u + t.variance / 2 + t.file) * size_x_hat + (t.mean + t.file) * size;
  assert_close(value_at(l->type, l->dgamma, c), dgamma, off_dgamma + t.u * fabs(dgamma), "dgamma[%ld]", (long)c);
  if (l->rms) return;
  const double dbeta = golden_tensor(l->file, "dbeta", l->c)[c];
  assert_close(value_at(l->type, l->dbeta, c), dbeta, ((g + 1) * t.u + t.file) * size + t.u * fabs(dbeta),
               "dbeta[%ld]", (long)c);
}

static void check_gradients(const samples *l) {
  check_dx(l);
  for (int64_t c = 0; c < l->c; c++) check_parameters_of(l, c);
}

/* ---- The tests, each for one file ---- */

static norma_layer_norm norm_of_rows(const samples *l) {
  return (norma_layer_norm){.rows = l->n, .length = l->c, .epsilon = l->epsilon, .data_type = l->type};
}

void golden_layer_norm(void **state) {
  samples l = rows_from(*state, false);
  const norma_layer_norm norm = norm_of_rows(&l);
  assert_int_equal(norma_layer_norm_forward(&norm, l.x, l.gamma, l.beta, l.y, l.mean, l.inv_std, NULL, 0), NORMA_OK);
  check_statistics(&l);
  check_y(&l);
  if (l.dy) {
    assert_int_equal(norma_layer_norm_backward(&norm, l.x, l.dy, l.gamma, l.mean, l.inv_std, l.dx, l.dgamma, l.dbeta,
                                               NULL, 0),
                     NORMA_OK);
    check_gradients(&l);
  }
  close_arrays(&l);
}

void golden_rms_norm(void **state) {
  samples l = rows_from(*state, true);
  const norma_layer_norm norm = norm_of_rows(&l);
  assert_int_equal(norma_rms_norm_forward(&norm, l.x, l.gamma, l.y, l.inv_std, NULL, 0), NORMA_OK);
  check_statistics(&l);
  check_y(&l);
  if (l.dy) {
    assert_int_equal(norma_rms_norm_backward(&norm, l.x, l.dy, l.gamma, l.inv_std, l.dx, l.dgamma, NULL, 0), NORMA_OK);
    check_gradients(&l);
  }
  close_arrays(&l);
}

static norma_group_norm norm_of_groups(const samples *l) {
  return (norma_group_norm){
    .batch = l->n,
    .channels = l->c,
    .spatial = l->s,
    .groups = l->groups,
    .epsilon = l->epsilon,
    .data_type = l->type,
    .layout = l->channels_last ? NORMA_CHANNELS_LAST : NORMA_CHANNELS_FIRST
  };
}

void golden_group_norm(void **state) {
  samples l = groups_from(*state);
  const norma_group_norm norm = norm_of_groups(&l);
  assert_int_equal(norma_group_norm_forward(&norm, l.x, l.gamma, l.beta, l.y, l.mean, l.variance, l.inv_std, NULL, 0),
                   NORMA_OK);
  check_statistics(&l);
  check_variance(&l);
  check_y(&l);
  if (l.dy) {
    assert_int_equal(norma_group_norm_backward(&norm, l.x, l.dy, l.gamma, l.mean, l.inv_std, l.dx, l.dgamma, l.dbeta,
                                               NULL, 0),
                     NORMA_OK);
    check_gradients(&l);
  }
  close_arrays(&l);
}

/* By the file's statistics, so what remains is rounding once to the data type, and a few times to double. */
static void check_running(const samples *l, const char *tensor, const void *running) {
  const golden_tolerances t = tolerances_of(l, values_of(l));
  const double *expected = golden_tensor(l->file, tensor, l->c);
  for (int64_t c = 0; c < l->c; c++)
    assert_close(value_at(l->type, running, c), expected[c],
                 t.u * fabs(expected[c]) + t.file * fmax(1, fabs(expected[c])), "%s[%ld]", tensor, (long)c);
}

void golden_instance_running(void **state) {
  const golden_file *file = *state;
  samples l = groups_from(file);
  void *running_mean = read_optional(&l, "running_mean0", l.c);
  void *running_var = read_optional(&l, "running_var0", l.c);
  double *mean = new_bytes(l.c * (int64_t)sizeof(double));
  double *variance = new_bytes(l.c * (int64_t)sizeof(double));
  const norma_running_rule rule = {
    .momentum = golden_number(file, "momentum"), .unbiased = (int32_t)golden_integer(file, "unbiased")};
  int64_t batches = 0, refused = 0;
  assert_int_equal(norma_instance_norm_average_statistics(l.n, l.c, golden_tensor(file, "mean", count_of(&l)),
                                                          golden_tensor(file, "variance", count_of(&l)), mean,
                                                          variance),
                   NORMA_OK);
  assert_int_equal(norma_batch_norm_update_running(&rule, l.type, l.c, l.s, mean, variance, running_mean, running_var,
                                                   &batches, &refused),
                   NORMA_OK);
  check_running(&l, "running_mean", running_mean);
  check_running(&l, "running_var", running_var);
  free(running_mean);
  free(running_var);
  free(mean);
  free(variance);
  close_arrays(&l);
}
