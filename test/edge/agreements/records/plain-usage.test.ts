import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readUsageBatch, readUsageRecord } from "#edge/agreements/records/plain-usage.ts";
import { UsageBatch, UsageRecord } from "#edge/agreements/records/usage.ts";
import { usageBatchMax } from "#edge/limits.ts";
import { freshHold, freshOrg, makeRecord } from "#test/contracts/ledger/ledger-fixtures.ts";

const org = freshOrg();
const good = makeRecord(org, freshHold());
const node = "node_a";
const isRead = (record: unknown) => readUsageRecord(record).data === record;

describe("what today's agents write is read at once", () => {
  test.each([
    ["a final record", good],
    [
      "a checkpoint with all there is",
      { ...good, isFinal: false, responseId: "chatcmpl-1", firstTokenAtMs: 1, ticket: "t" },
    ],
    [
      "bounds",
      { ...good, promptTokens: 0, cachedTokens: 1_000_000_000, responseId: "r".repeat(128), ticket: "t".repeat(64) },
    ],
    ["a ticket that is none", { ...good, ticket: undefined }],
    ["each end", { ...good, outcome: "failed" }],
  ])("%s", (_name, record) => {
    expect(isRead(record)).toBe(true);
    expect(readUsageRecord(record)).toStrictEqual(UsageRecord.safeParse(record));
  });
});

test("an older agent's words are read by the schema, which answers today's", () => {
  expect(readUsageRecord({ ...good, outcome: "done" })).toEqual({
    success: true,
    data: { ...good, outcome: "completed" },
  });
});

test("what is wrong is named by the schema", () => {
  const named = (record: unknown) => readUsageRecord(record).error?.issues[0];
  expect(named({ ...good, hold: "hold_1" })).toMatchObject({ path: ["hold"] });
  expect(named({ ...good, model: undefined })).toMatchObject({ path: ["model"] });
  expect(named({ ...good, x: 1 })).toMatchObject({ code: "unrecognized_keys", keys: ["x"] });
  expect(readUsageRecord(null).success).toBe(false);
  expect(readUsageBatch([])).toBeNull();
});

const numbers = [-1, -0, 0, 1, 0.5, 1e9, 1e9 + 1, 2 ** 53 - 1, 2 ** 53, 1e300, Infinity, NaN];
const anyValue = fc.oneof(
  fc.constantFrom<unknown>(...numbers, null, undefined, true, "", "7", 7n, [], {}, "completed", "done", "x".repeat(65)),
  fc.constantFrom<unknown>("x".repeat(128), "x".repeat(129), "toString", `${good.hold}\n`, good.org, Object(7)),
  fc.jsonValue(),
);
const names = [...Object.keys(good), "ticket", "x", "__proto__", "constructor", "toString"];
/** On both sides of a bound. */
const nearBound = fc.constantFrom<{ name: string; value: unknown }>(
  ...[64, 65].map((length) => ({ name: "ticket", value: "x".repeat(length) })),
  ...[128, 129].map((length) => ({ name: "responseId", value: "x".repeat(length) })),
  ...[1e9, 1e9 + 1].map((value) => ({ name: "cachedTokens", value })),
);
const anyChange = fc.record({ name: fc.constantFrom(...names), value: anyValue, isGone: fc.boolean() });
const change = fc.oneof(
  { weight: 4, arbitrary: anyChange },
  nearBound.map((near) => ({ ...near, isGone: false })),
);

/** A record with up to three members changed, left out, or of no record at all. */
const record = fc.array(change, { maxLength: 3 }).map((changes) => {
  const members = new Map<string, unknown>(Object.entries(good));
  for (const { name, value, isGone } of changes) if (!isGone || !members.delete(name)) members.set(name, value);
  // `fromEntries` defines a member called `__proto__`, as `JSON.parse` does.
  return Object.fromEntries(members);
});

test("records are taken and refused as the schema does, and come to the same", () => {
  let plain = 0;
  let runs = 0;
  fc.assert(
    fc.property(record, (reported) => {
      const bySchema = UsageRecord.safeParse(reported);
      const read = readUsageRecord(reported);
      expect([read.success, read.data, read.error?.issues]).toStrictEqual([
        bySchema.success,
        bySchema.data,
        bySchema.error?.issues,
      ]);
      runs++;
      if (read.data === reported) plain++;
    }),
    { numRuns: 3_000 },
  );
  expect(plain / runs).toBeGreaterThan(0.2);
  expect(plain / runs).toBeLessThan(0.8);
});

test("so are batches, by the record and as a whole", () => {
  const records = fc.oneof(
    fc.array(fc.oneof({ weight: 4, arbitrary: fc.constant<unknown>(good) }, record), { maxLength: 3 }),
    fc.constantFrom<unknown>(
      [],
      Array.from({ length: usageBatchMax }, () => good),
    ),
    fc.constantFrom<unknown>(
      Array.from({ length: usageBatchMax + 1 }, () => good),
      { length: 1, 0: good },
      null,
    ),
  );
  const sender = fc.oneof(fc.constant<unknown>(node), fc.constantFrom<unknown>("node_", "node_A", null, 7, org));
  const batch = fc
    .tuple(sender, records, fc.option(fc.constantFrom("x", "__proto__"), { nil: null }))
    .map(([from, list, extra]) =>
      Object.fromEntries<unknown>([
        ["node", from],
        ["records", list],
        ...(extra === null ? [] : [[extra, 1] as const]),
      ]),
    );
  fc.assert(
    fc.property(batch, (json) => {
      expect(readUsageBatch(json)).toStrictEqual(UsageBatch.safeParse(json).data ?? null);
    }),
    { numRuns: 1_000 },
  );
});
