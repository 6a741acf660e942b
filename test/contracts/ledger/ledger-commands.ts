import * as fc from "fast-check";
import { expect } from "vitest";
import type { KeyLimits, Limits } from "#edge/agreements/records/quota.ts";
import {
  makeRequest,
  freshHold,
  keyId,
  keyRecord,
  orgRecord,
  makeRecord,
  projectId,
  projectRecord,
  type OpenLedger,
} from "./ledger-fixtures.ts";
import { LedgerModel } from "./ledger-model.ts";

/** The limits of the projects, whether the second key has moved to the other one, and whether that is archived. */
type Placed = { limits: number; isMoved: boolean; isArchived: boolean };

type Command =
  | {
      kind: "admit";
      key: number;
      prompt: number;
      completion: number;
      choices: number;
      mayClamp: boolean;
      ttlMs: number;
      idempotency: number | null;
      body: number;
      isDear: boolean;
    }
  | {
      kind: "settle";
      pick: number;
      isFinal: boolean;
      isLeft: boolean;
      prompt: number;
      completion: number;
      isTwice: boolean;
    }
  | { kind: "release"; pick: number; mayRun: boolean | undefined }
  | { kind: "publish"; limits: number; key: number; isRevoked: boolean; isChained: boolean; project: Placed }
  | { kind: "clock"; ms: number }
  | { kind: "restart" };

const orgLimits: Partial<Limits>[] = [
  {},
  { requestsPerMinute: 4, tokensPerDay: 400 },
  { requestsPerMinute: 3, requestsPerHour: 6, requestsPerDay: 9, concurrency: 3 },
  { tokensPerMinute: 120, tokensPerMonth: 900, costMicrosPerMonth: 3_000 },
  { costMicrosPerMonth: 700, tokensPerMinute: 90, concurrency: 1 },
  { requestsPerHour: 0 },
];
const keyLimits: (KeyLimits | null)[] = [
  null,
  {},
  { requestsPerMinute: 2 },
  { tokensPerDay: 150, concurrency: 2 },
  { costMicrosPerMonth: 400, requestsPerDay: 3, tokensPerMinute: null },
];

const projectLimits: KeyLimits[] = [
  {},
  { requestsPerMinute: 3, tokensPerDay: 250 },
  { concurrency: 2, costMicrosPerMonth: 900, tokensPerMonth: null },
  { tokensPerMinute: 100, requestsPerDay: 6, requestsPerHour: 5 },
];

/** A start from which a minute leads to a leap day, and a day to a new month. */
const startMs = Date.UTC(2032, 1, 28, 23, 58, 30, 700);

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constant("admit" as const),
      key: fc.integer({ min: 1, max: 3 }),
      prompt: fc.integer({ min: 0, max: 40 }),
      completion: fc.integer({ min: 0, max: 30 }),
      choices: fc.integer({ min: 1, max: 3 }),
      mayClamp: fc.boolean(),
      ttlMs: fc.constantFrom(500, 5_000, 90_000, 930_000),
      idempotency: fc.option(fc.integer({ min: 0, max: 2 }), { freq: 3 }),
      body: fc.integer({ min: 0, max: 1 }),
      isDear: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      pick: fc.nat(12),
      isFinal: fc.boolean(),
      isLeft: fc.boolean(),
      prompt: fc.integer({ min: 0, max: 50 }),
      completion: fc.integer({ min: 0, max: 99 }),
      isTwice: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("release" as const),
      pick: fc.nat(12),
      mayRun: fc.constantFrom(undefined, false, true, true),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("publish" as const),
      limits: fc.nat(orgLimits.length - 1),
      key: fc.nat(keyLimits.length - 1),
      isRevoked: fc.boolean(),
      isChained: fc.integer({ min: 0, max: 4 }).map((one) => one > 0),
      project: fc.record({
        limits: fc.nat(projectLimits.length - 1),
        isMoved: fc.boolean(),
        isArchived: fc.integer({ min: 0, max: 4 }).map((one) => one === 0),
      }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("clock" as const),
      ms: fc.oneof(
        fc.integer({ min: 0, max: 3_000 }),
        fc.integer({ min: 0, max: 90_000 }),
        fc.constantFrom(999, 1_000, 1_999, 2_000, 60_000, 61_000, 3_600_000, 3_660_000, 43_200_000, -3_600_000, -1),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
);

/**
 * Runs random commands through a ledger and the brute-force model side by side: every answer must be equal, and after
 * every command every window (Q2). `MODEL_RUNS` overrides how many runs. Returns how many commands there were. At the
 * end the bills are equal (Q10) and no true sliding span ever held more than the largest limit in force (Q1, Q6).
 */
export async function checkAgainstModel(
  open: OpenLedger,
  { numRuns, maxCommands }: { numRuns: number; maxCommands: number },
): Promise<number> {
  const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
  const runs = Number(process.env["MODEL_RUNS"] ?? numRuns);
  let count = 0;
  const property = fc.asyncProperty(
    fc.array(command, { maxLength: maxCommands, size: "max" }),
    fc.nat(orgLimits.length - 2),
    async (commands, firstLimits) => {
      count += commands.length;
      await run(open, commands, firstLimits);
    },
  );
  await fc.assert(property, { numRuns: runs, seed, endOnFailure: process.env["SHRINK"] === undefined });
  console.log(`ledger model: seed ${seed}, ${runs} runs, ${count} commands`);
  return count;
}

type Publication = Omit<Extract<Command, { kind: "publish" }>, "kind">;

async function run(open: OpenLedger, commands: Command[], firstLimits: number): Promise<void> {
  const opened = await open(startMs);
  const { ledger, org, clock } = opened;
  let version = 1;
  const model = new LedgerModel(orgRecord(org, orgLimits[firstLimits]!), startMs);
  const put = async ({ limits: picked, key, isRevoked, isChained, project }: Publication) => {
    const limits = orgLimits[picked]!;
    version++;
    model.org.record = orgRecord(org, limits, version);
    await ledger.publish(model.org.record);
    for (const n of [1, 2]) {
      const own = projectLimits[(project.limits + n) % projectLimits.length]!;
      const record = projectRecord(org, n, { limits: own, isArchived: n === 2 && project.isArchived, version });
      model.projects.set(record.id, record);
      await ledger.publish(record);
    }
    const successor = { limits: keyLimits[(key + 1) % keyLimits.length]!, version };
    const second = { project: projectId(org, project.isMoved ? 2 : 1) };
    for (const record of [
      keyRecord(org, 1, { isRevoked, version, project: projectId(org, 1) }),
      keyRecord(org, 2, { limits: keyLimits[key]!, version, ...second }),
      keyRecord(org, 3, isChained ? { ...successor, lineage: keyId(org, 2), ...second } : successor),
    ]) {
      model.keys.set(record.id, record);
      await ledger.publish(record);
    }
  };
  await put({
    limits: firstLimits,
    key: firstLimits % keyLimits.length,
    isRevoked: false,
    isChained: true,
    project: { limits: firstLimits % projectLimits.length, isMoved: false, isArchived: false },
  });
  let requestsPerMinuteMax = model.org.record.limits.requestsPerMinute ?? Infinity;
  const pick = (n: number) => model.calls.at(-1 - n)?.request.hold ?? freshHold();

  const step = async (command: Command) => {
    switch (command.kind) {
      case "clock":
        model.nowMs += command.ms;
        return clock.set(model.nowMs);
      case "restart":
        return opened.restart();
      case "publish":
        await put(command);
        requestsPerMinuteMax = Math.max(requestsPerMinuteMax, model.org.record.limits.requestsPerMinute ?? Infinity);
        return undefined;
      case "release": {
        const hold = pick(command.pick);
        return expect(await ledger.release(org, hold, command.mayRun)).toEqual({
          hold,
          result: model.release(hold, command.mayRun ?? false),
        });
      }
      case "settle": {
        const record = makeRecord(org, pick(command.pick), {
          isFinal: command.isFinal,
          outcome: command.isLeft ? "cancelled" : "completed",
          promptTokens: command.prompt,
          completionTokens: command.completion,
        });
        const records = command.isTwice ? [record, record] : [record];
        const expected = records.map((each) => ({ hold: each.hold, result: model.settle(each) }));
        return expect(await ledger.settle(org, records)).toEqual(expected);
      }
      case "admit": {
        const request = makeRequest(org, {
          key: keyId(org, command.key),
          promptTokens: command.prompt,
          completionTokens: command.completion,
          choices: command.choices,
          mayClamp: command.mayClamp,
          ttlMs: command.ttlMs,
          price: command.isDear
            ? { promptMicrosPerMTok: 3_300_001, completionMicrosPerMTok: 7_000_000 }
            : { promptMicrosPerMTok: 0, completionMicrosPerMTok: 150_000 },
          idempotency:
            command.idempotency === null
              ? null
              : { key: String(command.idempotency).repeat(64), body: String(command.body).repeat(64) },
        });
        return expect(await ledger.admit(request)).toEqual(model.admit(request));
      }
    }
  };

  for (const command of commands) {
    await step(command);
    // What comes next has to expire by itself what is due: looking would do it.
    if (command.kind === "clock" && command !== commands.at(-1)) continue;
    const state = await ledger.inspect(org);
    expect(state?.windows.map((window) => ({ ...window, resetAtMs: undefined }))).toEqual(model.windows());
    expect(state?.openHolds.map(({ hold, expiresAtMs }) => [hold, expiresAtMs]).toSorted()).toEqual(
      model.openHolds().toSorted(),
    );
    expect(state?.atMs).toBe(model.atMs);
  }
  const bill = (await opened.usage()).map((row): [string, number, number, number] => [
    row.id,
    row.promptTokens,
    row.completionTokens,
    row.costMicros,
  ]);
  expect(bill.toSorted((one, other) => (one[0] < other[0] ? -1 : 1))).toEqual(model.bill());
  expect(model.spanMax(60_000)).toBeLessThanOrEqual(requestsPerMinuteMax);
}
