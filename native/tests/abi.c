/*
 * Prints the layout of every struct and the value of every enum constant of norma.h, for a test of
 * bindings in another language to compare with:
 *   struct NAME size BYTES
 *   field STRUCT.NAME offset BYTES size BYTES
 *   enum NAME VALUE
 */
#include <stddef.h>
#include <stdio.h>

#include "norma.h"

#define STRUCT(type) printf("struct %s size %zu\n", #type, sizeof(type))
#define FIELD(type, name)                                                               \
  printf("field %s.%s offset %zu size %zu\n", #type, #name, offsetof(type, name), \
         sizeof(((type *)NULL)->name))
#define ENUM(name) printf("enum %s %d\n", #name, (int)(name))

static void print_structs(void) {
  STRUCT(norma_batch_norm);
  FIELD(norma_batch_norm, batch);
  FIELD(norma_batch_norm, channels);
  FIELD(norma_batch_norm, spatial);
  FIELD(norma_batch_norm, epsilon);
  FIELD(norma_batch_norm, data_type);
  FIELD(norma_batch_norm, layout);
  FIELD(norma_batch_norm, threads);

  STRUCT(norma_layer_norm);
  FIELD(norma_layer_norm, rows);
  FIELD(norma_layer_norm, length);
  FIELD(norma_layer_norm, epsilon);
  FIELD(norma_layer_norm, data_type);
  FIELD(norma_layer_norm, threads);

  STRUCT(norma_group_norm);
  FIELD(norma_group_norm, batch);
  FIELD(norma_group_norm, channels);
  FIELD(norma_group_norm, spatial);
  FIELD(norma_group_norm, groups);
  FIELD(norma_group_norm, epsilon);
  FIELD(norma_group_norm, data_type);
  FIELD(norma_group_norm, layout);
  FIELD(norma_group_norm, threads);

  STRUCT(norma_running_rule);
  FIELD(norma_running_rule, momentum);
  FIELD(norma_running_rule, mode);
  FIELD(norma_running_rule, unbiased);
  FIELD(norma_running_rule, refuse_nonfinite);

  STRUCT(norma_gradient_descent);
  FIELD(norma_gradient_descent, learning_rate);
  FIELD(norma_gradient_descent, momentum);
  FIELD(norma_gradient_descent, weight_decay);
  FIELD(norma_gradient_descent, nesterov);
}

static void print_status_codes(void) {
  ENUM(NORMA_OK);
  ENUM(NORMA_NULL_POINTER);
  ENUM(NORMA_BAD_EXTENT);
  ENUM(NORMA_EXTENT_OVERFLOW);
  ENUM(NORMA_BAD_DATA_TYPE);
  ENUM(NORMA_BAD_LAYOUT);
  ENUM(NORMA_BAD_EPSILON);
  ENUM(NORMA_BAD_THREADS);
  ENUM(NORMA_BAD_MOMENTUM);
  ENUM(NORMA_BAD_RULE);
  ENUM(NORMA_BAD_COUNT);
  ENUM(NORMA_OVERLAP);
  ENUM(NORMA_MISALIGNED);
  ENUM(NORMA_WORKSPACE_TOO_SMALL);
  ENUM(NORMA_ONE_VALUE_PER_CHANNEL);
  ENUM(NORMA_OUT_OF_MEMORY);
  ENUM(NORMA_UNKNOWN_ISA);
  ENUM(NORMA_UNSUPPORTED_ISA);
  ENUM(NORMA_BAD_GROUPS);
}

static void print_choices(void) {
  ENUM(NORMA_FLOAT32);
  ENUM(NORMA_FLOAT64);
  ENUM(NORMA_BFLOAT16);
  ENUM(NORMA_FLOAT16);
  ENUM(NORMA_CHANNELS_FIRST);
  ENUM(NORMA_CHANNELS_LAST);
  ENUM(NORMA_RUNNING_EXPONENTIAL);
  ENUM(NORMA_RUNNING_CUMULATIVE);
}

int main(void) {
  print_structs();
  print_status_codes();
  print_choices();
  return 0;
}
