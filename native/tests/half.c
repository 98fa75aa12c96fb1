/*
 * The conversions of 16-bit floats in half.h, of one number each: against the values that the bits mean, against
 * the neighbours of every one of them, and against the compiler's own. kernels.c has those of vectors.
 */
#include "half.h"

#include <math.h>

#include "data.h"

/* One of the two formats. */
typedef struct subject {
  int32_t type;
  int fraction_bits;
  float (*widen)(uint16_t);
  uint16_t (*narrow)(float);
} subject;

static const subject SUBJECTS[] = {
  {NORMA_BFLOAT16, 7, norma_float_of_bf16, norma_bf16_of_float},
  {NORMA_FLOAT16, 10, norma_float_of_f16, norma_f16_of_float}
};

static void for_each_subject(void (*check)(const subject *)) {
  for (int i = 0; i < 2; i++) check(&SUBJECTS[i]);
}

static uint16_t infinity_of(const subject *s) { return (uint16_t)(0x8000 - (1 << s->fraction_bits)); }

static bool bits_are_nan(const subject *s, uint16_t h) { return (h & 0x7fff) > infinity_of(s); }

static double meaning(const subject *s, uint16_t h) { return value_at(s->type, &h, 0); }

static uint16_t rounded(const subject *s, double value) {
  uint16_t h;
  value_put(s->type, &h, 0, value);
  return h;
}

static uint16_t narrowed_twice(const subject *s, double value) { return s->narrow(norma_odd_float(value)); }

static void assert_bits(const subject *s, double value, uint16_t actual, uint16_t expected) {
  if (actual != expected)
    fail_msg("%s: %a becomes 0x%04x instead of 0x%04x", type_name(s->type), value, actual, expected);
}

/* From float, and from double. */
static void assert_narrows(const subject *s, double value, uint16_t expected) {
  assert_bits(s, value, narrowed_twice(s, value), expected);
  if ((double)(float)value == value) assert_bits(s, value, s->narrow((float)value), expected);
}

/* ---- All that there are -------------------------------------------------------------------------------- */

static void check_widening(const subject *s) {
  for (int bits = 0; bits <= 0xffff; bits++) {
    const uint16_t h = (uint16_t)bits;
    const float wide = s->widen(h);
    if (bits_are_nan(s, h)) {
      const uint32_t fraction = (norma_bits_of_float(wide) & 0x3fffff) >> (23 - s->fraction_bits);
      assert_true(isnan(wide));
      assert_int_equal(signbit(wide) != 0, h >> 15);
      assert_int_equal(fraction, h & ((1 << (s->fraction_bits - 1)) - 1));
    } else {
      assert_true((double)wide == meaning(s, h));
      assert_int_equal(signbit(wide) != 0, h >> 15);
    }
  }
}

static void widening(void **state) {
  (void)state;
  for_each_subject(check_widening);
}

/* And back: to the bit, but that a NaN becomes quiet. */
static void check_return(const subject *s) {
  for (int bits = 0; bits <= 0xffff; bits++) {
    const uint16_t h = (uint16_t)bits;
    const uint16_t quiet = bits_are_nan(s, h) ? (uint16_t)(1 << (s->fraction_bits - 1)) : 0;
    const float wide = s->widen(h);
    assert_bits(s, (double)wide, s->narrow(wide), h | quiet);
    assert_bits(s, (double)wide, narrowed_twice(s, (double)wide), h | quiet);
  }
}

static void there_and_back(void **state) {
  (void)state;
  for_each_subject(check_return);
}

/* ---- Rounding -------------------------------------------------------------------------------------------- */

/* `low` and its neighbour are h and h + 1, which may be infinity, and `middle` lies half way. */
static void check_between(const subject *s, uint16_t h, double low, double middle, double sign) {
  const uint16_t signs = sign < 0 ? 0x8000 : 0;
  const uint16_t below = h | signs;
  const uint16_t above = (uint16_t)(h + 1) | signs;
  assert_narrows(s, sign * middle, h % 2 ? above : below);
  assert_narrows(s, sign * (double)nextafterf((float)middle, 0), below);
  assert_narrows(s, sign * (double)nextafterf((float)middle, INFINITY), above);
  assert_narrows(s, sign * nextafter(middle, 0), below);
  assert_narrows(s, sign * nextafter(middle, (double)INFINITY), above);
  assert_narrows(s, sign * (double)nextafterf((float)low, INFINITY), below);
  assert_narrows(s, sign * nextafter(low, (double)INFINITY), below);
}

/* What lies between two neighbours, zero, subnormal numbers and the step to infinity among them. */
static void check_neighbours(const subject *s) {
  for (uint16_t h = 0; h < infinity_of(s); h++) {
    const double low = meaning(s, h);
    const double before = h ? meaning(s, (uint16_t)(h - 1)) : 0;
    const double high = h + 1 == infinity_of(s) ? 2 * low - before : meaning(s, (uint16_t)(h + 1));
    const double middle = (low + high) / 2;
    assert_true((double)(float)middle == middle);
    check_between(s, h, low, middle, 1);
    check_between(s, h, low, middle, -1);
  }
}

static void neighbours(void **state) {
  (void)state;
  for_each_subject(check_neighbours);
}

/* Floats and doubles of any bits. */
static void check_random(const subject *s) {
  uint64_t seed = 91;
  for (int i = 0; i < 1000000; i++) {
    const uint64_t bits = random_bits(&seed);
    const float value = norma_float_of_bits((uint32_t)bits);
    if (!isnan(value)) assert_narrows(s, (double)value, rounded(s, (double)value));
    /* The same digits with more behind them, and the range of the format. */
    const double fine = (double)value * (1 + random_uniform(&seed, -0x1p-24, 0x1p-24));
    if (!isnan(fine)) assert_narrows(s, fine, rounded(s, fine));
    const double near = ldexp(random_uniform(&seed, -1, 1), (int)random_integer(&seed, -30, 18));
    assert_narrows(s, near, rounded(s, near));
  }
}

static void random_numbers(void **state) {
  (void)state;
  for_each_subject(check_random);
}

static void check_limits(const subject *s) {
  const double large[] = {2 * largest_value(s->type), 0x1p127 * 4, 1e300, (double)INFINITY};
  const double small[] = {smallest_value(s->type) / 4, 0x1p-149, 1e-300, 0x1p-1074};
  for (int i = 0; i < 4; i++) {
    assert_narrows(s, large[i], infinity_of(s));
    assert_narrows(s, -large[i], infinity_of(s) | 0x8000);
    assert_narrows(s, small[i], 0);
    assert_narrows(s, -small[i], 0x8000);
  }
  assert_narrows(s, 0, 0);
  assert_narrows(s, -0.0, 0x8000);
}

static void limits(void **state) {
  (void)state;
  for_each_subject(check_limits);
}

/* A NaN keeps its sign and the first bits of its fraction, and is quiet. */
static void check_nans(const subject *s) {
  uint64_t seed = 92;
  for (int i = 0; i < 100000; i++) {
    const uint32_t fraction = 1U << random_integer(&seed, 0, 22) | ((uint32_t)random_bits(&seed) & 0x7fffff);
    const uint32_t sign = i % 2 ? 0x80000000U : 0;
    const uint16_t kept = (uint16_t)(fraction >> (23 - s->fraction_bits));
    const uint16_t quiet = (uint16_t)(1 << (s->fraction_bits - 1));
    const uint16_t expected = (uint16_t)(sign >> 16 | infinity_of(s) | quiet | kept);
    assert_bits(s, (double)NAN, s->narrow(norma_float_of_bits(sign | 0x7f800000U | fraction)), expected);
  }
}

static void nans(void **state) {
  (void)state;
  for_each_subject(check_nans);
}

/* ---- The compiler's own ------------------------------------------------------------------------------------ */

#if defined(__FLT16_MAX__)
__extension__ typedef _Float16 compilers_half;

static void compilers_conversions(void **state) {
  (void)state;
  uint64_t seed = 93;
  for (int i = 0; i < 1000000; i++) {
    const float value = i % 2 ? norma_float_of_bits((uint32_t)random_bits(&seed))
                              : (float)ldexp(random_uniform(&seed, -1, 1), (int)random_integer(&seed, -30, 18));
    if (isnan(value)) continue;
    const compilers_half half = (compilers_half)value;
    uint16_t bits;
    memcpy(&bits, &half, sizeof bits);
    assert_bits(&SUBJECTS[1], (double)value, norma_f16_of_float(value), bits);
    assert_true(norma_float_of_f16(bits) == (float)half);
  }
}
#else
static void compilers_conversions(void **state) {
  (void)state;
  skip();
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(widening),
    cmocka_unit_test(there_and_back),
    cmocka_unit_test(neighbours),
    cmocka_unit_test(random_numbers),
    cmocka_unit_test(limits),
    cmocka_unit_test(nans),
    cmocka_unit_test(compilers_conversions),
  };
  return cmocka_run_group_tests_name("half", tests, NULL, NULL);
}
