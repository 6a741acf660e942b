import { setTimeout as sleep } from "node:timers/promises";
import { writeCallBody } from "../../load/answers.ts";
import type { Bench } from "../../bench-plan.ts";
import type { Caller } from "../../load/callers.ts";
import type { LoadFigures } from "../../load/load.ts";
import { formatNumber, makeRow, type BenchRow } from "../../row.ts";
import { startSecondEdge } from "../../servers/second-edge.ts";
import { checkSettled } from "../../side.ts";
import { median } from "../../stats.ts";

/** Calls that are tried after a revocation has answered, over both edges together. */
const callsAfter = 1_000;
/** How long the key is called before it is revoked, so that both edges hold leases. */
const busyMs = 1_500;
const smokeBusyMs = 300;

interface Revocation {
  answerMs: number;
  /** Calls sent after the answer that were admitted all the same, and those that were sent. */
  passed: number;
  sent: number;
}

/**
 * A key that is busy in two edge processes is revoked: how long until that is answered, and whether any call that was
 * sent after the answer still passes.
 */
export async function measureRevocation(bench: Bench): Promise<BenchRow[]> {
  const second = await startSecondEdge(bench.stage);
  const revocations: Revocation[] = [];
  try {
    for (let round = 0; round < bench.plan.rounds; round++) revocations.push(await revoke(bench, second.port));
  } finally {
    await second.stop();
  }
  const answers = revocations.map(({ answerMs }) => answerMs);
  const sum = (value: (each: Revocation) => number) => revocations.reduce((all, each) => all + value(each), 0);
  const figures = { answerMs: median(answers), passed: sum(({ passed }) => passed), sent: sum(({ sent }) => sent) };
  const how = { figures, explainUncounted: bench.isSmoke ? "smoke: the key is hardly hot" : null };
  return [
    makeRow("revoking a busy key: until it is answered", { bound: "at most", value: 1_100, unit: "ms" }, answers, {
      ...how,
      note: `${revocations.length} keys, each busy in two edges`,
    }),
    makeRow("… calls that pass after the answer", { bound: "exactly", value: 0, unit: "" }, [figures.passed], {
      note: `of ${formatNumber(figures.sent)} sent after it`,
      figures,
    }),
  ];
}

async function revoke({ stage, isSmoke }: Bench, secondPort: number): Promise<Revocation> {
  const [caller] = await stage.publish(1);
  if (!caller) throw new RangeError("no caller");
  const [, key] = caller.records;
  const ports = [stage.ports.edge, secondPort];
  const run = (ms: number, callsMax: number) =>
    Promise.all(
      ports.map((port) =>
        stage.load({ kind: "closed", ...aimAt(caller, port), ms, callsMax, status: [200, 401], bytes: null }),
      ),
    );
  const state = { isRevoked: false };
  const busy = (async () => {
    let admitted = 0;
    while (!state.isRevoked) admitted += countAdmitted(await run(100, Infinity));
    return admitted;
  })();
  await sleep(isSmoke ? smokeBusyMs : busyMs);
  const askedMs = performance.now();
  await stage.probe("/publish", { records: [{ ...key, isRevoked: true, version: key.version + 1 }] });
  const answerMs = performance.now() - askedMs;
  const after = await run(30_000, (isSmoke ? callsAfter / 10 : callsAfter) / ports.length);
  state.isRevoked = true;
  const passed = countAdmitted(after);
  await checkSettled(stage, [caller], (await busy) + passed);
  return { answerMs, passed, sent: after.reduce((sum, { calls }) => sum + calls, 0) };
}

function aimAt(caller: Caller, port: number) {
  return { port, keys: [caller.text], path: "/v1/chat/completions", body: writeCallBody(false), connections: 8 };
}

function countAdmitted(figures: LoadFigures[]): number {
  return figures.reduce((sum, { statuses }) => sum + (statuses[200] ?? 0), 0);
}
