import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { expect, test } from "vitest";
import { SqliteJournal } from "#edge/adapters/durable-object/ledger/ledger-journal.ts";
import { createCounters } from "#edge/ledger/counters.ts";
import { LedgerCore } from "#edge/ledger/core.ts";
import type { Ledger, UsageRow } from "#edge/ledger/port.ts";
import { endedRetentionMs, keyRetentionMs } from "#edge/limits.ts";
import type { KeyRecord } from "#edge/agreements/records/key.ts";
import type { OrgId } from "#edge/agreements/tokens/ids.ts";
import { testClock } from "#test/support/fakes/clock.ts";
import { ledgerContract } from "./ledger-contract.ts";
import { rewriteInOldFormat } from "./ledger-old-format.ts";
import { makeRequest, freshHold, freshOrg, keyId, keyRecord, noon, orgRecord, makeRecord } from "./ledger-fixtures.ts";

/**
 * The journal of the Durable Object over Node's own SQLite, without the object around it. What it promises inside
 * workerd is tested there (`test/edge/adapters/durable-object`); here a restart costs nothing, so each history has
 * many, and each must give back the very same state.
 */
function sqlStorage(): SqlStorage {
  const database = new DatabaseSync(":memory:");
  const exec = (query: string, ...bindings: unknown[]) => {
    // A schema is several statements: those have no rows, and only `exec` takes them.
    const isSchema = bindings.length === 0 && query.includes("CREATE TABLE");
    if (isSchema) database.exec(query);
    const rows = isSchema ? [] : database.prepare(query).all(...(bindings as SQLInputValue[]));
    return { toArray: () => rows, one: () => rows[0], [Symbol.iterator]: () => rows.values() };
  };
  return { exec } as SqlStorage;
}

function openJournal(org: OrgId) {
  const sql = sqlStorage();
  let journal = new SqliteJournal(sql);
  let core = new LedgerCore(journal.restore(), journal);
  /** With a snapshot or, as in a crash, without; by an upgrade from the format before or not. */
  const restart = (isKept: boolean, isUpgrade = false) => {
    if (isKept) journal.compact(core.state);
    if (isUpgrade) rewriteInOldFormat(sql);
    const before = { state: core.state, outboxRows: journal.outboxRows };
    journal = new SqliteJournal(sql);
    core = new LedgerCore(journal.restore(), journal);
    // An old journal does not say when keys leave: the time is counted from the last booking.
    const { leaving } = before.state;
    if (isUpgrade) expect(Object.keys(core.state.leaving)).toEqual(Object.keys(leaving));
    expect({ ...core.state, leaving: isUpgrade ? leaving : core.state.leaving }).toEqual(before.state);
    if (isKept) expect(journal.outboxRows).toBe(before.outboxRows);
  };
  const bill = new Map<string, UsageRow>();
  /** Takes one batch, as D1 would, and says how many rows it had. */
  const drain = () => {
    const batch = journal.readOutbox(org);
    for (const row of batch?.rows ?? []) bill.set(row.id, row);
    if (batch) journal.markDrained(batch.seq, batch.rows.length);
    return batch?.rows.length ?? 0;
  };
  const count = (table: string) =>
    Number(sql.exec<{ rows: number }>(`SELECT count(*) AS rows FROM ${table}`).one().rows);
  const hasFormat = () => sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'format'").toArray().length > 0;
  return { sql, bill, restart, drain, count, hasFormat, journal: () => journal, core: () => core };
}

ledgerContract(
  "journal",
  async (startMs) => {
    const org = freshOrg();
    const clock = testClock(startMs);
    const own = openJournal(org);
    const { journal, drain, bill, hasFormat } = own;
    const journals = new Map([[org, own]]);
    const of = (any: OrgId) => {
      const opened = journals.get(any) ?? openJournal(any);
      journals.set(any, opened);
      return opened;
    };
    let restarts = 0;
    const restart = () => own.restart(restarts % 2 === 1, ++restarts % 3 !== 0 && hasFormat());
    const settle: Ledger["settle"] = async (org, records) => of(org).core().settle(org, records, clock.now());
    const ledger: Ledger = {
      admit: async (ask) => of(ask.org).core().commit(of(ask.org).core().evaluate(ask, clock.now())),
      introspect: async (credential) => of(credential.org).core().introspect(credential, clock.now()),
      settle,
      settleAll: (batches) => Promise.allSettled(batches.map(({ org, records }) => settle(org, records))),
      release: async (org, hold, mayRun = false) => of(org).core().release(hold, mayRun, clock.now()),
      publish: async (record) =>
        of(record.kind === "org" ? record.id : record.org)
          .core()
          .publish(record, clock.now()),
      inspect: async (org) => of(org).core().inspect(clock.now(), of(org).journal().outboxRows),
    };
    const usage = async () => {
      restart();
      while (journal().readOutbox(org)) drain();
      expect(journal().outboxRows).toBe(0);
      return [...bill.values()];
    };
    return { ledger, clock, org, restart: async () => restart(), usage };
  },
  { numRuns: 150, maxCommands: 80 },
);

/** Calls that are admitted, and settled in the same order. */
function settled(org: OrgId, calls: number) {
  const opened = openJournal(org);
  opened.core().publish(orgRecord(org, {}), noon);
  opened.core().publish(keyRecord(org, 1), noon);
  for (let i = 0; i < calls; i++) {
    const hold = freshHold();
    opened
      .core()
      .commit(
        opened
          .core()
          .evaluate(
            makeRequest(org, { hold, idempotency: { key: String(i).padStart(64, "a"), body: "b".repeat(64) } }),
            noon,
          ),
      );
    opened.core().settle(org, [makeRecord(org, hold)], noon);
  }
  return opened;
}

test("the bill leaves in batches of at most 500, oldest first; what was confirmed does not come again", () => {
  const org = freshOrg();
  const { journal, drain, restart, bill } = settled(org, 1_100);
  expect([drain(), journal().outboxRows, drain(), journal().outboxRows]).toEqual([500, 600, 500, 100]);
  const last = journal().readOutbox(org);
  journal().markDrained(1, 500);
  expect([last?.rows.length, journal().outboxRows]).toEqual([100, 100]);
  restart(true);
  expect([drain(), drain(), journal().outboxRows]).toEqual([100, 0, 0]);
  // A crash before the next snapshot: D1 is told again, and knows them by id.
  restart(false);
  expect([journal().outboxRows, drain(), drain()]).toEqual([100, 100, 0]);
  const holds = [...bill.keys()];
  expect(holds).toEqual(holds.toSorted());
});

test("what ended a week ago and is in D1 is forgotten, a thousand at a time; what D1 does not have is kept", () => {
  const org = freshOrg();
  const { core, journal, drain, count } = settled(org, 1_600);
  for (let i = 0; i < 3; i++) drain();
  const later = (ms: number) => {
    const hold = freshHold();
    core().commit(core().evaluate(makeRequest(org, { hold }), ms));
    core().release(hold, false, ms);
    journal().compact(core().state);
    return count("holds");
  };
  expect(later(noon + endedRetentionMs - 1)).toBe(1_601);
  expect(later(noon + endedRetentionMs)).toBe(602);
  expect(later(noon + endedRetentionMs + 1)).toBe(103);
  expect(later(noon + endedRetentionMs + 2)).toBe(104);
  drain();
  expect(later(noon + endedRetentionMs + 3)).toBe(5);
});

test("what a crash left without a snapshot gets one; a journal that nobody wrote to keeps nothing", () => {
  const { core, journal, count, restart } = settled(freshOrg(), 1);
  restart(false);
  expect(count("snapshot")).toBe(0);
  journal().compact(core().state);
  expect(count("snapshot")).toBe(1);
  const unborn = openJournal(freshOrg());
  unborn.journal().compact(unborn.core().state);
  expect(unborn.count("sqlite_master")).toBe(0);
});

test("a snapshot is written in parts of a million characters, and a restart reads all of them", () => {
  const org = freshOrg();
  const { core, journal, count, restart, sql } = settled(org, 2);
  for (let i = 0; i < 9_000; i++) core().state.counters[`key_${i}`] = createCounters();
  journal().compact(core().state);
  expect(count("snapshot")).toBeGreaterThan(2);
  expect(sql.exec<{ most: number }>("SELECT max(length(body)) AS most FROM snapshot").one().most).toBe(1_000_000);
  restart(false);
  sql.exec("DELETE FROM snapshot");
  journal().compact(core().state);
  expect(count("snapshot")).toBe(0);
});

test("a key that has left leaves its version and nothing else; its lineage's counters go with the last key", () => {
  const org = freshOrg();
  const { core, count, restart, sql } = openJournal(org);
  const limits = { requestsPerDay: 9 };
  const publish = (n: number, fields: Partial<KeyRecord>) => core().publish(keyRecord(org, n, fields), noon);
  const lineage = keyId(org, 1);
  const owners = () => Object.keys(core().state.counters).toSorted();
  core().publish(orgRecord(org, {}), noon);
  for (const n of [1, 2, 3]) publish(n, { limits, ...(n === 2 && { lineage }) });
  for (const n of [1, 2, 3]) {
    const hold = freshHold();
    core().commit(core().evaluate(makeRequest(org, { hold, key: keyId(org, n) }), noon));
    core().settle(org, [makeRecord(org, hold)], noon);
  }
  const late = freshHold();
  core().commit(core().evaluate(makeRequest(org, { hold: late, key: keyId(org, 3) }), noon));
  const ranges = Array.from({ length: 100 }, () => ({ from: "0".repeat(32), to: "f".repeat(32) }));
  publish(1, { limits, isRevoked: true, version: 2, ipRanges: ranges });
  publish(3, { limits, isRevoked: true, version: 7 });
  // What a revoked key might do nobody asks: a hundred ranges are gone at once.
  expect(JSON.stringify(core().state.keys[lineage]).length).toBeLessThan(500);
  const atMs = noon + keyRetentionMs;
  expect(
    core()
      .inspect(atMs, 0)
      ?.windows.filter(({ of }) => of !== "org"),
  ).toMatchObject([{ of: keyId(org, 2) }]);
  expect([count("records"), owners()]).toEqual([2, ["org", lineage].toSorted()]);
  // A late word on a call of the one that left is billed, and makes no counters anew.
  expect(core().settle(org, [makeRecord(org, late)], atMs)).toEqual([{ hold: late, result: "adjusted" }]);
  expect(owners()).toEqual(["org", lineage].toSorted());
  restart(false);
  restart(true);
  const left = sql.exec<{ id: string; version: number }>("SELECT id, version FROM left_keys ORDER BY id").toArray();
  expect(left.map(({ id, version }) => [id, version])).toEqual([
    [keyId(org, 1), 2],
    [keyId(org, 3), 7],
  ]);
  core().publish(keyRecord(org, 2, { limits, lineage, isRevoked: true, version: 2 }), atMs);
  core().inspect(atMs + keyRetentionMs, 0);
  expect([count("records"), owners(), core().state.leaving]).toEqual([1, ["org"], {}]);
  restart(false);
  core().publish(keyRecord(org, 1, { version: 3 }), atMs + keyRetentionMs);
  expect(count("left_keys")).toBe(2);
});

test("what an old journal says of ended keys is planned once, from the last booking on", () => {
  const org = freshOrg();
  const { core, restart, sql } = settled(org, 1);
  core().publish(keyRecord(org, 2, { isRevoked: true }), noon + 5_000);
  core().publish(keyRecord(org, 3, { expiresAtMs: noon + 9_000 }), noon + 5_000);
  restart(true, true);
  const planned = { [keyId(org, 2)]: noon + keyRetentionMs, [keyId(org, 3)]: noon + 9_000 + keyRetentionMs };
  expect(core().state.leaving).toEqual(planned);
  const hold = freshHold();
  core().commit(core().evaluate(makeRequest(org, { hold }), noon + 60_000));
  restart(false);
  expect(core().state.leaving).toEqual(planned);
  expect(sql.exec("SELECT version FROM format").toArray()).toEqual([{ version: 3 }]);
});
