/**
 * Normalization for networks of <a href="https://djl.ai">Deep Java Library</a> on its PyTorch engine, computed by
 * Norma's kernels in the memory of the engine's arrays.
 *
 * <pre>{@code
 * var net = new SequentialBlock()
 *     .add(Linear.builder().setUnits(100).build())
 *     .add(NormaBatchNorm.builder().build())
 *     .add(Activation::relu)
 *     .add(Linear.builder().setUnits(10).build());
 * model.setBlock(net);
 * try (Trainer trainer = NormaTrainer.of(model, config)) {
 *   trainer.initialize(new Shape(batchSize, 784));
 *   EasyTrain.fit(trainer, epochs, trainingSet, validationSet);
 * }
 * }</pre>
 *
 * <p>{@link dev.norma.djl.NormaBatchNorm} and {@link dev.norma.djl.NormaLayerNorm} take the place of the library's own
 * blocks; {@link dev.norma.djl.NormaRmsNorm}, {@link dev.norma.djl.NormaGroupNorm} and {@link
 * dev.norma.djl.NormaInstanceNorm} have none there.
 *
 * <h2>How it works</h2>
 *
 * The engine has no way to add an operation with a gradient of its own. A block in training therefore computes its
 * output into a new array that the engine regards as a leaf of its graph, and records the pass. The collector's {@code
 * backward(loss)} lets the engine run down to these leaves; then, from the last record to the first, the kernels
 * compute the gradients by input, gamma and beta from the gradient that arrived at the leaf, and the engine continues
 * from the input. Frozen parameters and inputs that want no gradient are left out. Gradients add up until the
 * optimizer clears them, as the engine's own do.
 *
 * <h2>What differs from the engine's own layers</h2>
 *
 * <ul>
 *   <li>A training pass outside a Norma collector is an exception. An evaluation pass inside the engine's own
 *       collector is not recorded: no gradient passes it.
 *   <li>The output must not be changed in place where it has gradients; the engine says so. An input that was changed
 *       in place is an exception of the backward pass, as it is for the engine's layer.
 *   <li>A part of the graph that several blocks share through skip connections is walked once for each of them. The
 *       engine keeps the graph until its arrays are closed, and the gradient at an output until the output is closed.
 *       Close batches, as always in Deep Java Library.
 *   <li>The gradient that arrives at an output has been copied once by the engine, so that it shares no memory with the
 *       gradients of other arrays. The kernels read that copy, and the engine goes on with what they write.
 *   <li>One array must not exceed 2<sup>31</sup> - 1 bytes.
 * </ul>
 *
 * <h2>Running</h2>
 *
 * Needs {@code --enable-native-access=ALL-UNNAMED}: the engine and Norma call native code. The engine's libraries come
 * from the {@code pytorch-native-cpu} and {@code pytorch-jni} jars and are unpacked under {@code DJL_CACHE_DIR}; with
 * {@code DJL_OFFLINE=true} in the environment nothing is ever downloaded, with {@code OPT_OUT_TRACKING=true} Deep Java
 * Library reports nothing. The engine is loaded before Norma's library, so that both share one OpenMP runtime; a
 * program that uses both should do the same, or build its blocks first.
 */
package dev.norma.djl;
