#ifndef NORMA_FOLD_H
#define NORMA_FOLD_H

#include "norma.h"

/* A batch normalization and the layer before it; bias, gamma and beta may be NULL. */
typedef struct norma_folding {
  int32_t data_type;
  int64_t channels, fan_in;
  double epsilon;
  const void *weights, *bias, *gamma, *beta, *running_mean, *running_var;
  void *folded_weights, *folded_bias;
} norma_folding;

/* Folds the normalization into the layer; see norma.h. Arguments have been checked. */
void norma_fold(const norma_folding *folding);

#endif
