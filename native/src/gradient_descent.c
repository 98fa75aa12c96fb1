#include "gradient_descent.h"

#include "parameters.h"

void norma_descend(const norma_gradient_descent *rule, int32_t data_type, int64_t length,
                   const void *gradient, void *parameter, void *velocity) {
  for (int64_t i = 0; i < length; i++) {
    const double old = norma_parameter_at(data_type, parameter, i, 0);
    const double g = norma_parameter_at(data_type, gradient, i, 0) + rule->weight_decay * old;
    double direction = g;
    if (rule->momentum != 0) {
      const double v = rule->momentum * norma_parameter_at(data_type, velocity, i, 0) + g;
      norma_parameter_put(data_type, velocity, i, v);
      direction = rule->nesterov ? g + rule->momentum * v : v;
    }
    norma_parameter_put(data_type, parameter, i, old - rule->learning_rate * direction);
  }
}
