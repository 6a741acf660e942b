import type { Env } from "#edge/env.ts";

/** How often each thing behind the edge was called, by `BINDING.method`. */
type BindingCounts = Record<string, number>;

let counts: BindingCounts = {};
const envs = new WeakMap<Env, Env>();

/** The counts since they were last taken. */
export function takeCounts(): BindingCounts {
  const taken = counts;
  counts = {};
  return taken;
}

/** An environment that counts; always the same one for the same environment, since the edge keeps its wiring by it. */
export function wrapEnv(env: Env): Env {
  const known = envs.get(env);
  if (known) return known;
  const counting = {
    ...env,
    LEDGERS: wrapNamespace("LEDGERS", env.LEDGERS),
    FLEET: wrapNamespace("FLEET", env.FLEET),
    DB: wrapCalls("DB", env.DB),
  };
  envs.set(env, counting);
  return counting;
}

function wrapNamespace<T extends object>(name: string, namespace: T): T {
  return new Proxy(namespace, {
    get(target, member) {
      const own: unknown = Reflect.get(target, member, target);
      if (typeof own !== "function") return own;
      const isStubGetter = member === "get" || member === "getByName";
      return (...given: unknown[]) => {
        const answer: unknown = Reflect.apply(own, target, given);
        return isStubGetter ? wrapCalls(name, answer as object) : answer;
      };
    },
  });
}

/** Calls a stub's method on the stub itself: the runtime refuses one bound to anything else. */
function wrapCalls<T extends object>(name: string, target: T): T {
  return new Proxy(target, {
    get(_, member) {
      return (...given: unknown[]) => {
        const key = `${name}.${String(member)}`;
        counts[key] = (counts[key] ?? 0) + 1;
        return (target as Record<PropertyKey, (...given: unknown[]) => unknown>)[member]?.(...given);
      };
    },
  });
}
