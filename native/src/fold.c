#include "fold.h"

#include "half.h"
#include "parameters.h"
#include "statistics.h"

static double weight_at(int32_t data_type, const void *weights, int64_t i) {
  switch (data_type) {
    case NORMA_FLOAT64: return ((const double *)weights)[i];
    case NORMA_BFLOAT16: return (double)norma_float_of_bf16(((const uint16_t *)weights)[i]);
    case NORMA_FLOAT16: return (double)norma_float_of_f16(((const uint16_t *)weights)[i]);
    default: return (double)((const float *)weights)[i];
  }
}

/* Rounded once, also to 16 bits. */
static void weight_put(int32_t data_type, void *weights, int64_t i, double value) {
  switch (data_type) {
    case NORMA_FLOAT64: ((double *)weights)[i] = value; break;
    case NORMA_BFLOAT16: ((uint16_t *)weights)[i] = norma_bf16_of_float(norma_odd_float(value)); break;
    case NORMA_FLOAT16: ((uint16_t *)weights)[i] = norma_f16_of_float(norma_odd_float(value)); break;
    default: ((float *)weights)[i] = (float)value;
  }
}

static double scale_of(const norma_folding *folding, int64_t c) {
  const double variance = norma_parameter_at(folding->data_type, folding->running_var, c, 1);
  return norma_parameter_at(folding->data_type, folding->gamma, c, 1) * norma_inv_std_of(variance, folding->epsilon);
}

void norma_fold(const norma_folding *folding) {
  const int32_t type = folding->data_type;
  const int64_t fan_in = folding->fan_in;
  for (int64_t c = 0; c < folding->channels; c++) {
    const double scale = scale_of(folding, c);
    for (int64_t i = c * fan_in; i < (c + 1) * fan_in; i++)
      weight_put(type, folding->folded_weights, i, weight_at(type, folding->weights, i) * scale);
    const double bias = norma_parameter_at(type, folding->bias, c, 0);
    const double mean = norma_parameter_at(type, folding->running_mean, c, 0);
    const double beta = norma_parameter_at(type, folding->beta, c, 0);
    norma_parameter_put(type, folding->folded_bias, c, (bias - mean) * scale + beta);
  }
}
