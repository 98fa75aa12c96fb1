package dev.norma.bindings;

import dev.norma.bindings.c.Norma;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What jextract generated, read by reflection. */
final class Generated {
  private static final String ADDRESS = "$address";

  private Generated() {}

  static Set<String> functions() {
    return methods().map(Method::getName).filter(name -> name.endsWith(ADDRESS))
        .map(name -> name.substring(0, name.length() - ADDRESS.length())).collect(Collectors.toSet());
  }

  static Set<String> constants() {
    return methods().map(Method::getName).filter(name -> name.startsWith("NORMA_")).collect(Collectors.toSet());
  }

  /** Looks the function up in the loaded library; throws what the generated class throws if it is not there. */
  static MemorySegment address(String function) throws ReflectiveOperationException {
    return (MemorySegment) Norma.class.getMethod(function + ADDRESS).invoke(null);
  }

  static int constant(String name) throws ReflectiveOperationException {
    return (int) Norma.class.getMethod(name).invoke(null);
  }

  static StructLayout layout(String struct) throws ReflectiveOperationException {
    return (StructLayout) Class.forName(Norma.class.getPackageName() + "." + struct).getMethod("layout").invoke(null);
  }

  private static Stream<Method> methods() {
    return Arrays.stream(Norma.class.getMethods()).filter(method -> method.getDeclaringClass() == Norma.class);
  }
}
