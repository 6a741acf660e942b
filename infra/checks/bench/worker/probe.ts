import type { HoldRequest, Ledger } from "#edge/ledger/port.ts";
import { generateBase62, type HoldId, type OrgId } from "#edge/agreements/tokens/ids.ts";
import type { UsageRecord } from "#edge/agreements/records/usage.ts";
import type { Env } from "#edge/env.ts";
import { usageBatchMax } from "#edge/limits.ts";
import { wire } from "#edge/wiring.ts";
import type { ProbeResponses, ProbeRequests } from "../probe-api.ts";

const model = "Qwen/Qwen2.5-7B-Instruct";

/** Serves the probe; anything that fails shows as a 500 with its reason. */
export async function serveProbe(
  request: Request,
  env: Env,
  takeCounts: () => Record<string, number>,
): Promise<Response> {
  try {
    return Response.json(await answer(new URL(request.url).pathname, await request.json(), env, takeCounts));
  } catch (cause) {
    return new Response(cause instanceof Error ? cause.stack : String(cause), { status: 500 });
  }
}

async function answer(
  path: string,
  body: unknown,
  env: Env,
  takeCounts: () => Record<string, number>,
): Promise<unknown> {
  const { ledger } = (await wire(env)).ports;
  switch (path) {
    case "/publish":
      return publish(body as ProbeRequests["/publish"], ledger);
    case "/inspect":
      return inspect(body as ProbeRequests["/inspect"], ledger, env);
    case "/pairs":
      return drivePairs(body as ProbeRequests["/pairs"], ledger);
    case "/nothing":
      return { hold: makeHold() };
    case "/admit":
      return { hold: await admit(ledger, (body as ProbeRequests["/admit"]).ask) };
    case "/settle-open":
      return settleOpen(body as ProbeRequests["/settle-open"], ledger);
    case "/counts":
      return takeCounts();
    default:
      throw new Error(`the probe does not know ${path}`);
  }
}

/** All orgs at once; the records of one org in their order, since a key needs its org. */
async function publish({ records }: ProbeRequests["/publish"], ledger: Ledger): Promise<ProbeResponses["/publish"]> {
  const byOrg = Map.groupBy(records, (record) => (record.kind === "org" ? record.id : record.org));
  await Promise.all(
    [...byOrg.values()].map(async ([first, ...others]) => {
      if (first) await ledger.publish(first);
      await Promise.all(others.map((record) => ledger.publish(record)));
    }),
  );
  return { published: records.length };
}

async function inspect(
  { orgs }: ProbeRequests["/inspect"],
  ledger: Ledger,
  env: Env,
): Promise<ProbeResponses["/inspect"]> {
  const sums = {
    openHolds: 0,
    settledCalls: 0,
    rowsWaiting: 0,
    rowsOut: (env.DB as unknown as { rows(): number }).rows(),
  };
  await Promise.all(
    orgs.map(async (org) => {
      const state = await ledger.inspect(org);
      if (!state) throw new Error(`${org} was never published`);
      sums.openHolds += state.openHolds.length;
      sums.rowsWaiting += state.outboxRows;
      sums.settledCalls +=
        state.windows.find(({ window, of }) => window === "requestsPerDay" && of === "org")?.settled ?? 0;
    }),
  );
  return sums;
}

/**
 * Admits and settles, `atOnce` workers side by side, each waiting for its own answer: the ledger without the rest of
 * the edge. Whichever worker fills a batch settles it. What the ledger throws is counted, since a caller would be
 * refused and retry; what such a call may have left open is settled at the end, and not counted as settled.
 */
async function drivePairs(
  { ask, pairs, atOnce, batch }: ProbeRequests["/pairs"],
  ledger: Ledger,
): Promise<ProbeResponses["/pairs"]> {
  let begun = 0;
  let settled = 0;
  let why: string | null = null;
  let ended: HoldId[] = [];
  const settleAll = async () => {
    const holds = ended;
    ended = [];
    const count = await settle(ledger, ask.org, holds);
    settled += count;
  };
  const runDriver = async () => {
    while (begun++ < pairs) {
      try {
        const hold = await admit(ledger, ask);
        ended.push(hold);
        if (ended.length >= batch) await settleAll();
      } catch (cause) {
        why ??= String(cause);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, runDriver));
  if (ended.length > 0) await settleAll();
  if (settled < pairs) await settleOpen(ask, ledger);
  return { settled, why };
}

/** Settles an org's open holds, in batches as an agent sends them. */
async function settleOpen({ org }: { org: OrgId }, ledger: Ledger): Promise<ProbeResponses["/settle-open"]> {
  const open = (await ledger.inspect(org))?.openHolds ?? [];
  let settled = 0;
  for (let from = 0; from < open.length; from += usageBatchMax) {
    settled += await settle(
      ledger,
      org,
      open.slice(from, from + usageBatchMax).map(({ hold }) => hold),
    );
  }
  return { settled };
}

async function admit(ledger: Ledger, ask: Omit<HoldRequest, "hold">): Promise<HoldId> {
  const hold = makeHold();
  const grant = await ledger.admit({ ...ask, hold });
  if (grant.kind !== "grant") throw new Error(`denied: ${grant.reason}`);
  return hold;
}

async function settle(ledger: Ledger, org: OrgId, holds: HoldId[]): Promise<number> {
  const [answer] = await ledger.settleAll([{ org, records: holds.map((hold) => makeUsageRecord(org, hold)) }]);
  if (answer?.status !== "fulfilled") throw answer?.reason;
  return answer.value.filter(({ result }) => result === "settled").length;
}

function makeHold(): HoldId {
  return `hold_${generateBase62(22, (bytes) => crypto.getRandomValues(new Uint8Array(bytes)))}`;
}

function makeUsageRecord(org: OrgId, hold: HoldId): UsageRecord {
  const nowMs = Date.now();
  const times = { startedAtMs: nowMs, firstTokenAtMs: nowMs, endedAtMs: nowMs };
  return {
    hold,
    org,
    model,
    isFinal: true,
    promptTokens: 60,
    cachedTokens: 0,
    completionTokens: 100,
    units: 0,
    outcome: "completed",
    responseId: "chatcmpl-bench",
    ...times,
  };
}
