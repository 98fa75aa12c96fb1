/*
 * The checks of arguments, for api.c. Each returns a status; CHECK returns it from the caller
 * unless it is NORMA_OK.
 */
#ifndef NORMA_CHECKS_H
#define NORMA_CHECKS_H

#include <stdbool.h>

#include "norma.h"

#define CHECK(expression)                    \
  do {                                       \
    const norma_status status = (expression); \
    if (status != NORMA_OK) return status;   \
  } while (0)

#define REQUIRE(condition, status) CHECK((condition) ? NORMA_OK : (status))

/* An array that a function reads or writes. */
typedef struct norma_array {
  const void *start;
  int64_t count;
  int64_t size; /* of an element, which is also its alignment */
  enum { ARRAY_IN, ARRAY_OUT } use;
  enum { ARRAY_REQUIRED, ARRAY_OPTIONAL } need;
  const void *may_be[2]; /* outputs: the inputs that it may coincide with, or NULL */
} norma_array;

/* Every array is there and aligned, and no output overlaps another array but where it may. */
norma_status norma_check_arrays(const norma_array *arrays, int count);

norma_status norma_check_norm(const norma_batch_norm *norm);
norma_status norma_check_layer_norm(const norma_layer_norm *norm);
norma_status norma_check_group_norm(const norma_group_norm *norm);
norma_status norma_check_running_rule(const norma_running_rule *rule);
norma_status norma_check_gradient_descent(const norma_gradient_descent *rule);
norma_status norma_check_data_type(int32_t data_type);

/* channels >= 1, parts >= 1, and parts * channels doubles have a size. */
norma_status norma_check_parts(int64_t channels, int64_t parts);

/* No count is negative, and their sum, which goes to *total, is positive and not too large. */
norma_status norma_check_counts(const int64_t *counts, int64_t parts, int64_t *total);

#endif
