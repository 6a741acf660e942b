/** Runs one method of an object: `call` does it as it would have been done. */
type WrapCall = (method: string, call: () => unknown, given: readonly unknown[]) => unknown;

const isStubGetter = (member: PropertyKey) => member === "get" || member === "getByName";

/** A namespace of objects whose stubs do each call through `wrap`. */
export function wrapNamespace<T extends object>(namespace: T, wrap: WrapCall): T {
  return new Proxy(namespace, {
    get(target, member) {
      const own: unknown = Reflect.get(target, member, target);
      if (typeof own !== "function") return own;
      return (...given: unknown[]) => {
        const answer: unknown = Reflect.apply(own, target, given);
        return isStubGetter(member) ? wrapCalls(answer as object, wrap) : answer;
      };
    },
  });
}

/** Calls a stub's method on the stub itself: the runtime refuses one bound to anything else. */
export function wrapCalls<T extends object>(target: T, wrap: WrapCall): T {
  return new Proxy(target, {
    get(_, member) {
      return (...given: unknown[]) =>
        wrap(
          String(member),
          () => (target as Record<PropertyKey, (...given: unknown[]) => unknown>)[member]?.(...given),
          given,
        );
    },
  });
}

/** Wraps each environment once: the edge keeps its wiring by it, so one that is wrapped anew is wired anew. */
export function wrapOnce<From extends object, To>(wrap: (env: From) => To): (env: From) => To {
  const known = new WeakMap<From, { env: To }>();
  return (env) => {
    const wrapped = known.get(env) ?? { env: wrap(env) };
    known.set(env, wrapped);
    return wrapped.env;
  };
}
