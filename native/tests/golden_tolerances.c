#include "golden_tolerances.h"

#include <math.h>

#include "data.h"

const double golden_a_few = 4;

/*
 * With Q and S the sums of d^2 and d, d = x - shift, |shift - mean| <= k sigma:
 *   Q <= (1 + k^2) M sigma^2,  sum of |d| <= sqrt(M Q)
 * d is rounded once, so Q is off by (g + 2) u Q and S by (g + 1) u sqrt(M Q); Q - S^2 / M takes 2 k sigma
 * times the error of S. moments.h keeps k <= 2.
 */
golden_tolerances golden_tolerances_of(int32_t data_type, double additions, double count) {
  const bool is_double = data_type == NORMA_FLOAT64;
  const double k = 2;
  golden_tolerances t = {.u = unit_roundoff(data_type), .file = (is_double ? 20 : 1e5) * 0x1p-53};
  t.g = 2 * fmin(128, additions) / sqrt(count);
  t.variance = t.u * ((1 + k * k) * (t.g + 2) + 2 * k * sqrt(1 + k * k) * (t.g + 1)) + t.file;
  t.mean = t.u * sqrt(1 + k * k) * (t.g + 1);
  return t;
}
