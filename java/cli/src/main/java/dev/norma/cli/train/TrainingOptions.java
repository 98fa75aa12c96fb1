package dev.norma.cli.train;

/**
 * How to train.
 *
 * @param seed decides the initial weights and the order of the images
 * @param epochs the most passes over the training images; 0 only tests
 * @param batchSize images per iteration, at least 2
 * @param learningRate of plain gradient descent
 * @param stopLoss training ends as soon as the validation loss is at or below this
 */
record TrainingOptions(long seed, int epochs, int batchSize, float learningRate, double stopLoss) {}
