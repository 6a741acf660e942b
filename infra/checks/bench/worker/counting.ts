import type { Env } from "#edge/env.ts";

/** How often each thing behind the edge was asked, by `BINDING.method`. */
type Counts = Record<string, number>;

let counts: Counts = {};
const envs = new WeakMap<Env, Env>();

/** The counts since they were last taken. */
export function takeCounts(): Counts {
  const taken = counts;
  counts = {};
  return taken;
}

/** An environment that counts; always the same one for the same environment, since the edge keeps its wiring by it. */
export function countingEnv(env: Env): Env {
  const known = envs.get(env);
  if (known) return known;
  const counting = {
    ...env,
    LEDGERS: countingNamespace("LEDGERS", env.LEDGERS),
    FLEET: countingNamespace("FLEET", env.FLEET),
    DB: countingCalls("DB", env.DB),
  };
  envs.set(env, counting);
  return counting;
}

function countingNamespace<T extends object>(name: string, namespace: T): T {
  return new Proxy(namespace, {
    get(target, member) {
      const own: unknown = Reflect.get(target, member, target);
      if (typeof own !== "function") return own;
      const asks = member === "get" || member === "getByName";
      return (...given: unknown[]) => {
        const answer: unknown = Reflect.apply(own, target, given);
        return asks ? countingCalls(name, answer as object) : answer;
      };
    },
  });
}

/** A call through a stub goes to the stub itself: bound elsewhere the runtime refuses it. */
function countingCalls<T extends object>(name: string, target: T): T {
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
