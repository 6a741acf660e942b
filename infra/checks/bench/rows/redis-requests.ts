import { setTimeout as sleep } from "node:timers/promises";
import { writeCallBody, jsonAnswer } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import type { Caller } from "../load/callers.ts";
import { formatNumber, makeRow, type BenchRow } from "../row.ts";
import { BrokenError, checkSettled, type RedisSide } from "../side.ts";

/** Orgs that take turns: as many as a batch has records, so that each record of a batch belongs to another ledger. */
const orgs = 64;

/** HTTP requests that reach the bridge when calls go the whole way, by purpose; counted at the bridge. */
export async function measureRedisRequests({ stage, plan, isSmoke }: Bench, redis: RedisSide): Promise<BenchRow[]> {
  await redis.sync("everysec");
  const callers = await redis.publish(orgs);
  const aim = {
    port: redis.ports.edge,
    keys: callers.map(({ text }) => text),
    path: "/v1/chat/completions",
    body: writeCallBody(false),
  };
  const call = (ms: number) =>
    stage.load({ kind: "closed", ...aim, connections: 8, ms, status: 200, bytes: jsonAnswer.length });
  // The first calls may have to send the script.
  const first = await call(plan.warmMs);
  await waitForBill(redis, callers, first.calls);
  const before = await redis.seen();
  const { calls } = await call(plan.windowMs);
  await checkSettled(redis, callers, first.calls + calls);
  await waitForBill(redis, callers, first.calls + calls);
  const after = await redis.seen();

  const countPerCall = (command: string) => ((after[command] ?? 0) - (before[command] ?? 0)) / calls;
  const figures = {
    admit: countPerCall("admit"),
    settle: countPerCall("settle"),
    outbox: countPerCall("outbox"),
    drained: countPerCall("drained"),
    calls,
  };
  const sum = figures.settle + figures.outbox + figures.drained;
  const note =
    `${formatNumber(calls)} calls of ${orgs} orgs in turn; batches of usage ${formatNumber(figures.settle)}, ` +
    `the bill's way to D1 ${formatNumber(sum - figures.settle)}`;
  return [
    makeRow("Redis: HTTP requests a call, admission", { bound: "exactly", value: 1, unit: "" }, [figures.admit], {
      note: `${formatNumber(calls)} calls`,
      figures,
    }),
    makeRow("Redis: HTTP requests a call, settlement", { bound: "at most", value: 0.1, unit: "" }, [sum], {
      note,
      figures,
      explainUncounted: isSmoke ? "smoke: batches are small" : null,
    }),
  ];
}

/** Resolves when the bill of all calls has reached D1. */
async function waitForBill(redis: RedisSide, callers: Caller[], calls: number): Promise<void> {
  await redis.quiet();
  for (let tries = 0; tries < 50; tries++) {
    const { rowsWaiting, rowsOut } = await redis.probe("/inspect", { orgs: callers.map(({ org }) => org) });
    if (rowsWaiting === 0 && rowsOut >= calls) return;
    await sleep(200);
  }
  throw new BrokenError(`the bill of ${calls} calls was not with D1 within ten seconds`);
}
