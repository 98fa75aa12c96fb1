package dev.norma.benchmarks;

import java.util.Map;
import java.util.OptionalDouble;

/**
 * The errors of implementations for one kind of inputs.
 *
 * @param type of the tensors
 * @param input what is hard about it
 * @param operation that was computed
 * @param pass of it
 * @param errors by implementation, in units in the last place of the largest value of a set; infinite where what is
 *     finite was computed as something else, empty where nothing was computed
 */
public record ErrorRow(String type, String input, Operation operation, Pass pass, Map<String, OptionalDouble> errors) {}
