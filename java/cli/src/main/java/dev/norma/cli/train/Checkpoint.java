package dev.norma.cli.train;

/**
 * What was measured after so many iterations.
 *
 * @param iteration iterations so far, counted from 1
 * @param train on the batch of this iteration, in inference mode
 * @param validation on the validation images
 */
record Checkpoint(long iteration, Score train, Score validation) {}
