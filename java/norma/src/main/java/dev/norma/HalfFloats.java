package dev.norma;

/**
 * The two formats of 16-bit floats: bfloat16 (1 sign, 8 exponent, 7 fraction bits) and float16 (IEEE 754 binary16: 1,
 * 5, 10). To double they are exact. From double they round once, to nearest, ties to even; what is too large becomes
 * infinite; a NaN stays a NaN, made quiet.
 */
final class HalfFloats {
  private static final int FLOAT_QUIET = 0x40_0000;
  private static final int FLOAT16_QUIET = 0x200;

  private HalfFloats() {}

  static double ofBfloat16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  static double ofFloat16(short bits) {
    return Float.float16ToFloat(bits);
  }

  static short toBfloat16(double value) {
    var bits = Float.floatToRawIntBits(oddFloat(value));
    if (Double.isNaN(value)) {
      return (short) ((bits | FLOAT_QUIET) >>> 16);
    }
    var isOdd = bits >>> 16 & 1;
    return (short) ((bits + 0x7fff + isOdd) >>> 16);
  }

  static short toFloat16(double value) {
    var bits = Float.floatToFloat16(oddFloat(value));
    return Double.isNaN(value) ? (short) (bits | FLOAT16_QUIET) : bits;
  }

  /**
   * A double as a float that rounds to 16 bits like the double itself: where it is not exact, the one of its two
   * neighbours whose last bit is 1, which is never half way between two 16-bit floats.
   */
  private static float oddFloat(double value) {
    var nearest = (float) value;
    if (nearest == value || Double.isNaN(value)) {
      return nearest;
    }
    var bits = Float.floatToRawIntBits(nearest);
    var towardsZero = Math.abs((double) nearest) > Math.abs(value) ? bits - 1 : bits;
    return Float.intBitsToFloat(towardsZero | 1);
  }
}
