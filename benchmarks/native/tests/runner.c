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

#include "reference.h"

static const char *kind;
static char *const *command;

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
  const char *ready = strcmp(kind, "norma") == 0    ? "ready,Norma " PROJECT_VERSION " ("
                      : strcmp(kind, "onednn") == 0 ? "ready,oneDNN 3."
                                                    : "ready,copy with ";
  const char *answer = read_answer();
  if (strncmp(answer, ready, strlen(ready)) != 0) fail_msg("%s instead of %s...", answer, ready);
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

static void write_inputs(const test_layer *layer) {
  const int64_t size = value_size(layer->norm.data_type);
  const int64_t parameter_bytes = layer->norm.channels * size;
  write_values("x", layer->x, layer->elements * size);
  write_values("dy", layer->dy, layer->elements * size);
  write_values("gamma", layer->gamma, parameter_bytes);
  write_values("beta", layer->beta, parameter_bytes);
  write_values("running_mean", layer->running_mean, parameter_bytes);
  write_values("running_var", layer->running_var, parameter_bytes);
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
  bool is_backward, is_inference, is_copy;
} expectation;

static expectation expectation_of(const char *pass) {
  return (expectation){
    .is_backward = strcmp(pass, "backward-training") == 0,
    .is_inference = strcmp(pass, "forward-inference") == 0,
    .is_copy = strcmp(kind, "copy") == 0
  };
}

static reference statistics(const test_layer *layer, int64_t c, expectation expected) {
  const int32_t type = layer->norm.data_type;
  if (expected.is_inference) {
    return reference_of(layer, c, value_at(type, layer->running_mean, c),
                        value_at(type, layer->running_var, c));
  }
  reference by = reference_of_batch(layer, c);
  if (expected.is_backward) reference_sum_gradients(layer, c, &by);
  return by;
}

static double sum(const test_layer *layer, double x, double dy) {
  return layer->norm.data_type == NORMA_FLOAT64 ? x + dy : (double)((float)x + (float)dy);
}

static double expected_value(const test_layer *layer, const reference *by, int64_t i,
                             expectation expected) {
  const double x = value_at(layer->norm.data_type, layer->x, i);
  const double dy = value_at(layer->norm.data_type, layer->dy, i);
  if (expected.is_copy) return expected.is_backward ? sum(layer, x, dy) : x;
  return (double)(expected.is_backward ? reference_dx(by, x, dy) : reference_y(by, x));
}

/* A copy is exact. Others may add up as they like: by turns, in float. */
static double tolerance(const test_layer *layer, expectation expected) {
  const double additions = sqrt((double)layer->count);
  return expected.is_copy ? 0 : 8 * additions * unit_roundoff(layer->norm.data_type);
}

static void compare_tensor(const test_layer *layer, const char *name, expectation expected) {
  const int32_t type = layer->norm.data_type;
  void *values = read_output(name, layer->elements * value_size(type));
  for (int64_t c = 0; c < layer->norm.channels; c++) {
    const reference by = statistics(layer, c, expected);
    for (int64_t i = 0; i < layer->count; i++) {
      const int64_t at = layer_index(layer, c, i);
      const double right = expected_value(layer, &by, at, expected);
      assert_close(value_at(type, values, at), right,
                   tolerance(layer, expected) * fmax(1, fabs(right)), "%s[%" PRId64 "]", name, at);
    }
  }
  free(values);
}

static void compare_sums(const test_layer *layer, expectation expected) {
  const int32_t type = layer->norm.data_type;
  const int64_t bytes = layer->norm.channels * value_size(type);
  void *dgamma = read_output("dgamma", bytes), *dbeta = read_output("dbeta", bytes);
  for (int64_t c = 0; c < layer->norm.channels && !expected.is_copy; c++) {
    const reference by = statistics(layer, c, expected);
    const double allowed = tolerance(layer, expected);
    assert_close(value_at(type, dgamma, c), (double)by.sum_dy_x_hat,
                 allowed * (double)by.size_dy_x_hat, "dgamma[%" PRId64 "]", c);
    assert_close(value_at(type, dbeta, c), (double)by.sum_dy, allowed * (double)by.size_dy,
                 "dbeta[%" PRId64 "]", c);
  }
  free(dgamma);
  free(dbeta);
}

static void compare(const test_layer *layer, const char *pass) {
  const expectation expected = expectation_of(pass);
  compare_tensor(layer, expected.is_backward ? "dx" : "y", expected);
  if (expected.is_backward) compare_sums(layer, expected);
}

/* ---- Cases ----------------------------------------------------------------------------------- */

static bool is_unsupported(int32_t type, const char *layout) {
  if (strcmp(kind, "onednn") == 0) return type == NORMA_FLOAT64;
  return strcmp(layout, "nChw16c") == 0;
}

static void check_time(const char *what) {
  char expected[256];
  snprintf(expected, sizeof expected, "%s,7,", what);
  const char *answer = ask("time,7,1000000");
  if (strncmp(answer, expected, strlen(expected)) != 0) fail_msg("%s for %s", answer, what);
  char *end;
  const double ns = strtod(answer + strlen(expected), &end);
  assert_true(ns > 0);
  assert_string_equal(end, ",");
}

static void check_case(const test_layer *layer, const char *pass, const char *layout) {
  char what[256], line[512];
  const norma_batch_norm *norm = &layer->norm;
  snprintf(what, sizeof what, "%s,%s,%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",%d", pass,
           norm->data_type == NORMA_FLOAT64 ? "f64" : "f32", layout, norm->batch, norm->channels,
           norm->spatial, norm->threads);
  checked_case = what;
  snprintf(line, sizeof line, "prepare,%s,.,.", what);
  const char *answer = ask(line);
  if (is_unsupported(norm->data_type, layout)) {
    assert_int_equal(strncmp(answer, "unsupported,", 12), 0);
  } else {
    if (strncmp(answer, "prepared,", 9) != 0) fail_msg("%s for %s", answer, what);
    assert_true(strtod(answer + 9, NULL) > 0);
    compare(layer, pass);
    check_time(what);
  }
  assert_string_equal(ask("release"), "released");
  checked_case = NULL;
}

static void check_layer(norma_batch_norm norm, const char *layout) {
  const char *const passes[] = {"forward-training", "forward-inference", "backward-training"};
  test_layer layer = layer_make(norm);
  layer_fill(&layer, 1);
  write_inputs(&layer);
  for (int i = 0; i < 3; i++) check_case(&layer, passes[i], layout);
  layer_free(&layer);
}

/* Ends of vectors and blocks, a dense layer, and tensors that threads share. */
static void results(void **state) {
  (void)state;
  const int64_t shapes[][3] = {{3, 5, 7}, {4, 16, 9}, {8, 20, 1}, {3, 7, 4099}};
  const char *const layouts[] = {"nchw", "nhwc", "nChw16c"};
  for (int shape = 0; shape < 4; shape++)
    for (int layout = 0; layout < 3; layout++)
      for (int32_t type = NORMA_FLOAT32; type <= NORMA_FLOAT64; type++) {
        const bool is_nhwc = strcmp(layouts[layout], "nhwc") == 0;
        const norma_batch_norm norm = {
          .batch = shapes[shape][0],
          .channels = shapes[shape][1],
          .spatial = shapes[shape][2],
          .epsilon = 1e-5,
          .data_type = type,
          .layout = is_nhwc ? NORMA_CHANNELS_LAST : NORMA_CHANNELS_FIRST,
          .threads = 2
        };
        check_layer(norm, layouts[layout]);
      }
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
    {"prepare", "failed,prepare takes 9 fields, not 0"},
    {"prepare,1,2,3,4,5,6,7,8,9,10,11", "failed,prepare takes 9 fields, not 11"},
    {"prepare,backward,f32,nchw,1,1,1,1,.,",
     "failed,'backward' is no pass: "
     "expected one of forward-training forward-inference backward-training"},
    {"prepare,forward-training,f16,nchw,1,1,1,1,.,",
     "failed,'f16' is no type: expected one of f32 f64"},
    {"prepare,forward-training,f32,NCHW,1,1,1,1,.,",
     "failed,'NCHW' is no layout: expected one of nchw nhwc nChw16c"},
    {"prepare,forward-training,f32,nchw,0,1,1,1,.,",
     "failed,N is '0' instead of a number from 1 to 1152921504606846975"},
    {"prepare,forward-training,f32,nchw,1,3x,1,1,.,",
     "failed,C is '3x' instead of a number from 1 to 1152921504606846975"},
    {"prepare,forward-training,f32,nchw,1048576,1048576,1048576,1,.,",
     "failed,S is '1048576' instead of a number from 1 to 1048575"},
    {"prepare,forward-training,f32,nchw,1,1,1,,.,",
     "failed,THREADS is '' instead of a number from 1 to 2147483647"},
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
  return layer;
}

/* What fails leaves nothing prepared, and the runner ready for the next case. */
static void check_refused(const char *line, const char *answer) {
  const exchange exchanges[] = {{line, answer}, {"time,0,1000", "failed,no case is prepared"}};
  check_exchanges(exchanges, 2);
  test_layer layer = small_layer();
  check_case(&layer, "forward-training", "nchw");
  layer_free(&layer);
}

static void bad_files(void **state) {
  (void)state;
  test_layer layer = small_layer();
  remove("x");
  check_refused("prepare,forward-training,f32,nchw,3,5,7,1,.,.",
                "failed,cannot open ./x: No such file or directory");
  write_values("gamma", layer.gamma, 12);
  check_refused("prepare,forward-inference,f32,nchw,3,5,7,1,.,.",
                "failed,./gamma has 12 bytes instead of the 20 of the case");
  write_values("dy", layer.x, 420);
  check_refused("prepare,backward-training,f32,nchw,3,5,6,1,.,.",
                "failed,./x has 420 bytes instead of the 360 of the case");
  check_refused("prepare,forward-training,f32,nchw,3,5,7,1,.,nowhere",
                "failed,cannot open nowhere/y: No such file or directory");
  layer_free(&layer);
}

/* Without a folder for them, outputs are not written; a case takes the place of the one before. */
static void no_outputs(void **state) {
  (void)state;
  test_layer layer = small_layer();
  const char *line = "prepare,forward-inference,f32,nchw,3,5,7,1,.,";
  for (int i = 0; i < 2; i++) assert_int_equal(strncmp(ask(line), "prepared,", 9), 0);
  assert_null(fopen("y", "rb"));
  check_time("forward-inference,f32,nchw,3,5,7,1");
  layer_free(&layer);
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  kind = arguments[1];
  command = arguments + 2;
  signal(SIGPIPE, SIG_IGN); /* a runner that ended is seen where its answer is read */
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(results, start, stop),
    cmocka_unit_test_setup_teardown(malformed_commands, start, stop),
    cmocka_unit_test_setup_teardown(bad_files, start, stop),
    cmocka_unit_test_setup_teardown(no_outputs, start, stop)
  };
  return cmocka_run_group_tests_name(kind, tests, NULL, NULL);
}
