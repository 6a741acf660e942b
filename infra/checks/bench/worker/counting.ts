import type { Env } from "#edge/env.ts";
import { wrapCalls, wrapNamespace, wrapOnce } from "./stubs.ts";

/** How often each thing behind the edge was called, by `BINDING.method`. */
type BindingCounts = Record<string, number>;

let counts: BindingCounts = {};

/** The counts since they were last taken. */
export function takeCounts(): BindingCounts {
  const taken = counts;
  counts = {};
  return taken;
}

/** An environment that counts. */
export const wrapEnv: (env: Env) => Env = wrapOnce((env) => ({
  ...env,
  LEDGERS: wrapNamespace(env.LEDGERS, countAs("LEDGERS")),
  FLEET: wrapNamespace(env.FLEET, countAs("FLEET")),
  DB: wrapCalls(env.DB, countAs("DB")),
}));

/** What an isolate reads beside calls, every 30 s, is none of a call's uses of D1; it is counted by itself. */
function countAs(binding: string): (method: string, call: () => unknown, given: readonly unknown[]) => unknown {
  return (method, call, [sql]) => {
    const isBeside = binding === "DB" && String(sql).includes("FROM prices");
    const key = isBeside ? "prices.read" : `${binding}.${method}`;
    counts[key] = (counts[key] ?? 0) + 1;
    return call();
  };
}
