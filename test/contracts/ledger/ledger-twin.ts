import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { expect } from "vitest";
import { memoryLedger } from "#edge/adapters/memory/ledger.ts";
import type { LeaseGrant, LedgerState, UsageRow } from "#edge/ledger/port.ts";
import type { OrgId } from "#edge/agreements/tokens/ids.ts";
import { freshOrg, keyRecord, orgRecord, projectId, projectRecord } from "./ledger-fixtures.ts";
import type { LeaseMemory } from "./ledger-twin-leases.ts";
import { keyLimits, limits, openHistory, projectLimits, step, type Command, type Step } from "./ledger-twin-steps.ts";

/** What a ledger said to each turn, and its bill at the end. A turn that threw is `"threw"`. */
export interface TwinResult {
  answers: unknown[];
  bill: UsageRow[];
}

/** Another ledger, given a whole history at once. */
export type TwinLedger = (org: OrgId, commands: Command[]) => Promise<TwinResult>;

const hour = 3_600_000;
/** Any, and often shortly before midnight, which no lease crosses. */
const timeOfDay = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 24 * hour }) },
  fc.integer({ min: 24 * hour - 10_000, max: 24 * hour }),
);

/** A history of the pure ledger: `decide`, `settle` and their kin, kept in memory. */
async function play(
  org: OrgId,
  startMs: number,
  opening: Command[],
  steps: Step[],
): Promise<{ commands: Command[]; reported: TwinResult }> {
  let nowMs = 0;
  const bill: UsageRow[] = [];
  let waitedMs = 0;
  const wait = async (ms: number) => void (waitedMs = ms);
  const ledger = memoryLedger({ now: () => nowMs, wait, onUsage: (row) => bill.push(row) });
  const request = (command: Command): Promise<unknown> => {
    nowMs = command.nowMs;
    switch (command.kind) {
      case "admit":
        return ledger.admit(command.request);
      case "introspect":
        return ledger.introspect(command.request);
      case "settle":
        return ledger.settle(org, command.records);
      case "release":
        return ledger.release(org, command.hold, command.mayRun, command.leased ?? undefined);
      case "lease":
        return ledger.lease(command.credential, command.request);
      case "closeLease":
        return ledger.closeLease(org, command.closing);
      case "publish":
        waitedMs = 0;
        return ledger.publish(command.record).then(() => waitedMs);
      case "inspect":
        return ledger.inspect(org);
    }
  };
  const granted: string[] = [];
  const leases: LeaseMemory = { given: [], calls: [] };
  const makeCommands = openHistory(org, startMs, { granted, leases });
  const commands: Command[] = [];
  const answers: unknown[] = [];
  const take = async (command: Command) => {
    const answer = await request(command).catch(() => "threw");
    if (command.kind === "admit" && listNames(answer).includes("grant")) granted.push(command.request.hold);
    const lease = findLease(answer);
    if (lease) leases.given.push(lease);
    commands.push(command);
    answers.push(answer);
  };
  for (const command of opening) await take(command);
  /** How long an ended hold is remembered beyond a week is left open: a leap forgets all that have ended by then. */
  const forgetEnded = async () => {
    for (const command of makeCommands({ kind: "inspect" })) await take(command);
    const state = answers.at(-1);
    const open = isState(state) ? state.openHolds.map(({ hold }) => hold) : [];
    granted.splice(0, granted.length, ...granted.filter((hold) => open.includes(hold)));
    leases.calls = leases.calls.filter(({ hold }) => open.includes(hold));
  };
  for (const step of [...steps, { kind: "inspect" as const }]) {
    if (step.kind === "leap" && step.days > 0) await forgetEnded();
    for (const command of makeCommands(step)) await take(command);
  }
  return { commands, reported: { answers, bill } };
}

/** Without what the port leaves open: the order of keys and holds, and rows that memory never keeps waiting. */
function comparable(answer: unknown): unknown {
  if (!isState(answer)) return answer;
  const byName = (one: { of: string; window: string }, other: { of: string; window: string }) =>
    `${one.of}${one.window}`.localeCompare(`${other.of}${other.window}`);
  return {
    ...answer,
    outboxRows: 0,
    windows: answer.windows.toSorted(byName),
    openHolds: answer.openHolds.toSorted((one, other) => one.hold.localeCompare(other.hold)),
    leases: answer.leases.toSorted((one, other) => one.lease.localeCompare(other.lease)),
  };
}

/** The lease in an answer, to an admission or to a renewal. */
function findLease(answer: unknown): LeaseGrant | null {
  if (typeof answer !== "object" || answer === null) return null;
  if ("lease" in answer) return answer.lease as LeaseGrant;
  return "ttlMs" in answer ? (answer as LeaseGrant) : null;
}

/** What an answer was, in a word each, to show what the histories reached. */
function listNames(answer: unknown): string[] {
  if (typeof answer === "number") return answer > 0 ? ["waited"] : [];
  if (findLease(answer)) return ["kind" in Object(answer) ? "grant" : "renewed", "leased"];
  if (Array.isArray(answer)) return answer.flatMap(listNames);
  if (typeof answer !== "object" || answer === null || isState(answer)) return [];
  return Object.entries(answer).flatMap(([name, value]) => {
    if (name === "of") return [`of ${value}`];
    return (name === "kind" && value !== "denial") || name === "reason" || name === "result" || name === "window"
      ? [String(value)]
      : [];
  });
}

function isState(answer: unknown): answer is LedgerState {
  return typeof answer === "object" && answer !== null && "windows" in answer;
}

/**
 * Puts random histories to the pure ledger and to its twin: every answer, every window and every line of the bill must
 * be the same. Returns how many turns there were. `SEED` repeats a run; `SHRINK=1` shrinks what failed.
 */
export async function checkTwin(
  twin: TwinLedger,
  { numRuns, maxSteps }: { numRuns: number; maxSteps: number },
): Promise<number> {
  const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
  let count = 0;
  const seen = new Map<string, number>();
  const start = fc
    .integer({ min: 0, max: 60 * 365 })
    .chain((days) => timeOfDay.map((ms) => Date.UTC(2024, 1, 27) + days * 24 * hour + ms));
  const first = fc.tuple(limits, keyLimits, keyLimits, projectLimits);
  const property = fc.asyncProperty(
    fc.array(step, { minLength: Math.floor(maxSteps / 2), maxLength: maxSteps, size: "max" }),
    start,
    first,
    async (steps, startMs, [orgLimits, one, two, project]) => {
      const org = freshOrg();
      const opening: Command[] = [
        orgRecord(org, orgLimits),
        projectRecord(org, 1, { limits: project }),
        projectRecord(org, 2),
        keyRecord(org, 1, { limits: one }),
        keyRecord(org, 2, { limits: two, project: projectId(org, 1) }),
        keyRecord(org, 3, { project: projectId(org, 1) }),
      ].map((record) => ({ nowMs: startMs, kind: "publish", record }));
      const { commands: turns, reported: pure } = await play(org, startMs, opening, steps);
      count += turns.length;
      const other = await twin(org, turns);
      for (const [index, answer] of pure.answers.entries()) {
        for (const name of listNames(answer)) seen.set(name, (seen.get(name) ?? 0) + 1);
        const [expected, found] = [comparable(answer), comparable(other.answers[index])];
        // vitest's own comparison is slow, and needed only to show a difference.
        if (!isDeepStrictEqual(found, expected)) expect(found, JSON.stringify(turns[index])).toEqual(expected);
      }
      const byId = (rows: UsageRow[]) => rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));
      expect(byId(other.bill)).toEqual(byId(pure.bill));
    },
  );
  await fc.assert(property, { numRuns, seed, endOnFailure: process.env["SHRINK"] === undefined });
  // A history that never comes to a project's window says nothing about it.
  expect([...seen.keys()]).toEqual(expect.arrayContaining(["of project", "project"]));
  console.log(
    `ledger twin: seed ${seed}, ${numRuns} histories, ${count} turns; ${[...seen]
      .map(([name, times]) => `${name} ${times}`)
      .toSorted()
      .join(", ")}`,
  );
  return count;
}
