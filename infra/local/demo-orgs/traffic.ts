import { setTimeout as sleep } from "node:timers/promises";
import { endpointPaths } from "#edge/agreements/paths.ts";
import { showKey } from "../edge/ask-edge.ts";
import type { CastOrg } from "./cast.ts";
import type { MadeOrg } from "./make-org.ts";
import { openChance, type Chance } from "./random.ts";
import { findWork } from "./works.ts";

/** Calls with which each org begins, so that its limits have something to show. */
const openingCalls = 6;
const leavingShare = 0.04;
const leavingMs = 250;
const mistakenShare = 0.03;

/** Calls of a demo org while the stack runs, at its own rate, some left early and some mistaken. */
export function startTraffic(edge: string, cast: CastOrg, made: MadeOrg, seed: string): { stop(): void } {
  const chance = openChance(`${seed} ${made.name} live`);
  const over = new AbortController();
  void run();
  return { stop: () => over.abort() };

  async function run(): Promise<void> {
    for (let at = 0; !over.signal.aborted; at++) {
      void callOnce({ edge, cast, made, chance, signal: over.signal });
      const everyMs = at < openingCalls ? 500 : 60_000 / cast.liveCallsAMinute;
      // Ends with the stack, and keeps no process alive.
      await sleep(chance.around(everyMs, 1.8), undefined, { signal: over.signal, ref: false }).catch(() => undefined);
    }
  }
}

/** One call of one of the org's programs; how it ends is on the bill, and nobody's business here. */
async function callOnce(call: {
  edge: string;
  cast: CastOrg;
  made: MadeOrg;
  chance: Chance;
  signal: AbortSignal;
}): Promise<void> {
  const { edge, cast, made, chance, signal } = call;
  const key = chance.pick(cast.keys);
  const secret = made.keys[key.name]?.secret;
  const work = findWork(chance.pick(key.works).name);
  const isMistaken = chance.next() < mistakenShare;
  const body = { ...work.writeBody(chance), ...(isMistaken && { model: "no-such-model" }) };
  const isLeft = chance.next() < leavingShare;
  if (secret === null || secret === undefined) return;
  try {
    const response = await fetch(edge + endpointPaths[work.endpoint].edge, {
      method: "POST",
      headers: { ...showKey(secret), "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: isLeft ? AbortSignal.any([signal, AbortSignal.timeout(leavingMs)]) : signal,
    });
    await response.arrayBuffer();
  } catch {
    // Left early, or the stack ends.
  }
}
