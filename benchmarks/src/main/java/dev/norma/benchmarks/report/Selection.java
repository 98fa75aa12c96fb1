package dev.norma.benchmarks.report;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;

/**
 * Which cases a mean goes over: all shapes of a set with everything else the same.
 *
 * @param group operation, set, type and threads
 * @param pass which pass
 * @param layout of the cases of Norma
 */
record Selection(Group group, Pass pass, String layout) {
  /**
   * What one table is about.
   *
   * @param operation which operation
   * @param set of shapes
   * @param type of the tensors
   * @param threads how many
   */
  record Group(Operation operation, String set, String type, int threads) {
    static Group of(Case one) {
      return new Group(one.operation(), one.shape().set(), one.type(), one.threads());
    }

    @Override
    public String toString() {
      String layers = "%s, %s, %s".formatted(set, type, Units.threads(threads));
      return operation == Operation.BATCH_NORM ? layers : operation + ", " + layers;
    }
  }

  static Selection of(Case one) {
    return new Selection(Group.of(one), one.pass(), one.layout());
  }

  Selection withThreads(int threads) {
    return new Selection(new Group(group.operation(), group.set(), group.type(), threads), pass, layout);
  }
}
