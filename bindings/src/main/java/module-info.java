/**
 * The C library behind Norma, as Java sees it: the loader that finds and loads it, and the functions, structs and
 * constants of its header. Calling it needs native access: {@code --enable-native-access=dev.norma.bindings}.
 */
@SuppressWarnings("module") // the façade is compiled after this
module dev.norma.bindings {
  exports dev.norma.bindings;
  exports dev.norma.bindings.c;
  exports dev.norma.bindings.memory to
      dev.norma;
}
