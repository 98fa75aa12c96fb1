/*
 * Every public function that takes arrays, as data: what each argument is, after the header. A call has
 * valid arguments of its own memory, which a test then spoils one by one.
 */
#ifndef NORMA_TESTS_FUNCTIONS_H
#define NORMA_TESTS_FUNCTIONS_H

#include "data.h"

enum { ARGUMENTS_AT_MOST = 12, PARTS = 3 };

typedef enum array_kind {
  TENSOR,
  WEIGHTS,         /* C rows of S elements */
  PARAMETERS,
  ROW_PARAMETERS,  /* of each element of a row */
  STATISTICS,      /* double[C], or of each row */
  GROUP_STATISTICS, /* double[N * G] */
  PART_STATISTICS, /* double[PARTS * C] */
  PART_COUNTS,     /* int64[PARTS] */
  ONE_COUNT,       /* int64[1] */
  WORKSPACE
} array_kind;

typedef enum array_use { IN, OUT } array_use;
typedef enum array_need { REQUIRED, OPTIONAL } array_need;

typedef struct test_argument {
  const char *name; /* NULL after the last */
  array_kind kind;
  array_use use;
  array_need need;
  const char *in_place_of[2]; /* the inputs that an output may lie on, or NULL */
} test_argument;

/* All that is not an array. */
typedef struct scalars {
  norma_batch_norm norm;
  norma_running_rule running;
  norma_gradient_descent descent;
  int64_t parts;
  int64_t count;
  int64_t workspace_size;
  bool no_descriptor; /* pass NULL for the descriptor or rule */
} scalars;

typedef norma_status caller(const scalars *with, void *const *arrays);

/* What describes the tensor: nothing, or a norma_batch_norm, norma_layer_norm or norma_group_norm. */
typedef enum test_descriptor {
  TAKES_NONE,
  TAKES_BATCH,
  TAKES_ROWS,  /* C rows of all that a channel has */
  TAKES_GROUPS
} test_descriptor;

typedef struct test_function {
  const char *name;
  caller *call;
  test_descriptor takes;
  bool trains; /* needs two values per channel */
  test_argument arguments[ARGUMENTS_AT_MOST + 1];
} test_function;

extern const test_function FUNCTIONS[];
extern const int FUNCTIONS_COUNT;

/* A call of a function, with arrays of its own. */
typedef struct test_call {
  const test_function *function;
  scalars with;
  int count;                        /* of arguments */
  void *arrays[ARGUMENTS_AT_MOST];
  char *memory;
  int64_t size;
  char *before; /* a copy of memory */
} test_call;

/* Valid arguments for a tensor of 3 x 4 x 5. */
test_call call_make(const test_function *function, int32_t data_type);
void call_free(test_call *call);

/* The bytes of workspace that the function wants. */
norma_status call_workspace_size(const test_call *call, int64_t *size);

/* The bytes of the elements of an argument, and of one of them. */
int64_t argument_bytes(const test_call *call, int i);
int64_t argument_element(const test_call *call, int i);

/* Calls, and fails unless it gives that status and, if it is not NORMA_OK, has left all memory as it was. */
void call_expecting(test_call *call, norma_status expected, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The statuses that call_expecting has seen. */
extern bool reached[64];

#endif
