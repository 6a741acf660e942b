import type { Env } from "#edge/env.ts";
import { wrapNamespace, wrapOnce } from "./stubs.ts";

/** An edge that stands this far from every ledger: ms for the way there and back. */
export interface FarEnv extends Env {
  LEDGER_DISTANCE_MS: string;
}

/** An environment whose ledgers are far: half of the distance passes before a call arrives, half before its answer. */
export const delayEnv: (env: FarEnv) => Env = wrapOnce((env) => {
  const halfMs = Number(env.LEDGER_DISTANCE_MS) / 2;
  return {
    ...env,
    LEDGERS: wrapNamespace(env.LEDGERS, async (_, call) => {
      await elapse(halfMs);
      try {
        return await call();
      } finally {
        await elapse(halfMs);
      }
    }),
  };
});

function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
