import { runDurableObjectAlarm } from "cloudflare:test";
import { beforeAll, expect, test } from "vitest";
import type { OrgId } from "#edge/agreements/tokens/ids.ts";
import { keyRetentionMs } from "#edge/limits.ts";
import {
  freshHold,
  granted,
  keyId,
  keyRecord,
  makeRecord,
  makeRequest,
  noon,
} from "#test/contracts/ledger/ledger-fixtures.ts";
import { rewriteInFormat3, rewriteInOldFormat } from "#test/contracts/ledger/ledger-old-format.ts";
import { insides, migrate, openStub, openWith, readAlarm, readState } from "../ledger-world.ts";

beforeAll(migrate);

const usage = { promptTokens: 10, cachedTokens: 0, completionTokens: 7, responseId: "chatcmpl-old" };

/** A hold as the version before 2026-11-29 stored it. */
function makeOldHold(org: OrgId, id: string, noted: typeof usage | null) {
  return {
    id,
    key: keyId(org, 1),
    isKeyBooked: true,
    endpoint: "chat.completions",
    model: "small",
    tier: "shared",
    price: { promptMicrosPerMTok: 1_000_000, completionMicrosPerMTok: 2_000_000 },
    promptTokens: 10,
    completionTokens: 20,
    choices: 1,
    admittedAtMs: noon,
    expiresAtMs: noon + 930_000,
    idempotency: null,
    noted,
  };
}

const makeOldClosing = (hold: string, end: string, charged: typeof usage) => ({
  hold,
  end,
  charged,
  costMicros: charged.promptTokens + 2 * charged.completionTokens,
  atMs: noon,
  endedAtMs: noon,
});

/** An object whose SQLite an older version filled, and that starts now. */
async function openOld() {
  const opened = await openWith();
  const { org, restart } = opened;
  const [open = "", ended = "", expired = ""] = [freshHold(), freshHold(), freshHold()];
  const rest = { ...usage, promptTokens: 0, completionTokens: 5 };
  const rows = [
    { seq: 1, hold: makeOldHold(org, open, usage), end: null, closing: null },
    { seq: 2, hold: makeOldHold(org, ended, usage), end: 4, closing: makeOldClosing(ended, "cut", usage) },
    { seq: 3, hold: makeOldHold(org, expired, usage), end: 5, closing: makeOldClosing(expired, "expired", usage) },
    {
      seq: 6,
      hold: makeOldHold(org, expired, usage),
      end: 6,
      closing: makeOldClosing(expired, "corrected", rest),
    },
  ];
  const insert = `INSERT INTO holds (seq, id, hold, end_seq, "end", ended_at_ms, closing) VALUES (?, ?, ?, ?, ?, ?, ?)`;
  await insides(org, (_, { storage }) => {
    rewriteInOldFormat(storage.sql);
    for (const { seq, hold, end, closing } of rows) {
      const id = seq === end ? `${hold.id}:late` : hold.id;
      const closed = closing ? [end, closing.end, closing.atMs, JSON.stringify(closing)] : [null, null, null, null];
      storage.sql.exec(insert, seq, id, JSON.stringify(hold), ...closed);
    }
  });
  await restart();
  return { ...opened, open, ended, expired };
}

const readFormat = (org: OrgId) =>
  insides(org, (_, { storage }) => storage.sql.exec("SELECT version FROM format").toArray());

test("an older version's holds stay held, a late row counts once, ends have today's names", async () => {
  const { ledger, org, expired, ended, open, usage: bill } = await openOld();
  const state = await readState(org);
  expect(Object.keys(state.holds)).toEqual([open]);
  expect(state.holds[open]).toMatchObject({ checkpoint: usage });
  expect(state.holds[open]).not.toHaveProperty("noted");
  // One open hold of 30 tokens; 17 of the ended one; 17 of the expired one and the 5 that came late.
  expect(state.counters["org"]).toMatchObject({
    open: 1,
    day: { requests: { held: 1, settled: 2 }, tokens: { held: 30, settled: 39 } },
    month: { cost: { held: 50, settled: 24 + 24 + 10 } },
  });
  expect(state.counters[keyId(org, 1)]).toEqual(state.counters["org"]);
  const again = await ledger.settle(
    org,
    [ended, expired].map((hold) => makeRecord(org, hold)),
  );
  expect(again.map(({ result }) => result)).toEqual(["repeated", "repeated"]);
  const rows = (await bill()).map(({ id, end, completionTokens }) => ({ id, end, completionTokens }));
  expect(
    rows.toSorted((one, other) => one.completionTokens - other.completionTokens || one.id.localeCompare(other.id)),
  ).toEqual([
    { id: `${expired}:late`, end: "adjusted", completionTokens: 5 },
    { id: ended, end: "cancelled", completionTokens: 7 },
    { id: expired, end: "expired", completionTokens: 7 },
  ]);
});

test("an older version's checkpoint is what expiry charges, and a late record adds the rest", async () => {
  const { ledger, org, open, clock, usage: bill } = await openOld();
  clock.advance(930_000);
  await ledger.inspect(org);
  expect(await ledger.settle(org, [makeRecord(org, open)])).toMatchObject([{ result: "adjusted" }]);
  const rows = (await bill()).filter(({ hold }) => hold === open);
  expect(rows.map(({ end, completionTokens }) => [end, completionTokens])).toEqual([
    ["expired", 7],
    ["adjusted", 13],
  ]);
});

test("it is done once: a second start finds today's format, and a snapshot is read as before", async () => {
  const { org, restart } = await openOld();
  expect(await readFormat(org)).toEqual([{ version: 4 }]);
  await runDurableObjectAlarm(openStub(org));
  const before = await readState(org);
  await restart();
  expect([await readState(org), await readFormat(org)]).toEqual([before, [{ version: 4 }]]);
  // The same with a snapshot and the rows before it in the old format.
  await insides(org, (_, { storage }) => rewriteInOldFormat(storage.sql));
  await restart();
  expect(await readState(org)).toEqual(before);
});

test("a journal that a newer version wrote is not guessed at: the object refuses every call", async () => {
  const { ledger, org, restart } = await openWith();
  await insides(org, (_, { storage }) => void storage.sql.exec("UPDATE format SET version = 5"));
  await expect(restart().then(() => ledger.admit(makeRequest(org)))).rejects.toThrow("newer than 4");
});

test("of keys that ended before format 3 it is planned when they leave, and then they leave", async () => {
  const { ledger, org, clock, restart } = await openWith();
  granted(await ledger.admit(makeRequest(org, { ttlMs: 1_000 })));
  await ledger.publish(keyRecord(org, 1, { isRevoked: true, version: 2, limits: { tokensPerDay: 5 } }));
  await ledger.publish(keyRecord(org, 2, { expiresAtMs: noon + 60_000, limits: { tokensPerDay: 5 } }));
  await insides(org, (_, { storage }) => {
    rewriteInFormat3(storage.sql);
    storage.sql.exec("ALTER TABLE records DROP COLUMN leaves_at_ms");
    storage.sql.exec("DROP TABLE left_keys");
    storage.sql.exec("UPDATE format SET version = 2");
  });
  await restart();
  const { keys, leaving } = await readState(org);
  expect(Object.keys(keys)).toEqual([keyId(org, 1), keyId(org, 2)]);
  expect(leaving).toEqual({
    [keyId(org, 1)]: noon + keyRetentionMs,
    [keyId(org, 2)]: noon + 60_000 + keyRetentionMs,
  });
  // An object that nobody asks wakes for it.
  await insides(org, (_, { storage }) => storage.deleteAlarm());
  await restart();
  expect(await readAlarm(org)).toBe(noon + 1_000);
  clock.set(noon + 60_000 + keyRetentionMs);
  await runDurableObjectAlarm(openStub(org));
  expect((await readState(org)).keys).toEqual({});
  const left = await insides(org, (_, { storage }) => storage.sql.exec("SELECT id, version FROM left_keys").toArray());
  expect(left).toEqual([
    { id: keyId(org, 1), version: 2 },
    { id: keyId(org, 2), version: 1 },
  ]);
});
