package dev.norma.benchmarks.run;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Normalization;
import java.util.ArrayList;
import java.util.List;

/**
 * What a run does, in its order: cases that share inputs follow each other, and of these such that share a pass.
 *
 * @param roles of all runners
 * @param cases with layouts nchw and nhwc, those of the data
 */
record Plan(List<Role> roles, List<Case> cases) {
  static Plan of(Settings settings) {
    var roles = Role.of(settings.implementations());
    var cases = new ArrayList<Case>();
    for (var shape : settings.shapes()) {
      for (var type : settings.types()) {
        for (var layout : settings.layouts()) {
          for (var operation : settings.operations()) {
            for (var pass : settings.passes()) {
              for (var threads : settings.threads()) {
                cases.add(new Case(operation, pass, type, layout, shape, threads));
              }
            }
          }
        }
      }
    }
    cases.removeIf(each -> !exists(each) || roles.stream().noneMatch(role -> role.part(each).isPresent()));
    return new Plan(roles, List.copyOf(cases));
  }

  /** Whether the operation is of what is normalized in the shape, and has the pass; rows are measured as nchw. */
  private static boolean exists(Case each) {
    return each.shape().isOf(each.operation())
        && each.pass().isOf(each.operation())
        && (each.shape().normalization() != Normalization.LAYER || each.layout().equals(Registry.NCHW));
  }

  static boolean shareInputs(Case one, Case other) {
    return one.operation() == other.operation()
        && one.shape().equals(other.shape())
        && one.type().equals(other.type())
        && one.layout().equals(other.layout());
  }

  /** The runners that have a part in a case, in their order. */
  List<Role> rolesIn(Case each) {
    return roles.stream().filter(role -> role.part(each).isPresent()).toList();
  }
}
