package dev.norma.cli.train;

/**
 * How a network is trained.
 *
 * @param epochs the most passes over the training images; 0 only tests
 * @param batchSize images per iteration, at least 2
 * @param learningRate of plain gradient descent
 * @param stopLoss training ends as soon as the validation loss is at or below this
 * @param measurementsPerEpoch how often it is measured on the way
 */
record Recipe(int epochs, int batchSize, float learningRate, double stopLoss, int measurementsPerEpoch) {}
