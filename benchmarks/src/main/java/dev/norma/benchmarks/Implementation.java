package dev.norma.benchmarks;

import java.util.List;

/**
 * An implementation of the passes: a row of the registry.
 *
 * @param name unique in the registry
 * @param language of the program that calls it
 * @param kind what it is compared as
 * @param normalizations that it has
 * @param types that it has, of {@link Types#ALL}
 * @param layouts that it has, of nchw, nhwc and nChw16c
 * @param singleThreaded whether it always runs on one thread
 * @param command that starts its runner, with placeholders; arguments are separated by blanks
 */
public record Implementation(
    String name,
    String language,
    Kind kind,
    List<Normalization> normalizations,
    List<String> types,
    List<String> layouts,
    boolean singleThreaded,
    String command) {
  /** What an implementation is compared as. */
  public enum Kind {
    /** Norma itself: what the others are compared with. */
    NORMA,
    /** What users use today. */
    PEER,
    /** Moves the same bytes and computes nothing: the most that the memory gives. */
    LIMIT
  }
}
