/* Reads a file of golden vectors; golden/make_golden.py writes them and explains their format. */
#ifndef NORMA_TESTS_GOLDEN_FILE_H
#define NORMA_TESTS_GOLDEN_FILE_H

#include "data.h"

typedef struct golden_file {
  char name[64];
  int keys, tensors;
  struct {
    char name[32], text[48];
  } key[16];
  struct {
    char name[32];
    int64_t count;
    double *values;
  } tensor[32];
} golden_file;

golden_file golden_read(const char *folder, const char *name);
void golden_free(golden_file *file);

/* The value of a key, which must be there. */
const char *golden_text(const golden_file *file, const char *key);
double golden_number(const golden_file *file, const char *key);
int64_t golden_integer(const golden_file *file, const char *key);
int32_t golden_data_type(const golden_file *file);

/* A tensor of so many values; NULL where the file has none of that name. */
const double *golden_optional(const golden_file *file, const char *tensor, int64_t count);
/* The same for one that must be there. */
const double *golden_tensor(const golden_file *file, const char *tensor, int64_t count);

/* Puts the values of a tensor into an array of elements. */
void golden_put(int32_t data_type, void *array, const double *values, int64_t count);

/* The number of values of a tensor; 0 where the file has none of that name. */
int64_t golden_count(const golden_file *file, const char *tensor);

#endif
