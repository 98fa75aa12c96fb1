/*
 * Drives a runner through the protocol and compares what it writes with the reference of Norma's
 * tests. Arguments: the kind of runner, then its command. Inputs and outputs lie in the working
 * directory.
 */
#define _POSIX_C_SOURCE 200809L
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "groups.h"
#include "reference.h"

static const char *kind;
static char *const *command;

static bool is(const char *text, const char *other) { return strcmp(text, other) == 0; }

static bool starts(const char *text, const char *start) {
  return strncmp(text, start, strlen(start)) == 0;
}

/* ---- The runner ------------------------------------------------------------------------------ */

static pid_t pid;
static FILE *to_runner, *from_runner;

static const char *read_answer(void) {
  static char answer[4096];
  if (!fgets(answer, sizeof answer, from_runner)) fail_msg("the runner ended");
  answer[strcspn(answer, "\n")] = '\0';
  return answer;
}

static const char *ask(const char *line) {
  fprintf(to_runner, "%s\n", line);
  fflush(to_runner);
  return read_answer();
}

static int start(void **state) {
  (void)state;
  int input[2], output[2];
  assert_int_equal(pipe(input), 0);
  assert_int_equal(pipe(output), 0);
  pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    dup2(input[0], STDIN_FILENO);
    dup2(output[1], STDOUT_FILENO);
    close(input[1]);
    close(output[0]);
    execv(command[0], command);
    _exit(127);
  }
  close(input[0]);
  close(output[1]);
  to_runner = fdopen(input[1], "w");
  from_runner = fdopen(output[0], "r");
  const char *ready = is(kind, "norma")    ? "ready,Norma " PROJECT_VERSION " ("
                      : is(kind, "onednn") ? "ready,oneDNN 3."
                                           : "ready,copy with ";
  const char *answer = read_answer();
  if (!starts(answer, ready)) fail_msg("%s instead of %s...", answer, ready);
  return 0;
}

static int stop(void **state) {
  (void)state;
  int status = 0;
  fclose(to_runner);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(fgetc(from_runner), EOF);
  fclose(from_runner);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  return 0;
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void write_values(const char *name, const void *values, int64_t bytes) {
  FILE *file = fopen(name, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(values, 1, (size_t)bytes, file), bytes);
  assert_int_equal(fclose(file), 0);
}

static int64_t tensor_bytes(const test_layer *layer) {
  return layer->elements * value_size(layer->norm.data_type);
}

static int64_t parameter_bytes(const test_layer *layer) {
  return layer->norm.channels * parameter_size(layer->norm.data_type);
}

static void write_inputs(const test_layer *layer) {
  write_values("x", layer->x, tensor_bytes(layer));
  write_values("dy", layer->dy, tensor_bytes(layer));
  write_values("residual", layer->residual, tensor_bytes(layer));
  write_values("gamma", layer->gamma, parameter_bytes(layer));
  write_values("beta", layer->beta, parameter_bytes(layer));
  write_values("running_mean", layer->running_mean, parameter_bytes(layer));
  write_values("running_var", layer->running_var, parameter_bytes(layer));
}

/* What the runner wrote, which is removed: the next case must write it again. */
static void *read_output(const char *name, int64_t bytes) {
  void *values = new_bytes(bytes);
  FILE *file = fopen(name, "rb");
  if (!file) fail_msg("the runner wrote no %s", name);
  assert_int_equal(fread(values, 1, (size_t)bytes, file), bytes);
  assert_int_equal(fgetc(file), EOF);
  fclose(file);
  remove(name);
  return values;
}

/* ---- What must come out ---------------------------------------------------------------------- */

typedef struct expectation {
  bool is_backward, is_inference, has_relu;
} expectation;

/* A channel, and the sums of what may come through ReLU or not. */
typedef struct channel {
  reference by;
  double doubt, doubt_x_hat;
} channel;

/*
 * Others may add up as they like: by turns, in float. With 16 bits they may store a sum of two
 * terms twice, each some times as large as it.
 */
static double tolerance(const test_layer *layer) {
  const int32_t type = layer->norm.data_type;
  const double added = 8 * sqrt((double)layer->count) * unit_roundoff(parameter_type(type));
  return added + (is_half(type) ? 16 * unit_roundoff(type) : 0);
}

/* dy where z is as near to 0 as its error: it may come through ReLU or not. */
static double doubt(const test_layer *layer, const reference *by, int64_t c, int64_t i,
                    expectation expected) {
  if (!expected.has_relu || fabsl(reference_z(layer, by, c, i)) > (long double)tolerance(layer)) {
    return 0;
  }
  return fabs(value_at(layer->norm.data_type, layer->dy, layer_index(layer, c, i)));
}

static channel channel_of(const test_layer *layer, int64_t c, expectation expected) {
  const int32_t type = layer->norm.data_type;
  if (expected.is_inference) {
    return (channel){.by = reference_of(layer, c, parameter_at(type, layer->running_mean, c),
                                        parameter_at(type, layer->running_var, c))};
  }
  channel made = {.by = reference_of_batch(layer, c)};
  if (!expected.is_backward) return made;
  reference_sum_gradients(layer, c, expected.has_relu, &made.by);
  for (int64_t i = 0; i < layer->count; i++) {
    const double x = value_at(type, layer->x, layer_index(layer, c, i));
    const double unsure = doubt(layer, &made.by, c, i, expected);
    made.doubt += unsure;
    made.doubt_x_hat += unsure * fabs((double)reference_x_hat(&made.by, x));
  }
  return made;
}

/* What ReLU lets pass of dy. */
static double passed(const test_layer *layer, const reference *by, int64_t c, int64_t i,
                     expectation expected) {
  if (expected.has_relu && reference_z(layer, by, c, i) <= 0) return 0;
  return value_at(layer->norm.data_type, layer->dy, layer_index(layer, c, i));
}

static void compare_y(const test_layer *layer, expectation expected) {
  const int32_t type = layer->norm.data_type;
  void *values = read_output("y", tensor_bytes(layer));
  for (int64_t c = 0; c < layer->norm.channels; c++) {
    const channel in = channel_of(layer, c, expected);
    for (int64_t i = 0; i < layer->count; i++) {
      const double z = (double)reference_z(layer, &in.by, c, i);
      const int64_t at = layer_index(layer, c, i);
      assert_close(value_at(type, values, at), expected.has_relu ? fmax(0, z) : z,
                   tolerance(layer) * fmax(1, fabs(z)), "y[%" PRId64 "]", at);
    }
  }
  free(values);
}

static void compare_dx(const test_layer *layer, expectation expected) {
  const int32_t type = layer->norm.data_type;
  void *values = read_output("dx", tensor_bytes(layer));
  for (int64_t c = 0; c < layer->norm.channels; c++) {
    const channel in = channel_of(layer, c, expected);
    const double scale = fabs(in.by.gamma * (double)in.by.inv_std), count = (double)layer->count;
    for (int64_t i = 0; i < layer->count; i++) {
      const int64_t at = layer_index(layer, c, i);
      const double x = value_at(type, layer->x, at);
      const double g = passed(layer, &in.by, c, i, expected);
      const double right = (double)reference_dx(&in.by, x, g);
      const double x_hat = fabs((double)reference_x_hat(&in.by, x));
      const double unsure = doubt(layer, &in.by, c, i, expected) + in.doubt / count +
                            x_hat * in.doubt_x_hat / count;
      assert_close(value_at(type, values, at), right,
                   tolerance(layer) * fmax(1, fabs(right)) + 2 * scale * unsure, "dx[%" PRId64 "]",
                   at);
    }
  }
  free(values);
}

static void compare_dresidual(const test_layer *layer, expectation expected) {
  const int32_t type = layer->norm.data_type;
  void *values = read_output("dresidual", tensor_bytes(layer));
  for (int64_t c = 0; c < layer->norm.channels; c++) {
    const channel in = channel_of(layer, c, expected);
    for (int64_t i = 0; i < layer->count; i++) {
      const int64_t at = layer_index(layer, c, i);
      assert_close(value_at(type, values, at), passed(layer, &in.by, c, i, expected),
                   doubt(layer, &in.by, c, i, expected), "dresidual[%" PRId64 "]", at);
    }
  }
  free(values);
}

static void compare_sums(const test_layer *layer, expectation expected) {
  const int32_t type = layer->norm.data_type;
  void *dgamma = read_output("dgamma", parameter_bytes(layer));
  void *dbeta = read_output("dbeta", parameter_bytes(layer));
  const double allowed = tolerance(layer);
  for (int64_t c = 0; c < layer->norm.channels; c++) {
    const channel in = channel_of(layer, c, expected);
    assert_close(parameter_at(type, dgamma, c), (double)in.by.sum_dy_x_hat,
                 allowed * (double)in.by.size_dy_x_hat + 2 * in.doubt_x_hat, "dgamma[%" PRId64 "]",
                 c);
    assert_close(parameter_at(type, dbeta, c), (double)in.by.sum_dy,
                 allowed * (double)in.by.size_dy + 2 * in.doubt, "dbeta[%" PRId64 "]", c);
  }
  free(dgamma);
  free(dbeta);
}

static void compare_results(const test_layer *layer, expectation expected) {
  if (!expected.is_backward) {
    compare_y(layer, expected);
    return;
  }
  compare_dx(layer, expected);
  compare_sums(layer, expected);
  if (layer->residual) compare_dresidual(layer, expected);
}

/* ---- What a copy writes ---------------------------------------------------------------------- */

/* The one tensor, or the bits that both have. */
static void compare_bytes(const char *name, const void *one, const void *other, int64_t bytes) {
  unsigned char *values = read_output(name, bytes);
  for (int64_t i = 0; i < bytes; i++) {
    const int all = 0xff, both = other ? ((const unsigned char *)other)[i] : all;
    if (values[i] != (((const unsigned char *)one)[i] & both)) {
      fail_msg("byte %" PRId64 " of %s for %s", i, name, checked_case);
    }
  }
  free(values);
}

static void compare_copies(const test_layer *layer, expectation expected) {
  const int64_t bytes = tensor_bytes(layer);
  if (!expected.is_backward) {
    compare_bytes("y", layer->x, layer->residual, bytes);
    return;
  }
  compare_bytes("dx", layer->x, layer->dy, bytes);
  if (layer->residual) compare_bytes("dresidual", layer->residual, layer->dy, bytes);
  free(read_output("dgamma", parameter_bytes(layer)));
  free(read_output("dbeta", parameter_bytes(layer)));
}

/* ---- Cases ----------------------------------------------------------------------------------- */

static const char *const TYPES[] = {
  [NORMA_FLOAT32] = "f32",
  [NORMA_FLOAT64] = "f64",
  [NORMA_BFLOAT16] = "bf16",
  [NORMA_FLOAT16] = "f16"
};

static void compare(const test_layer *layer, const char *operation, const char *pass) {
  const expectation expected = {
    .is_backward = is(pass, "backward-training"),
    .is_inference = is(pass, "forward-inference"),
    .has_relu = !is(operation, "batch-norm")
  };
  if (is(kind, "copy")) {
    compare_copies(layer, expected);
  } else {
    compare_results(layer, expected);
  }
}

static bool is_unsupported(int32_t type, const char *layout) {
  return is(kind, "onednn") ? type == NORMA_FLOAT64 : is(layout, "nChw16c");
}

/* What oneDNN has of 16 bits depends on the processor. */
static bool may_be_unsupported(int32_t type) { return is(kind, "onednn") && is_half(type); }

static void check_time(const char *what) {
  char expected[256];
  snprintf(expected, sizeof expected, "%s,7,", what);
  const char *answer = ask("time,7,1000000");
  if (!starts(answer, expected)) fail_msg("%s for %s", answer, what);
  char *end;
  const double ns = strtod(answer + strlen(expected), &end);
  assert_true(ns > 0);
  assert_string_equal(end, ",");
}

/* Prepares a case, whose inputs are written; whether it was prepared, and outputs are to be compared. */
static bool prepare(const char *what, bool is_unsupported, bool may_be_unsupported) {
  char line[512];
  snprintf(line, sizeof line, "prepare,%s,.,.", what);
  const char *answer = ask(line);
  if (is_unsupported) assert_true(starts(answer, "unsupported,"));
  if (is_unsupported || (may_be_unsupported && starts(answer, "unsupported,"))) return false;
  if (!starts(answer, "prepared,")) fail_msg("%s for %s", answer, what);
  assert_true(strtod(answer + 9, NULL) > 0);
  return true;
}

static void check_case(const test_layer *layer, const char *operation, const char *pass,
                       const char *layout) {
  char what[256];
  const norma_batch_norm *norm = &layer->norm;
  snprintf(what, sizeof what, "%s,%s,%s,%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",1,%d", operation,
           pass, TYPES[norm->data_type], layout, norm->batch, norm->channels, norm->spatial,
           norm->threads);
  checked_case = what;
  if (prepare(what, is_unsupported(norm->data_type, layout), may_be_unsupported(norm->data_type))) {
    compare(layer, operation, pass);
    check_time(what);
  }
  assert_string_equal(ask("release"), "released");
  checked_case = NULL;
}

static void check_operation(const test_layer *layer, const char *operation, const char *layout) {
  const char *const passes[] = {"forward-training", "forward-inference", "backward-training"};
  test_layer its = *layer;
  if (!is(operation, "batch-norm-add-relu")) its.residual = NULL;
  for (int i = 0; i < 3; i++) check_case(&its, operation, passes[i], layout);
}

static void check_layer(norma_batch_norm norm, const char *layout, bool has_relu_too) {
  test_layer layer = layer_make(norm);
  layer_fill(&layer, 1);
  write_inputs(&layer);
  check_operation(&layer, "batch-norm", layout);
  if (has_relu_too) {
    check_operation(&layer, "batch-norm-relu", layout);
    check_operation(&layer, "batch-norm-add-relu", layout);
  }
  layer_free(&layer);
}

/*
 * Ends of vectors and blocks, a dense layer, and tensors that threads share. Of 16 bits and of ReLU
 * only the first.
 */
static void results(void **state) {
  (void)state;
  const int64_t shapes[][3] = {{3, 5, 7}, {4, 16, 9}, {8, 20, 1}, {3, 7, 4099}};
  const char *const layouts[] = {"nchw", "nhwc", "nChw16c"};
  for (int shape = 0; shape < 4; shape++)
    for (int layout = 0; layout < 3; layout++)
      for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
        if (shape > 0 && is_half(type)) continue;
        const norma_batch_norm norm = {
          .batch = shapes[shape][0],
          .channels = shapes[shape][1],
          .spatial = shapes[shape][2],
          .epsilon = 1e-5,
          .data_type = type,
          .layout = is(layouts[layout], "nhwc") ? NORMA_CHANNELS_LAST : NORMA_CHANNELS_FIRST,
          .threads = 2
        };
        check_layer(norm, layouts[layout], shape == 0);
      }
}

/* ---- Statistics of every image --------------------------------------------------------------- */

/* As that of batch normalization. */
static double tolerance_of(const groups_case *c, double count) {
  const double added = 8 * sqrt(count) * unit_roundoff(parameter_type(c->type));
  return added + (is_half(c->type) ? 16 * unit_roundoff(c->type) : 0);
}

static void compare_tensor(const groups_case *c, const char *name, const double *expected) {
  void *values = read_output(name, groups_tensor_bytes(c));
  const double allowed = tolerance_of(c, (double)groups_count(c));
  for (int64_t i = 0; i < groups_elements(c); i++)
    assert_close(value_at(c->type, values, i), expected[i], allowed * fmax(1, fabs(expected[i])),
                 "%s[%" PRId64 "]", name, i);
  free(values);
}

static void compare_parameters(const groups_case *c, const char *name, const double *expected,
                               const double *size) {
  void *values = read_output(name, groups_parameter_bytes(c));
  const double allowed = tolerance_of(c, (double)(groups_count(c) + c->batch * c->spatial));
  for (int64_t i = 0; i < c->channels; i++)
    assert_close(parameter_at(c->type, values, i), expected[i], allowed * (size[i] + 1),
                 "%s[%" PRId64 "]", name, i);
  free(values);
}

/* oneDNN 3.11 takes the mean of g off in RMS normalization, too: the benchmark finds its dx wrong. */
static bool has_wrong_dx(const groups_case *c) { return is(kind, "onednn") && groups_is_rms(c); }

static void compare_groups(const groups_case *c, bool is_backward) {
  if (!is_backward) {
    compare_tensor(c, "y", c->y);
    return;
  }
  if (!has_wrong_dx(c)) compare_tensor(c, "dx", c->dx);
  compare_parameters(c, "dgamma", c->dgamma, c->size_dgamma);
  if (!groups_is_rms(c)) compare_parameters(c, "dbeta", c->dbeta, c->size_dbeta);
}

static void compare_copied_groups(const groups_case *c, bool is_backward) {
  const int64_t bytes = groups_tensor_bytes(c);
  if (!is_backward) {
    compare_bytes("y", c->x, NULL, bytes);
    return;
  }
  compare_bytes("dx", c->x, c->dy, bytes);
  free(read_output("dgamma", groups_parameter_bytes(c)));
  if (!groups_is_rms(c)) free(read_output("dbeta", groups_parameter_bytes(c)));
}

static void write_group_inputs(const groups_case *c) {
  write_values("x", c->x, groups_tensor_bytes(c));
  write_values("dy", c->dy, groups_tensor_bytes(c));
  write_values("gamma", c->gamma, groups_parameter_bytes(c));
  write_values("beta", c->beta, groups_parameter_bytes(c));
  const char *const unused[] = {"running_mean", "running_var", "residual"};
  for (int i = 0; i < 3; i++) remove(unused[i]);
}

static void check_groups(const groups_case *c, const char *layout, bool is_backward) {
  char what[256];
  snprintf(what, sizeof what, "%s,%s,%s,%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",2",
           c->operation, is_backward ? "backward-training" : "forward-training", TYPES[c->type],
           layout, c->batch, c->channels, c->spatial, c->groups);
  checked_case = what;
  const bool none = is(layout, "nChw16c") || (is(kind, "onednn") && c->type == NORMA_FLOAT64);
  if (prepare(what, none, may_be_unsupported(c->type))) {
    if (is(kind, "copy")) {
      compare_copied_groups(c, is_backward);
    } else {
      compare_groups(c, is_backward);
    }
    check_time(what);
  }
  assert_string_equal(ask("release"), "released");
  checked_case = NULL;
}

/* In all types and layouts. */
static void check_shape(groups_case shape) {
  const char *const layouts[] = {"nchw", "nhwc", "nChw16c"};
  for (int layout = 0; layout < 3; layout++)
    for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT16; type++) {
      groups_case c = shape;
      c.type = type;
      c.channels_last = is(layouts[layout], "nhwc");
      groups_make(&c, 3);
      write_group_inputs(&c);
      check_groups(&c, layouts[layout], false);
      check_groups(&c, layouts[layout], true);
      groups_free(&c);
    }
}

static void rows_of_values(void **state) {
  (void)state;
  const char *const operations[] = {"layer-norm", "rms-norm"};
  const int64_t extents[][2] = {{8, 20}, {3, 4099}, {257, 64}};
  for (int i = 0; i < 6; i++)
    check_shape((groups_case){
      .operation = operations[i % 2],
      .batch = extents[i / 2][0],
      .channels = extents[i / 2][1],
      .spatial = 1,
      .groups = 1
    });
}

static void groups_of_channels(void **state) {
  (void)state;
  const int64_t extents[][4] = {{3, 6, 7, 3}, {2, 32, 49, 4}, {1, 16, 4099, 2}, {3, 5, 7, 5}, {2, 16, 99, 16}};
  for (int i = 0; i < 5; i++)
    check_shape((groups_case){
      .operation = i < 3 ? "group-norm" : "instance-norm",
      .batch = extents[i][0],
      .channels = extents[i][1],
      .spatial = extents[i][2],
      .groups = extents[i][3]
    });
}

/* ---- Commands that cannot be obeyed ---------------------------------------------------------- */

typedef struct exchange {
  const char *line, *answer;
} exchange;

static void check_exchanges(const exchange *exchanges, int count) {
  for (int i = 0; i < count; i++)
    assert_string_equal(ask(exchanges[i].line), exchanges[i].answer);
}

static void malformed_commands(void **state) {
  (void)state;
  const exchange exchanges[] = {
    {"", "failed,'' is no command: expected prepare, time or release"},
    {"prepared", "failed,'prepared' is no command: expected prepare, time or release"},
    {"prepare", "failed,prepare takes 11 fields, not 0"},
    {"prepare,1,2,3,4,5,6,7,8,9,10", "failed,prepare takes 11 fields, not 10"},
    {"prepare,batch,backward-training,f32,nchw,1,1,1,1,1,.,",
     "failed,'batch' is no operation: "
     "expected one of batch-norm batch-norm-relu batch-norm-add-relu "
     "layer-norm rms-norm group-norm instance-norm"},
    {"prepare,batch-norm,backward,f32,nchw,1,1,1,1,1,.,",
     "failed,'backward' is no pass: "
     "expected one of forward-training forward-inference backward-training"},
    {"prepare,batch-norm,forward-training,f8,nchw,1,1,1,1,1,.,",
     "failed,'f8' is no type: expected one of f32 f64 bf16 f16"},
    {"prepare,batch-norm,forward-training,f32,NCHW,1,1,1,1,1,.,",
     "failed,'NCHW' is no layout: expected one of nchw nhwc nChw16c"},
    {"prepare,batch-norm,forward-training,f32,nchw,0,1,1,1,1,.,",
     "failed,N is '0' instead of a number from 1 to 1152921504606846975"},
    {"prepare,batch-norm,forward-training,f32,nchw,1,3x,1,1,1,.,",
     "failed,C is '3x' instead of a number from 1 to 1152921504606846975"},
    {"prepare,batch-norm,forward-training,f32,nchw,1048576,1048576,1048576,1,1,.,",
     "failed,S is '1048576' instead of a number from 1 to 1048575"},
    {"prepare,batch-norm,forward-training,f32,nchw,1,1,1,1,,.,",
     "failed,THREADS is '' instead of a number from 1 to 2147483647"},
    {"prepare,group-norm,forward-inference,f32,nchw,1,4,1,2,1,.,",
     "failed,group-norm has no pass forward-inference"},
    {"prepare,batch-norm,forward-training,f32,nchw,1,4,1,2,1,.,",
     "failed,GROUPS is '2' instead of a number from 1 to 1"},
    {"prepare,group-norm,forward-training,f32,nchw,1,4,1,3,1,.,",
     "failed,GROUPS is '3', which does not divide C, 4"},
    {"prepare,instance-norm,forward-training,f32,nchw,1,4,1,2,1,.,",
     "failed,GROUPS is '2' instead of a number from 4 to 4"},
    {"prepare,layer-norm,forward-training,f32,nchw,1,4,2,1,1,.,",
     "failed,S is '2' instead of a number from 1 to 1"},
    {"time,0", "failed,time takes 2 fields, not 1"},
    {"time,-1,1000", "failed,ROUND is '-1' instead of a number from 0 to 9223372036854775807"},
    {"time,0,1e6", "failed,NS is '1e6' instead of a number from 1 to 9223372036854775807"},
    {"time,0,1000", "failed,no case is prepared"},
    {"release,all", "failed,release takes 0 fields, not 1"},
    {"release", "released"}
  };
  check_exchanges(exchanges, sizeof exchanges / sizeof *exchanges);
}

static test_layer small_layer(void) {
  test_layer layer = layer_make((norma_batch_norm){
    .batch = 3, .channels = 5, .spatial = 7, .epsilon = 1e-5, .threads = 1
  });
  layer_fill(&layer, 2);
  write_inputs(&layer);
  layer.residual = NULL; /* of an operation that has none */
  return layer;
}

/* What fails leaves nothing prepared, and the runner ready for the next case. */
static void check_refused(const char *line, const char *answer) {
  const exchange exchanges[] = {{line, answer}, {"time,0,1000", "failed,no case is prepared"}};
  check_exchanges(exchanges, 2);
  test_layer layer = small_layer();
  check_case(&layer, "batch-norm", "forward-training", "nchw");
  layer_free(&layer);
}

static void bad_files(void **state) {
  (void)state;
  test_layer layer = small_layer();
  remove("x");
  check_refused("prepare,batch-norm,forward-training,f32,nchw,3,5,7,1,1,.,.",
                "failed,cannot open ./x: No such file or directory");
  write_values("gamma", layer.gamma, 12);
  check_refused("prepare,batch-norm,forward-inference,f32,nchw,3,5,7,1,1,.,.",
                "failed,./gamma has 12 bytes instead of the 20 of the case");
  write_values("dy", layer.x, 420);
  check_refused("prepare,batch-norm,backward-training,f32,nchw,3,5,6,1,1,.,.",
                "failed,./x has 420 bytes instead of the 360 of the case");
  check_refused("prepare,batch-norm,forward-training,f32,nchw,3,5,7,1,1,.,nowhere",
                "failed,cannot open nowhere/y: No such file or directory");
  layer_free(&layer);
}

/* Without a folder for them, outputs are not written; a case takes the place of the one before. */
static void no_outputs(void **state) {
  (void)state;
  test_layer layer = small_layer();
  const char *line = "prepare,batch-norm,forward-inference,f32,nchw,3,5,7,1,1,.,";
  for (int i = 0; i < 2; i++) assert_true(starts(ask(line), "prepared,"));
  assert_null(fopen("y", "rb"));
  check_time("batch-norm,forward-inference,f32,nchw,3,5,7,1,1");
  layer_free(&layer);
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  kind = arguments[1];
  command = arguments + 2;
  signal(SIGPIPE, SIG_IGN); /* a runner that ended is seen where its answer is read */
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(results, start, stop),
    cmocka_unit_test_setup_teardown(rows_of_values, start, stop),
    cmocka_unit_test_setup_teardown(groups_of_channels, start, stop),
    cmocka_unit_test_setup_teardown(malformed_commands, start, stop),
    cmocka_unit_test_setup_teardown(bad_files, start, stop),
    cmocka_unit_test_setup_teardown(no_outputs, start, stop)
  };
  return cmocka_run_group_tests_name(kind, tests, NULL, NULL);
}
