package dev.norma.djl;

import dev.norma.Kernels;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The native kernels, with a log of what they are called with. */
final class CallLog {
  /** One call; the arguments stand in the order of {@link Kernels}. */
  record Call(String method, List<Object> arguments) {}

  private final List<Call> calls = new ArrayList<>();

  Kernels kernels() {
    Kernels target = Kernels.nativeKernels();
    return (Kernels)
        Proxy.newProxyInstance(
            Kernels.class.getClassLoader(),
            new Class<?>[] {Kernels.class},
            (proxy, method, arguments) -> {
              calls.add(new Call(method.getName(), Arrays.asList(arguments)));
              try {
                return method.invoke(target, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  /** The names of the called methods, in order. */
  List<String> methods() {
    return calls.stream().map(Call::method).toList();
  }

  /** The last call of a method. */
  Call last(String method) {
    return calls.stream().filter(call -> call.method().equals(method)).reduce((a, b) -> b).orElseThrow();
  }
}
