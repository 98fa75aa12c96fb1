package dev.norma.benchmarks.report;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** Numbers as people read them: three digits and a unit. */
final class Units {
  private static final MathContext THREE_DIGITS = new MathContext(3);
  private static final String[] TIMES = {"ns", "µs", "ms", "s"};
  private static final String[] BYTES = {"B", "kB", "MB", "GB"};

  private Units() {}

  static String time(double nanoseconds) {
    return scaled(nanoseconds, TIMES);
  }

  static String bytes(double bytes) {
    return scaled(bytes, BYTES);
  }

  private static String scaled(double value, String[] units) {
    int unit = 0;
    // 999.5 would be rounded to 1000 of the smaller unit.
    while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    return digits(value) + " " + units[unit];
  }

  /** Two digits behind the point, and from 10 on three in all. */
  static String ratio(double ratio) {
    return (ratio < 10 ? String.format(Locale.ROOT, "%.2f", ratio) : digits(ratio)) + "×";
  }

  /** Three digits, and all of those before the point. */
  static String digits(double value) {
    if (value == 0 || !Double.isFinite(value)) {
      return value == 0 ? "0" : Double.toString(value);
    }
    var rounded = new BigDecimal(value).round(THREE_DIGITS);
    int beforePoint = Math.max(1, rounded.precision() - rounded.scale());
    return String.format(Locale.ROOT, "%,." + Math.max(0, THREE_DIGITS.getPrecision() - beforePoint) + "f", rounded);
  }

  static String threads(int threads) {
    return threads == 1 ? "1 thread" : threads + " threads";
  }

  /** Such as "forward-training", after the operation unless that is batch normalization alone. */
  static String pass(Operation operation, Pass pass) {
    return operation == Operation.BATCH_NORM ? pass.toString() : operation + " " + pass;
  }

  /** Such as "forward-training f32 nchw 64x56x56, 2 threads". */
  static String text(Case one) {
    return "%s %s %s %s, %s".formatted(pass(one.operation(), one.pass()), one.type(), one.layout(), one.shape().name(),
        threads(one.threads()));
  }

  /** Such as "1 shape" and "2 shapes". */
  static String count(long count, String noun) {
    return count == 1 ? "1 " + noun : "%,d %ss".formatted(count, noun);
  }
}
