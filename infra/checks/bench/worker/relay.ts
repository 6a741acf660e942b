import { WorkerEntrypoint } from "cloudflare:workers";
import type { Env } from "#edge/env.ts";
import { wrapOnce } from "./stubs.ts";

type AnyCalls = Record<string, (...given: unknown[]) => Promise<unknown>>;

/** Hands a call on to a ledger of this process, for an edge in another one. */
export class Relay extends WorkerEntrypoint<Env> {
  /** `org` names the ledger as the edge does. */
  async ask(org: string, method: string, given: unknown[]): Promise<unknown> {
    const { LEDGERS } = this.env;
    const stub = LEDGERS.get(LEDGERS.idFromName(org)) as unknown as AnyCalls;
    return stub[method]?.(...given);
  }
}

/** An edge without ledgers of its own. */
export interface SecondEnv extends Env {
  RELAY: Service<Relay>;
}

/** An environment whose ledgers are another process's. An id of a ledger is its name here. */
export const relayEnv: (env: SecondEnv) => Env = wrapOnce((env) => {
  const open = (org: unknown) =>
    new Proxy(
      {},
      {
        get:
          (_, method) =>
          (...given: unknown[]) =>
            env.RELAY.ask(String(org), String(method), given),
      },
    );
  const namespace = { idFromName: (org: string) => org, get: open, getByName: open };
  return { ...env, LEDGERS: namespace as unknown as Env["LEDGERS"] };
});
