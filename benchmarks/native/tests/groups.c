#include "groups.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EPSILON 1e-5L

bool groups_is_rms(const groups_case *c) { return strcmp(c->operation, "rms-norm") == 0; }
int64_t groups_elements(const groups_case *c) { return c->batch * c->channels * c->spatial; }
int64_t groups_tensor_bytes(const groups_case *c) { return groups_elements(c) * value_size(c->type); }
int64_t groups_parameter_bytes(const groups_case *c) { return c->channels * parameter_size(c->type); }
int64_t groups_count(const groups_case *c) { return c->channels / c->groups * c->spatial; }

/* ---- Inputs ---------------------------------------------------------------------------------- */

/* Neither groups nor channels are alike. */
static void fill(groups_case *c, uint64_t seed) {
  for (int64_t i = 0; i < groups_elements(c); i++) {
    value_put(c->type, c->x, i, random_normal(&seed) + (double)(i % 7) / 4);
    value_put(c->type, c->dy, i, random_normal(&seed));
  }
  for (int64_t i = 0; i < c->channels; i++) {
    parameter_put(c->type, c->gamma, i, random_uniform(&seed, 0.5, 1.5));
    parameter_put(c->type, c->beta, i, random_normal(&seed));
  }
}

static double *new_doubles(int64_t count) { return calloc((size_t)count, sizeof(double)); }

/* ---- The formulas ---------------------------------------------------------------------------- */

/* A group of an image: its values are those of some channels. */
typedef struct group {
  int64_t image, first, end; /* channels */
  long double mean, inv_std, mean_g, mean_g_x_hat;
} group;

static int64_t index_of(const groups_case *c, int64_t n, int64_t channel, int64_t s) {
  return c->channels_last ? (n * c->spatial + s) * c->channels + channel
                          : (n * c->channels + channel) * c->spatial + s;
}

typedef void visit(groups_case *c, group *its, int64_t channel, int64_t i);

static void each(groups_case *c, group *its, visit *visited) {
  for (int64_t channel = its->first; channel < its->end; channel++)
    for (int64_t s = 0; s < c->spatial; s++) visited(c, its, channel, index_of(c, its->image, channel, s));
}

static long double deviation(const groups_case *c, const group *its, int64_t i) {
  return (long double)value_at(c->type, c->x, i) - its->mean;
}

static void add_mean(groups_case *c, group *its, int64_t channel, int64_t i) {
  (void)channel;
  its->mean += (long double)value_at(c->type, c->x, i) / (long double)groups_count(c);
}

/* Until all are added, inv_std is the variance. */
static void add_variance(groups_case *c, group *its, int64_t channel, int64_t i) {
  (void)channel;
  const long double d = deviation(c, its, i);
  its->inv_std += d * d / (long double)groups_count(c);
}

static void normalize(groups_case *c, group *its, int64_t channel, int64_t i) {
  const long double gamma = (long double)parameter_at(c->type, c->gamma, channel);
  const long double beta = groups_is_rms(c) ? 0 : (long double)parameter_at(c->type, c->beta, channel);
  const long double x_hat = deviation(c, its, i) * its->inv_std;
  const double dy = value_at(c->type, c->dy, i);
  const long double mean_of = (long double)groups_count(c);
  c->y[i] = (double)(gamma * x_hat + beta);
  its->mean_g += groups_is_rms(c) ? 0 : gamma * (long double)dy / mean_of;
  its->mean_g_x_hat += gamma * (long double)dy * x_hat / mean_of;
  c->dgamma[channel] += dy * (double)x_hat;
  c->dbeta[channel] += dy;
  c->size_dgamma[channel] += fabs(dy * (double)x_hat);
  c->size_dbeta[channel] += fabs(dy);
}

static void go_back(groups_case *c, group *its, int64_t channel, int64_t i) {
  const long double gamma = (long double)parameter_at(c->type, c->gamma, channel);
  const long double g = gamma * (long double)value_at(c->type, c->dy, i);
  const long double x_hat = deviation(c, its, i) * its->inv_std;
  c->dx[i] = (double)(its->inv_std * (g - its->mean_g - x_hat * its->mean_g_x_hat));
}

static void expect(groups_case *c, group *its) {
  if (!groups_is_rms(c)) each(c, its, add_mean);
  each(c, its, add_variance);
  its->inv_std = 1 / sqrtl(its->inv_std + EPSILON);
  each(c, its, normalize);
  each(c, its, go_back);
}

/* ---- A case ---------------------------------------------------------------------------------- */

void groups_make(groups_case *c, uint64_t seed) {
  c->x = new_bytes(groups_tensor_bytes(c));
  c->dy = new_bytes(groups_tensor_bytes(c));
  c->gamma = new_bytes(groups_parameter_bytes(c));
  c->beta = new_bytes(groups_parameter_bytes(c));
  c->y = new_doubles(groups_elements(c));
  c->dx = new_doubles(groups_elements(c));
  c->dgamma = new_doubles(c->channels);
  c->dbeta = new_doubles(c->channels);
  c->size_dgamma = new_doubles(c->channels);
  c->size_dbeta = new_doubles(c->channels);
  fill(c, seed);
  const int64_t width = c->channels / c->groups;
  for (int64_t n = 0; n < c->batch; n++)
    for (int64_t first = 0; first < c->channels; first += width)
      expect(c, &(group){.image = n, .first = first, .end = first + width});
}

void groups_free(groups_case *c) {
  void *all[] = {c->x, c->dy, c->gamma, c->beta, c->y, c->dx, c->dgamma, c->dbeta, c->size_dgamma, c->size_dbeta};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}
