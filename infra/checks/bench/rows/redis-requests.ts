import { setTimeout as sleep } from "node:timers/promises";
import { callBody, jsonAnswer } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import type { Caller } from "../load/callers.ts";
import { plain, rowOf, type Row } from "../row.ts";
import { BrokenError, checkSettled, type RedisSide } from "../stage.ts";

/** Orgs that take turns: as many as a batch has records, so that each record of a batch is for another ledger. */
const orgs = 64;

/** HTTP requests that the bridge is sent when calls go the whole road, by what they were for; counted at the bridge. */
export async function redisRequestRows({ stage, plan, isSmoke }: Bench, redis: RedisSide): Promise<Row[]> {
  await redis.sync("everysec");
  const callers = await redis.publish(orgs);
  const aim = {
    port: redis.ports.edge,
    keys: callers.map(({ text }) => text),
    path: "/v1/chat/completions",
    body: callBody(false),
  };
  const call = (ms: number) =>
    stage.load({ kind: "closed", ...aim, connections: 8, ms, status: 200, bytes: jsonAnswer.length });
  // The first calls may have to send the script.
  const first = await call(plan.warmMs);
  await billed(redis, callers, first.calls);
  const before = await redis.seen();
  const { calls } = await call(plan.windowMs);
  await checkSettled(redis, callers, first.calls + calls);
  await billed(redis, callers, first.calls + calls);
  const after = await redis.seen();

  const aCall = (turn: string) => ((after[turn] ?? 0) - (before[turn] ?? 0)) / calls;
  const figures = {
    admit: aCall("admit"),
    settle: aCall("settle"),
    outbox: aCall("outbox"),
    drained: aCall("drained"),
    calls,
  };
  const sum = figures.settle + figures.outbox + figures.drained;
  const note =
    `${plain(calls)} calls of ${orgs} orgs in turn; batches of usage ${plain(figures.settle)}, the bill's ` +
    `way to D1 ${plain(sum - figures.settle)}`;
  return [
    rowOf("Redis: HTTP requests a call, admission", { bound: "exactly", value: 1, unit: "" }, [figures.admit], {
      note: `${plain(calls)} calls`,
      figures,
    }),
    rowOf("Redis: HTTP requests a call, settlement", { bound: "at most", value: 0.1, unit: "" }, [sum], {
      note,
      figures,
      whyNot: isSmoke ? "smoke: batches are small" : null,
    }),
  ];
}

/** Resolves when the bill of all calls is with D1. */
async function billed(redis: RedisSide, callers: Caller[], calls: number): Promise<void> {
  await redis.quiet();
  for (let tries = 0; tries < 50; tries++) {
    const { rowsWaiting, rowsOut } = await redis.probe("/inspect", { orgs: callers.map(({ org }) => org) });
    if (rowsWaiting === 0 && rowsOut >= calls) return;
    await sleep(200);
  }
  throw new BrokenError(`the bill of ${calls} calls was not with D1 within ten seconds`);
}
