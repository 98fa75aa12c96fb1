#define _POSIX_C_SOURCE 200809L
#include "runner.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arrays.h"

enum {
  MOST_FIELDS = 11,         /* of a command, after its name */
  WARM_UP_NS = 20000000,    /* of prepare */
  PARTS = 5,                /* of a turn */
  BETWEEN_READS_NS = 100000 /* so that reading the clock costs far below 1 % of what it measures */
};

static const char *const OPERATIONS[] = {
  [BATCH_NORM] = "batch-norm",
  [BATCH_NORM_RELU] = "batch-norm-relu",
  [BATCH_NORM_ADD_RELU] = "batch-norm-add-relu",
  [LAYER_NORM] = "layer-norm",
  [RMS_NORM] = "rms-norm",
  [GROUP_NORM] = "group-norm",
  [INSTANCE_NORM] = "instance-norm"
};
enum { OPERATIONS_COUNT = sizeof OPERATIONS / sizeof *OPERATIONS };
static const char *const PASSES[] = {"forward-training", "forward-inference", "backward-training"};
static const char *const TYPES[] = {"f32", "f64", "bf16", "f16"};
static const char *const LAYOUTS[] = {"nchw", "nhwc", "nChw16c"};

/* The conversation: with whom, and about what. */
typedef struct runner_session {
  const runner_peer *peer;
  runner_case test;
  bool is_prepared;
} runner_session;

runner_why runner_text(const char *format, ...) {
  static char text[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return text;
}

static void answer(const char *kind, const char *text) {
  printf("%s,%s\n", kind, text);
  fflush(stdout);
}

/* ---- Fields of a command --------------------------------------------------------------------- */

/* Cuts the line at its commas; how many fields there are, those that are too many not kept. */
static int split(char *line, char *fields[MOST_FIELDS + 1]) {
  int count = 0;
  for (char *field = line; field; count++) {
    char *comma = strchr(field, ',');
    if (comma) *comma++ = '\0';
    if (count <= MOST_FIELDS) fields[count] = field;
    field = comma;
  }
  return count;
}

static runner_why parse_number(const char *name, const char *field, int64_t least, int64_t most,
                               int64_t *number) {
  char *end;
  errno = 0;
  *number = strtoll(field, &end, 10);
  if (end == field || *end || errno || *number < least || *number > most) {
    return runner_text("%s is '%s' instead of a number from %" PRId64 " to %" PRId64, name, field,
                       least, most);
  }
  return NULL;
}

static runner_why parse_name(const char *what, const char *field, const char *const *names,
                             int count, int *index) {
  char known[128] = "";
  for (*index = 0; *index < count; ++*index) {
    if (strcmp(field, names[*index]) == 0) return NULL;
    strcat(strcat(known, " "), names[*index]);
  }
  return runner_text("'%s' is no %s: expected one of%s", field, what, known);
}

static runner_why parse_extents(char *const *fields, runner_case *test) {
  const int64_t most = INT64_MAX / (int64_t)sizeof(double); /* so that the bytes have a number */
  CHECK(parse_number("N", fields[0], 1, most, &test->batch));
  CHECK(parse_number("C", fields[1], 1, most / test->batch, &test->channels));
  const int64_t most_spatial = runner_is_of_rows(test) ? 1 : most / test->batch / test->channels;
  CHECK(parse_number("S", fields[2], 1, most_spatial, &test->spatial));
  const bool is_instance = test->operation == INSTANCE_NORM;
  const bool has_groups = test->operation == GROUP_NORM || is_instance;
  CHECK(parse_number("GROUPS", fields[3], is_instance ? test->channels : 1,
                     has_groups ? test->channels : 1, &test->groups));
  if (test->channels % test->groups == 0) return NULL;
  return runner_text("GROUPS is '%s', which does not divide C, %" PRId64, fields[3],
                     test->channels);
}

static runner_why parse_case(char *const *fields, runner_case *test) {
  int operation, pass, type, layout;
  int64_t threads;
  CHECK(parse_name("operation", fields[0], OPERATIONS, OPERATIONS_COUNT, &operation));
  CHECK(parse_name("pass", fields[1], PASSES, 3, &pass));
  CHECK(parse_name("type", fields[2], TYPES, 4, &type));
  CHECK(parse_name("layout", fields[3], LAYOUTS, 3, &layout));
  CHECK(parse_number("THREADS", fields[8], 1, INT32_MAX, &threads));
  test->operation = (runner_operation)operation;
  test->pass = (runner_pass)pass;
  test->type = (runner_type)type;
  test->layout = (runner_layout)layout;
  test->threads = (int32_t)threads;
  if (pass == FORWARD_INFERENCE && !runner_is_batch_norm(test)) {
    return runner_text("%s has no pass %s", fields[0], fields[1]);
  }
  return parse_extents(fields + 4, test);
}

/* ---- Time ------------------------------------------------------------------------------------ */

static double now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Batches of calls until so much time has passed, at least one: the mean time of a call. */
static runner_why call_for(const runner_session *session, double ns, int64_t batch, double *mean) {
  const double start = now_ns();
  double passed = 0;
  int64_t calls = 0;
  do {
    for (int64_t i = 0; i < batch; i++) CHECK(session->peer->call(&session->test));
    calls += batch;
    passed = now_ns() - start;
  } while (passed < ns);
  *mean = passed / (double)calls;
  return NULL;
}

static int compare(const void *left, const void *right) {
  const double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

static double median(double *values, int count) {
  qsort(values, (size_t)count, sizeof *values, compare);
  return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

/*
 * Warms up for a tenth of the time, then measures for all of it, in parts of a call or more. The
 * median of their means does not see what disturbs one of them, such as a thread that lost its
 * processor for a moment.
 */
static runner_why measure(const runner_session *session, double ns, double *mean) {
  CHECK(call_for(session, ns / 10, 1, mean));
  const int64_t batch = *mean < BETWEEN_READS_NS ? (int64_t)(BETWEEN_READS_NS / *mean) : 1;
  double means[PARTS];
  int parts = 0;
  const double start = now_ns();
  do {
    CHECK(call_for(session, ns / PARTS, batch, &means[parts++]));
  } while (parts < PARTS && now_ns() - start < ns);
  *mean = median(means, parts);
  return NULL;
}

/* ---- Commands: each answers, or says what went wrong ----------------------------------------- */

static void forget(runner_session *session) {
  session->peer->release();
  arrays_free(&session->test);
  session->is_prepared = false;
}

static runner_why take(runner_session *session, const char *inputs, const char *outputs,
                       double *ns) {
  const runner_peer *peer = session->peer;
  CHECK(arrays_read(&session->test, inputs));
  CHECK(peer->prepare(&session->test));
  CHECK(peer->call(&session->test));
  if (*outputs) {
    if (peer->collect) CHECK(peer->collect(&session->test));
    CHECK(arrays_write(&session->test, outputs));
  }
  return measure(session, WARM_UP_NS, ns);
}

static runner_why prepare(runner_session *session, char *const *fields) {
  forget(session);
  CHECK(parse_case(fields, &session->test));
  const runner_why unsupported = session->peer->unsupported(&session->test);
  if (unsupported) {
    answer("unsupported", unsupported);
    return NULL;
  }
  double ns = 0;
  const runner_why failed = take(session, fields[9], fields[10], &ns);
  if (failed) {
    forget(session);
    return failed;
  }
  session->is_prepared = true;
  answer("prepared", runner_text("%.0f", ns));
  return NULL;
}

static runner_why take_time(runner_session *session, char *const *fields) {
  const runner_case *test = &session->test;
  int64_t round, ns;
  double mean;
  CHECK(parse_number("ROUND", fields[0], 0, INT64_MAX, &round));
  CHECK(parse_number("NS", fields[1], 1, INT64_MAX, &ns));
  if (!session->is_prepared) return "no case is prepared";
  CHECK(measure(session, (double)ns, &mean));
  printf("%s,%s,%s,%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId32 ",%" PRId64
         ",%.1f,\n",
         OPERATIONS[test->operation], PASSES[test->pass], TYPES[test->type],
         LAYOUTS[test->layout], test->batch, test->channels, test->spatial, test->groups,
         test->threads, round, mean);
  fflush(stdout);
  return NULL;
}

static runner_why release(runner_session *session, char *const *fields) {
  (void)fields;
  forget(session);
  puts("released");
  fflush(stdout);
  return NULL;
}

static const struct {
  const char *name;
  int fields;
  runner_why (*run)(runner_session *session, char *const *fields);
} COMMANDS[] = {{"prepare", 11, prepare}, {"time", 2, take_time}, {"release", 0, release}};
enum { COMMANDS_COUNT = sizeof COMMANDS / sizeof *COMMANDS };

static runner_why obey(runner_session *session, char *line) {
  char *fields[MOST_FIELDS + 1];
  const int count = split(line, fields) - 1;
  for (int i = 0; i < COMMANDS_COUNT; i++) {
    if (strcmp(fields[0], COMMANDS[i].name) != 0) continue;
    if (count == COMMANDS[i].fields) return COMMANDS[i].run(session, fields + 1);
    return runner_text("%s takes %d fields, not %d", fields[0], COMMANDS[i].fields, count);
  }
  return runner_text("'%s' is no command: expected prepare, time or release", fields[0]);
}

int runner_run(const runner_peer *peer) {
  runner_session session = {.peer = peer};
  char *line = NULL;
  size_t capacity = 0;
  answer("ready", peer->version);
  while (getline(&line, &capacity, stdin) > 0) {
    line[strcspn(line, "\n")] = '\0';
    const runner_why failed = obey(&session, line);
    if (failed) answer("failed", failed);
  }
  free(line);
  forget(&session);
  return 0;
}

int runner_missing(runner_why why) {
  answer("missing", why);
  return 0;
}
