#include "golden_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double number_of_bits(uint64_t bits, bool is_double) {
  double number;
  if (is_double) {
    memcpy(&number, &bits, sizeof number);
    return number;
  }
  const uint32_t half = (uint32_t)bits;
  float single;
  memcpy(&single, &half, sizeof single);
  return (double)single;
}

static void read_tensor(FILE *stream, golden_file *file) {
  assert_in_range(file->tensors, 0, sizeof file->tensor / sizeof file->tensor[0] - 1);
  char type[4];
  const int i = file->tensors++;
  assert_int_equal(fscanf(stream, "%31s %3s %" SCNd64, file->tensor[i].name, type, &file->tensor[i].count), 3);
  file->tensor[i].values = new_bytes(file->tensor[i].count * (int64_t)sizeof(double));
  const bool is_double = strcmp(type, "f64") == 0;
  for (int64_t j = 0; j < file->tensor[i].count; j++) {
    uint64_t bits;
    assert_int_equal(fscanf(stream, "%" SCNx64, &bits), 1);
    file->tensor[i].values[j] = number_of_bits(bits, is_double);
  }
}

golden_file golden_read(const char *folder, const char *name) {
  golden_file file = {0};
  snprintf(file.name, sizeof file.name, "%s", name);
  char path[1024], word[32];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *stream = fopen(path, "r");
  if (!stream) fail_msg("cannot open %s", path);
  while (fscanf(stream, "%31s", word) == 1) {
    if (strcmp(word, "tensor") == 0) {
      read_tensor(stream, &file);
      continue;
    }
    assert_in_range(file.keys, 0, sizeof file.key / sizeof file.key[0] - 1);
    memcpy(file.key[file.keys].name, word, sizeof word);
    assert_int_equal(fscanf(stream, "%47s", file.key[file.keys].text), 1);
    file.keys++;
  }
  fclose(stream);
  return file;
}

void golden_free(golden_file *file) {
  for (int i = 0; i < file->tensors; i++) free(file->tensor[i].values);
}

const char *golden_text(const golden_file *file, const char *key) {
  for (int i = 0; i < file->keys; i++)
    if (strcmp(file->key[i].name, key) == 0) return file->key[i].text;
  fail_msg("%s has no key %s", file->name, key);
  return "";
}

double golden_number(const golden_file *file, const char *key) { return strtod(golden_text(file, key), NULL); }

int64_t golden_integer(const golden_file *file, const char *key) {
  return (int64_t)strtoll(golden_text(file, key), NULL, 10);
}

int32_t golden_data_type(const golden_file *file) {
  return strcmp(golden_text(file, "data_type"), "f64") == 0 ? NORMA_FLOAT64 : NORMA_FLOAT32;
}

const double *golden_optional(const golden_file *file, const char *tensor, int64_t count) {
  for (int i = 0; i < file->tensors; i++) {
    if (strcmp(file->tensor[i].name, tensor) != 0) continue;
    assert_int_equal(file->tensor[i].count, count);
    return file->tensor[i].values;
  }
  return NULL;
}

const double *golden_tensor(const golden_file *file, const char *tensor, int64_t count) {
  const double *values = golden_optional(file, tensor, count);
  if (!values) fail_msg("%s has no tensor %s", file->name, tensor);
  return values;
}

void golden_put(int32_t data_type, void *array, const double *values, int64_t count) {
  for (int64_t i = 0; i < count; i++) value_put(data_type, array, i, values[i]);
}

int64_t golden_count(const golden_file *file, const char *tensor) {
  for (int i = 0; i < file->tensors; i++)
    if (strcmp(file->tensor[i].name, tensor) == 0) return file->tensor[i].count;
  return 0;
}
