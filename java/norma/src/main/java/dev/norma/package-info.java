/**
 * Normalization layers: {@link dev.norma.BatchNorm}, {@link dev.norma.LayerNorm}, {@link dev.norma.RmsNorm}, {@link
 * dev.norma.GroupNorm} and {@link dev.norma.InstanceNorm}; {@link dev.norma.Tensor} is what goes in and out of them,
 * {@link dev.norma.Kernels} the operations below them for those who keep the state themselves.
 *
 * <pre>{@code
 * try (Arena arena = Arena.ofConfined();
 *     BatchNorm layer = BatchNorm.builder(64).build()) {
 *   Tensor x = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 32, 64, 56, 56);
 *   layer.forward(x, x); // in place
 * }
 * }</pre>
 *
 * <p>Native code must be allowed: {@code --enable-native-access=dev.norma.bindings} on the module path,
 * {@code --enable-native-access=ALL-UNNAMED} on the class path.
 */
package dev.norma;
