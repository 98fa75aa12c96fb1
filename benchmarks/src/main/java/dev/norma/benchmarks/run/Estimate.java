package dev.norma.benchmarks.run;

import dev.norma.benchmarks.Case;

/**
 * How long a run takes, before anything is known of the machine and the runners. Its cases weigh by this in the
 * progress, whose time is then measured.
 */
final class Estimate {
  /** What an ordinary implementation moves per second. */
  private static final double BANDWIDTH = 5e9;

  /** Formulas as they stand in the texts, on one thread, make many passes over memory. */
  private static final double SINGLE_THREADED = 10;

  /** For warm-up, and for files that are read and written, in calls; at least some time. */
  private static final double CALLS_TO_PREPARE = 4;

  private static final double SECONDS_TO_PREPARE = 0.1;

  /** Of the comparison of an output, and of the reference that computes the expected one. */
  private static final double SECONDS_PER_CHECKED_ELEMENT = 5e-9;

  private static final double SECONDS_PER_EXPECTED_ELEMENT = 100e-9;

  private final Plan plan;
  private final Schedule schedule;

  Estimate(Plan plan, Schedule schedule) {
    this.plan = plan;
    this.schedule = schedule;
  }

  /** Seconds of the whole run. */
  double total() {
    return plan.cases().stream().mapToDouble(this::of).sum();
  }

  /** Seconds of a case. */
  double of(Case each) {
    return each.shape().size() * SECONDS_PER_EXPECTED_ELEMENT
        + plan.rolesIn(each).stream().mapToDouble(role -> of(role, each)).sum();
  }

  private double of(Role role, Case each) {
    double call = each.traffic() / BANDWIDTH * (role.implementation().singleThreaded() ? SINGLE_THREADED : 1);
    double turn = schedule.turnNanoseconds() / 1e9 + call;
    double rounds = schedule.isSlow(call * 1e9) ? Schedule.SLOW_ROUNDS : schedule.rounds();
    return SECONDS_TO_PREPARE
        + CALLS_TO_PREPARE * call
        + each.shape().size() * SECONDS_PER_CHECKED_ELEMENT
        + rounds * turn;
  }

  /** Such as "40 s" or "25 min". */
  static String text(double seconds) {
    return seconds < 90 ? Math.max(1, Math.round(seconds)) + " s" : Math.round(seconds / 60) + " min";
  }
}
