import { writeCallBody, jsonAnswer } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import { forgeKey } from "../load/callers.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { leaseMs } from "#edge/limits.ts";
import { openKeyring } from "#edge/agreements/tokens/key-format.ts";
import { makeSecrets } from "#infra/local/secrets.ts";
import { makeRow, type BenchRow, type Goal } from "../row.ts";
import { BrokenError, checkSettled, type Side } from "../side.ts";
import { makeStreamLoad } from "./streams/streams.ts";
import { measureSyncs } from "./syncs.ts";

const path = "/v1/chat/completions";

/** A row that counts and does not measure: the same in a smoke, but for what only comes with time. */
const exactly = (value: number) => ({ bound: "exactly", value, unit: "" }) as const;

/**
 * How often a call reaches the ledgers and D1, and how often one with a foreign key does. Counted in a pass of its own,
 * by proxies around the bindings of the edge's door: settlement comes to another one. Of a busy key, and where each
 * call asks its ledger.
 */
export async function measureCounts(bench: Bench): Promise<BenchRow[]> {
  const { stage, plan, isSmoke } = bench;
  const straight = await countCalls(bench, stage.straight);
  const hot = await countCalls(bench, stage);
  // The busy key's last lease is closed behind its last call.
  await sleep(2 * leaseMs);
  await stage.probe("/counts", {});
  const refused = await stage.load({
    ...makeRefusalLoad(stage.ports.counted, await makeBadKeys()),
    ms: plan.windowMs / 2,
  });
  const afterRefusals = await stage.probe("/counts", {});

  const admits = straight.seen["LEDGERS.admit"] ?? 0;
  if (admits !== sumCounts(straight.seen, "LEDGERS."))
    throw new BrokenError(`calls asked the ledgers for more than admission: ${JSON.stringify(straight.seen)}`);
  const row = (name: string, goal: Goal, { value, calls, seen, explainUncounted = null }: Counted) =>
    makeRow(name, goal, [value], { note: describe(calls, seen), figures: seen, explainUncounted });
  const atMost = { bound: "at most", value: 0.05, unit: "" } as const;
  const d1Uses = (sumCounts(straight.seen, "DB.") + sumCounts(hot.seen, "DB.")) / (straight.calls + hot.calls);
  return [
    row("straight: admission round trips a call", exactly(1), { ...straight, value: admits / straight.calls }),
    row("hot key: ledger calls a call", atMost, {
      ...hot,
      value: sumCounts(hot.seen, "LEDGERS.") / hot.calls,
      explainUncounted: isSmoke ? "smoke: the key is hardly hot" : null,
    }),
    row("D1 uses a call, on either road", exactly(0), { ...hot, value: d1Uses }),
    row("storage calls for keys not ours", exactly(0), {
      calls: refused.calls,
      seen: afterRefusals,
      value: sumCounts(afterRefusals, ""),
    }),
    await measureSyncs(bench),
  ];
}

/** Calls, and what was called behind them. */
interface CountedCalls {
  calls: number;
  seen: Record<string, number>;
}

interface Counted extends CountedCalls {
  value: number;
  explainUncounted?: string | null;
}

async function countCalls({ stage, plan }: Bench, side: Side): Promise<CountedCalls> {
  const [caller] = await side.publish(1);
  if (!caller) throw new RangeError("no caller");
  const port = side.ports.counted;
  const body = writeCallBody(false);
  const aim = { port, keys: [caller.text], path, body, connections: 16 };
  const whole = (ms: number) => stage.load({ kind: "closed", ...aim, ms, status: 200, bytes: jsonAnswer.length });
  const first = await whole(plan.warmMs);
  await side.probe("/counts", {});
  const second = await whole(plan.windowMs);
  const streams = await stage.load({ ...makeStreamLoad(port, [caller.text]), ms: plan.windowMs, seed: 1 });
  const seen = await side.probe("/counts", {});
  await checkSettled(side, [caller], first.calls + second.calls + streams.calls);
  return { calls: second.calls + streams.calls, seen };
}

function describe(calls: number, seen: Record<string, number>): string {
  return `${calls} calls: ${JSON.stringify(seen).replaceAll('"', "")}`;
}

/** A load that is refused with 401 each time. */
export function makeRefusalLoad(port: number, keys: string[]) {
  return {
    kind: "closed",
    port,
    keys,
    path,
    body: writeCallBody(false),
    connections: 16,
    status: 401,
    bytes: null,
  } as const;
}

/** Keys in turn: malformed, with a wrong checksum, and well-formed with the tag of another deployment. */
export async function makeBadKeys(): Promise<string[]> {
  const foreign = makeSecrets();
  const forged = await forgeKey(await openKeyring({ tagKeys: foreign.tagKeys, peppers: foreign.peppers }));
  return ["sk-pen-nonsense", `${forged.slice(0, -1)}${forged.endsWith("0") ? "1" : "0"}`, forged];
}

function sumCounts(counts: Record<string, number>, prefix: string): number {
  return Object.entries(counts).reduce((sum, [name, count]) => sum + (name.startsWith(prefix) ? count : 0), 0);
}
