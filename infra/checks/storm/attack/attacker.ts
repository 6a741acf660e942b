import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Attack } from "./attacks.ts";

/** An attack under way. */
export interface RunningAttack {
  /** Answers by status; `null`: none came, or the caller left first. */
  readonly statuses: (number | null)[];
  /** Leaves whatever is under way; embeddings, which are over in a moment, are waited for. */
  stop(): Promise<void>;
}

/** After a refusal, as a client would. */
const pauseMs = 200;

/** Attacks with one org's key, again and again, until it is stopped. */
export function startAttack(edgeUrl: string, key: string, attack: Attack): RunningAttack {
  const leaving = new AbortController();
  const statuses: (number | null)[] = [];
  const over = new AbortController();
  const send = attack.isUnread ? sendUnread : sendRead;
  const run = async () => {
    while (!over.signal.aborted) {
      const status = await send(edgeUrl + attack.path, key, JSON.stringify(attack.body), leaving.signal);
      statuses.push(status);
      if (status !== 200 && !over.signal.aborted) await sleep(pauseMs);
    }
  };
  const all = Promise.all(Array.from({ length: attack.atOnce }, run));
  return {
    statuses,
    async stop() {
      over.abort();
      if (attack.path !== "/v1/embeddings") leaving.abort();
      await all;
    },
  };
}

const buildHeaders = (key: string) => ({
  authorization: `Bearer ${key}`,
  "content-type": "application/json",
  "x-penstock-timeout-ms": "60000",
});

async function sendRead(url: string, key: string, body: string, signal: AbortSignal): Promise<number | null> {
  const answer = await fetch(url, { method: "POST", headers: buildHeaders(key), body, signal }).catch(() => null);
  await answer?.arrayBuffer().catch(() => undefined);
  return answer?.status ?? null;
}

/** Resolves when the caller has left: nothing of the answer but its head was ever read. */
function sendUnread(url: string, key: string, body: string, signal: AbortSignal): Promise<number | null> {
  return new Promise((resolve) => {
    let status: number | null = null;
    const call = request(url, { method: "POST", headers: buildHeaders(key), signal }, (response) => {
      status = response.statusCode ?? null;
      response.on("error", () => undefined).on("close", () => resolve(status));
      if (status === 200) response.pause();
      else response.resume();
    });
    call.on("error", () => resolve(status));
    call.end(body);
  });
}
