import { appendFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Cell, Dependency, Fault } from "#test/journeys/faults/fault-table.ts";
import { call, expectBill, expectCall, patiently, toldBy, type RunCell, type Stage } from "./fault-stage.ts";
import type { Hop, HopFault, Place } from "./faulty-hop.ts";
import type { Org } from "#test/support/stack/world.ts";

type Row = Extract<Dependency, `node.${string}` | `engine.${string}`>;
type SerialRow = Extract<Dependency, `intake.${string}` | `disk.${string}`>;

const stream = { stream: true };
/** For cells that end at the caller's own deadline. */
const hasty = { "x-penstock-timeout-ms": "2500" };
/** Longer than two engines may be silent, one after the other. */
const patient = { "x-penstock-timeout-ms": "9000" };

export const originRows: Record<Row, RunCell> = {
  "node.connect": through("nodes", "connect"),
  "node.headers.whole": through("nodes", "headers", {}, hasty),
  "node.headers.stream": through("nodes", "headers", stream, hasty),
  "node.refusal": through("nodes", "refusal"),
  "node.body": through("nodes", "body", {}, hasty),
  "node.stream": through("nodes", "stream", stream, hasty),
  "node.tokenize": counted("nodes"),
  "engine.connect": through("engines", "connect"),
  "engine.headers.whole": through("engines", "headers", {}, hasty),
  "engine.headers.stream": through("engines", "headers", stream, patient),
  "engine.body": through("engines", "body", { prompt_logprobs: 0 }, hasty),
  "engine.whole": through("engines", "stream", {}, hasty),
  "engine.stream": through("engines", "stream", stream, patient),
  "engine.tokenize": counted("engines"),
};

/** These strike all that a node does, so they run one after the other, when the others are done. */
export const serialRows: Record<SerialRow, RunCell> = {
  "intake.usage": async (stage, fault, cell) => {
    const org = await stage.world.newOrg();
    // A timeout is the worse when the batch was taken; nonsense, when it was not.
    stage.intake.arm({
      keys: [org.id],
      path: "/origin/usage",
      place: fault === "timeout" ? "headers" : "instead",
      fault,
      times: 1,
    });
    await expectCall(stage, org, cell);
  },
  "intake.heartbeat": async (stage, fault, cell) => {
    const org = await stage.world.newOrg();
    stage.intake.arm({ keys: [], path: "/origin/heartbeat", place: "instead", fault, times: 2 });
    await expectCall(stage, org, cell);
    await sleep(1_500);
    // The nodes have gone on to say that they are there.
    expect((await fetch(`${stage.world.place.edge}/health`)).status).toBe(200);
  },
  "disk.usage": (stage, fault, cell) =>
    fault === "garbage" || fault === "shape" ? expectDamageSkipped(stage, fault, cell) : expectDisk(stage, fault, cell),
};

/** The fault on every node, and then, when that differs, on the first alone. */
function through(
  where: "nodes" | "engines",
  place: Place,
  fields: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): RunCell {
  return async (stage, fault, cell) => {
    const late = fault === "timeout" ? headers : {};
    const everywhere = await stage.world.newOrg();
    for (const hop of stage[where]) hop.arm(at(place, everywhere, fault));
    await expectCall(stage, everywhere, cell, fields, late);
    if (cell.elsewhere === undefined) return;
    const once = await stage.world.newOrg();
    // A call for scores goes to the dedicated node first, which is the second of two.
    const first = "prompt_logprobs" in fields ? 1 : 0;
    stage[where][first]!.arm({ ...at(place, once, fault), times: 1 });
    await expectCall(stage, once, { told: cell.elsewhere, billed: "all" }, fields, late);
  };
}

function at(place: Place, org: Org, fault: Fault): HopFault {
  return { keys: [org.id], path: "/v1/chat/completions", place, fault };
}

/**
 * The safe bound of the prompt does not fit, its true length would: the answer hangs on a count, which has a second and
 * a half.
 */
function counted(where: "nodes" | "engines"): RunCell {
  return patiently(async (stage, fault, cell) => {
    const org = await stage.world.newOrg({ tokensPerDay: 100 });
    for (const hop of stage[where] as Hop[])
      hop.arm({ keys: [org.id], path: "/tokenize", place: "headers", fault, ms: 200, shape: '{"count":"CANARY"}' });
    await expectCall(stage, org, cell);
  });
}

async function expectDisk(stage: Stage, fault: Fault, cell: Cell): Promise<void> {
  const org = await stage.world.newOrg();
  const [first] = stage.own.stack.nodes;
  stage.disk(fault, org.id);
  // Its last words never come when the disk hangs: the deadline ends the call, a restart the node, and expiry the hold.
  const told = await toldBy(call(stage.world, org, stream, fault === "timeout" ? hasty : {}));
  stage.disk(null);
  if (fault === "timeout") {
    first!.agent.kill("SIGKILL");
    await first!.restartAgent();
  }
  expect(told).toBe(cell.told);
  await expectBill(stage.world, org, cell.billed);
}

/** Lines that are no records stand before a record in the log; what they were is kept aside, and the record arrives. */
async function expectDamageSkipped(stage: Stage, fault: Fault, cell: Cell): Promise<void> {
  const org = await stage.world.newOrg();
  const [first] = stage.own.stack.nodes;
  stage.intake.arm({ keys: [org.id], path: "/origin/usage", place: "connect", fault: "error", times: 1 });
  first!.agent.kill("SIGKILL");
  const folder = join(stage.world.place.stateDir, first!.id, "usage");
  const segment = readdirSync(folder)
    .filter((name) => /^\d+\.jsonl$/.test(name))
    .sort()
    .at(-1)!;
  appendFileSync(
    join(folder, segment),
    fault === "garbage" ? "<html>CANARY</html>\n\u0000\n" : '{"CANARY":true}\n{"hold":1}\n',
  );
  await first!.restartAgent();
  await expectCall(stage, org, cell, stream);
  expect(readdirSync(folder)).toContain("unreadable.jsonl");
}
