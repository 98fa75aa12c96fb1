/*
 * Results in float64 from the files in golden/: those of PyTorch for every operation, those of ONNX's node tests. The
 * instruction-set level is the one that NORMA_ISA names.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden_file.h"
#include "golden_samples.h"
#include "golden_tolerances.h"
#include "layer.h"

static golden_tolerances tolerances_of(const test_layer *l) {
  const bool rows = l->norm.layout == NORMA_CHANNELS_LAST || l->norm.spatial == 1;
  const int64_t lanes = l->norm.data_type == NORMA_FLOAT64 ? 16 : 32;
  const int64_t runs = l->norm.batch * ((l->norm.spatial + lanes - 1) / lanes);
  return golden_tolerances_of(l->norm.data_type, (double)(rows ? l->count : runs), (double)l->count);
}

/* ---- A layer from a file ---- */

/* Samples first .. first + batch - 1 of the file's. */
static test_layer layer_from(const golden_file *file, int64_t first, int64_t batch) {
  const int32_t type = golden_data_type(file);
  const int64_t c = golden_integer(file, "c");
  const int64_t s = golden_integer(file, "s");
  const int64_t all = golden_integer(file, "n") * c * s;
  test_layer made = layer_make((norma_batch_norm){
    .batch = batch,
    .channels = c,
    .spatial = s,
    .epsilon = golden_number(file, "epsilon"),
    .data_type = type,
    .layout = strcmp(golden_text(file, "layout"), "ncs") == 0 ? NORMA_CHANNELS_FIRST : NORMA_CHANNELS_LAST
  });
  golden_put(type, made.x, golden_tensor(file, "x", all) + first * c * s, made.elements);
  golden_put(type, made.dy, golden_tensor(file, "dy", all) + first * c * s, made.elements);
  golden_put(type, made.running_mean, golden_tensor(file, "running_mean0", c), c);
  golden_put(type, made.running_var, golden_tensor(file, "running_var0", c), c);
  const double *gamma = golden_optional(file, "gamma", c);
  const double *beta = golden_optional(file, "beta", c);
  if (gamma) golden_put(type, made.gamma, gamma, c);
  if (beta) golden_put(type, made.beta, beta, c);
  if (!gamma) made.gamma = NULL;
  if (!beta) made.beta = NULL;
  return made;
}

static double gamma_of(const test_layer *l, int64_t c) {
  return l->gamma ? fabs(value_at(l->norm.data_type, l->gamma, c)) : 1;
}

static double beta_of(const test_layer *l, int64_t c) {
  return l->beta ? fabs(value_at(l->norm.data_type, l->beta, c)) : 0;
}

/* M of the layer itself; its `count` is the whole's where it is a part. */
static int64_t values_of(const test_layer *l) { return l->norm.batch * l->norm.spatial; }

static void run(test_layer *l, test_operation operation) { assert_int_equal(layer_run(l, operation), NORMA_OK); }

/* ---- Comparisons ---- */

static void check_statistics(const test_layer *l, const double *mean, const double *variance) {
  const golden_tolerances t = tolerances_of(l);
  for (int64_t c = 0; c < l->norm.channels; c++) {
    const double sigma = sqrt(variance[c]);
    assert_close(l->mean[c], mean[c], t.mean * sigma + t.file * fmax(1, fabs(mean[c])), "mean[%ld]", (long)c);
    assert_close(l->variance[c], variance[c], t.variance * variance[c] + t.file, "variance[%ld]", (long)c);
  }
}

static void check_y(const test_layer *l, const golden_file *file, const char *name) {
  const golden_tolerances t = tolerances_of(l);
  const double *all = golden_tensor(file, name, l->elements);
  for (int64_t c = 0; c < l->norm.channels; c++) {
    for (int64_t i = 0; i < values_of(l); i++) {
      const int64_t at = layer_index(l, c, i);
      const double y = all[at];
      const double size = fmax(fabs(y), fmax(beta_of(l, c), gamma_of(l, c)));
      const double file_size = fmax(fabs(y), fabs(y) + beta_of(l, c));
      assert_close(value_at(l->norm.data_type, l->out, at), y, golden_a_few * 2 * t.u * size + t.file * file_size,
                   "%s of channel %ld, value %ld", name, (long)c, (long)i);
    }
  }
}

/* What dx and the sums of a channel are made of. */
typedef struct magnitudes {
  double inv_std;
  double dy, dy_x_hat;           /* sums of magnitudes */
  double mean_dy, mean_dy_x_hat; /* magnitudes of the means */
} magnitudes;

static magnitudes magnitudes_of(const test_layer *l, int64_t c, double mean, double variance) {
  const int32_t type = l->norm.data_type;
  const double count = (double)(values_of(l));
  magnitudes m = {.inv_std = 1 / sqrt(variance + l->norm.epsilon)};
  for (int64_t i = 0; i < values_of(l); i++) {
    const double dy = value_at(type, l->dy, layer_index(l, c, i));
    const double dy_x_hat = dy * (value_at(type, l->x, layer_index(l, c, i)) - mean) * m.inv_std;
    m.dy += fabs(dy);
    m.dy_x_hat += fabs(dy_x_hat);
    m.mean_dy += dy / count;
    m.mean_dy_x_hat += dy_x_hat / count;
  }
  m.mean_dy = fabs(m.mean_dy);
  m.mean_dy_x_hat = fabs(m.mean_dy_x_hat);
  return m;
}

/*
 * Sums of dy, and of dy * x_hat with d = x - center and the product rounded once each and inv_std off by
 * half of what the variance is; the mean is off by t.mean sigma, and that times the sum of dy.
 */
static double off_dy(const golden_tolerances *t, const magnitudes *m) { return ((t->g + 1) * t->u + t->file) * m->dy; }

static double off_dy_x_hat(const golden_tolerances *t, const magnitudes *m) {
  return ((t->g + 3) * t->u + t->variance / 2 + t->file) * m->dy_x_hat + (t->mean + t->file) * m->dy;
}

static void check_sums(const test_layer *l, const double *mean, const double *variance, const double *sum_dy,
                       const double *sum_dy_x_hat, bool parameters) {
  const golden_tolerances t = tolerances_of(l);
  const int32_t type = l->norm.data_type;
  for (int64_t c = 0; c < l->norm.channels; c++) {
    const magnitudes m = magnitudes_of(l, c, mean[c], variance[c]);
    const double found_dy = parameters ? value_at(type, l->dbeta, c) : l->sum_dy[c];
    const double found_dy_x_hat = parameters ? value_at(type, l->dgamma, c) : l->sum_dy_x_hat[c];
    assert_close(found_dy, sum_dy[c], off_dy(&t, &m) + t.u * fabs(sum_dy[c]), "sum of dy[%ld]", (long)c);
    assert_close(found_dy_x_hat, sum_dy_x_hat[c], off_dy_x_hat(&t, &m) + t.u * fabs(sum_dy_x_hat[c]),
                 "sum of dy * x_hat[%ld]", (long)c);
  }
}

/*
 * dx = ((dy - offset) - d * slope) * scale: these three, and each operation, are rounded once (of_batch),
 * and inv_std is off by half of what the variance is. Of the sums, dx takes the share of one value.
 */
static void check_dx(const test_layer *l, const golden_file *file, const char *name, const double *mean,
                     const double *variance) {
  const golden_tolerances t = tolerances_of(l);
  const double *all = golden_tensor(file, name, l->elements);
  const double count = (double)(values_of(l));
  for (int64_t c = 0; c < l->norm.channels; c++) {
    const magnitudes m = magnitudes_of(l, c, mean[c], variance[c]);
    for (int64_t i = 0; i < values_of(l); i++) {
      const int64_t at = layer_index(l, c, i);
      const double x_hat = fabs(value_at(l->norm.data_type, l->x, at) - mean[c]) * m.inv_std;
      const double dy = fabs(value_at(l->norm.data_type, l->dy, at));
      const double terms = dy + m.mean_dy + x_hat * m.mean_dy_x_hat;
      const double of_sums = (off_dy(&t, &m) + x_hat * off_dy_x_hat(&t, &m)) / count;
      const double of_mean = (t.mean + t.variance / 2 * x_hat) * m.mean_dy_x_hat;
      const double off = terms * (6 * t.u + t.variance / 2 + t.file) + of_sums + of_mean;
      assert_close(value_at(l->norm.data_type, l->out, at), all[at],
                   gamma_of(l, c) * m.inv_std * off, "%s of channel %ld, value %ld", name, (long)c, (long)i);
    }
  }
}

/* ---- The tests, each for one file ---- */

static void give(test_layer *l, const double *mean, const double *variance) {
  memcpy(l->given_mean, mean, (size_t)l->norm.channels * sizeof(double));
  memcpy(l->given_variance, variance, (size_t)l->norm.channels * sizeof(double));
}

static void test_training(void **state) {
  const golden_file *file = *state;
  test_layer l = layer_from(file, 0, golden_integer(file, "n"));
  const int64_t c = l.norm.channels;
  const double *mean = golden_tensor(file, "mean", c);
  const double *variance = golden_tensor(file, "variance", c);
  run(&l, FORWARD_TRAINING);
  check_statistics(&l, mean, variance);
  check_y(&l, file, "y");
  give(&l, l.mean, l.variance);
  run(&l, BACKWARD_TRAINING);
  check_sums(&l, mean, variance, golden_tensor(file, "dbeta", c), golden_tensor(file, "dgamma", c), true);
  check_dx(&l, file, "dx", mean, variance);
  layer_free(&l);
}

static void test_inference(void **state) {
  const golden_file *file = *state;
  test_layer l = layer_from(file, 0, golden_integer(file, "n"));
  const int64_t c = l.norm.channels;
  const double *mean = golden_tensor(file, "running_mean0", c);
  const double *variance = golden_tensor(file, "running_var0", c);
  run(&l, FORWARD_INFERENCE);
  check_y(&l, file, "y_inference");
  run(&l, BACKWARD_INFERENCE);
  check_sums(&l, mean, variance, golden_tensor(file, "dbeta_inference", c),
             golden_tensor(file, "dgamma_inference", c), true);
  check_dx(&l, file, "dx_inference", mean, variance);
  layer_free(&l);
}

/* By the file's statistics, so what remains is rounding once to the data type, and a few times to double. */
static void test_running_update(void **state) {
  const golden_file *file = *state;
  test_layer l = layer_from(file, 0, golden_integer(file, "n"));
  const golden_tolerances t = tolerances_of(&l);
  const int32_t type = l.norm.data_type;
  const int64_t channels = l.norm.channels;
  const norma_running_rule rule = {
    .momentum = golden_number(file, "momentum"), .unbiased = (int32_t)golden_integer(file, "unbiased")};
  int64_t batches = 0, refused = 0;
  assert_int_equal(norma_batch_norm_update_running(&rule, type, channels, l.count,
                                                   golden_tensor(file, "mean", channels),
                                                   golden_tensor(file, "variance", channels), l.running_mean,
                                                   l.running_var, &batches, &refused),
                   NORMA_OK);
  assert_int_equal(batches, 1);
  assert_int_equal(refused, 0);
  for (int64_t c = 0; c < channels; c++) {
    const double mean = golden_tensor(file, "running_mean", channels)[c];
    const double variance = golden_tensor(file, "running_var", channels)[c];
    assert_close(value_at(type, l.running_mean, c), mean, t.u * fabs(mean) + t.file * fmax(1, fabs(mean)),
                 "running_mean[%ld]", (long)c);
    assert_close(value_at(type, l.running_var, c), variance, t.u * variance + t.file * fmax(1, variance),
                 "running_var[%ld]", (long)c);
  }
  layer_free(&l);
}

/* ---- A batch in parts ---- */

enum { PARTS_AT_MOST = 8 };

typedef struct split {
  const golden_file *file;
  int64_t parts, channels;
  int64_t first[PARTS_AT_MOST];  /* sample */
  int64_t counts[PARTS_AT_MOST]; /* values of a channel */
  test_layer part[PARTS_AT_MOST];     /* zeros where the count is 0 */
  double *means, *variances, *sums_dy, *sums_dy_x_hat;
} split;

static double *per_part(const split *s) { return new_bytes(s->parts * s->channels * (int64_t)sizeof(double)); }

static split split_open(const golden_file *file) {
  split s = {.file = file, .channels = golden_integer(file, "c"), .parts = golden_count(file, "part_n")};
  assert_in_range(s.parts, 2, PARTS_AT_MOST);
  int64_t first = 0;
  for (int64_t p = 0; p < s.parts; p++) {
    const int64_t batch = (int64_t)golden_tensor(file, "part_n", s.parts)[p];
    s.first[p] = first;
    s.counts[p] = batch * golden_integer(file, "s");
    if (batch > 0) s.part[p] = layer_from(file, first, batch);
    first += batch;
  }
  s.means = per_part(&s);
  s.variances = per_part(&s);
  s.sums_dy = per_part(&s);
  s.sums_dy_x_hat = per_part(&s);
  return s;
}

static void split_close(split *s) {
  for (int64_t p = 0; p < s->parts; p++) layer_free(&s->part[p]);
  free(s->means);
  free(s->variances);
  free(s->sums_dy);
  free(s->sums_dy_x_hat);
}

/* Local statistics into s, and those of the whole, which are as exact as if the batch were one, into it. */
static void split_statistics(split *s, test_layer *whole) {
  const int64_t all = s->parts * s->channels;
  const double *means = golden_tensor(s->file, "means", all);
  const double *variances = golden_tensor(s->file, "variances", all);
  for (int64_t p = 0; p < s->parts; p++) {
    if (s->counts[p] == 0) continue;
    const int64_t at = p * s->channels;
    run(&s->part[p], LOCAL_STATISTICS);
    check_statistics(&s->part[p], means + at, variances + at);
    memcpy(s->means + at, s->part[p].mean, (size_t)s->channels * sizeof(double));
    memcpy(s->variances + at, s->part[p].variance, (size_t)s->channels * sizeof(double));
  }
  int64_t count = 0;
  assert_int_equal(norma_batch_norm_merge_statistics(s->channels, s->parts, s->counts, s->means, s->variances,
                                                     &count, whole->mean, whole->variance),
                   NORMA_OK);
  assert_int_equal(count, whole->count);
  check_statistics(whole, golden_tensor(s->file, "mean", s->channels),
                   golden_tensor(s->file, "variance", s->channels));
}

static void split_sums(split *s, test_layer *whole) {
  const double *mean = golden_tensor(s->file, "mean", s->channels);
  const double *variance = golden_tensor(s->file, "variance", s->channels);
  const double *sums_dy = golden_tensor(s->file, "sums_dy", s->parts * s->channels);
  const double *sums_dy_x_hat = golden_tensor(s->file, "sums_dy_x_hat", s->parts * s->channels);
  for (int64_t p = 0; p < s->parts; p++) {
    if (s->counts[p] == 0) continue;
    const int64_t at = p * s->channels;
    give(&s->part[p], whole->mean, whole->variance);
    run(&s->part[p], LOCAL_GRADIENT_SUMS);
    check_sums(&s->part[p], mean, variance, sums_dy + at, sums_dy_x_hat + at, false);
    memcpy(s->sums_dy + at, s->part[p].sum_dy, (size_t)s->channels * sizeof(double));
    memcpy(s->sums_dy_x_hat + at, s->part[p].sum_dy_x_hat, (size_t)s->channels * sizeof(double));
  }
  assert_int_equal(norma_batch_norm_merge_gradient_sums(s->channels, s->parts, s->counts, s->sums_dy,
                                                        s->sums_dy_x_hat, whole->sum_dy, whole->sum_dy_x_hat),
                   NORMA_OK);
  check_sums(whole, mean, variance, golden_tensor(s->file, "dbeta", s->channels),
             golden_tensor(s->file, "dgamma", s->channels), false);
}

/* y and dx of every part by the whole, gathered in one tensor. */
static void split_apply(split *s, test_layer *whole, test_operation operation) {
  const int64_t sample = s->channels * whole->norm.spatial * value_size(whole->norm.data_type);
  for (int64_t p = 0; p < s->parts; p++) {
    if (s->counts[p] == 0) continue;
    test_layer *part = &s->part[p];
    part->count = whole->count;
    memcpy(part->given_sum_dy, whole->sum_dy, (size_t)s->channels * sizeof(double));
    memcpy(part->given_sum_dy_x_hat, whole->sum_dy_x_hat, (size_t)s->channels * sizeof(double));
    run(part, operation);
    memcpy((char *)whole->out + s->first[p] * sample, part->out, (size_t)(part->norm.batch * sample));
  }
}

static void test_split(void **state) {
  const golden_file *file = *state;
  split s = split_open(file);
  test_layer whole = layer_from(file, 0, golden_integer(file, "n"));
  split_statistics(&s, &whole);
  split_sums(&s, &whole);
  split_apply(&s, &whole, NORMALIZE);
  check_y(&whole, file, "y");
  split_apply(&s, &whole, GRADIENT_INPUT);
  check_dx(&whole, file, "dx", golden_tensor(file, "mean", s.channels), golden_tensor(file, "variance", s.channels));
  layer_free(&whole);
  split_close(&s);
}

/* ---- Gradient descent ---- */

/*
 * What velocity and parameter are off by, against steps without rounding. A step of Norma rounds each
 * once to the data type; PyTorch's in double, and Norma's arithmetic, round at most 8 times together.
 * Errors go through the rule like the values do.
 */
typedef struct drift {
  double velocity, parameter;
} drift;

static drift drift_on(const norma_gradient_descent *rule, drift before, double rounding, double size) {
  const double of_gradient = rule->weight_decay * before.parameter;
  const double velocity = rule->momentum * before.velocity + of_gradient + rounding * size;
  const double step = rule->nesterov ? of_gradient + rule->momentum * velocity + rounding * size : velocity;
  return (drift){velocity, before.parameter + rule->learning_rate * step + rounding * size};
}

/* The largest value in the file; no sum on the way is of more than two such. */
static double largest_of(const golden_file *file, int64_t length, int64_t steps) {
  const double *all[] = {
    golden_tensor(file, "gradients", length * steps), golden_tensor(file, "parameters", length * steps),
    golden_optional(file, "velocities", length * steps)
  };
  double largest = 0;
  for (int64_t i = 0; i < length; i++)
    largest = fmax(largest, fabs(golden_tensor(file, "parameter0", length)[i]));
  for (int a = 0; a < 3; a++)
    for (int64_t i = 0; all[a] && i < length * steps; i++) largest = fmax(largest, fabs(all[a][i]));
  return largest;
}

static void check_step(const golden_file *file, const char *name, const void *found, int64_t step, double off) {
  const int64_t length = golden_integer(file, "length");
  const double *expected = golden_tensor(file, name, length * golden_integer(file, "steps")) + step * length;
  for (int64_t i = 0; i < length; i++)
    assert_close(value_at(golden_data_type(file), found, i), expected[i], off, "%s[%ld] after step %ld", name,
                 (long)i, (long)step);
}

static void test_gradient_descent(void **state) {
  const golden_file *file = *state;
  const int32_t type = golden_data_type(file);
  const int64_t length = golden_integer(file, "length");
  const int64_t steps = golden_integer(file, "steps");
  const norma_gradient_descent rule = {
    .learning_rate = golden_number(file, "learning_rate"),
    .momentum = golden_number(file, "momentum"),
    .weight_decay = golden_number(file, "weight_decay"),
    .nesterov = (int32_t)golden_integer(file, "nesterov")
  };
  void *parameter = new_bytes(length * value_size(type));
  void *gradient = new_bytes(length * value_size(type));
  void *velocity = rule.momentum > 0 ? new_bytes(length * value_size(type)) : NULL;
  for (int64_t i = 0; velocity && i < length; i++) value_put(type, velocity, i, 0);
  golden_put(type, parameter, golden_tensor(file, "parameter0", length), length);

  const double exact = golden_integer(file, "exact") ? 0 : 1;
  const double rounding = exact * (unit_roundoff(type) + 8 * 0x1p-53);
  const double size = 2 * largest_of(file, length, steps);
  drift off = {0, 0};
  for (int64_t step = 0; step < steps; step++) {
    golden_put(type, gradient, golden_tensor(file, "gradients", length * steps) + step * length, length);
    assert_int_equal(norma_gradient_descent_step(&rule, type, length, gradient, parameter, velocity), NORMA_OK);
    off = drift_on(&rule, off, rounding, size);
    check_step(file, "parameters", parameter, step, off.parameter);
    if (velocity) check_step(file, "velocities", velocity, step, off.velocity);
  }
  free(parameter);
  free(gradient);
  free(velocity);
}

/* ---- All files ---- */

enum { FILES_AT_MOST = 128, TESTS_AT_MOST = 4 * FILES_AT_MOST };

typedef struct suite {
  golden_file *files[FILES_AT_MOST];
  char names[TESTS_AT_MOST][96];
  struct CMUnitTest tests[TESTS_AT_MOST];
  int file_count, test_count;
} suite;

/* What a file is tested with, by how its name begins. */
static const struct {
  const char *prefix, *what;
  CMUnitTestFunction test;
} TESTS[] = {
  {"batch_norm_", "training", test_training},
  {"batch_norm_", "inference", test_inference},
  {"batch_norm_", "running update", test_running_update},
  {"split_", "training", test_training},
  {"split_", "inference", test_inference},
  {"split_", "running update", test_running_update},
  {"split_", "in parts", test_split},
  {"layer_norm_", "forward and backward", golden_layer_norm},
  {"onnx_layer_normalization_", "forward", golden_layer_norm},
  {"rms_norm_", "forward and backward", golden_rms_norm},
  {"onnx_rms_normalization_", "forward", golden_rms_norm},
  {"group_norm_", "forward and backward", golden_group_norm},
  {"onnx_group_normalization_", "forward", golden_group_norm},
  {"instance_norm_", "forward and backward", golden_group_norm},
  {"instance_norm_", "running update", golden_instance_running},
  {"instance_norm_", "inference", test_inference},
  {"onnx_instancenorm_", "forward", golden_group_norm},
  {"gradient_descent_", "steps", test_gradient_descent}
};

static void add(suite *all, golden_file *file, const char *what, CMUnitTestFunction test) {
  assert_in_range(all->test_count, 0, TESTS_AT_MOST - 1);
  const int i = all->test_count++;
  snprintf(all->names[i], sizeof all->names[i], "%s: %s", file->name, what);
  all->tests[i] = (struct CMUnitTest){.name = all->names[i], .test_func = test, .initial_state = file};
}

static void add_file(suite *all, const char *name) {
  assert_in_range(all->file_count, 0, FILES_AT_MOST - 1);
  golden_file *file = new_bytes(sizeof *file);
  *file = golden_read(GOLDEN_FOLDER, name);
  all->files[all->file_count++] = file;
  const int before = all->test_count;
  for (size_t i = 0; i < sizeof TESTS / sizeof *TESTS; i++)
    if (strncmp(name, TESTS[i].prefix, strlen(TESTS[i].prefix)) == 0) add(all, file, TESTS[i].what, TESTS[i].test);
  if (all->test_count == before) fail_msg("no test for %s", name);
}

static void add_files(suite *all) {
  DIR *folder = opendir(GOLDEN_FOLDER);
  if (!folder) return;
  for (struct dirent *entry; (entry = readdir(folder));) {
    const size_t length = strlen(entry->d_name);
    if (length > 4 && strcmp(entry->d_name + length - 4, ".txt") == 0)
      add_file(all, entry->d_name);
  }
  closedir(folder);
}

/* A level that this processor lacks must be refused; there is nothing else to test of it. */
static bool refused(const char *forced) {
  for (int32_t i = 0; forced && i < norma_isa_count(); i++) {
    if (strcmp(norma_isa_level_name(i), forced) != 0 || norma_isa_level_supported(i)) continue;
    printf("this processor has no %s\n", forced);
    return norma_isa_status() == NORMA_UNSUPPORTED_ISA;
  }
  return false;
}

int main(void) {
  const char *forced = getenv("NORMA_ISA");
  if (refused(forced)) return 0;
  if (!norma_isa_name() || (forced && strcmp(forced, norma_isa_name()) != 0)) {
    fprintf(stderr, "the level in use is not %s\n", forced ? forced : "known");
    return 1;
  }
  static suite all;
  add_files(&all);
  if (all.file_count == 0) {
    fprintf(stderr, "no golden vectors in %s\n", GOLDEN_FOLDER);
    return 1;
  }
  const int failed = _cmocka_run_group_tests("golden", all.tests, (size_t)all.test_count, NULL, NULL);
  for (int i = 0; i < all.file_count; i++) {
    golden_free(all.files[i]);
    free(all.files[i]);
  }
  return failed;
}
