package dev.norma.cli.train;

/**
 * How well a network does on some images.
 *
 * @param loss the mean cross entropy
 * @param accuracy the share of images whose class it found, 0 to 1
 */
record Score(double loss, double accuracy) {}
