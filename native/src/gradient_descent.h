#ifndef NORMA_GRADIENT_DESCENT_H
#define NORMA_GRADIENT_DESCENT_H

#include "norma.h"

/* One step; see norma.h. Arguments have been checked; velocity is NULL where momentum is 0. */
void norma_descend(const norma_gradient_descent *rule, int32_t data_type, int64_t length,
                   const void *gradient, void *parameter, void *velocity);

#endif
